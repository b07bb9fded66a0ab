"""Append-only rows of one method on disk, memory-mapped for reading.

Three flat files: `.rows` (the values), `.ids` (int64, whose descriptor it is) and, when ragged, `.ends` (int64, where
each item's rows end). The files know nothing of what is committed: the catalogue does, and hands in the extent.
Bytes beyond it are left over from an interrupted run and are overwritten by the next append.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ids, Layout, Ragged, Rows
from lookalike.errors import CollectionError


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of a matrix is committed: `items` descriptors made of `rows` rows."""

    items: int = 0
    rows: int = 0


class Matrix:
    """The rows of one method. `stem` is the path without its suffix."""

    def __init__(self, stem: Path, layout: Layout, extent: Extent) -> None:
        self.stem = stem
        self.layout = layout
        self.extent = extent

    def append(self, ids: Ids, rows: Rows) -> Extent:
        """Write n descriptors behind the committed ones, durably; they count once the new extent is committed."""
        values = rows.values if isinstance(rows, Ragged) else rows
        after = Extent(self.extent.items + len(ids), self.extent.rows + len(values))
        self._write(".rows", self.extent.rows * self._row_bytes, values.astype(self.layout.dtype, copy=False))
        self._write(".ids", self.extent.items * 8, ids.astype(np.int64, copy=False))
        if isinstance(rows, Ragged):
            self._write(".ends", self.extent.items * 8, rows.offsets[1:] - rows.offsets[0] + self.extent.rows)
        return after

    def ids(self) -> Ids:
        """(items,) int64, memory-mapped: whose descriptor each item is; every id at most once."""
        ids: Ids = self._map(".ids", np.dtype(np.int64), (self.extent.items,))
        return ids

    def rows(self) -> Rows:
        """All committed descriptors, memory-mapped: (items, width), or Ragged over (rows, width)."""
        values = self._map(".rows", np.dtype(self.layout.dtype), (self.extent.rows, self.layout.width))
        if not self.layout.ragged:
            return values
        ends = self._map(".ends", np.dtype(np.int64), (self.extent.items,))
        return Ragged(values, np.concatenate([np.zeros(1, np.int64), ends]))

    def find(self, image: int) -> NDArray[Any] | None:
        """The packed descriptor of one id, (m, width), or None when it has none."""
        places = np.flatnonzero(self.ids() == image)
        if not len(places):
            return None
        item, rows = int(places[0]), self.rows()
        return np.array(rows[item] if isinstance(rows, Ragged) else rows[item : item + 1])

    def problems(self) -> list[str]:
        """What contradicts the committed extent; empty when the files are whole."""
        wanted = {".rows": self.extent.rows * self._row_bytes, ".ids": self.extent.items * 8}
        if self.layout.ragged:
            wanted[".ends"] = self.extent.items * 8
        found = []
        for suffix, size in wanted.items():
            path = self._path(suffix)
            actual = path.stat().st_size if path.exists() else 0
            if actual < size:
                found.append(f"{path.name}: {actual} bytes, {size} are committed")
        if not found and self.layout.ragged and self.extent.items:
            ends = self._map(".ends", np.dtype(np.int64), (self.extent.items,))
            if int(ends[-1]) != self.extent.rows or bool(np.any(np.diff(ends) < 0)):
                found.append(f"{self._path('.ends').name}: not ascending")
        return found

    def bytes_on_disk(self) -> int:
        """Committed bytes of all files."""
        return self.extent.rows * self._row_bytes + self.extent.items * (16 if self.layout.ragged else 8)

    def delete(self) -> None:
        """Remove the files (after compaction or when a method is dropped)."""
        for suffix in (".rows", ".ids", ".ends"):
            self._path(suffix).unlink(missing_ok=True)

    @property
    def _row_bytes(self) -> int:
        return np.dtype(self.layout.dtype).itemsize * self.layout.width

    def _path(self, suffix: str) -> Path:
        return self.stem.with_name(self.stem.name + suffix)

    def _write(self, suffix: str, position: int, values: NDArray[np.generic]) -> None:
        descriptor = os.open(self._path(suffix), os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        with os.fdopen(descriptor, "r+b") as file:
            file.seek(position)
            file.write(np.ascontiguousarray(values).data)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())

    def _map(self, suffix: str, dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> NDArray[Any]:
        if 0 in shape:
            return np.zeros(shape, dtype)
        path = self._path(suffix)
        try:
            return np.memmap(path, dtype, "r", shape=shape)
        except (OSError, ValueError) as error:
            raise CollectionError(f"{path} is missing or cut short; run `lookalike check` to repair") from error
