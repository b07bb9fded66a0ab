"""Unit vectors by cosine distance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.files import Params
from lookalike.index.base import Distances
from lookalike.index.rerank import RerankedIndex, Shortlist
from lookalike.index.simd import PointCodes

Vectors = NDArray[np.float16] | NDArray[np.float32]

_BLOCK = 256  # vectors turned to float32 at once, so that they stay in the second-level cache
_SIDE = 64  # least side of the blocks that a rotation is made of


def _float32_blocks(rows: Vectors) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """(number of the first row, rows as float32): each block is overwritten by the next. Rows must be finite.

    Shifts the bits of float16 into place, exponent and all, and mends the exponent by a product: five times as
    fast as numpy's own conversion, which takes most of the time of an exact search.
    """
    space = np.empty((min(_BLOCK, len(rows)), rows.shape[1]), np.int32)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
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


class VectorIndex(RerankedIndex[Vectors]):
    """Nearest (n, dim) float16 or float32 unit vectors; the distance is 1 - dot, 0..2, to six decimals.

    kind: "auto" compares everything while that is cheap and else re-ranks a shortlist of 1-bit codes ("codes":
    always; recall@10 above 0.995, dim / 8 + 8 bytes of memory a row beside the rows). "hnsw" finds the shortlist
    by a graph: faster to search, far slower to build, dim + 272 bytes a row. "exact" compares everything.
    """

    _name = "vectors"
    _kinds = {"auto": "auto", "exact": "exact", "codes": "codes", "hnsw": "codes"}  # noqa: RUF012
    _breadth = 400

    def __init__(self, dim: int, kind: str = "auto") -> None:
        super().__init__(kind, np.zeros((0, dim), np.float16))
        self.dim = dim
        if kind == "hnsw":
            self._breadth = 64

    def _params(self) -> Params:
        return {"dim": self.dim, "kind": self.kind}

    def _checked(self, rows: Vectors) -> Vectors:
        if rows.ndim != 2 or rows.shape[1] != self.dim or rows.dtype not in (np.float16, np.float32):
            raise ValueError(f"vectors must be (n, {self.dim}) float16, not {rows.shape} {rows.dtype}")
        return rows

    def _numbers(self, rows: Vectors) -> int:
        return rows.size

    def _distances(self, rows: Vectors, queries: Vectors) -> Distances:
        wanted = np.asarray(queries, np.float32).T
        dots = np.empty((len(rows), len(queries)), np.float32)
        for start, block in _float32_blocks(rows):
            np.matmul(block, wanted, out=dots[start : start + len(block)])
        # Rounded, because matmul sums in another order at the edge of a block: equal rows shall tie.
        return np.maximum(np.round(1 - dots.T, 6), 0)

    def _new_codes(self, sample: Vectors) -> Shortlist[Vectors]:
        return VectorCodes.trained(sample, graph=self.kind == "hnsw")

    def _old_codes(self, state: dict[str, NDArray[Any]]) -> Shortlist[Vectors]:
        return VectorCodes(self.dim, PointCodes.from_state(state["codes"]))


class VectorCodes:
    """Codes of randomly rotated vectors: RaBitQ needs what a vector says spread over all its bits."""

    def __init__(self, dim: int, codes: PointCodes) -> None:
        self._rotation = Rotation(dim)
        self._codes = codes

    @classmethod
    def trained(cls, sample: Vectors, graph: bool) -> Self:
        """No codes yet. graph: find neighbours by an HNSW graph instead of a scan."""
        dim = sample.shape[1]
        new = PointCodes.bytes_and_graph if graph else PointCodes.bits_and_scan
        return cls(dim, new(Rotation(dim).apply(sample)))

    def __len__(self) -> int:
        return len(self._codes)

    def add(self, rows: Vectors) -> None:
        self._codes.add(self._rotation.apply(rows))

    def nearest(self, queries: Vectors, m: int, keep: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        return self._codes.nearest(self._rotation.apply(queries), m, keep)

    def state(self) -> dict[str, NDArray[Any]]:
        return {"codes": self._codes.state()}


class Rotation:
    """A fixed random rotation: within blocks of about 64 dimensions, then across the blocks.

    The Kronecker product of two small rotations; it spreads as well as a full one in a tenth of the work.
    """

    def __init__(self, dim: int) -> None:
        random = np.random.default_rng(dim)
        side = next(size for size in range(min(_SIDE, dim), dim + 1) if dim % size == 0)
        self._within, self._across = (
            np.linalg.qr(random.standard_normal((size, size)))[0].astype(np.float32) for size in (side, dim // side)
        )

    def apply(self, rows: Vectors) -> NDArray[np.float32]:
        """(n, dim) rotated, float32; the same rotation of the same dim in every process."""
        rotated = np.empty(rows.shape, np.float32)
        side, blocks = len(self._within), len(self._across)
        for start, part in _float32_blocks(rows):
            turned = (part.reshape(-1, side) @ self._within).reshape(-1, blocks, side)
            across = np.ascontiguousarray(turned.swapaxes(1, 2)).reshape(-1, blocks) @ self._across
            rotated[start : start + len(part)] = across.reshape(len(part), -1)
        return rotated
