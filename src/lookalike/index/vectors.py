"""Unit vectors by cosine distance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.index.base import Distances, Sealed, Segment
from lookalike.index.graph import load_graph, seal_graph
from lookalike.index.hamming import Codes
from lookalike.index.items import Items, Mask
from lookalike.index.rerank import RerankedIndex, Shortlist
from lookalike.index.signs import SignCodes, load_signs, merge_signs, seal_signs, signs

Vectors = NDArray[np.float16] | NDArray[np.float32]

KINDS = {"auto": "codes", "exact": "exact", "codes": "codes", "hnsw": "hnsw"}
TAILS = {"codes": 2048, "exact": None, "hnsw": 2048}
BREADTHS = {"codes": 800, "exact": 0, "hnsw": 64}

_BLOCK = 256  # vectors turned to float32 at once, so that they stay in the second-level cache
_ENCODED = 4096  # vectors encoded at once


@dataclass(frozen=True, slots=True)
class VectorKind:
    """Nearest (n, dim) float16 or float32 unit vectors; the distance is 1 - dot, 0..2, to six decimals.

    kind: "auto" and "codes" re-rank a shortlist that 1,024 signs a vector have found, exactly. "hnsw" finds the
    shortlist by a graph: faster to search, far slower to build, dim + 272 bytes a row. "exact" compares everything.
    """

    dim: int
    kind: str = "auto"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {self.kind!r}")

    @property
    def name(self) -> str:
        return KINDS[self.kind]

    @property
    def tail(self) -> int | None:
        return TAILS[self.name]

    def seal(self, rows: Vectors, like: Sealed | None = None) -> Sealed:
        rows = checked(rows, self.dim)
        if self.name == "hnsw":
            return seal_graph(_float32(rows))
        return seal_signs(
            (signs(_float32(rows[at : at + _ENCODED])) for at in range(0, len(rows), _ENCODED)), len(rows)
        )

    def merge(self, seals: Sequence[Sealed], kept: Sequence[Mask]) -> Sealed | None:
        return None if self.name == "hnsw" else merge_signs(seals, kept)

    def load(self, sealed: Sealed, items: int) -> Shortlist[Vectors]:
        if self.name == "hnsw":
            return load_graph(sealed, items, self.dim, _float32)
        return SignCodes(load_signs(sealed, items), vector_signs)

    def open(self, items: Items[Vectors], segments: Sequence[Segment[Shortlist[Vectors]]] = ()) -> VectorIndex:
        return VectorIndex(self, items, segments)


class VectorIndex(RerankedIndex[Vectors]):
    """See VectorKind."""

    def __init__(
        self, kind: VectorKind, items: Items[Vectors], segments: Sequence[Segment[Shortlist[Vectors]]]
    ) -> None:
        self._dim = kind.dim
        super().__init__(items, segments, BREADTHS[kind.name])

    def _checked(self, rows: Vectors) -> Vectors:
        return checked(rows, self._dim)

    def _distances(self, rows: Vectors, queries: Vectors) -> Distances:
        wanted = np.asarray(queries, np.float32).T
        dots = np.empty((len(rows), len(queries)), np.float32)
        for start, block in _float32_blocks(rows):
            np.matmul(block, wanted, out=dots[start : start + len(block)])
        # Rounded, because matmul sums in another order at the edge of a block: equal rows shall tie.
        return np.maximum(np.round(1 - dots.T, 6), 0)


def checked(rows: Vectors, dim: int) -> Vectors:
    """ValueError unless the rows are vectors of so many dimensions."""
    if rows.ndim != 2 or rows.shape[1] != dim or rows.dtype not in (np.float16, np.float32):
        raise ValueError(f"vectors must be (n, {dim}) float16, not {rows.shape} {rows.dtype}")
    return rows


def vector_signs(queries: Vectors) -> Codes:
    """Vectors as codes."""
    return signs(np.asarray(queries, np.float32))


def _float32(rows: Vectors) -> NDArray[np.float32]:
    whole = np.empty(rows.shape, np.float32)
    for start, block in _float32_blocks(rows):
        whole[start : start + len(block)] = block
    return whole


def _float32_blocks(rows: Vectors) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """(number of the first row, rows as float32): each block is overwritten by the next. Rows must be finite.

    Shifts the bits of float16 into place, exponent and all, and mends the exponent by a product: five times as
    fast as numpy's own conversion, which takes most of the time of an exact search.
    """
    space = np.empty((min(_BLOCK, len(rows)), rows.shape[1]), np.int32)
    for start in range(0, len(rows), _BLOCK):
        block: Any = rows[start : start + _BLOCK]
        if block.dtype == np.float32:
            yield start, np.asarray(block, np.float32)
            continue
        bits = space[: len(block)]
        np.copyto(bits, block.view(np.int16))
        bits <<= 13
        bits &= np.int32(-0x70000001)  # the sign once, not once for every bit that was shifted in
        values = bits.view(np.float32)
        values *= np.float32(2.0**112)
        yield start, values
