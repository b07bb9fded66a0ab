"""The catalogue of a collection: SQLite in WAL mode, the only truth about what the collection holds."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lookalike.arrays.rows import Ids, Layout
from lookalike.errors import CollectionError, printable
from lookalike.store.matrix import Extent
from lookalike.store.schema import APPLICATION_ID, FORMAT, TABLES

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

CHUNK = 500  # well below SQLite's limit on parameters


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


COLUMNS = """id, path, sha256, bytes, mtime_ns, format, width, height,
    taken, camera, latitude, longitude, caption, status, reason"""


@dataclass(frozen=True, slots=True)
class StoredMethod:
    """A method that the collection holds: its parameters, its matrix and how much of it is committed."""

    id: int
    name: str
    params: dict[str, Any]
    layout: Layout
    epoch: int
    extent: Extent

    @property
    def bit(self) -> int:
        """This method's place in `images.described`."""
        return 1 << self.id


class Catalogue:
    """An open catalogue. Reads see one consistent state each; writes go through `transaction`."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path
        if not create and not path.exists():
            raise CollectionError(f"{path} does not exist")
        try:
            self.sql = _connect(path)
            if create:
                self._create()
            self._check_format()
        except sqlite3.Error as error:
            raise CollectionError(_explain(path, error)) from error

    def close(self) -> None:
        self.sql.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; SQLite's errors come out as CollectionError."""
        try:
            with self.sql:
                self.sql.execute("BEGIN IMMEDIATE")
                yield self.sql
        except sqlite3.Error as error:
            raise CollectionError(_explain(self.path, error)) from error

    # -- methods

    def methods(self) -> dict[str, StoredMethod]:
        """The methods of this collection by name, in the order in which they were added."""
        rows = self._rows(
            'SELECT id, name, params, dtype, width, ragged, epoch, items, "rows" FROM methods ORDER BY id'
        )
        return {
            name: StoredMethod(
                id_, name, json.loads(params), Layout(dtype, width, bool(ragged)), epoch, Extent(items, rows_)
            )
            for id_, name, params, dtype, width, ragged, epoch, items, rows_ in rows
        }

    def add_method(self, name: str, params: DataclassInstance, layout: Layout) -> None:
        """Remember a method; the caller opens the transaction. params: a frozen dataclass of plain values."""
        self.sql.execute(
            "INSERT INTO methods (id, name, params, dtype, width, ragged) "
            "VALUES ((SELECT coalesce(max(id) + 1, 0) FROM methods), ?, ?, ?, ?, ?)",
            (name, json.dumps(asdict(params)), layout.dtype, layout.width, layout.ragged),
        )

    def commit_extent(self, method: StoredMethod, extent: Extent, epoch: int | None = None) -> None:
        """Make appended rows count (and, after compaction, another epoch of the files)."""
        self.sql.execute(
            'UPDATE methods SET items = ?, "rows" = ?, epoch = ? WHERE id = ?',
            (extent.items, extent.rows, method.epoch if epoch is None else epoch, method.id),
        )

    # -- reading

    def records(self, ids: Iterable[int]) -> dict[int, Record]:
        """The records of these ids, those that exist."""
        found: dict[int, Record] = {}
        for chunk in _chunks([int(i) for i in ids]):
            marks = ",".join("?" * len(chunk))
            for row in self._rows(f"SELECT {COLUMNS} FROM images WHERE id IN ({marks})", chunk):
                found[row[0]] = _record(row)
        return found

    def by_path(self, path: str) -> Record | None:
        """The living record of a path."""
        rows = self._rows(f"SELECT {COLUMNS} FROM images WHERE path = ? AND status != 'removed'", (os.fsencode(path),))
        return _record(rows[0]) if rows else None

    def iterate(self, status: str, *, with_reason: bool = False) -> Iterator[Record]:
        """All records of a status (with a reason) by ascending id, without holding them in memory."""
        last, reason = 0, "AND reason IS NOT NULL" if with_reason else ""
        while rows := self._rows(
            f"SELECT {COLUMNS} FROM images WHERE status = ? {reason} AND id > ? ORDER BY id LIMIT 1000", (status, last)
        ):
            yield from map(_record, rows)
            last = rows[-1][0]

    def counts(self) -> dict[str, int]:
        """How many records there are of each status."""
        found = dict(self._rows("SELECT status, count(*) FROM images GROUP BY status"))
        return {status: found.get(status, 0) for status in ("ok", "failed", "skipped", "removed")}

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

    def ids_where(self, condition: str, params: Sequence[Any]) -> Ids:
        """Ids of living pictures for which a compiled filter holds, ascending."""
        return _ids(self._rows(f"SELECT id FROM images WHERE status = 'ok' AND ({condition}) ORDER BY id", params))

    def ids_below(self, path: str) -> list[int]:
        """Ids of the living record of a path, or of all below it when it is a folder."""
        low, high = below(path)
        rows = self._rows(
            "SELECT id FROM images WHERE status != 'removed' AND (path = ? OR (path >= ? AND path < ?))",
            (os.fsencode(path), low, high),
        )
        return [row[0] for row in rows]

    def ids_with_word(self, word: str, limit: int) -> tuple[int, list[int]]:
        """How many living pictures have a word (or a form of it) in path or caption, and the first ids of them."""
        found = "FROM words w JOIN images i ON i.id = w.rowid WHERE words MATCH ? AND i.status = 'ok'"
        match = '"' + word.replace('"', '""') + '"'
        ((count,),) = self._rows(f"SELECT count(*) {found}", (match,))
        rows = self._rows(f"SELECT i.id {found} ORDER BY i.id LIMIT ?", (match, limit))
        return count, [row[0] for row in rows]

    def gaps(self, image: int) -> dict[str, str]:
        """Method name -> why this picture has no descriptor of it."""
        return dict(
            self._rows(
                "SELECT m.name, g.reason FROM gaps g JOIN methods m ON m.id = g.method WHERE g.image = ?",
                (image,),
            )
        )

    def roots(self) -> list[str]:
        """Folders and files that were indexed by name."""
        return [os.fsdecode(row[0]) for row in self._rows("SELECT path FROM roots ORDER BY path")]

    def forget_roots(self, path: str) -> None:
        """No longer remember a folder or file, and those below it, as indexed by name."""
        with self.transaction() as sql:
            sql.execute(
                "DELETE FROM roots WHERE path = ? OR (path >= ? AND path < ?)", (os.fsencode(path), *below(path))
            )

    def fact(self, key: str) -> Any:
        """A remembered JSON value, None when there is none."""
        rows = self._rows("SELECT value FROM facts WHERE key = ?", (key,))
        return json.loads(rows[0][0]) if rows else None

    def remember(self, key: str, value: Any) -> None:
        """Keep a JSON value under a key; the caller opens the transaction."""
        self.sql.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (key, json.dumps(value)))

    def damage(self) -> list[str]:
        """SQLite's own integrity check; empty when all is well."""
        try:
            return [row[0] for row in self.sql.execute("PRAGMA integrity_check(20)") if row[0] != "ok"]
        except sqlite3.Error as error:
            return [str(error)]

    def _rows(self, query: str, params: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query; SQLite's errors come out as CollectionError."""
        try:
            return self.sql.execute(query, params).fetchall()
        except sqlite3.Error as error:
            raise CollectionError(_explain(self.path, error)) from error

    # -- birth and recognition

    def _create(self) -> None:
        self.sql.execute("PRAGMA journal_mode = WAL")
        self.sql.executescript(
            f"BEGIN; {TABLES} PRAGMA user_version = {FORMAT}; PRAGMA application_id = {APPLICATION_ID}; COMMIT;"
        )

    def _check_format(self) -> None:
        (application,) = self.sql.execute("PRAGMA application_id").fetchone()
        (version,) = self.sql.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION_ID:
            raise CollectionError(f"{self.path} is not a lookalike catalogue")
        if version > FORMAT:
            raise CollectionError(
                f"{self.path.parent} was written by a newer lookalike (format {version}, this one reads {FORMAT}): "
                "upgrade lookalike, or index into another --collection"
            )


def below(folder: str) -> tuple[bytes, bytes]:
    """Bounds (low, high) such that low <= path < high for exactly the stored paths inside a folder."""
    prefix = os.fsencode(os.path.join(folder, ""))
    return prefix, prefix[:-1] + bytes([prefix[-1] + 1])


def _connect(path: Path) -> sqlite3.Connection:
    sql = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    sql.execute("PRAGMA synchronous = NORMAL")
    return sql


def _ids(rows: Iterable[tuple[int]]) -> Ids:
    return np.fromiter((row[0] for row in rows), np.int64)


def _record(row: tuple[Any, ...]) -> Record:
    id_, path, sha256, *rest = row
    return Record(id_, os.fsdecode(path), sha256.hex() if sha256 else None, *rest)


def _chunks(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def _explain(path: Path, error: sqlite3.Error) -> str:
    text = str(error)
    place = printable(path.parent)
    if "readonly" in text or "unable to open" in text:
        return f"{place} cannot be written or opened: check its permissions"
    if "full" in text:
        return f"the disk of {place} is full: free some space and run the same command again, nothing is lost"
    if "not a database" in text or "malformed" in text:
        return f"{path} is damaged ({text}): restore it from a backup, or index into another --collection"
    if "locked" in text:
        return f"{place} is busy: another process is writing to it, try again when it has finished"
    return f"{place}: {text}"
