"""From Milvus to a directory, and the comparison of both."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from lookalike.errors import CollectionError, printable
from lookalike.index.items import Items
from lookalike.methods.factory import make
from lookalike.milvus.catalogue import MilvusCatalogue
from lookalike.milvus.index import joined
from lookalike.milvus.publish import IDENTITY, MigrateReport, entries, published_at
from lookalike.milvus.records import Entry
from lookalike.milvus.server import MOST, Server
from lookalike.milvus.tables import packed
from lookalike.progress import Progress
from lookalike.search.segments import seal_all
from lookalike.store.directory import Store
from lookalike.store.methods import StoredMethod
from lookalike.store.schema import SUMMED
from lookalike.store.view import View

_PICTURES = 1024  # taken over in one transaction
_RATHER = 64  # descriptors asked for at once


def fetch(server: Server, store: Store, progress: Callable[[Progress], None]) -> MigrateReport:
    """Fill a directory with the collection that Milvus holds; the caller holds its writer's lock.

    Ids stay. Interrupted, it goes on with the same directory, which counts as a copy only when all checksums were
    compared. Raises CollectionError, and changes nothing, for a directory that holds something else or something
    older, and when there is no collection at the address.
    """
    remote, report = MilvusCatalogue(server), MigrateReport()
    view, state = remote.view(), remote.state(strong=True) or {}
    there = _already(remote, store, state, view)
    with store.catalogue.transaction():
        store.catalogue.remember(IDENTITY, state["identity"])
        for method in view.methods.values():
            if method.name not in store.catalogue.methods():
                store.catalogue.restore_method(method)
    for low in range(0, view.newest + 1, _PICTURES):
        page = remote.entries(f"id >= {low} and id < {low + _PICTURES}")
        if new := [entry for entry in page if entry.record.id not in there]:
            _take(store, server, remote, new, report)
        progress(Progress("taking over", min(report.records, view.pictures), view.pictures))
    with store.catalogue.transaction():
        for key, value in remote.facts().items():
            store.catalogue.remember(key, value)
    store.catalogue.remember_roots(remote.roots())
    seal_all(store, {name: make(name, stored.params) for name, stored in store.catalogue.methods().items()})
    report.compared = compare(server, store)
    with store.catalogue.transaction():
        store.catalogue.remember(published_at(server), [state["stamp"]])
    return report


def _already(remote: MilvusCatalogue, store: Store, state: dict[str, Any], view: View) -> set[int]:
    """The ids that a directory has from an interrupted run. CollectionError when it has anything else, or otherwise."""
    known, newest = store.catalogue.fact(IDENTITY), store.view().newest
    if known != state["identity"] and (known is not None or store.catalogue.methods() or newest):
        raise CollectionError(f"{printable(store.directory)} holds another collection: name a new directory")
    found: set[int] = set()
    same = not store.catalogue.counts()["removed"]
    for low in range(0, newest + 1, MOST):
        sums = {entry.record.id: entry.sum for entry in entries(store, low, low + MOST)}
        condition = f"id >= {low} and id < {low + MOST}"
        rows = remote.server.query(remote.tables.records, condition, ["id", "sum"], strong=True)
        same = same and sums.items() <= {row["id"]: row["sum"] for row in rows}.items()
        found.update(sums)
    if not same:
        place = printable(store.directory)
        raise CollectionError(f"{place} is an older copy, or one that was changed itself: name a new directory")
    return found


def compare(server: Server, store: Store) -> int:
    """How many records and descriptors are the same in both; CollectionError when any is missing or different."""
    remote, view, compared = MilvusCatalogue(server), store.view(), 0
    newest = max(view.newest, (remote.state(strong=True) or {"newest": 0})["newest"])
    here = {stored.name: _items(store, stored) for stored in view.methods.values()}
    for low in range(0, newest + 1, MOST):
        condition = f"id >= {low} and id < {low + MOST}"
        wanted = {entry.record.id: entry.sum for entry in entries(store, low, low + MOST)}
        compared += _compared(server, remote.tables.records, condition, wanted, "records")
        for name, stored in view.methods.items():
            items = here[name]
            ids = np.setdiff1d(items.ids[(items.ids >= low) & (items.ids < low + MOST)], items.dead)
            sums: dict[int, int] = {}
            for start in range(0, len(ids), _PICTURES):
                places = items.positions(ids[start : start + _PICTURES])
                rows = items.take(places)
                sums |= {int(items.ids[at]): _sum(rows[number]) for number, at in enumerate(places)}
            compared += _compared(server, remote.tables.of(stored), condition, sums, name)
    return compared


def _compared(server: Server, table: str, condition: str, wanted: dict[int, int], what: str) -> int:
    rows = server.query(table, condition, ["id", "sum"], strong=True)
    found = {row["id"]: row["sum"] for row in rows}
    if found != wanted:
        differ = sum(found.get(id_) != sum_ for id_, sum_ in wanted.items()) + len(set(found) - set(wanted))
        raise CollectionError(f"{server.address}: {differ} {what} are not as in the directory: migrate again")
    return len(found)


def _sum(row: Any) -> int:
    return zlib.crc32(np.ascontiguousarray(row).tobytes())


def _items(store: Store, stored: StoredMethod) -> Items[Any]:
    matrix = store.matrix(stored)
    return Items(matrix.ids(), matrix, store.view().tombstones)


def _take(store: Store, server: Server, remote: MilvusCatalogue, new: list[Entry], report: MigrateReport) -> None:
    """Some pictures, all or none."""
    ids = [entry.record.id for entry in new]
    methods = store.catalogue.methods()
    described = dict.fromkeys(ids, 0)
    with store.catalogue.transaction() as sql:
        for name, stored in methods.items():
            rows = _rows(server, remote.tables.of(stored), stored, ids)
            if rows:
                here = np.array(sorted(rows), np.int64)
                held = joined([rows[id_] for id_ in here.tolist()], stored.layout)
                extent = store.files(stored).append(stored.extent, here, held)
                store.catalogue.commit_extent(stored, extent)
            for id_ in rows:
                described[id_] |= stored.bit
            report.descriptors[name] = report.descriptors.get(name, 0) + len(rows)
        gaps = [
            (entry.record.id, methods[name].id, reason)
            for entry in new
            for name, reason in entry.gaps.items()
            if name in methods
        ]
        for id_, number, _ in gaps:
            described[id_] |= 1 << number
        marks = ", ".join("?" * len(SUMMED["images"]))
        columns = ", ".join(SUMMED["images"])
        values = [_values(entry, described[entry.record.id]) for entry in new]
        sql.executemany(f"INSERT INTO images ({columns}) VALUES ({marks})", values)
        sql.executemany("INSERT INTO gaps (image, method, reason) VALUES (?, ?, ?)", gaps)
    report.records += len(new)


def _rows(server: Server, table: str, stored: StoredMethod, ids: list[int]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for start in range(0, len(ids), _RATHER):
        asked = f"id in {ids[start : start + _RATHER]}"
        for row in server.query(table, asked, ["id", "row", "sum"]):
            found[row["id"]] = packed(stored.layout, row["row"], row["sum"])
    return found


def _values(entry: Entry, described: int) -> tuple[Any, ...]:
    one = entry.record
    return (
        *(one.id, os.fsencode(one.path), printable(one.path), bytes.fromhex(one.sha256) if one.sha256 else None),
        *(one.bytes, one.mtime_ns, one.format, one.width, one.height, one.taken, one.camera),
        *(one.latitude, one.longitude, one.caption, one.status, one.reason, described),
    )
