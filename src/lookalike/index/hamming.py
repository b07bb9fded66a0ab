"""Packed binary codes by Hamming distance: an exact scan."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.files import read_snapshot, write_snapshot
from lookalike.arrays.rows import Ids
from lookalike.index.base import Neighbours, Within
from lookalike.index.simd import RowFilter, faiss_loaded, load_faiss
from lookalike.index.table import RowTable, inside, nearest, neighbours

Codes = NDArray[np.uint8]
Bits = NDArray[np.uint16]
Kernel = Literal["auto", "numpy", "faiss"]

_NAME = "hamming"
_BLOCK = 8192  # rows scanned at once, so that the intermediate results stay in the second-level cache
_FAISS_PAYS = 256 << 20  # bytes that numpy scans in the time that importing faiss takes (about 0.2 s)
_SPARSE = 16  # a filter that leaves fewer than one row in so many is answered from a copy of those rows


def words(codes: Codes) -> NDArray[Any]:
    """(..., w) codes as (..., c) words of up to 64 bits."""
    size = next(size for size in (8, 4, 2, 1) if codes.shape[-1] % size == 0)
    return np.ascontiguousarray(codes).view(f"<u{size}")


def differing_bits(first: NDArray[Any], second: NDArray[Any]) -> Bits:
    """Bits that differ between (..., c) words, broadcast against each other."""
    total: Bits = np.bitwise_count(first[..., 0] ^ second[..., 0]).astype(np.uint16)
    for column in range(1, first.shape[-1]):
        total += np.bitwise_count(first[..., column] ^ second[..., column])
    return total


def hamming_distances(codes: Codes, query: Codes) -> Bits:
    """Bits in which each of (n, w) packed codes differs from one (w,) code."""
    rows, one = words(codes), words(query)
    distances = np.empty(len(rows), np.uint16)
    for start in range(0, len(rows), _BLOCK):
        distances[start : start + _BLOCK] = differing_bits(rows[start : start + _BLOCK], one)
    return distances


class HammingIndex:
    """Exact nearest packed codes, (n, width_bytes) uint8; distances are counts of differing bits.

    Scans with numpy until as much has been scanned as importing faiss is worth, then with its SIMD kernel:
    a single cold query never waits for the import. `kernel` forces one of them; the answers are the same.
    """

    def __init__(self, width_bytes: int, kernel: Kernel = "auto") -> None:
        self.width_bytes = width_bytes
        self._kernel = kernel
        self._scanned = 0
        self._table: RowTable[Codes] = RowTable(np.zeros((0, width_bytes), np.uint8))

    def __len__(self) -> int:
        return len(self._table)

    @property
    def worth_saving(self) -> bool:
        return False  # the rows are all there is

    def add(self, ids: Ids, rows: Codes) -> None:
        self._table.append(ids, packed_codes(rows, self.width_bytes))

    def remove(self, ids: Ids) -> int:
        return self._table.remove(ids)

    def search(self, queries: Codes, k: int, allowed: Ids | None = None) -> Neighbours:
        queries = packed_codes(queries, self.width_bytes)
        found: list[list[tuple[Ids, Bits]]] = [[] for _ in queries]
        for ids, rows, keep in self._parts(allowed):
            # Among equals faiss prefers low positions; a heap of many is slower than sorting everything.
            if self._with_faiss(queries, rows) and self._table.ascending and k < len(rows) // 16:
                for answer, (at, bits) in zip(found, _faiss_nearest(rows, queries, k, keep), strict=True):
                    answer.append((ids[at], bits))
                continue
            for answer, query in zip(found, queries, strict=True):
                bits = hamming_distances(rows, query)
                near = _smallest(bits, k, keep)
                answer.append(nearest(ids[near], bits[near], k))
        return neighbours([_merged(answer, k) for answer in found], k)

    def within(self, queries: Codes, radius: float, allowed: Ids | None = None) -> list[Within]:
        queries = packed_codes(queries, self.width_bytes)
        found: list[list[tuple[Ids, Bits]]] = [[] for _ in queries]
        whole = int(min(max(radius, -1), 8 * self.width_bytes))
        for ids, rows, keep in self._parts(allowed):
            if self._with_faiss(queries, rows):
                for answer, (at, bits) in zip(found, _faiss_within(rows, queries, whole, keep), strict=True):
                    answer.append((ids[at], bits))
                continue
            for answer, query in zip(found, queries, strict=True):
                bits = hamming_distances(rows, query)
                near = np.flatnonzero(bits <= whole if keep is None else (bits <= whole) & keep)
                answer.append((ids[near], bits[near]))
        return [inside(*_merged(answer), radius) for answer in found]

    def save(self, path: Path) -> None:
        """Nothing is derived from the codes; the file only tells them apart from others."""
        arrays = {"ids": self._table.ids[self._table.live], "probe": self._table.probe()}
        write_snapshot(path, _NAME, {"width_bytes": self.width_bytes}, arrays)

    @classmethod
    def load(cls, path: Path, ids: Ids, rows: Codes) -> Self:
        params, arrays = read_snapshot(path, _NAME)
        index = cls(**params)
        index.add(ids, rows)
        index._table.fits(arrays["ids"], arrays["probe"])
        return index

    def _parts(self, allowed: Ids | None) -> list[tuple[Ids, Codes, NDArray[np.bool_] | None]]:
        """What to scan: (ids, rows, which of the rows count or None for all)."""
        table = self._table
        keep = None if table.all_live else table.live
        if allowed is not None:
            positions = table.positions(allowed)
            if len(positions) * _SPARSE < table.size:
                return [(table.ids[positions], table.take(positions), None)] if len(positions) else []
            keep = np.zeros(table.size, np.bool_)
            keep[positions] = True
        spans = [(slice(at, at + len(rows)), rows) for at, rows in table.segments()]
        return [(table.ids[span], rows, None if keep is None else keep[span]) for span, rows in spans]

    def _with_faiss(self, queries: Codes, rows: Codes) -> bool:
        if self._kernel != "auto":
            return self._kernel == "faiss"
        self._scanned += queries.shape[0] * rows.nbytes
        return faiss_loaded() or self._scanned > _FAISS_PAYS


def packed_codes(rows: Codes, width_bytes: int) -> Codes:
    """The same rows, C-contiguous; ValueError unless they are (n, width_bytes) uint8."""
    rows = np.asarray(rows)
    if rows.ndim != 2 or rows.dtype != np.uint8 or rows.shape[1] != width_bytes:
        raise ValueError(f"codes must be (n, {width_bytes}) uint8, not {rows.shape} {rows.dtype}")
    return np.ascontiguousarray(rows)


def _smallest(bits: Bits, k: int, keep: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """Positions of all rows at most as far as the k-th of those kept."""
    if keep is None:
        counts = np.bincount(bits)
        return np.flatnonzero(bits <= np.searchsorted(np.cumsum(counts), k))
    counts = np.bincount(bits[keep])
    return np.flatnonzero((bits <= np.searchsorted(np.cumsum(counts), k)) & keep)


def _merged(parts: list[tuple[Ids, Bits]], k: int | None = None) -> tuple[Ids, Bits]:
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.uint16)
    ids, bits = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return (ids, bits) if k is None else nearest(ids, bits, k)


def _faiss_nearest(
    rows: Codes, queries: Codes, k: int, keep: NDArray[np.bool_] | None
) -> list[tuple[NDArray[np.int64], Bits]]:
    """Per query the k nearest positions and their distances; among equals the lowest positions."""
    faiss = load_faiss()
    # The kernel behind IndexBinaryFlat, called on the rows where they are: the index would copy them.
    distances = np.empty((len(queries), k), np.int32)
    positions = np.empty((len(queries), k), np.int64)
    heap = faiss.int_maxheap_array_t()
    heap.nh, heap.k = len(queries), k
    heap.ids, heap.val = faiss.swig_ptr(positions), faiss.swig_ptr(distances)
    chosen = None if keep is None else RowFilter(keep)
    faiss.hammings_knn_hc(
        heap,
        faiss.swig_ptr(queries),
        faiss.swig_ptr(rows),
        len(rows),
        rows.shape[1],
        1,
        faiss.EXACT_TOPK,
        chosen and chosen.selector,
    )
    found = positions >= 0
    return [(positions[i, f], distances[i, f].astype(np.uint16)) for i, f in enumerate(found)]


def _faiss_within(
    rows: Codes, queries: Codes, radius: int, keep: NDArray[np.bool_] | None
) -> list[tuple[NDArray[np.int64], Bits]]:
    """Per query the positions at distance <= radius and their distances, in any order."""
    faiss = load_faiss()
    result = faiss.RangeSearchResult(len(queries))
    chosen = None if keep is None else RowFilter(keep)
    faiss.hamming_range_search(
        faiss.swig_ptr(queries),
        faiss.swig_ptr(rows),
        len(queries),
        len(rows),
        radius + 1,
        rows.shape[1],
        result,
        chosen and chosen.selector,
    )
    limits = faiss.rev_swig_ptr(result.lims, len(queries) + 1).copy()
    if not limits[-1]:
        return [(np.zeros(0, np.int64), np.zeros(0, np.uint16)) for _ in queries]
    positions = faiss.rev_swig_ptr(result.labels, int(limits[-1])).copy()
    bits = faiss.rev_swig_ptr(result.distances, int(limits[-1])).astype(np.uint16)
    return [(positions[low:high], bits[low:high]) for low, high in pairwise(limits)]
