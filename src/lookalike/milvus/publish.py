"""From a directory to Milvus: whatever of it is not there yet, or not as it is here.

A picture's descriptors are written before its record, and deleted after it, so what can be found is whole. Interrupted
at any point, the next call goes on: it compares ids and checksums, and writes what differs.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from lookalike.arrays.rows import Ids, Ragged
from lookalike.errors import CollectionError, printable
from lookalike.index.base import IndexKind
from lookalike.index.items import Items
from lookalike.index.keypoints import KeypointKind
from lookalike.methods.factory import make
from lookalike.milvus.catalogue import (
    FAR,
    FORMAT,
    REMEMBERED,
    ROOTS,
    STATE,
    MilvusCatalogue,
    fact_rows,
    method_json,
)
from lookalike.milvus.records import Entry, Keys
from lookalike.milvus.server import MOST, Server, Table
from lookalike.milvus.tables import (
    LONGEST,
    NO_INDEX,
    descriptor_fields,
    descriptor_rows,
    fact_fields,
    keypoint_fields,
    keypoint_keys,
    keypoint_rows,
    record_fields,
    vectors_of,
)
from lookalike.progress import Progress
from lookalike.store.directory import Store
from lookalike.store.methods import StoredMethod
from lookalike.store.view import View

IDENTITY = "identity"
PUBLISHED = "published"
"""Facts of a directory: which collection it is, and by which stamps it knows what it has written where."""
_PICTURES = 256  # descriptors written at once
_MANY = 50  # new descriptors of a method that are worth waiting for until Milvus has indexed them
_KEPT = ("ok", "failed", "skipped")


@dataclass(slots=True)
class MigrateReport:
    """What was written: records, descriptors by method; deleted: records that are gone; compared: records and
    descriptors whose checksums were compared at the end, 0 where none were."""

    records: int = 0
    descriptors: dict[str, int] = field(default_factory=dict)
    deleted: int = 0
    compared: int = 0
    seconds: float = 0.0

    @property
    def changed(self) -> bool:
        """Whether anything was written."""
        return bool(self.records or self.deleted or any(self.descriptors.values()))


@dataclass(frozen=True, slots=True)
class _Method:
    """A method as the directory has it, and its tables."""

    stored: StoredMethod
    kind: IndexKind[Any, Any]
    items: Items[Any]
    table: str
    keypoints: str

    @property
    def voting(self) -> KeypointKind | None:
        """Its kind, when it has a table of keypoints as well."""
        return self.kind if isinstance(self.kind, KeypointKind) else None

    @property
    def tables(self) -> list[str]:
        """Names of all that it has."""
        return [self.table, self.keypoints] if self.voting else [self.table]

    @property
    def ids(self) -> Ids:
        """Of pictures that can be found, ascending."""
        return np.setdiff1d(self.items.ids, self.items.dead)


def publish(store: Store, server: Server, progress: Callable[[Progress], None]) -> MigrateReport:
    """Make what Milvus holds equal to a directory; the caller holds its writer's lock.

    Raises CollectionError when there is another collection at the address, or one that somebody else has written to
    since this directory was its copy.
    """
    return _Publishing(store, server, progress).run()


class _Publishing:
    def __init__(self, store: Store, server: Server, progress: Callable[[Progress], None]) -> None:
        self.store, self.server, self.progress = store, server, progress
        self.remote = MilvusCatalogue(server)
        self.tables = self.remote.tables
        self.view: View = store.view()
        self.report = MigrateReport()

    def run(self) -> MigrateReport:
        refuse_learned(self.store, self.view)
        state = self._begun()
        methods = [self._method(stored) for stored in self.view.methods.values()]
        self._prepare(methods, state)
        newest = max(state["newest"], self.view.newest)
        extra = {one.table: self._descriptors(one, newest) for one in methods}
        self._records(newest)
        for one in methods:
            self._delete(one, extra[one.table])
        facts = self._facts(methods)
        held = [method_json(one.stored, len(one.ids)) for one in methods]
        if self.report.changed or facts or held != state["methods"]:
            self._finish(state, methods, held)
        return self.report

    # -- what there is

    def _begun(self) -> dict[str, Any]:
        """The state to start from. Whoever wrote last is the only one who may write."""
        identity = identity_of(self.store)
        state = self.remote.state(strong=True)
        if state is None:
            self.server.create([Table(self.tables.facts, fact_fields(data_types()), NO_INDEX)])
            stamp = uuid.uuid4().hex
            state = {"format": FORMAT, "identity": identity, "revision": 0, "stamp": stamp}
            state |= {"methods": [], "pictures": 0, "newest": 0}
            self._remember([stamp])
            self.server.upsert(self.tables.facts, fact_rows(STATE, state, LONGEST))
            return state
        place = printable(self.store.directory)
        if state["identity"] != identity:
            raise CollectionError(f"{self.server.address} holds another collection than {place}: choose another name")
        if state["stamp"] not in self._stamps():
            raise CollectionError(
                f"{self.server.address} was written from another copy than {place}: take it from there with "
                f"`lookalike migrate --from {self.server.address} --to NEW`, or remove its tables"
            )
        return state

    def _method(self, stored: StoredMethod) -> _Method:
        kind = make(stored.name, stored.params).index_kind()
        matrix = self.store.matrix(stored)
        items: Items[Any] = Items(matrix.ids(), matrix, self.view.tombstones)
        return _Method(stored, kind, items, self.tables.of(stored), self.tables.keypoints(stored))

    # -- writing

    def _prepare(self, methods: list[_Method], state: dict[str, Any]) -> None:
        """All tables; those of a method that had other parameters are made anew."""
        kinds, before = data_types(), {one["name"]: one["params"] for one in state["methods"]}
        tables = [Table(self.tables.records, record_fields(kinds), NO_INDEX)]
        for one in methods:
            if before.get(one.stored.name, one.stored.params) != one.stored.params:
                for name in one.tables:
                    self.server.drop(name)
            index = vectors_of(one.kind).index
            if one.voting:
                tables.append(Table(one.keypoints, keypoint_fields(kinds, one.voting), index))
                index = NO_INDEX
            tables.append(Table(one.table, descriptor_fields(kinds, one.kind), index))
        self.server.create(tables)

    def _descriptors(self, method: _Method, newest: int) -> Ids:
        """Write the missing ones; those that are too many there."""
        there = ids_there(self.server, method.table, newest)
        missing = np.setdiff1d(method.ids, there)
        done = 0
        for start in range(0, len(missing), _PICTURES):
            self._write(method, missing[start : start + _PICTURES])
            done = min(len(missing), start + _PICTURES)
            self.progress(Progress(f"writing {method.stored.name}", done, len(missing)))
        self.report.descriptors[method.stored.name] = done
        return np.setdiff1d(there, method.ids)

    def _write(self, method: _Method, ids: Ids) -> None:
        places = method.items.positions(ids)
        rows = method.items.take(places)
        here = method.items.ids[places]
        described = descriptor_rows(method.kind, here, rows)
        if method.voting and isinstance(rows, Ragged):
            self.server.upsert(method.keypoints, keypoint_rows(method.voting, here, rows))
        self.server.upsert(method.table, described)

    def _delete(self, method: _Method, ids: Ids) -> None:
        self.server.delete(method.table, ids.tolist())
        if method.voting:
            for start in range(0, len(ids), _PICTURES):
                self.server.delete(method.keypoints, keypoint_keys(method.voting, ids[start : start + _PICTURES]))

    def _records(self, newest: int) -> None:
        keys, total = Keys(), self.view.pictures
        for low in range(0, newest + 1, MOST):
            condition = f"id >= {low} and id < {low + MOST}"
            rows = self.server.query(self.tables.records, condition, ["id", "sum"], strong=True)
            there = {row["id"]: row["sum"] for row in rows}
            changed, here = [], set()
            for entry in entries(self.store, low, low + MOST):
                here.add(entry.record.id)
                if there.get(entry.record.id) != entry.sum:
                    changed.append(entry)
            for start in range(0, len(changed), _PICTURES):
                self.server.upsert(self.tables.records, keys.rows(changed[start : start + _PICTURES]))
                self.report.records += len(changed[start : start + _PICTURES])
                self.progress(Progress("writing records", min(self.report.records, total), total))
            gone = sorted(set(there) - here)
            self.server.delete(self.tables.records, gone)
            self.report.deleted += len(gone)

    def _facts(self, methods: list[_Method]) -> bool:
        """Write what the collection remembers; whether any of it was new."""
        catalogue = self.store.catalogue
        told = {REMEMBERED + key: value for key, value in catalogue.facts().items() if not key.startswith(PUBLISHED)}
        told[ROOTS] = catalogue.roots()
        for one in methods:
            if one.voting:
                told[FAR + one.stored.name] = one.voting.far(one.items.block(0, min(_PICTURES, one.items.size)))
        wanted = {row["key"]: row for key, value in told.items() for row in fact_rows(key, value, LONGEST)}
        rows = self.server.query(self.tables.facts, f'name != "{STATE}"', ["key", "value"], strong=True)
        there = {row["key"]: row["value"] for row in rows}
        new = [row for key, row in wanted.items() if there.get(key) != row["value"]]
        self.server.upsert(self.tables.facts, new)
        self.server.delete(self.tables.facts, sorted(set(there) - set(wanted)))
        return bool(new or set(there) - set(wanted))

    def _finish(self, state: dict[str, Any], methods: list[_Method], held: list[dict[str, Any]]) -> None:
        stamp = uuid.uuid4().hex
        self._remember([state["stamp"], stamp])
        new = [name for one in methods if self.report.descriptors[one.stored.name] >= _MANY for name in one.tables]
        self.server.settle(new, partial(self._told, "indexing"))
        after = state | {"revision": state["revision"] + 1, "stamp": stamp, "methods": held}
        after |= {"pictures": self.view.pictures, "newest": self.view.newest}
        self.server.upsert(self.tables.facts, fact_rows(STATE, after, LONGEST))

    def _told(self, doing: str, done: int, total: int) -> None:
        self.progress(Progress(doing, done, total))

    def _stamps(self) -> list[str]:
        return list(self.store.catalogue.fact(published_at(self.server)) or ())

    def _remember(self, stamps: list[str]) -> None:
        with self.store.catalogue.transaction():
            self.store.catalogue.remember(published_at(self.server), stamps)


def published_at(server: Server) -> str:
    """Under which key a directory remembers what it has written to a server."""
    return f"{PUBLISHED} {server.address}"


def identity_of(store: Store) -> str:
    """Which collection this is, wherever it is copied; the caller holds the writer's lock."""
    known = store.catalogue.fact(IDENTITY)
    if isinstance(known, str):
        return known
    made = uuid.uuid4().hex
    with store.catalogue.transaction():
        store.catalogue.remember(IDENTITY, made)
    return made


def refuse_learned(store: Store, view: View) -> None:
    """CollectionError for what was learned from captions: it is kept in files."""
    if any(stored.params.get("learned") for stored in view.methods.values()):
        raise CollectionError(
            f"{printable(store.directory)} has learned from captions, which Milvus cannot keep: "
            "`lookalike learn --forget` first"
        )


def entries(store: Store, low: int, high: int) -> Iterator[Entry]:
    """What a directory knows of its files, by ascending id from low to high - 1; what was removed is left out."""
    gaps = store.catalogue.gaps_between(low, high)
    records = store.catalogue.records(range(low, high))
    for id_ in sorted(records):
        if records[id_].status in _KEPT:
            yield Entry(records[id_], gaps.get(id_, {}))


def ids_there(server: Server, table: str, newest: int) -> Ids:
    """All keys of a table of pictures, ascending."""
    found: list[int] = []
    for low in range(0, newest + 1, MOST):
        rows = server.query(table, f"id >= {low} and id < {low + MOST}", ["id"], strong=True)
        found += [row["id"] for row in rows]
    return np.sort(np.array(found, np.int64))


def data_types() -> Any:
    """What columns of Milvus are made of."""
    from pymilvus import DataType

    return DataType
