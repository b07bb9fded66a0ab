"""What can happen to a collection, and writing it down: descriptors first, then their transaction."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ragged
from lookalike.errors import printable
from lookalike.pictures.open import Metadata
from lookalike.store.catalogue import Catalogue
from lookalike.store.comparison import Seen
from lookalike.store.matrix import Matrix, MatrixFiles
from lookalike.store.methods import StoredMethod

INSERT = """INSERT INTO images (path, path_text, sha256, bytes, mtime_ns, format, width, height,
    taken, camera, latitude, longitude, caption, status, reason, described)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""


@dataclass(frozen=True, slots=True)
class Description:
    """What a worker found out about one file. rows: packed descriptors by method name; gaps: why there is none;
    damage: what is missing of the file."""

    sha256: str
    format: str
    width: int
    height: int
    metadata: Metadata
    rows: dict[str, NDArray[Any]]
    gaps: dict[str, str]
    damage: str | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """A picture seen for the first time, or (replaces) another content at a known path."""

    seen: Seen
    description: Description
    replaces: int | None = None


@dataclass(frozen=True, slots=True)
class Completed:
    """A known picture described by further methods."""

    id: int
    seen: Seen
    description: Description


@dataclass(frozen=True, slots=True)
class Copied:
    """A new file with the content of a known picture, whose descriptors are taken over."""

    seen: Seen
    source: int
    replaces: int | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A known content found at another path, or touched without being changed."""

    id: int
    seen: Seen
    replaces: int | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A file that cannot be read. kind: what it is, in the plural ("films"), when that is no picture at all."""

    seen: Seen
    reason: str
    replaces: int | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Removed:
    """A file that is no longer there, or that the user wants out of the collection."""

    id: int


Change = Added | Completed | Copied | Moved | Failed | Removed


@dataclass(slots=True)
class _Appended:
    """Descriptors of one method waiting to be written."""

    ids: list[int] = field(default_factory=list)
    rows: list[NDArray[Any]] = field(default_factory=list)


class Changes:
    """Writes a batch of changes: matrices are appended and synced inside the transaction that commits their extents."""

    def __init__(self, catalogue: Catalogue, files: Callable[[StoredMethod], MatrixFiles]) -> None:
        self._catalogue = catalogue
        self._files = files
        self._methods: dict[str, StoredMethod] = {}
        self._matrices: dict[str, Matrix] = {}
        self._new: dict[str, _Appended] = {}

    def apply(self, changes: Sequence[Change]) -> None:
        """All of them or none."""
        with self._catalogue.transaction() as sql:
            self._methods = self._catalogue.methods()
            self._new = {name: _Appended() for name in self._methods}
            for change in changes:
                self._one(sql, change)
            for name, new in self._new.items():
                if new.ids:
                    self._append(self._methods[name], new)

    def _append(self, method: StoredMethod, new: _Appended) -> None:
        ids = np.array(new.ids, np.int64)
        layout = method.layout
        rows = Ragged.of(new.rows, layout.width, layout.dtype)
        extent = self._files(method).append(method.extent, ids, rows if layout.ragged else rows.values)
        self._catalogue.commit_extent(method, extent)

    def _one(self, sql: sqlite3.Connection, change: Change) -> None:
        match change:
            case Added(seen, description, replaces):
                self._retire(sql, replaces)
                id_ = self._insert(sql, seen, description)
                self._describe(sql, id_, description)
            case Completed(id_, seen, description):
                self._place(sql, id_, seen)
                self._describe(sql, id_, description)
            case Copied(seen, source, replaces):
                self._retire(sql, replaces)
                self._copy(sql, seen, source)
            case Moved(id_, seen, replaces):
                self._retire(sql, None if replaces == id_ else replaces)
                self._place(sql, id_, seen)
            case Failed(seen, reason, replaces, kind):
                self._retire(sql, replaces)
                values = (os.fsencode(seen.path), printable(seen.path), None, seen.bytes, seen.mtime_ns, kind)
                sql.execute(INSERT, (*values, *[None] * 7, "skipped" if kind else "failed", reason, 0))
            case Removed(id_):
                self._retire(sql, id_)

    def _retire(self, sql: sqlite3.Connection, id_: int | None) -> None:
        if id_ is None:
            return
        sql.execute("DELETE FROM images WHERE id = ? AND status IN ('failed', 'skipped')", (id_,))
        sql.execute("UPDATE images SET status = 'removed' WHERE id = ?", (id_,))

    def _place(self, sql: sqlite3.Connection, id_: int, seen: Seen) -> None:
        sql.execute(
            "UPDATE images SET path = ?, path_text = ?, bytes = ?, mtime_ns = ?, status = 'ok' WHERE id = ?",
            (os.fsencode(seen.path), printable(seen.path), seen.bytes, seen.mtime_ns, id_),
        )

    def _insert(self, sql: sqlite3.Connection, seen: Seen, d: Description) -> int:
        m = d.metadata
        values = (os.fsencode(seen.path), printable(seen.path), bytes.fromhex(d.sha256), seen.bytes, seen.mtime_ns)
        about = (d.format, d.width, d.height, m.taken, m.camera, m.latitude, m.longitude, m.caption)
        return int(sql.execute(INSERT, (*values, *about, "ok", d.damage, 0)).lastrowid or 0)

    def _describe(self, sql: sqlite3.Connection, id_: int, description: Description) -> None:
        mask = 0
        for name, row in description.rows.items():
            self._new[name].ids.append(id_)
            self._new[name].rows.append(row)
            mask |= self._methods[name].bit
        for name, reason in description.gaps.items():
            method = self._methods[name]
            sql.execute(
                "INSERT OR REPLACE INTO gaps (image, method, reason) VALUES (?, ?, ?)", (id_, method.id, reason)
            )
            mask |= method.bit
        sql.execute("UPDATE images SET described = described | ? WHERE id = ?", (mask, id_))

    def _copy(self, sql: sqlite3.Connection, seen: Seen, source: int) -> None:
        id_ = sql.execute(
            "INSERT INTO images (path, path_text, sha256, bytes, mtime_ns, format, width, height, taken, camera, "
            "latitude, longitude, caption, status, reason, described) "
            "SELECT ?, ?, sha256, ?, ?, format, width, height, taken, camera, latitude, longitude, caption, "
            "'ok', NULL, described FROM images WHERE id = ?",
            (os.fsencode(seen.path), printable(seen.path), seen.bytes, seen.mtime_ns, source),
        ).lastrowid
        sql.execute(
            "INSERT INTO gaps (image, method, reason) SELECT ?, method, reason FROM gaps WHERE image = ?", (id_, source)
        )
        for name, method in self._methods.items():
            if name not in self._matrices:
                self._matrices[name] = self._files(method).open(method.extent)
            row = self._matrices[name].find(source)
            if row is not None:
                self._new[name].ids.append(int(id_ or 0))
                self._new[name].rows.append(row)
