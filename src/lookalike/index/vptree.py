"""Packed binary codes by Hamming distance: a vantage-point tree, exact, for small radii."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ids
from lookalike.index.base import Neighbours, Sealed, Segment, Within
from lookalike.index.hamming import Bits, Codes, differing_bits, hamming_distances, packed_codes, words
from lookalike.index.items import Items, Mask, Positions
from lookalike.index.order import inside, nearest, neighbours

_LEAF = 128  # codes scanned together: smaller leaves prune better, larger ones scan better
_ROUNDS = (8, 64)  # leaves scanned before the bounds are looked at again
_TAIL = 4096  # codes that are scanned as fast as a tree of them is searched


@dataclass(frozen=True, slots=True)
class VPTree:
    """A balanced vantage-point tree (Yianilos 1993) in flat arrays, level by level.

    Level l has 2^l nodes; node j of it holds items j n / 2^l to (j + 1) n / 2^l in tree order, nearer to the
    vantage point of its parent when j is even. order: (n,) item numbers in tree order, codes: (n, w) in that order.
    vantages: (nodes above the leaves, w) codes. low, high: (nodes,) least and greatest distance of a node's items to
    its parent's vantage point.
    """

    order: Positions
    codes: Codes
    vantages: Codes
    low: NDArray[np.int32]
    high: NDArray[np.int32]

    @classmethod
    def build(cls, codes: Codes) -> Self:
        """Vantage points are drawn at random with a fixed seed; all nodes of a level are split at once."""
        random = np.random.default_rng(0)
        n, bits = len(codes), 8 * codes.shape[1]
        order = np.arange(n)
        vantages = [codes[:0]]
        low: list[NDArray[np.int32]] = [np.zeros(1, np.int32)]
        high: list[NDArray[np.int32]] = [np.full(1, bits, np.int32)]
        for level in range(_levels(n)):
            cuts = _cuts(n, level)
            node = np.repeat(np.arange(1 << level), np.diff(cuts))
            vantage = codes[order[random.integers(cuts[:-1], cuts[1:])]]
            far = differing_bits(words(codes[order]), words(vantage)[node]).astype(np.int64)
            rank = np.argsort(node * (bits + 1) + far, kind="stable")
            order, sorted_far = order[rank], far[rank].astype(np.int32)
            below = _cuts(n, level + 1)
            vantages.append(vantage)
            low.append(sorted_far[below[:-1]])
            high.append(sorted_far[below[1:] - 1])
        return cls(order, codes[order], np.concatenate(vantages), np.concatenate(low), np.concatenate(high))

    def leaves(self, query: Codes, radius: int) -> tuple[Positions, NDArray[np.int32]]:
        """The leaves that may hold something within the radius, and the least distance that they may hold.

        By the triangle inequality: items at low..high from a vantage point that is at d from the query are at
        least max(low - d, d - high) from the query.
        """
        points, one = words(self.vantages), words(query)
        nodes, bounds = np.zeros(1, np.int64), np.zeros(1, np.int32)
        for level in range(_levels(len(self.order))):
            first = (1 << level) - 1
            far = np.repeat(differing_bits(points[first + nodes], one).astype(np.int32), 2)
            nodes = np.repeat(2 * nodes, 2)
            nodes[1::2] += 1
            at = 2 * first + 1 + nodes
            bounds = np.maximum(np.repeat(bounds, 2), np.maximum(self.low[at] - far, far - self.high[at]))
            near = bounds <= radius
            nodes, bounds = nodes[near], bounds[near]
        return nodes, bounds

    def items(self, leaves: Positions) -> Positions:
        """Where the items of leaves are in tree order."""
        cuts = _cuts(len(self.order), _levels(len(self.order)))
        low, high = cuts[leaves], cuts[leaves + 1]
        at = low[:, None] + np.arange((high - low).max(initial=0))
        return at[at < high[:, None]]


def _levels(n: int) -> int:
    return max(0, (n // _LEAF).bit_length() - 1)


def _cuts(n: int, level: int) -> Positions:
    return (np.arange((1 << level) + 1) * n) >> level


@dataclass(frozen=True, slots=True)
class VPTreeKind:
    """A vantage-point tree for each segment of packed codes, (n, width_bytes) uint8."""

    width_bytes: int
    name = "vptree"
    tail = _TAIL

    def seal(self, rows: Codes, like: Sealed | None = None) -> Sealed:
        tree = VPTree.build(packed_codes(rows, self.width_bytes))
        return Sealed({}, {name: getattr(tree, name) for name in VPTree.__slots__})

    def merge(self, seals: Sequence[Sealed], kept: Sequence[Mask]) -> None:
        """A tree of all codes prunes better than several trees: always built anew."""

    def load(self, sealed: Sealed, items: int) -> VPTree:
        levels = _levels(items)
        shapes = {
            "order": ((items,), np.int64),
            "codes": ((items, self.width_bytes), np.uint8),
            "vantages": (((1 << levels) - 1, self.width_bytes), np.uint8),
            "low": (((2 << levels) - 1,), np.int32),
            "high": (((2 << levels) - 1,), np.int32),
        }
        for name, (shape, dtype) in shapes.items():
            array = sealed.arrays.get(name)
            if array is None or array.shape != shape or array.dtype != dtype:
                raise ValueError(f"not a tree of {items} codes of {self.width_bytes} bytes: {name} does not fit")
        order = sealed.take("order")
        if items and not (int(order.min()) >= 0 and int(order.max()) < items):
            raise ValueError("the order of a tree leads outside of it")
        return VPTree(**{name: sealed.take(name) for name in shapes})

    def open(self, items: Items[Codes], segments: Sequence[Segment[VPTree]] = ()) -> VPTreeIndex:
        return VPTreeIndex(self, items, segments)


class VPTreeIndex:
    """Exact nearest packed codes, by distance in bits.

    Faster than a scan where few leaves are within reach: many similar codes, or a small radius. A tree holds a copy
    of its codes. What is in no tree is scanned.
    """

    def __init__(self, kind: VPTreeKind, items: Items[Codes], segments: Sequence[Segment[VPTree]]) -> None:
        packed_codes(items.block(0, 0), kind.width_bytes)
        self._width = kind.width_bytes
        self._items, self._segments = items, segments
        self._tail = segments[-1].last if segments else 0

    def __len__(self) -> int:
        return len(self._items)

    def search(self, queries: Codes, k: int, allowed: Ids | None = None) -> Neighbours:
        queries, keep = packed_codes(queries, self._width), self._items.keep(allowed)
        return neighbours([self._nearest(query, k, keep) for query in queries], k)

    def within(self, queries: Codes, radius: float, allowed: Ids | None = None) -> list[Within]:
        queries, keep = packed_codes(queries, self._width), self._items.keep(allowed)
        whole = int(min(max(radius, -1), 8 * self._width))
        answers = []
        for query in queries:
            parts = [self._scanned_tail(query, keep)]
            parts += [self._scanned(one, one.part.leaves(query, whole)[0], query, keep) for one in self._segments]
            ids, bits = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
            answers.append(inside(ids, bits, radius))
        return answers

    def _nearest(self, query: Codes, k: int, keep: Mask | None) -> tuple[Ids, Bits]:
        """In each tree the leaves with the least bounds first, then all whose bound is not above the k-th distance."""
        found = nearest(*self._scanned_tail(query, keep), k)
        for segment in self._segments:
            found = self._nearer(segment, query, k, keep, found)
        return found

    def _nearer(
        self, segment: Segment[VPTree], query: Codes, k: int, keep: Mask | None, before: tuple[Ids, Bits]
    ) -> tuple[Ids, Bits]:
        ids, bits = before
        leaves, bounds = segment.part.leaves(query, 8 * self._width)
        rank = np.argsort(bounds, kind="stable")
        for part in np.split(rank, _ROUNDS):
            if len(ids) == k:
                part = part[bounds[part] <= bits[-1]] if k else part[:0]
            most = _most(segment, part)
            more, far = self._scanned(segment, leaves[part], query, keep)
            base, known = before if most else (ids, bits)
            ids, bits = nearest(np.concatenate([base, more]), np.concatenate([known, far]), k)
            if most:
                break
        return ids, bits

    def _scanned(
        self, segment: Segment[VPTree], leaves: Positions, query: Codes, keep: Mask | None
    ) -> tuple[Ids, Bits]:
        """The answers that the leaves hold; those of all leaves where that is faster."""
        tree = segment.part
        if _most(segment, leaves):
            bits, order = hamming_distances(tree.codes, query), tree.order
        else:
            at = tree.items(leaves)
            bits, order = hamming_distances(tree.codes[at], query), tree.order[at]
        return self._kept(order + segment.first, bits, keep)

    def _scanned_tail(self, query: Codes, keep: Mask | None) -> tuple[Ids, Bits]:
        codes = packed_codes(self._items.block(self._tail, self._items.size), self._width)
        return self._kept(np.arange(self._tail, self._items.size), hamming_distances(codes, query), keep)

    def _kept(self, positions: Positions, bits: Bits, keep: Mask | None) -> tuple[Ids, Bits]:
        if keep is not None:
            wanted = keep[positions]
            positions, bits = positions[wanted], bits[wanted]
        return self._items.ids[positions], bits


def _most(segment: Segment[VPTree], leaves: Positions) -> bool:
    """Whether looking at all codes in a row is faster than picking out the codes of these leaves."""
    return len(leaves) * _LEAF * 4 > len(segment)
