"""Keeping a collection in order: space of removed pictures freed, damage repaired, each in one transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from lookalike.arrays.files import verify_arrays
from lookalike.arrays.rows import Ids, Rows
from lookalike.store.matrix import Extent, Items, MatrixFiles, Survey
from lookalike.store.methods import StoredMethod
from lookalike.store.schema import sum_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from lookalike.store.directory import Store

BLOCK = 4096  # descriptors copied at once


@dataclass(slots=True)
class CheckReport:
    """What `check` found and what it did about it; `problems` that are left need the user."""

    problems: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What becomes of a method: the items that are kept, and how to read them; none when nothing changes."""

    items: Items
    ids: Ids
    take: Callable[[Items], Rows]


Carry = Callable[[StoredMethod, Items, StoredMethod], None]


def compact(store: Store, carry: Carry = lambda before, kept, after: None) -> int:
    """Free the space of removed pictures; bytes freed. All or nothing; the caller holds the writer's lock.

    carry: takes over what is derived from a method's items, before the copies of those that are kept count.
    """
    catalogue = store.catalogue
    living = catalogue.living()
    kept: dict[str, _Kept] = {}
    methods = catalogue.methods()
    for name, method in methods.items():
        matrix = store.matrix(method)
        items = np.flatnonzero(np.isin(matrix.ids(), living))
        if len(items) < len(matrix):
            kept[name] = _Kept(items, matrix.ids(), matrix.take)
    extents = {name: _copy(store, methods[name], one) for name, one in kept.items()}
    for name, extent in extents.items():
        after = replace(methods[name], epoch=methods[name].epoch + 1, extent=extent)
        carry(methods[name], kept[name].items, after)
    with catalogue.transaction() as sql:
        for name, extent in extents.items():
            catalogue.commit_extent(methods[name], extent, methods[name].epoch + 1)
        sql.execute("DELETE FROM gaps WHERE image IN (SELECT id FROM images WHERE status = 'removed')")
        sql.execute("DELETE FROM images WHERE status = 'removed'")
    for name in extents:
        store.files(methods[name]).delete()
    return sum(_bytes(store, methods[name]) - _bytes(store, methods[name], extents[name]) for name in extents)


def begin_again(store: Store, method: StoredMethod, params: DataclassInstance) -> None:
    """Give a method other parameters; its descriptors are forgotten, and the next `index` makes them again. The caller
    holds the writer's lock."""
    with store.catalogue.transaction() as sql:
        sql.execute("UPDATE methods SET params = ? WHERE id = ?", (json.dumps(asdict(params)), method.id))
        sql.execute("UPDATE images SET described = described & ~?", (method.bit,))
        sql.execute("DELETE FROM gaps WHERE method = ?", (method.id,))
        store.catalogue.commit_extent(method, Extent(), method.epoch + 1)
    store.files(method).delete()


def check(store: Store) -> CheckReport:
    """Verify what is sound of the catalogue, all descriptors and all derived files, and mend them.

    The catalogue itself was found readable before; the caller holds the writer's lock.
    """
    report = CheckReport()
    catalogue = store.catalogue
    methods = catalogue.methods()
    surveys = {name: store.files(method).survey(method.extent) for name, method in methods.items()}
    kept: dict[str, _Kept] = {}
    for survey in surveys.values():
        report.repaired += [f"{file}: its damaged descriptors {_AGAIN}" for file in survey.damaged]
    words = catalogue.words_are_sound()
    if not words:
        report.repaired.append("catalogue: the index of words, built anew")
    with catalogue.transaction() as sql:
        _mend_rows(sql, report)
        known = _ids(sql, "SELECT id FROM images WHERE status != 'failed'")
        for name, method in methods.items():
            items = sound_items(surveys[name], known)
            if stray := int(np.count_nonzero(surveys[name].good)) - len(items):
                report.repaired.append(f"{name}: {stray} descriptors of no picture, taken out")
            if len(items) < method.extent.items:
                kept[name] = _Kept(items, surveys[name].ids, surveys[name].take)
            _mend_described(sql, method, surveys[name].ids[items], report)
        for name, one in kept.items():
            catalogue.commit_extent(methods[name], _copy(store, methods[name], one), methods[name].epoch + 1)
        if not words or report.repaired:
            sql.execute("INSERT INTO words (words) VALUES ('rebuild')")
    for name in kept:
        store.files(methods[name]).delete()
    for folder in ("caches", "segments"):
        for path in sorted((store.directory / folder).iterdir()):
            if not verify_arrays(path):
                path.unlink()
                report.repaired.append(f"{path.name}: a damaged cache, built anew")
    return report


_AGAIN = "will be described again by the next `index`"


def sound_items(survey: Survey, known: Ids) -> Items:
    """The items that can be read and that belong to a picture, the first of each."""
    items = np.flatnonzero(survey.good)
    ids = survey.ids[items]
    first = np.zeros(len(ids), np.bool_)
    first[np.unique(ids, return_index=True)[1]] = True
    return items[first & np.isin(ids, known)]


def _mend_rows(sql: sqlite3.Connection, report: CheckReport) -> None:
    """Delete the rows of the catalogue that are not as they were written; `index` finds the files anew."""
    for table, what in (
        ("images", f"records: their files {_AGAIN}"),
        ("gaps", f"reasons: their pictures {_AGAIN}"),
        ("roots", "remembered folders, forgotten: name them to `lookalike index`"),
        ("facts", "measured facts: measured again by the next `index`"),
    ):
        deleted = sql.execute(f"DELETE FROM {table} WHERE sum IS NOT {sum_of(table)}").rowcount
        if deleted:
            report.repaired.append(f"catalogue: {deleted} damaged {what}")


def _mend_described(sql: sqlite3.Connection, method: StoredMethod, held: Ids, report: CheckReport) -> None:
    """Make `described` say what there is: a descriptor, or the reason why there is none."""
    marked = _ids(sql, "SELECT id FROM images WHERE described & ? AND status != 'failed'", method.bit)
    there = np.union1d(held, _ids(sql, "SELECT image FROM gaps WHERE method = ?", method.id))
    lost, found = np.setdiff1d(marked, there), np.setdiff1d(held, marked)
    for ids, change in ((lost, "described & ~?"), (found, "described | ?")):
        rows = [(method.bit, id_) for id_ in ids.tolist()]
        sql.executemany(f"UPDATE images SET described = {change} WHERE id = ?", rows)
    if len(lost):
        report.repaired.append(f"{method.name}: {len(lost)} pictures without a descriptor {_AGAIN}")
    if len(found):
        report.repaired.append(f"{method.name}: {len(found)} pictures that are described were not marked so")


def _ids(sql: sqlite3.Connection, query: str, *values: int) -> Ids:
    return np.array([row[0] for row in sql.execute(query, values)], np.int64)


def copy_items(files: MatrixFiles, items: Items, ids: Ids, take: Callable[[Items], Rows]) -> Extent:
    """Write some items of another matrix into files that begin with them, durably."""
    files.delete()
    extent = Extent()
    for start in range(0, len(items), BLOCK):
        part = items[start : start + BLOCK]
        extent = files.append(extent, ids[part], take(part))
    return extent


def _copy(store: Store, method: StoredMethod, kept: _Kept) -> Extent:
    """Write the kept items into the files of the next epoch."""
    return copy_items(store.files(method, method.epoch + 1), kept.items, kept.ids, kept.take)


def _bytes(store: Store, method: StoredMethod, extent: Extent | None = None) -> int:
    return store.files(method).bytes(extent or method.extent)
