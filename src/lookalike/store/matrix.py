"""Append-only rows of one method on disk, memory-mapped for reading.

Three files: `.rows` (the values), `.ids` (int64, whose descriptor it is) and, when ragged, `.ends` (int64, where each
item's rows end), each with its checksums (`arrays.blocks`). The files know nothing of what is committed: the catalogue
does, and hands in the extent. Bytes beyond it are left over from an interrupted run, overwritten by the next append.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.blocks import BLOCK, Bytes, append_blocks, damaged, good_blocks, open_blocks, sums_of
from lookalike.arrays.rows import Ids, Layout, Ragged, Rows

Items = NDArray[np.intp]
_PER_BLOCK = BLOCK // 8  # ids or ends


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of a matrix is committed: `items` descriptors made of `rows` rows.

    tails: the CRC-32 of the last, partial block of `.rows`, `.ids` and `.ends`, 0 where there is none.
    """

    items: int = 0
    rows: int = 0
    tails: tuple[int, int, int] = (0, 0, 0)


class MatrixFiles:
    """The files of one method. `stem` is their path without its suffix."""

    def __init__(self, stem: Path, layout: Layout) -> None:
        self.stem = stem
        self.layout = layout

    def append(self, extent: Extent, ids: Ids, rows: Rows) -> Extent:
        """Write n descriptors behind the committed ones, durably; they count once the new extent is committed."""
        values = rows.values[rows.offsets[0] : rows.offsets[-1]] if isinstance(rows, Ragged) else rows
        new = [values.astype(self.layout.dtype, copy=False), ids.astype(np.int64, copy=False)]
        if isinstance(rows, Ragged):
            new.append(rows.offsets[1:] - rows.offsets[0] + extent.rows)
        tails = [
            append_blocks(path, length, tail, _bytes(array))
            for path, length, tail, array in zip(self._paths(), self.lengths(extent), extent.tails, new, strict=False)
        ]
        return Extent(
            extent.items + len(ids),
            extent.rows + len(values),
            (tails[0], tails[1], tails[2] if self.layout.ragged else 0),
        )

    def open(self, extent: Extent, before: Matrix | None = None) -> Matrix:
        """What is committed, mapped. FileNotFoundError when a file is not there, CollectionError when one is short.

        before: an earlier one; what has been verified of the same files need not be again.
        """
        return Matrix(self, extent, before)

    def lengths(self, extent: Extent) -> tuple[int, ...]:
        """Committed bytes of each file."""
        per_row = np.dtype(self.layout.dtype).itemsize * self.layout.width
        return (extent.rows * per_row, extent.items * 8, *([extent.items * 8] if self.layout.ragged else []))

    def bytes(self, extent: Extent) -> int:
        """Committed bytes of all files."""
        return sum(self.lengths(extent))

    def survey(self, extent: Extent) -> Survey:
        """What of it is as it was written, whatever has happened to the files and whatever the extent says."""
        blocks = {
            path.suffix: (good_blocks(path, length, tail), -(-length // BLOCK), path)
            for path, length, tail in zip(self._paths(), self.lengths(extent), extent.tails, strict=False)
        }
        names = sorted(path.name for good, wanted, path in blocks.values() if len(good) < wanted or not good.all())
        count = min([extent.items, *[len(blocks[suffix][0]) * _PER_BLOCK for suffix in blocks if suffix != ".rows"]])
        block = np.arange(count) // _PER_BLOCK
        good, ends = blocks[".ids"][0][block], np.arange(1, count + 1)
        if self.layout.ragged:
            known = blocks[".ends"][0][block]
            good &= known
            good[1:] &= known[:-1]  # an item starts where the one before it ends
            ends = _whole(blocks[".ends"][2], count)
        good &= self._in_good_blocks(blocks[".rows"][0], ends, extent)
        return Survey(self, good, names, _whole(blocks[".ids"][2], count), np.append(0, ends))

    def read(self, starts: Items, ends: Items) -> Rows:
        """Rows starts[i]..ends[i], end to end, straight from the file and not verified."""
        width, dtype = self.layout.width, np.dtype(self.layout.dtype)
        rows = []
        with self._paths()[0].open("rb") as file:
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
                file.seek(start * width * dtype.itemsize)
                found = file.read((end - start) * width * dtype.itemsize)
                rows.append(np.frombuffer(found, dtype).reshape(-1, width))
        ragged = Ragged.of(rows, width, dtype)
        return ragged if self.layout.ragged else ragged.values

    def delete(self) -> None:
        """Remove the files (after compaction or when a method is dropped)."""
        for path in self._paths():
            path.unlink(missing_ok=True)
            sums_of(path).unlink(missing_ok=True)

    def _paths(self) -> list[Path]:
        suffixes = (".rows", ".ids", ".ends") if self.layout.ragged else (".rows", ".ids")
        return [self.stem.with_name(self.stem.name + suffix) for suffix in suffixes]

    def _in_good_blocks(self, blocks: NDArray[np.bool_], ends: Items, extent: Extent) -> NDArray[np.bool_]:
        """Which items lie in good blocks wholly; those with impossible ends do not."""
        starts = np.append(0, ends)[: len(ends)]
        possible = (starts >= 0) & (starts <= ends) & (ends <= extent.rows)
        row_bytes = self.lengths(Extent(1, 1))[0]
        bad = np.append(0, np.cumsum(~blocks))
        possible &= ends <= len(blocks) * BLOCK // row_bytes
        first = np.where(possible, starts, 0) * row_bytes // BLOCK
        last = -(-np.where(possible, ends, 0) * row_bytes // BLOCK)
        good: NDArray[np.bool_] = possible & (bad[np.maximum(last, first)] == bad[first])
        return good


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What can still be read of a matrix. good: (n,) which of the first n items, those that there are
    files for; damaged: names of files that are."""

    files: MatrixFiles
    good: NDArray[np.bool_]
    damaged: list[str]
    ids: Ids
    _offsets: NDArray[np.int64]

    def take(self, items: Items) -> Rows:
        """A copy of good items."""
        return self.files.read(self._offsets[items], self._offsets[items + 1])


class Matrix:
    """The committed rows of one method, mapped when it was opened: valid whatever becomes of the files.

    ids and ends are verified before they are handed out. Rows are verified, block by block, by `verify`, `take`,
    `slice` and `find`; CollectionError when they are damaged. Threads may share it.
    """

    def __init__(self, files: MatrixFiles, extent: Extent, before: Matrix | None = None) -> None:
        self.layout = files.layout
        self.extent = extent
        self._files = opened = [
            open_blocks(path, length, tail, self._possible if path.suffix == ".rows" and self.layout.below else None)
            for path, length, tail in zip(files._paths(), files.lengths(extent), extent.tails, strict=False)
        ]
        for file, earlier in zip(opened, before._files if before else [], strict=False):
            file.trust(earlier)
        self._rows, self._ids, self._ends = opened[0], opened[1], opened[2] if files.layout.ragged else None
        self._values = self._rows.data.view(self.layout.dtype).reshape(extent.rows, self.layout.width)

    def __len__(self) -> int:
        """How many descriptors there are."""
        return self.extent.items

    def ids(self) -> Ids:
        """(items,) int64, mapped: whose descriptor each item is; every id at most once, none negative."""
        return self._verified_ids

    def rows(self) -> Rows:
        """All descriptors, mapped and not verified: (items, width), or Ragged over (rows, width)."""
        return self._values if self._ends is None else Ragged(self._values, self._offsets)

    def verify(self, first: int = 0, last: int | None = None) -> None:
        """CollectionError unless the rows of items first..last are as they were written."""
        last = len(self) if last is None else last
        start, stop = (first, last) if self._ends is None else (self._offsets[first], self._offsets[last])
        self._rows.check(int(start) * self._row_bytes, int(stop) * self._row_bytes)

    def slice(self, first: int, last: int) -> Rows:
        """Items first..last, verified and not copied."""
        self.verify(first, last)
        rows = self.rows()
        return rows.slice(first, last) if isinstance(rows, Ragged) else rows[first:last]

    def take(self, items: Items) -> Rows:
        """A copy of these items, in this order, verified."""
        rows = self.rows()
        starts, ends = (items, items + 1) if self._ends is None else (self._offsets[items], self._offsets[items + 1])
        filled = ends > starts
        self._rows.check_each(starts[filled] * self._row_bytes, ends[filled] * self._row_bytes)
        return rows.take(items) if isinstance(rows, Ragged) else rows[items]

    def find(self, image: int) -> NDArray[Any] | None:
        """The packed descriptor of one id, (m, width), verified and copied, or None when it has none."""
        places = np.flatnonzero(self.ids() == image)
        if not len(places):
            return None
        found = self.take(places[:1])
        return found[0] if isinstance(found, Ragged) else found

    def _possible(self, block: Bytes) -> bool:
        """Whether the first values of a block's rows, of which it holds whole ones, are those of the method."""
        first = block.view(self.layout.dtype)[:: self.layout.width]
        return not len(first) or int(first.max()) < (self.layout.below or 0)

    @property
    def _row_bytes(self) -> int:
        return self._values.itemsize * self.layout.width

    @cached_property
    def _verified_ids(self) -> Ids:
        ids: Ids = self._ids.data.view("<i8")
        self._ids.check(0, len(self._ids.data))
        rising = bool(np.all(ids[1:] > ids[:-1]))
        if len(ids) and (ids.min() < 0 or (not rising and len(np.unique(ids)) < len(ids))):
            raise damaged(self._ids.path)
        return ids

    @cached_property
    def _offsets(self) -> NDArray[np.int64]:
        assert self._ends is not None
        self._ends.check(0, len(self._ends.data))
        offsets = np.append(np.zeros(1, np.int64), self._ends.data.view("<i8"))
        if int(offsets[-1]) != self.extent.rows or bool(np.any(np.diff(offsets) < 0)):
            raise damaged(self._ends.path)
        return offsets


def _bytes(array: NDArray[Any]) -> Bytes:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def _whole(path: Path, count: int) -> NDArray[np.int64]:
    """`count` numbers of a file, zeros where it ends earlier."""
    numbers = np.zeros(count, np.int64)
    try:
        found = np.fromfile(path, "<i8", count)
    except OSError:
        return numbers
    numbers[: len(found)] = found
    return numbers
