"""Packed binary codes by Hamming distance: an exact scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ids
from lookalike.index.base import Neighbours, Segment, Within
from lookalike.index.items import Items, Mask, Positions
from lookalike.index.order import inside, nearest, neighbours
from lookalike.index.plain import DerivesNothing
from lookalike.index.simd import RowFilter, faiss_loaded, load_faiss
from lookalike.threads import in_parts

Codes = NDArray[np.uint8]
Bits = NDArray[np.uint16]
Kernel = Literal["auto", "numpy", "faiss"]
Found = tuple[Positions, Bits]

_BLOCK = 8192  # rows scanned at once, so that the intermediate results stay in the second-level cache
_FAISS_PAYS = 64 << 20  # bytes that numpy scans in the time that importing faiss takes (about 0.1 s)
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


def nearest_codes(
    codes: Codes, queries: Codes, k: int, keep: Mask | None = None, kernel: Kernel = "auto"
) -> list[Found]:
    """Per query the positions of the k nearest of (n, w) codes and how many bits differ, in no order.

    Of rows at the distance of the last one, the first are taken. keep: which rows count. Large scans use the cores.
    """
    # a heap of many is slower than counting everything
    fast = _with_faiss(queries, codes, kernel) and k < len(codes) // 16

    def scan(start: int, stop: int) -> list[Found]:
        rows, wanted = codes[start:stop], None if keep is None else keep[start:stop]
        found = _faiss_nearest(rows, queries, k, wanted) if fast else _numpy_nearest(rows, queries, k, wanted)
        return [(positions + start, bits) for positions, bits in found]

    parts = in_parts(scan, len(codes), len(queries) * codes.nbytes)
    return parts[0] if len(parts) == 1 else [_fewest(_joined(one), k) for one in zip(*parts, strict=True)]


def codes_within(
    codes: Codes, queries: Codes, radius: int, keep: Mask | None = None, kernel: Kernel = "auto"
) -> list[Found]:
    """Per query the positions of codes that differ in at most `radius` bits, and in how many, in no order."""
    fast = _with_faiss(queries, codes, kernel)

    def scan(start: int, stop: int) -> list[Found]:
        rows, wanted = codes[start:stop], None if keep is None else keep[start:stop]
        found = _faiss_within(rows, queries, radius, wanted) if fast else _numpy_within(rows, queries, radius, wanted)
        return [(positions + start, bits) for positions, bits in found]

    return [_joined(one) for one in zip(*in_parts(scan, len(codes), len(queries) * codes.nbytes), strict=True)]


@dataclass(frozen=True, slots=True)
class HammingKind(DerivesNothing):
    """Exact scan of packed codes, (n, width_bytes) uint8. kernel: "numpy" or "faiss" whatever the size; for tests."""

    width_bytes: int
    kernel: Kernel = "auto"

    def open(self, items: Items[Codes], segments: Sequence[Segment[None]] = ()) -> HammingIndex:
        return HammingIndex(self, items)


class HammingIndex:
    """Exact nearest packed codes; distances are counts of differing bits.

    Scans with faiss' SIMD kernel where faiss is loaded or the scan is worth its import, else with numpy: a cold query
    of a small collection never waits for the import. The answers are the same.
    """

    def __init__(self, kind: HammingKind, items: Items[Codes]) -> None:
        packed_codes(items.block(0, 0), kind.width_bytes)
        self._kind, self._items = kind, items

    def __len__(self) -> int:
        return len(self._items)

    def search(self, queries: Codes, k: int, allowed: Ids | None = None) -> Neighbours:
        queries = packed_codes(queries, self._kind.width_bytes)
        ids, codes, keep = self._rows(allowed)
        if not k or not len(codes):
            return neighbours([(ids[:0], np.zeros(0, np.uint16)) for _ in queries], k)
        found = nearest_codes(codes, queries, k, keep, self._kind.kernel)
        if not self._items.ascending:  # of equals the lowest ids are wanted, not the first positions
            found = [
                codes_within(codes, query[None], int(bits.max(initial=0)), keep, self._kind.kernel)[0]
                for query, (_, bits) in zip(queries, found, strict=True)
            ]
        return neighbours([nearest(ids[at], bits, k) for at, bits in found], k)

    def within(self, queries: Codes, radius: float, allowed: Ids | None = None) -> list[Within]:
        queries = packed_codes(queries, self._kind.width_bytes)
        ids, codes, keep = self._rows(allowed)
        whole = int(min(max(radius, -1), 8 * self._kind.width_bytes))
        found = codes_within(codes, queries, whole, keep, self._kind.kernel) if len(codes) else []
        empty = [(np.zeros(0, np.int64), np.zeros(0, np.uint16))] * len(queries)
        return [inside(ids[at], bits, radius) for at, bits in found or empty]

    def _rows(self, allowed: Ids | None) -> tuple[Ids, Codes, Mask | None]:
        """What to scan: ids, codes, which of them count."""
        if allowed is not None and len(allowed) * _SPARSE < self._items.size:
            positions = self._items.positions(allowed)
            return self._items.ids[positions], packed_codes(self._items.take(positions), self._kind.width_bytes), None
        return self._items.ids, self._items.block(0, self._items.size), self._items.keep(allowed)


def packed_codes(rows: Codes, width_bytes: int) -> Codes:
    """The same rows, C-contiguous; ValueError unless they are (n, width_bytes) uint8."""
    rows = np.asarray(rows)
    if rows.ndim != 2 or rows.dtype != np.uint8 or rows.shape[1] != width_bytes:
        raise ValueError(f"codes must be (n, {width_bytes}) uint8, not {rows.shape} {rows.dtype}")
    return np.ascontiguousarray(rows)


def _with_faiss(queries: Codes, codes: Codes, kernel: Kernel) -> bool:
    if kernel != "auto":
        return kernel == "faiss"
    return faiss_loaded() or len(queries) * codes.nbytes > _FAISS_PAYS


def _joined(parts: Sequence[Found]) -> Found:
    positions, bits = zip(*parts, strict=True)
    return np.concatenate(positions), np.concatenate(bits)


def _fewest(found: Found, k: int) -> Found:
    """The k of fewest bits, the first positions among equals."""
    positions, bits = found
    order = np.lexsort((positions, bits))[:k]
    return positions[order], bits[order]


def _numpy_nearest(rows: Codes, queries: Codes, k: int, keep: Mask | None) -> list[Found]:
    found = []
    for query in queries:
        bits = hamming_distances(rows, query)
        counts = np.cumsum(np.bincount(bits if keep is None else bits[keep], minlength=1))
        near = bits <= min(int(np.searchsorted(counts, k)), len(counts) - 1)
        at = np.flatnonzero(near if keep is None else near & keep)
        found.append(_fewest((at, bits[at]), k))
    return found


def _numpy_within(rows: Codes, queries: Codes, radius: int, keep: Mask | None) -> list[Found]:
    found = []
    for query in queries:
        bits = hamming_distances(rows, query)
        at = np.flatnonzero(bits <= radius if keep is None else (bits <= radius) & keep)
        found.append((at, bits[at]))
    return found


def _faiss_nearest(rows: Codes, queries: Codes, k: int, keep: Mask | None) -> list[Found]:
    """By the kernel behind IndexBinaryFlat, called on the rows where they are: the index would copy them."""
    faiss = load_faiss()
    rows = np.ascontiguousarray(rows)
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


def _faiss_within(rows: Codes, queries: Codes, radius: int, keep: Mask | None) -> list[Found]:
    faiss = load_faiss()
    rows = np.ascontiguousarray(rows)
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
