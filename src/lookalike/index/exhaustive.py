"""Every descriptor against every descriptor of every picture: slow, simple, and the reference for the fast index."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ids, Ragged
from lookalike.index.base import Neighbours, Within
from lookalike.index.keypoint_rows import GEOMETRY, Bytes, Floats, vectors
from lookalike.index.table import RowTable, inside, nearest, neighbours

RATIO = 0.75
FEWEST_MATCHES = 5
UNMATCHED = np.float32(1)


def squared_distances(queries: Floats, rows: Floats) -> Floats:
    """(q, n) squared Euclidean distances between (q, d) and (n, d)."""
    squares: Floats = queries @ rows.T
    squares *= -2
    squares += (queries**2).sum(axis=1)[:, None]
    squares += (rows**2).sum(axis=1)
    return np.maximum(squares, 0, out=squares)


def nearest_rows(queries: Floats, rows: Floats, k: int) -> tuple[Floats, NDArray[np.int64]]:
    """Squared distances and numbers (q, k) of the k nearest rows, nearest first; inf and -1 where there are fewer."""
    squares = squared_distances(queries, rows)
    kept = min(k, len(rows))
    at = np.argpartition(squares, kept - 1, axis=1)[:, :kept] if kept else np.zeros((len(queries), 0), np.int64)
    order = np.argsort(np.take_along_axis(squares, at, axis=1), axis=1, kind="stable")
    at = np.take_along_axis(at, order, axis=1)
    missing = ((0, 0), (0, k - kept))
    distances = np.pad(np.take_along_axis(squares, at, axis=1), missing, constant_values=np.inf)
    return distances, np.pad(at, missing, constant_values=-1)


def good_matches(queries: Floats, rows: Floats, ratio: float = RATIO) -> int:
    """Queries whose nearest row is nearer than `ratio` times the second nearest (Lowe 2004)."""
    if len(rows) < 2:
        return 0
    squares = squared_distances(queries, rows)
    two = np.partition(squares, 1, axis=1)[:, :2]
    return int((two[:, 0] < ratio**2 * two[:, 1]).sum())


class ExhaustiveIndex:
    """Packed keypoint rows; the distance of a picture is 1 / (1 + good matches), or 1 with fewer than 5 of them.

    A match is good by the ratio test at 0.75. Pictures without 5 good matches are not answers: a search for k
    returns fewer, and `within` has none of them below radius 1.
    """

    worth_saving = False

    def __init__(self, width: int, binary: bool = False) -> None:
        self.width, self.binary = width, binary
        self._table: RowTable[Ragged] = RowTable(Ragged.of([], width + GEOMETRY.itemsize, np.uint8))

    def __len__(self) -> int:
        return len(self._table)

    def add(self, ids: Ids, rows: Ragged) -> None:
        self._table.append(ids, rows)

    def remove(self, ids: Ids) -> int:
        return self._table.remove(ids)

    def search(self, queries: Ragged, k: int, allowed: Ids | None = None) -> Neighbours:
        found = [self._distances(queries[i], allowed) for i in range(len(queries))]
        return neighbours([nearest(ids[far < 1], far[far < 1], k) for ids, far in found], k)

    def within(self, queries: Ragged, radius: float, allowed: Ids | None = None) -> list[Within]:
        return [inside(*self._distances(queries[i], allowed), radius) for i in range(len(queries))]

    def save(self, path: Path) -> None:
        raise ValueError("an exhaustive index has nothing to save")

    @classmethod
    def load(cls, path: Path, ids: Ids, rows: Ragged) -> Self:
        raise ValueError("an exhaustive index is never saved")

    def _distances(self, query: Bytes, allowed: Ids | None) -> tuple[Ids, Floats]:
        live = self._table.live.copy()
        if allowed is not None:
            live[:] = False
            live[self._table.positions(allowed)] = True
        asked = vectors(query[:, : self.width], self.binary)
        distances = np.full(self._table.size, UNMATCHED)
        for start, rows in self._table.segments():
            for i in np.flatnonzero(live[start : start + len(rows)]).tolist():
                matches = good_matches(asked, vectors(rows[i][:, : self.width], self.binary))
                if matches >= FEWEST_MATCHES:
                    distances[start + i] = 1 / (1 + matches)
        at = np.flatnonzero(live)
        return self._table.ids[at], distances[at]
