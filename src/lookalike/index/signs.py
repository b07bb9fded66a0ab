"""One bit a dimension: the signs of randomly rotated points, for finding about the nearest by angle.

M. Charikar, "Similarity estimation techniques from rounding algorithms" (STOC 2002): two points differ in a bit with
probability angle / pi. The rotations are fixed, so nothing is learnt from a collection, and segments made anywhere
are put together as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Rows
from lookalike.index.base import Distances, Sealed
from lookalike.index.hamming import Codes, nearest_codes
from lookalike.index.items import Mask, Positions

BITS = 1024
_SIDE = 64  # least side of the blocks that a rotation is made of

Q = TypeVar("Q", bound=Rows)
Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SignCodes(Generic[Q]):
    """The codes (n, BITS / 8) of a segment. signs: turns queries into codes."""

    codes: Codes
    signs: Callable[[Q], Codes]

    def nearest(self, queries: Q, m: int, keep: Mask | None) -> list[tuple[Positions, Distances]]:
        """See `Shortlist`; far is counted in differing bits."""
        asked = self.signs(queries)
        m = min(m, len(self.codes))
        return [(at, bits.astype(np.float32)) for at, bits in nearest_codes(self.codes, asked, m, keep)]


def seal_signs(blocks: Iterator[Codes], items: int) -> Sealed:
    """The codes of blocks end to end."""
    codes = np.empty((items, BITS // 8), np.uint8)
    start = 0
    for block in blocks:
        codes[start : start + len(block)] = block
        start += len(block)
    return Sealed({"bits": BITS}, {"codes": codes})


def merge_signs(seals: Sequence[Sealed], kept: Sequence[Mask]) -> Sealed:
    """The codes of those kept, end to end."""
    parts = [load_signs(one, len(keep))[keep] for one, keep in zip(seals, kept, strict=True)]
    return Sealed({"bits": BITS}, {"codes": np.concatenate(parts)})


def load_signs(sealed: Sealed, items: int) -> Codes:
    """ValueError unless these are the codes of so many items."""
    codes: Any = sealed.arrays.get("codes")
    if codes is None or codes.dtype != np.uint8 or codes.shape != (items, BITS // 8):
        raise ValueError(f"not {BITS} bits for each of {items} items")
    return sealed.take("codes")


def signs(points: Points) -> Codes:
    """(n, d) points of any length as (n, BITS / 8) codes: rotated as often as it takes to have so many numbers."""
    turns = -(-BITS // points.shape[1])
    turned = [rotation(points.shape[1], turn).apply(points) for turn in range(turns)]
    return np.packbits(np.concatenate(turned, axis=1)[:, :BITS] > 0, axis=1)


class Rotation:
    """A fixed random rotation: within blocks of about 64 dimensions, then across the blocks.

    The Kronecker product of two small rotations; it spreads as well as a full one in a tenth of the work.
    """

    def __init__(self, dim: int, seed: int) -> None:
        random = np.random.default_rng([dim, seed])
        side = next(size for size in range(min(_SIDE, dim), dim + 1) if dim % size == 0)
        self._within, self._across = (
            np.linalg.qr(random.standard_normal((size, size)))[0].astype(np.float32) for size in (side, dim // side)
        )

    def apply(self, points: Points) -> Points:
        """(n, d) rotated; the same rotation in every process."""
        side, blocks = len(self._within), len(self._across)
        turned = (points.reshape(-1, side) @ self._within).reshape(-1, blocks, side)
        across = np.ascontiguousarray(turned.swapaxes(1, 2)).reshape(-1, blocks) @ self._across
        return across.reshape(len(points), -1)


@cache
def rotation(dim: int, seed: int) -> Rotation:
    return Rotation(dim, seed)
