"""A new collection of what can still be read of a damaged one. Nothing is written to the old one."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.arrays.inside import open_reading
from lookalike.errors import CollectionError, printable
from lookalike.store.connection import connect, plain_errors
from lookalike.store.directory import Store
from lookalike.store.matrix import Extent
from lookalike.store.methods import StoredMethod, read_method
from lookalike.store.schema import SUMMED, row_sum, strange
from lookalike.store.upkeep import copy_items, sound_items

_PAGE = 4096  # bytes read at once from a disk that may fail
_SMALLEST = 32  # bytes of a record
_MOST_FAILURES = 1_000_000  # ranges of records that cannot be read, before the rest is given up
_UNREADABLE = (sqlite3.Error, MemoryError, UnicodeDecodeError)
_LEAVES = ("gaps", "roots", "facts")

Rows = list[tuple[Any, ...]]


@dataclass(slots=True)
class SalvageReport:
    """What was read of a damaged collection: how many records, and how many descriptors by method."""

    records: int = 0
    descriptors: dict[str, int] = field(default_factory=dict)


def salvage(old: Store, new: Store) -> SalvageReport:
    """Fill a new collection with records and descriptors, those whose checksums are right; the ids stay.

    What was lost is found by the next `index`. CollectionError when there is something at the new place already.
    """
    if new.directory.exists() and any(new.directory.iterdir()):
        raise CollectionError(f"{printable(new.directory)} is there already: name a new or empty directory")
    report = SalvageReport()
    with _copied(old) as sql:
        methods = _methods(sql)
        records = _images(sql)
        leaves = {table: _leaf(sql, table) for table in _LEAVES}
    known = np.array([record[0] for record in records], np.int64)
    with new.writing(create=True), new.catalogue.transaction() as sql:
        _insert(sql, "images", [(*record[:-1], 0) for record in records])
        for table, rows in leaves.items():
            _insert(sql, table, rows)
        for method in methods:
            old.refuse_foreign(method)
            survey = old.files(method).survey(method.extent)
            items = sound_items(survey, known)
            new.catalogue.restore_method(method)
            fresh = StoredMethod(method.id, method.name, method.params, method.layout, 0, Extent())
            extent = copy_items(new.files(fresh), items, survey.ids, survey.take)
            new.catalogue.commit_extent(fresh, extent)
            report.descriptors[method.name] = len(items)
            gaps = [image for image, number, _ in leaves["gaps"] if number == method.id]
            described = [(method.bit, int(id_)) for id_ in {*survey.ids[items].tolist(), *gaps}]
            sql.executemany("UPDATE images SET described = described | ? WHERE id = ?", described)
        ((report.records,),) = sql.execute("SELECT count(*) FROM images WHERE status = 'ok'").fetchall()
    return report


@contextmanager
def _copied(old: Store) -> Iterator[sqlite3.Connection]:
    """The catalogue, opened as a copy, so that nothing happens to the old one."""
    path = old.directory / "catalogue.sqlite"
    old.refuse_links()
    with tempfile.TemporaryDirectory(prefix="lookalike-") as folder, plain_errors(path):
        for suffix in ("", "-wal"):
            source = path.with_name(path.name + suffix)
            if source.exists():
                _copy(source, Path(folder) / source.name)
        sql = connect(f"{(Path(folder) / path.name).as_uri()}?mode=rw")
        try:
            if others := strange(sql):
                raise sqlite3.DatabaseError(f"its tables cannot be read: {printable(others[0])}")
            yield sql
        finally:
            sql.close()


def _copy(source: Path, target: Path) -> None:
    """Byte by byte, zeros for what the disk cannot read."""
    with os.fdopen(open_reading(source), "rb", buffering=0) as file, target.open("wb") as copy:
        try:
            shutil.copyfileobj(file, copy)
            return
        except OSError:
            size = os.fstat(file.fileno()).st_size
        for place in range(0, size, _PAGE):
            file.seek(place)
            copy.seek(place)
            try:
                copy.write(file.read(_PAGE))
            except OSError:
                copy.write(bytes(_PAGE))


def _methods(sql: sqlite3.Connection) -> list[StoredMethod]:
    found = []
    for row in _leaf(sql, "methods", summed=True):
        try:
            found.append(read_method(row))
        except ValueError:
            continue
    return found


def _images(sql: sqlite3.Connection) -> Rows:
    """All records that can be read, by halving the ranges of ids that cannot be read whole."""
    found: Rows = []
    columns = ", ".join((*SUMMED["images"], "sum"))
    ranges, left = [(0, _above_all_ids(sql))], _MOST_FAILURES
    while ranges and left:
        low, high = ranges.pop()
        try:
            rows = sql.execute(f"SELECT {columns} FROM images WHERE id >= ? AND id < ?", (low, high)).fetchall()
        except _UNREADABLE:
            left -= 1
            middle = (low + high) // 2
            ranges += [(middle, high), (low, middle)] if high - low > 1 else []
            continue
        found += [tuple(values) for *values, sum_ in rows if sum_ == row_sum(*values)]
    return sorted(found)


def _above_all_ids(sql: sqlite3.Connection) -> int:
    """More than any id, going by what can be read."""
    found = []
    for query in ("SELECT max(id) FROM images", "SELECT seq FROM sqlite_sequence"):
        try:
            found += [number for (number,) in sql.execute(query) if type(number) is int]
        except _UNREADABLE:
            continue
    if found:
        return max(0, *found) + 1
    ((pages,),) = sql.execute("PRAGMA page_count").fetchall()
    return int(pages) * _PAGE // _SMALLEST


def _leaf(sql: sqlite3.Connection, table: str, *, summed: bool = False) -> Rows:
    """The rows of a small table that can be read, from both ends."""
    columns = ", ".join((*SUMMED[table], "sum"))
    found: dict[tuple[Any, ...], None] = {}
    for order in ("ASC", "DESC"):
        try:
            for *values, sum_ in sql.execute(f"SELECT {columns} FROM {table} ORDER BY 1 {order}"):
                if sum_ == row_sum(*values):
                    found[(*values, sum_) if summed else tuple(values)] = None
        except _UNREADABLE:
            continue
    return list(found)


def _insert(sql: sqlite3.Connection, table: str, rows: Rows) -> None:
    columns = SUMMED[table]
    marks = ", ".join("?" * len(columns))
    sql.executemany(f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)
