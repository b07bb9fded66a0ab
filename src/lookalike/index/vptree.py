"""Packed binary codes by Hamming distance: a vantage-point tree, exact, for small radii."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.files import read_snapshot, write_snapshot
from lookalike.arrays.rows import Ids
from lookalike.index.base import Neighbours, Within
from lookalike.index.hamming import Bits, Codes, differing_bits, hamming_distances, packed_codes, words
from lookalike.index.table import Positions, RowTable, inside, nearest, neighbours

_NAME = "vptree"
_LEAF = 128  # codes scanned together: smaller leaves prune better, larger ones scan better
_ROUNDS = (8, 64)  # leaves scanned before the bounds are looked at again
_TAIL = 4096  # codes outside the tree before building it again is worth it


@dataclass(frozen=True)
class VPTree:
    """A balanced vantage-point tree (Yianilos 1993) in flat arrays, level by level.

    Level l has 2^l nodes; node j of it holds items j n / 2^l to (j + 1) n / 2^l in tree order, nearer to the
    vantage point of its parent when j is even. order: (n,) item numbers in tree order. vantages: (nodes, w) codes.
    low, high: (nodes,) least and greatest distance of a node's items to its parent's vantage point.
    """

    order: Positions
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
        return cls(order, np.concatenate(vantages), np.concatenate(low), np.concatenate(high))

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


class VPTreeIndex:
    """Exact nearest packed codes, (n, width_bytes) uint8, by distance in bits.

    Faster than a scan where few leaves are within reach: many similar codes, or a small radius. Holds a copy of
    the codes in tree order. Rows added later are scanned until there are enough for building the tree again.
    """

    def __init__(self, width_bytes: int) -> None:
        self.width_bytes = width_bytes
        self._table: RowTable[Codes] = RowTable(np.zeros((0, width_bytes), np.uint8))
        self._tail: Positions = np.zeros(0, np.int64)
        self._grow(VPTree.build(self._table.take(self._tail)), self._tail)

    def __len__(self) -> int:
        return len(self._table)

    @property
    def worth_saving(self) -> bool:
        return len(self._table) > _TAIL

    def add(self, ids: Ids, rows: Codes) -> None:
        start = self._table.size
        self._table.append(ids, packed_codes(rows, self.width_bytes))
        self._tail = np.concatenate([self._tail, np.arange(start, self._table.size)])

    def remove(self, ids: Ids) -> int:
        return self._table.remove(ids)

    def prepare(self) -> None:
        """Build the tree over all rows now."""
        live = np.flatnonzero(self._table.live)
        self._tail = np.zeros(0, np.int64)
        self._grow(VPTree.build(self._table.take(live)), live)

    def search(self, queries: Codes, k: int, allowed: Ids | None = None) -> Neighbours:
        queries = packed_codes(queries, self.width_bytes)
        wanted = self._wanted(allowed)
        return neighbours([self._nearest(query, k, wanted) for query in queries], k)

    def within(self, queries: Codes, radius: float, allowed: Ids | None = None) -> list[Within]:
        queries = packed_codes(queries, self.width_bytes)
        wanted = self._wanted(allowed)
        whole = int(min(max(radius, -1), 8 * self.width_bytes))
        answers = []
        for query in queries:
            ids, bits = self._scanned_tail(query, wanted)
            more, far = self._scanned(self._tree.leaves(query, whole)[0], query, wanted)
            ids, bits = np.concatenate([ids, more]), np.concatenate([bits, far])
            answers.append(inside(ids, bits, radius))
        return answers

    def save(self, path: Path) -> None:
        self.prepare()
        tree, table = self._tree, self._table
        arrays: dict[str, NDArray[Any]] = {
            "coded": table.ids[table.live],
            "probe": table.probe(),
            "order": tree.order,
            "vantages": tree.vantages,
            "low": tree.low,
            "high": tree.high,
        }
        write_snapshot(path, _NAME, {"width_bytes": self.width_bytes}, arrays)

    @classmethod
    def load(cls, path: Path, ids: Ids, rows: Codes) -> Self:
        """Ids no longer given are gone, and ids that the file does not know are scanned."""
        params, arrays = read_snapshot(path, _NAME)
        index = cls(**params)
        index._table.append(ids, packed_codes(rows, index.width_bytes))
        coded = arrays.pop("coded")
        index._table.fits(coded, arrays.pop("probe"))
        index._grow(VPTree(**arrays), index._table.lookup(coded))
        index._tail = index._table.others(index._positions)
        return index

    def _grow(self, tree: VPTree, positions: Positions) -> None:
        """Use a tree whose item i is the row at positions[i], -1 where the row is gone."""
        self._tree = tree
        self._positions = positions[tree.order]
        here = self._positions >= 0
        codes = np.zeros((len(positions), self.width_bytes), np.uint8)
        rows = self._positions[here]
        rank = np.argsort(rows)
        codes[np.flatnonzero(here)[rank]] = self._table.take(rows[rank])
        self._codes = codes

    def _wanted(self, allowed: Ids | None) -> NDArray[np.bool_] | None:
        """Which positions may be answered, None for all; builds the tree when it lags too far behind."""
        table = self._table
        if len(self._tail) > max(_TAIL, table.size // 4) or len(self._codes) > 2 * len(table) + _TAIL:
            self.prepare()
        if allowed is None and len(self._codes) + len(self._tail) == len(table):
            return None
        return table.mask(None if allowed is None else table.positions(allowed))

    def _nearest(self, query: Codes, k: int, wanted: NDArray[np.bool_] | None) -> tuple[Ids, Bits]:
        """The leaves with the least bounds first, then all whose bound is not above the k-th distance so far."""
        tail = ids, bits = self._scanned_tail(query, wanted)
        leaves, bounds = self._tree.leaves(query, 8 * self.width_bytes)
        rank = np.argsort(bounds, kind="stable")
        for part in np.split(rank, _ROUNDS):
            ids, bits = nearest(ids, bits, k)
            if len(ids) == k:
                part = part[bounds[part] <= bits[-1]] if k else part[:0]
            more, far = self._scanned(leaves[part], query, wanted)
            before, known = tail if self._most(part) else (ids, bits)
            ids, bits = np.concatenate([before, more]), np.concatenate([known, far])
            if self._most(part):
                break
        return nearest(ids, bits, k)

    def _most(self, leaves: Positions) -> bool:
        """Whether looking at all codes in a row is faster than picking out the codes of these leaves."""
        return len(leaves) * _LEAF * 4 > len(self._codes)

    def _scanned(self, leaves: Positions, query: Codes, wanted: NDArray[np.bool_] | None) -> tuple[Ids, Bits]:
        """The answers that the leaves hold; those of all leaves where that is faster."""
        if self._most(leaves):
            bits, positions = hamming_distances(self._codes, query), self._positions
        else:
            at = self._tree.items(leaves)
            bits, positions = hamming_distances(self._codes[at], query), self._positions[at]
        if wanted is not None:
            keep = wanted[positions]
            bits, positions = bits[keep], positions[keep]
        return self._table.ids[positions], bits

    def _scanned_tail(self, query: Codes, wanted: NDArray[np.bool_] | None) -> tuple[Ids, Bits]:
        tail = self._tail if wanted is None else self._tail[wanted[self._tail]]
        return self._table.ids[tail], hamming_distances(self._table.take(tail), query)
