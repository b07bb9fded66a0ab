"""Approximate shortlist, exact answer: what the vector and the histogram index have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ids, Ragged, Rows
from lookalike.index.base import Distances, Neighbours, Segment, Within
from lookalike.index.items import Items, Mask, Positions
from lookalike.index.order import inside, nearest, neighbours

R = TypeVar("R", bound=Rows)
Q = TypeVar("Q", bound=Rows, contravariant=True)

_BLOCK = 8192  # rows compared at once
_SPARSE = 32  # a filter that leaves fewer than one row in so many is answered exactly


class Shortlist(Protocol[Q]):
    """A segment's compact codes, numbered as its items are."""

    def nearest(self, queries: Q, m: int, keep: Mask | None) -> list[tuple[Positions, Distances]]:
        """Per query the numbers of about the m nearest rows, of those kept if given, and how far their codes are."""
        ...


class RerankedIndex(ABC, Generic[R]):
    """Exact distances to a shortlist that the segments' codes have found, and to all of the tail.

    `within` is always exact, and so is a search that a filter leaves few rows for. A shortlist that a filter left too
    short is replaced by exact comparison, so a search never answers with fewer than there are.
    """

    def __init__(self, items: Items[R], segments: Sequence[Segment[Shortlist[R]]], breadth: int) -> None:
        """breadth: rows to compare exactly for ten good answers."""
        self._checked(items.block(0, 0))
        self._items, self._segments, self._breadth = items, segments, breadth
        self._tail = segments[-1].last if segments else 0

    @abstractmethod
    def _checked(self, rows: R) -> R:
        """ValueError unless the rows have this index's form."""

    @abstractmethod
    def _distances(self, rows: R, queries: R) -> Distances:
        """Exact, (q, n)."""

    def __len__(self) -> int:
        return len(self._items)

    def search(self, queries: R, k: int, allowed: Ids | None = None) -> Neighbours:
        queries, items = self._checked(queries), self._items
        m = max(self._breadth, 8 * k)
        if not self._segments or not k:
            return neighbours(self._exact(queries, self._positions(allowed), k), k)
        if allowed is not None and len(allowed) * _SPARSE < items.size:
            return neighbours(self._exact(queries, items.positions(allowed), k), k)
        keep = items.keep(allowed)
        if (items.size if keep is None else int(np.count_nonzero(keep))) <= 4 * m:
            return neighbours(self._exact(queries, self._positions(allowed), k), k)
        if allowed is not None:
            m *= 2  # neighbours that a filter leaves are farther away, where codes tell less
        return neighbours(self._shortlisted(queries, keep, k, m), k)

    def within(self, queries: R, radius: float, allowed: Ids | None = None) -> list[Within]:
        queries = self._checked(queries)
        found: list[list[tuple[Ids, Distances]]] = [[] for _ in range(len(queries))]
        for ids, rows in self._blocks(self._positions(allowed)):
            for answer, distances in zip(found, self._distances(rows, queries), strict=True):
                near = distances <= radius
                answer.append((ids[near], distances[near]))
        return [inside(*_joined(answer), radius) for answer in found]

    def _positions(self, allowed: Ids | None) -> Positions | None:
        """Where what may be answered is; None for everything."""
        if allowed is not None:
            return self._items.positions(allowed)
        return None if self._items.live is None else np.flatnonzero(self._items.live)

    def _exact(self, queries: R, positions: Positions | None, k: int) -> list[tuple[Ids, Distances]]:
        found: list[list[tuple[Ids, Distances]]] = [[] for _ in range(len(queries))]
        for ids, rows in self._blocks(positions):
            for answer, distances in zip(found, self._distances(rows, queries), strict=True):
                answer.append(nearest(ids, distances, k))
        return [nearest(*_joined(answer), k) for answer in found]

    def _shortlisted(self, queries: R, keep: Mask | None, k: int, m: int) -> list[tuple[Ids, Distances]]:
        items = self._items
        tail = np.arange(self._tail, items.size)
        if keep is not None:
            tail = tail[keep[self._tail :]]
        coded = self._tail if keep is None else int(np.count_nonzero(keep[: self._tail]))
        answers = []
        for query, listed in zip(_each(queries), self._listed(queries, keep, m), strict=True):
            if len(listed) < min(m // 2, coded):
                positions = None if keep is None else np.flatnonzero(keep)
                answers += self._exact(query, positions, k)
                continue
            near = np.concatenate([np.sort(listed), tail])
            answers.append(nearest(items.ids[near], self._distances(items.take(near), query)[0], k))
        return answers

    def _listed(self, queries: R, keep: Mask | None, m: int) -> list[Positions]:
        """Per query the positions in segments whose codes are the m nearest."""
        parts: list[list[tuple[Positions, Distances]]] = [[] for _ in range(len(queries))]
        for segment in self._segments:
            wanted = None if keep is None else keep[segment.first : segment.last]
            for part, (numbers, far) in zip(parts, segment.part.nearest(queries, m, wanted), strict=True):
                part.append((numbers + segment.first, far))
        listed = []
        for positions, far in map(_joined, parts):
            listed.append(positions if len(far) <= m else positions[np.argpartition(far, m - 1)[:m]])
        return listed

    def _blocks(self, positions: Positions | None) -> Iterator[tuple[Ids, R]]:
        items = self._items
        count = items.size if positions is None else len(positions)
        for start in range(0, count, _BLOCK):
            stop = min(start + _BLOCK, count)
            if positions is None:
                yield items.ids[start:stop], items.block(start, stop)
            else:
                yield items.ids[positions[start:stop]], items.take(positions[start:stop])


def _each(rows: Any) -> Iterator[Any]:
    for item in range(len(rows)):
        yield rows.slice(item, item + 1) if isinstance(rows, Ragged) else rows[item : item + 1]


def _joined(parts: Sequence[tuple[NDArray[Any], Distances]]) -> tuple[NDArray[Any], Distances]:
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    first, distances = zip(*parts, strict=True)
    return np.concatenate(first), np.concatenate(distances)
