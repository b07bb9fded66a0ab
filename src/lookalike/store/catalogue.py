"""The catalogue of a collection: SQLite in WAL mode, the only truth about what the collection holds."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from lookalike.arrays.rows import Ids, Layout
from lookalike.errors import CollectionError, printable
from lookalike.store.connection import Connections, Snapshot, plain_errors
from lookalike.store.matrix import Extent
from lookalike.store.methods import StoredMethod, read_method
from lookalike.store.schema import STATUSES, SUMMED, create, row_sum, sum_of
from lookalike.store.view import View

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

CHUNK = 500  # well below SQLite's limit on parameters
LARGEST_ID = 2**63 - 1
SALVAGE = "`lookalike check --salvage NEW` makes a new collection of what can still be read"


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of one file. path: str with undecodable bytes as surrogates. sha256: hex."""

    id: int
    path: str
    sha256: str | None
    bytes: int
    mtime_ns: int
    format: str | None
    width: int | None
    height: int | None
    taken: str | None
    camera: str | None
    latitude: float | None
    longitude: float | None
    caption: str | None
    status: str
    reason: str | None


_RECORD = ", ".join((*SUMMED["images"], "sum"))
_METHOD = ", ".join((*SUMMED["methods"], "sum"))

Content = tuple[int, str | None, int | None, int | None]
"""(id, SHA-256 in hex, width, height)."""
_CONTENT = (int, bytes, int, int)
_COLUMNS = (
    *((int, True), (bytes, True), (str, True), (bytes, False), (int, True), (int, True), (str, False)),
    *((int, False), (int, False), (str, False), (str, False), (float, False), (float, False), (str, False)),
    *((str, True), (str, False), (int, True)),
)
"""Type of each column of a record, and whether it must be there."""


class Facts(Protocol):
    """What a collection remembers."""

    def fact(self, key: str, /) -> Any:
        """A JSON value, None when there is none."""
        ...


class Where(Protocol):
    """A condition on a row of the table `images`, and its parameters."""

    @property
    def sql(self) -> str: ...

    @property
    def params(self) -> Sequence[Any]: ...


class Catalogue:
    """An open catalogue. Reads see one consistent state each; writes go through `transaction`. Safe for threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connections = Connections(path)
        self._state: Connections | Snapshot = self._connections

    def held(self) -> Catalogue:
        """The catalogue as it is when this is first read, and as it stays for as long as this is held.

        Meanwhile SQLite cannot clear its write-ahead log, so it is to be held no longer than it is read.
        """
        held = copy(self)
        held._state = self._connections.snapshot()
        return held

    def close(self) -> None:
        """Close all connections; the next use opens others."""
        self._connections.close()

    def close_writer(self) -> None:
        """Leave nothing in the write-ahead log that it can do without; the caller holds the writer's lock."""
        self._connections.close_writer()

    @property
    def sql(self) -> sqlite3.Connection:
        """The connection that writes; the caller holds the writer's lock."""
        return self._connections.writer

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """All or nothing; SQLite's errors come out as CollectionError."""
        return self._connections.transaction()

    # -- methods

    def view(self) -> View:
        """What is committed now, read in one transaction."""
        with self._state.reading() as sql:
            alone = not sql.in_transaction
            if alone:
                sql.execute("BEGIN")
            try:
                generation = _generation(sql)
                methods = self._methods(sql)
                tombstones = _ids(sql.execute("SELECT id FROM images WHERE status != 'ok' ORDER BY id"))
                ((records, newest),) = sql.execute("SELECT count(*), coalesce(max(id), 0) FROM images").fetchall()
            finally:
                if alone:
                    sql.execute("COMMIT")
        return View(generation, methods, tombstones, records - len(tombstones), newest)

    def generation(self) -> int:
        """The number of the newest view."""
        with self._state.reading() as sql:
            return _generation(sql)

    def methods(self) -> dict[str, StoredMethod]:
        """The methods of this collection by name, in the order in which they were added."""
        with self._state.reading() as sql:
            return self._methods(sql)

    def add_method(self, name: str, params: DataclassInstance, layout: Layout) -> None:
        """Remember a method; the caller opens the transaction. params: a frozen dataclass of plain values."""
        self.sql.execute(
            "INSERT INTO methods (id, name, params, dtype, width, ragged) "
            "VALUES ((SELECT coalesce(max(id) + 1, 0) FROM methods), ?, ?, ?, ?, ?)",
            (name, json.dumps(asdict(params)), layout.dtype, layout.width, layout.ragged),
        )

    def restore_method(self, method: StoredMethod) -> None:
        """Remember a method of another collection under its own number; the caller opens the transaction."""
        layout = method.layout
        self.sql.execute(
            "INSERT INTO methods (id, name, params, dtype, width, ragged) VALUES (?, ?, ?, ?, ?, ?)",
            (method.id, method.name, json.dumps(method.params), layout.dtype, layout.width, layout.ragged),
        )

    def commit_extent(self, method: StoredMethod, extent: Extent, epoch: int | None = None) -> None:
        """Make appended rows count (and, after compaction, another epoch of the files)."""
        self.sql.execute(
            'UPDATE methods SET items = ?, "rows" = ?, tails = ?, epoch = ? WHERE id = ?',
            (
                *(extent.items, extent.rows, json.dumps(extent.tails)),
                *(method.epoch if epoch is None else epoch, method.id),
            ),
        )

    def _methods(self, sql: sqlite3.Connection) -> dict[str, StoredMethod]:
        try:
            kept = [read_method(row) for row in sql.execute(f"SELECT {_METHOD} FROM methods ORDER BY id")]
        except ValueError as error:
            raise self._damaged(str(error)) from error
        return {method.name: method for method in kept}

    # -- reading

    def records(self, ids: Iterable[int]) -> dict[int, Record]:
        """The records of these ids, those that exist."""
        found: dict[int, Record] = {}
        for chunk in _chunks([int(i) for i in ids if 0 <= i <= LARGEST_ID]):
            marks = ",".join("?" * len(chunk))
            for row in self._rows(f"SELECT {_RECORD} FROM images WHERE id IN ({marks})", chunk):
                found[row[0]] = self._record(row)
        return found

    def by_path(self, path: str) -> Record | None:
        """The living record of a path."""
        rows = self._rows(f"SELECT {_RECORD} FROM images WHERE path = ? AND status != 'removed'", (os.fsencode(path),))
        return self._record(rows[0]) if rows else None

    def iterate(self, status: str, *, with_reason: bool = False) -> Iterator[Record]:
        """All records of a status (with a reason) by ascending id, without holding them in memory."""
        last, reason = 0, "AND reason IS NOT NULL" if with_reason else ""
        while rows := self._rows(
            f"SELECT {_RECORD} FROM images WHERE status = ? {reason} AND id > ? ORDER BY id LIMIT 1000", (status, last)
        ):
            yield from map(self._record, rows)
            last = rows[-1][0]

    def counts(self) -> dict[str, int]:
        """How many records there are of each status."""
        found = dict(self._rows("SELECT status, count(*) FROM images GROUP BY status"))
        return {status: found.get(status, 0) for status in STATUSES}

    def damaged(self) -> int:
        """How many living pictures are not whole."""
        ((count,),) = self._rows("SELECT count(*) FROM images WHERE status = 'ok' AND reason IS NOT NULL")
        return int(count)

    def skipped(self) -> dict[str, int]:
        """How many files of which kind are known to be no pictures."""
        rows = self._rows("SELECT format, count(*) FROM images WHERE status = 'skipped' GROUP BY format")
        return dict(rows)

    def gone(self) -> Ids:
        """Ids whose descriptors must not be found: removed or failed."""
        return _ids(self._rows("SELECT id FROM images WHERE status != 'ok' ORDER BY id"))

    def living(self) -> Ids:
        """Ids of all pictures that can be found, ascending."""
        return _ids(self._rows("SELECT id FROM images WHERE status = 'ok' ORDER BY id"))

    def ids_where(self, where: Where, view: View | None = None) -> Ids:
        """Ids of pictures for which a compiled filter holds, ascending: of those that live now, or did in a view."""
        living = "status = 'ok'" if view is None else "1"
        ids = _ids(self._rows(f"SELECT id FROM images WHERE {living} AND ({where.sql}) ORDER BY id", where.params))
        return ids if view is None else view.living(ids)

    def ids_of_content(self, sha256: str, view: View) -> list[int]:
        """Ids of a view's pictures with this content, by its SHA-256 in hex, ascending."""
        rows = self._rows("SELECT id FROM images WHERE sha256 = ? ORDER BY id", (bytes.fromhex(sha256),))
        found: list[int] = view.living(_ids(rows)).tolist()
        return found

    def ids_below(self, path: str) -> list[int]:
        """Ids of the living record of a path, or of all below it when it is a folder."""
        low, high = below(path)
        rows = self._rows(
            "SELECT id FROM images WHERE status != 'removed' AND (path = ? OR (path >= ? AND path < ?))",
            (os.fsencode(path), low, high),
        )
        return [row[0] for row in rows]

    def ids_with_word(self, word: str, column: Literal["path_text", "caption"], view: View) -> Ids:
        """Ids of a view's pictures that have a word (or a form of it) in their path or their caption, ascending."""
        match = column + ' : "' + word.replace('"', '""') + '"'
        return view.living(_ids(self._rows("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid", (match,))))

    def frequent(self, expression: str, limit: int) -> list[tuple[Any, int]]:
        """The most frequent values of an SQL expression (never of a user's making) among living pictures."""
        rows = self._rows(
            f"SELECT {expression} AS value, count(*) AS n FROM images WHERE status = 'ok' AND value IS NOT NULL "
            "GROUP BY value ORDER BY n DESC, value LIMIT ?",
            (limit,),
        )
        return [(value, count) for value, count in rows]

    def gaps(self, image: int) -> dict[str, str]:
        """Method name -> why this picture has no descriptor of it."""
        return dict(
            self._rows(
                "SELECT m.name, g.reason FROM gaps g JOIN methods m ON m.id = g.method WHERE g.image = ?",
                (image,),
            )
        )

    def gaps_between(self, low: int, high: int) -> dict[int, dict[str, str]]:
        """By picture from low to high - 1: method name -> why it has no descriptor of it."""
        found: dict[int, dict[str, str]] = {}
        rows = self._rows(
            "SELECT g.image, m.name, g.reason FROM gaps g JOIN methods m ON m.id = g.method "
            "WHERE g.image >= ? AND g.image < ? ORDER BY g.image, m.id",
            (low, high),
        )
        for image, name, reason in rows:
            found.setdefault(image, {})[name] = reason
        return found

    def roots(self) -> list[str]:
        """Folders and files that were indexed by name."""
        rows = self._rows("SELECT path, sum FROM roots ORDER BY path")
        if any(sum_ != row_sum(path) for path, sum_ in rows):
            raise self._damaged("a folder is not as it was written", "run `lookalike check`")
        return [os.fsdecode(path) for path, _ in rows]

    def remember_roots(self, paths: Iterable[str]) -> None:
        """Remember folders and files as indexed by name."""
        with self.transaction() as sql:
            sql.executemany("INSERT OR IGNORE INTO roots (path) VALUES (?)", [(os.fsencode(path),) for path in paths])

    def forget_roots(self, path: str) -> list[str]:
        """No longer remember a folder or file, and those below it, as indexed by name; which ones that were."""
        with self.transaction() as sql:
            rows = sql.execute(
                "DELETE FROM roots WHERE path = ? OR (path >= ? AND path < ?) RETURNING path",
                (os.fsencode(path), *below(path)),
            ).fetchall()
        return sorted(os.fsdecode(row[0]) for row in rows)

    def fact(self, key: str) -> Any:
        """A remembered JSON value, None when there is none."""
        rows = self._rows("SELECT key, value, sum FROM facts WHERE key = ?", (key,))
        if not rows:
            return None
        if rows[0][2] != row_sum(*rows[0][:2]):
            raise self._damaged("what it remembers is not as it was written", "run `lookalike check`")
        try:
            return json.loads(rows[0][1])
        except (ValueError, TypeError, RecursionError) as error:
            raise self._damaged("what it remembers makes no sense", "run `lookalike check`") from error

    def facts(self) -> dict[str, Any]:
        """All that is remembered."""
        return {key: self.fact(key) for (key,) in self._rows("SELECT key FROM facts ORDER BY key")}

    def remember(self, key: str, value: Any) -> None:
        """Keep a JSON value under a key; the caller opens the transaction."""
        self.sql.execute("INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)", (key, json.dumps(value)))

    def contents(self) -> list[Content]:
        """(id, SHA-256 in hex, width, height) of every picture that can be found, by ascending id."""
        rows = self._rows("SELECT id, sha256, width, height FROM images WHERE status = 'ok' ORDER BY id")
        if not all(
            type(one) is kind for row in rows for one, kind in zip(row, _CONTENT, strict=True) if one is not None
        ):
            raise self._damaged("records make no sense", "run `lookalike check`")
        return [(id_, sha256.hex() if sha256 else None, width, height) for id_, sha256, width, height in rows]

    def damage(self) -> list[str]:
        """What makes it unusable: SQLite's own findings, or methods that make no sense; none when it is sound."""
        try:
            with self._state.reading() as sql:
                found = [f"catalogue: {row[0]}" for row in sql.execute("PRAGMA integrity_check(20)") if row[0] != "ok"]
            if not found:
                self.view()
        except CollectionError as error:
            return [str(error)]
        return found

    def rows_not_sound(self) -> int:
        """How many rows of all tables are not as they were written; every one is read."""
        ask = " UNION ALL ".join(f"SELECT count(*) FROM {table} WHERE sum IS NOT {sum_of(table)}" for table in SUMMED)
        return sum(count for (count,) in self._rows(ask))

    def words_are_sound(self) -> bool:
        """Whether the index of words is that of the records; the caller holds the writer's lock."""
        with plain_errors(self.path):
            try:
                self.sql.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
            except sqlite3.DatabaseError as error:
                if "malformed" in str(error) or "corrupt" in str(error):
                    return False
                raise
        return True

    def _rows(self, query: str, params: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query; SQLite's errors come out as CollectionError."""
        with self._state.reading() as sql:
            return sql.execute(query, params).fetchall()

    def _record(self, row: tuple[Any, ...]) -> Record:
        *values, sum_ = row
        if sum_ != row_sum(*values) or not _makes_sense(values):
            raise self._damaged(f"record {values[0]} is not as it was written", "run `lookalike check`")
        id_, path, _, sha256, *rest, _ = values
        return Record(id_, os.fsdecode(path), sha256.hex() if sha256 else None, *rest)

    def _damaged(self, what: str, remedy: str = SALVAGE) -> CollectionError:
        return CollectionError(f"{printable(self.path)} is damaged ({printable(what)}): {remedy}")


def create_catalogue(path: Path) -> None:
    """Make an empty catalogue, whole and on disk, without any file beside it."""
    with plain_errors(path):
        sql = sqlite3.connect(path, isolation_level=None)
        try:
            sql.execute("PRAGMA synchronous = FULL")
            sql.create_function("row_sum", -1, row_sum, deterministic=True)
            create(sql)
        finally:
            sql.close()


def below(folder: str) -> tuple[bytes, bytes]:
    """Bounds (low, high) such that low <= path < high for exactly the stored paths inside a folder."""
    prefix = os.fsencode(os.path.join(folder, ""))
    return prefix, prefix[:-1] + bytes([prefix[-1] + 1])


def _makes_sense(values: Sequence[Any]) -> bool:
    """Whether a record holds what its columns are for: SQLite keeps anything in any of them."""
    right = all(
        type(value) is kind or (value is None and not needed)
        for value, (kind, needed) in zip(values, _COLUMNS, strict=True)
    )
    return right and b"\0" not in values[1] and values[14] in STATUSES


def _generation(sql: sqlite3.Connection) -> int:
    rows = sql.execute("SELECT generation FROM state").fetchall()
    if len(rows) != 1 or type(rows[0][0]) is not int:
        raise sqlite3.DatabaseError("its generation makes no sense")
    return int(rows[0][0])


def _ids(rows: Iterable[tuple[int]]) -> Ids:
    try:
        return np.fromiter((row[0] for row in rows), np.int64)
    except (TypeError, ValueError) as error:
        raise sqlite3.DatabaseError("an id is no number") from error


def _chunks(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
