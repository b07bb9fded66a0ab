"""What growing indexes share: rows known by id, tombstones and filters."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ids, Ragged, Rows
from lookalike.index.order import inside, nearest, neighbours

R = TypeVar("R", bound=Rows)

Positions = NDArray[np.int64]

__all__ = ["Positions", "RowTable", "inside", "nearest", "neighbours"]

_SHORT = 4096  # rows; segments below this are laid together, so that many small adds do not slow searches
_PROBES = 64


class RowTable(Generic[R]):
    """Rows by position, in the order in which they were added, and the way from ids to positions.

    Segments are kept by reference. A removed row keeps its position and is dead; its id may be added again.
    """

    def __init__(self, empty: R) -> None:
        self.ids: Ids = np.zeros(0, np.int64)
        self.live: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.ascending = True
        self._empty = empty
        self._segments: list[R] = []
        self._live_count = 0
        self._order: Positions | None = None

    def __len__(self) -> int:
        return self._live_count

    @property
    def size(self) -> int:
        """How many positions there are, dead ones included."""
        return len(self.ids)

    @property
    def all_live(self) -> bool:
        return self._live_count == len(self.ids)

    def append(self, ids: Ids, rows: R) -> None:
        """Rows for new ids; ValueError when an id is known or given twice."""
        ids = np.ascontiguousarray(ids, np.int64)
        if ids.ndim != 1 or len(ids) != len(rows):
            raise ValueError(f"{ids.shape} ids for {len(rows)} rows")
        if not len(ids):
            return
        if ids.min() < 0:
            raise ValueError("ids must not be negative")
        rising = bool(np.all(ids[1:] > ids[:-1]))
        if not rising and len(np.unique(ids)) < len(ids):
            raise ValueError("an id is given twice")
        if len(known := self.positions(ids)):
            raise ValueError(f"id {self.ids[known[0]]} is already in the index")
        self.ascending = self.ascending and rising and (not self.size or bool(ids[0] > self.ids[-1]))
        self.ids = np.concatenate([self.ids, ids])
        self.live = np.concatenate([self.live, np.ones(len(ids), np.bool_)])
        self._live_count += len(ids)
        self._order = None
        if self._segments and len(self._segments[-1]) < _SHORT and len(rows) < _SHORT:
            rows = _joined(self._segments.pop(), rows)
        self._segments.append(rows)

    def remove(self, ids: Ids) -> int:
        """Make the rows of ids dead; how many there were."""
        gone = self.positions(ids)
        self.live[gone] = False
        self._live_count -= len(gone)
        return len(gone)

    def positions(self, ids: Ids) -> Positions:
        """The live positions of ids, ascending, each once; unknown ids have none."""
        ids = np.asarray(ids, np.int64)
        if not np.all(ids[1:] > ids[:-1]):
            ids = np.sort(ids)  # np.unique takes ten times as long
            ids = ids[np.append(True, ids[1:] > ids[:-1])]
        found = self.lookup(ids)
        found = found[found >= 0]
        return found if self.ascending else np.sort(found)

    def lookup(self, ids: Ids) -> Positions:
        """The live position of each id, -1 where there is none."""
        if not self.size:
            return np.full(len(ids), -1, np.int64)
        if self.ascending:
            at = np.searchsorted(self.ids, ids, side="right") - 1
        else:
            # An id that was removed and added again has several positions; stable order puts the newest last.
            if self._order is None:
                self._order = np.argsort(self.ids, kind="stable")
            at = self._order[np.searchsorted(self.ids, ids, side="right", sorter=self._order) - 1]
        return np.where((self.ids[at] == ids) & self.live[at], at, -1)

    def mask(self, positions: Positions | None) -> NDArray[np.bool_]:
        """(size + 1,) which positions may be answered, all live ones for None; position -1 never may."""
        wanted = np.zeros(self.size + 1, np.bool_)
        if positions is None:
            wanted[:-1] = self.live
        else:
            wanted[positions] = True
        return wanted

    def others(self, positions: Positions) -> Positions:
        """The live positions that are not among these, ascending; -1 stands for none."""
        rest = np.append(self.live, False)
        rest[positions] = False
        return np.flatnonzero(rest)

    def segments(self) -> Iterator[tuple[int, R]]:
        """(position of the first row, rows), in order."""
        start = 0
        for rows in self._segments:
            yield start, rows
            start += len(rows)

    def take(self, positions: Positions) -> R:
        """The rows at ascending positions; a view when they are neighbours, else a copy."""
        parts: list[R] = []
        for start, rows in self.segments():
            low, high = np.searchsorted(positions, [start, start + len(rows)])
            if high > low:
                parts.append(_taken(rows, positions[low:high] - start))
        if not parts:
            return self._empty
        whole = parts[0]
        for part in parts[1:]:
            whole = _joined(whole, part)
        return whole

    def probe(self) -> NDArray[np.int64]:
        """(m, 2): ids of a few live rows and the CRC-32 of their bytes, to recognise the rows again."""
        live = np.flatnonzero(self.live)
        picked = live[np.unique(np.linspace(0, len(live) - 1, min(_PROBES, len(live))).astype(np.int64))]
        rows = self.take(picked)
        sums = [zlib.crc32(np.ascontiguousarray(rows[i]).data) for i in range(len(picked))]
        return np.stack([self.ids[picked], np.array(sums, np.int64).reshape(-1)], axis=1)

    def fits(self, saved: Ids, probe: NDArray[np.int64]) -> None:
        """ValueError when these are not the rows that `saved` ids and `probe` were taken from.

        Rows may have come and gone since, as long as half of what is here now was there then.
        """
        if 2 * int(np.count_nonzero(self.lookup(saved) >= 0)) < len(self):
            raise ValueError("the saved index is of other ids")
        if len(self) and not len(saved):
            raise ValueError("the saved index is empty")
        at = self.lookup(probe[:, 0])
        here = np.sort(at[at >= 0])
        rows = self.take(here)
        expected = dict(probe.tolist())
        for i, position in enumerate(here):
            if zlib.crc32(np.ascontiguousarray(rows[i]).data) != expected[int(self.ids[position])]:
                raise ValueError("the saved index is of other rows")


def _taken(rows: Any, positions: Positions) -> Any:
    low, high = int(positions[0]), int(positions[-1]) + 1
    if high - low == len(positions):
        return rows.slice(low, high) if isinstance(rows, Ragged) else rows[low:high]
    if isinstance(rows, Ragged):
        spans = zip(rows.offsets[positions].tolist(), rows.offsets[positions + 1].tolist(), strict=True)
        values = np.concatenate([rows.values[low:high] for low, high in spans])
        lengths = rows.offsets[positions + 1] - rows.offsets[positions]
        return Ragged(values, np.concatenate([[0], np.cumsum(lengths)]))
    return np.asarray(rows[positions])


def _joined(first: Any, second: Any) -> Any:
    if isinstance(first, Ragged):
        values = [part.values[part.offsets[0] : part.offsets[-1]] for part in (first, second)]
        offsets = [first.offsets - first.offsets[0], second.offsets[1:] - second.offsets[0] + len(values[0])]
        return Ragged(np.concatenate(values), np.concatenate(offsets))
    return np.concatenate([first, second])
