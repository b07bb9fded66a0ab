"""Every descriptor against every descriptor of every picture: slow, simple, and the reference for the fast index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ids, Ragged
from lookalike.index.base import Neighbours, Segment, Within
from lookalike.index.items import Items
from lookalike.index.keypoint_rows import Bytes, Floats, Form, places
from lookalike.index.order import inside, nearest, neighbours
from lookalike.index.plain import DerivesNothing
from lookalike.index.votes import Votes

RATIO = 0.75
FEWEST_MATCHES = 5
_BLOCK = 64  # pictures read at once
_GROUP = 16  # rows of which only the nearest is looked at first


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
    at = _smallest(squares, kept)
    order = np.argsort(np.take_along_axis(squares, at, axis=1), axis=1, kind="stable")
    at = np.take_along_axis(at, order, axis=1)
    missing = ((0, 0), (0, k - kept))
    distances = np.pad(np.take_along_axis(squares, at, axis=1), missing, constant_values=np.inf)
    return distances, np.pad(at, missing, constant_values=-1)


def _smallest(values: Floats, k: int) -> NDArray[np.int64]:
    """(q, k) columns of the k smallest of each of q rows, in no order.

    They lie in the k groups of columns whose least values are smallest: only these are sorted.
    """
    rows, columns = values.shape
    groups = columns // _GROUP
    if not k:
        return np.zeros((rows, 0), np.int64)
    if groups < 4 * k:
        return np.argpartition(values, k - 1, axis=1)[:, :k]
    least = values[:, : groups * _GROUP].reshape(rows, _GROUP, groups).min(axis=1)
    likely = np.argpartition(least, k - 1, axis=1)[:, :k, None] + groups * np.arange(_GROUP)
    rest = np.broadcast_to(np.arange(groups * _GROUP, columns), (rows, columns - groups * _GROUP))
    at = np.concatenate([likely.reshape(rows, k * _GROUP), rest], axis=1)
    best = np.argpartition(np.take_along_axis(values, at, axis=1), k - 1, axis=1)[:, :k]
    return np.take_along_axis(at, best, axis=1)


def good_matches(queries: Floats, rows: Floats, ratio: float = RATIO) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Queries whose nearest row is nearer than `ratio` times the second nearest (Lowe 2004), and those rows."""
    if len(rows) < 2:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    squares = squared_distances(queries, rows)
    nearest = squares.argmin(axis=1)
    numbers = np.arange(len(queries))
    first = squares[numbers, nearest]
    squares[numbers, nearest] = np.inf
    good = np.flatnonzero(first < ratio**2 * squares.min(axis=1))
    return good, nearest[good]


@dataclass(frozen=True, slots=True)
class ExhaustiveKind(DerivesNothing):
    """Packed keypoint rows (`keypoint_rows`), each descriptor compared with each of a query."""

    form: Form

    def open(self, items: Items[Ragged], segments: Sequence[Segment[None]] = ()) -> ExhaustiveIndex:
        return ExhaustiveIndex(self, items)


class ExhaustiveIndex:
    """The distance of a picture is 1 / (1 + good matches).

    A match is good by the ratio test at 0.75. Pictures without 5 good matches are not answers: a search for k
    returns fewer, and `within` has none of them below radius 1.
    """

    def __init__(self, kind: ExhaustiveKind, items: Items[Ragged]) -> None:
        self._kind, self._items = kind, items

    def __len__(self) -> int:
        return len(self._items)

    def search(self, queries: Ragged, k: int, allowed: Ids | None = None) -> Neighbours:
        return neighbours([nearest(*self._ranked(queries[i], allowed), k) for i in range(len(queries))], k)

    def within(self, queries: Ragged, radius: float, allowed: Ids | None = None) -> list[Within]:
        return [inside(*self._ranked(queries[i], allowed), radius) for i in range(len(queries))]

    def votes(self, query: Bytes, allowed: Ids | None = None) -> Votes:
        """The good matches of one query's packed rows (n, w): each is a vote of weight 1."""
        asked = self._kind.form.vectors(query)
        here, octaves, angle = places(query)
        found = [Votes.none()]
        keep = self._items.keep(allowed)
        positions = np.arange(self._items.size) if keep is None else np.flatnonzero(keep)
        for start in range(0, len(positions), _BLOCK):
            block = positions[start : start + _BLOCK]
            rows = self._items.take(block)
            for i, position in enumerate(block.tolist()):
                good, match = good_matches(asked, self._kind.form.vectors(rows[i]))
                if len(good) >= FEWEST_MATCHES:
                    there, zoom, turn = places(rows[i][match])
                    ids, ones = np.full(len(good), self._items.ids[position]), np.ones(len(good), np.float32)
                    turn, zoom = turn - angle[good], zoom - octaves[good]
                    found.append(Votes(good, ids, ones, here[good], there, turn, zoom))
        return Votes.joined(found)

    def _ranked(self, query: Bytes, allowed: Ids | None) -> tuple[Ids, Floats]:
        pictures, matches = np.unique(self.votes(query, allowed).picture, return_counts=True)
        return pictures, (1 / (1 + matches)).astype(np.float32)
