"""The descriptor of methods that compare by cosine, and what a text becomes for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Vector:
    """values: (d,) float32, unit length. `a - b` is the cosine distance, 0 (same direction) to 2 (opposite)."""

    values: NDArray[np.float32]

    def __sub__(self, other: Vector) -> float:
        if self.values.shape != other.values.shape:
            raise ValueError(f"vectors of {self.values.size} and {other.values.size} numbers do not compare")
        return 1.0 - float(self.values @ other.values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vector) and np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        return hash(self.values.tobytes())


@dataclass(frozen=True, slots=True)
class TextQuery:
    """What to ask an index of vectors for a text or a weighted sum.

    deviation: how much the cosine with pictures at large varies around 0 (None where that is not known): distances
    d of pictures are (1 - d) / deviation standard deviations off. odds: (scale, offset) of a calibrated text, see
    `relevance`; None where nobody knows. unknown: words that mean nothing to the space; known: how many others do, None
    for a space that reads everything; notes: what to tell the user of the unknown ones.
    """

    vector: Vector
    deviation: float | None = None
    odds: tuple[float, float] | None = None
    unknown: tuple[str, ...] = ()
    known: int | None = None
    notes: tuple[str, ...] = ()

    def relevance(self, distance: float) -> float | None:
        """How likely it is that somebody who describes the picture at this distance would say the text: 0..1."""
        if self.odds is None:
            return None
        scale, offset = self.odds
        return 1.0 / (1.0 + math.exp(-(scale * (1.0 - distance) + offset)))


def pack(vector: Vector) -> NDArray[np.float16]:
    """(1, d) float16."""
    return vector.values.astype(np.float16)[None, :]


def unpack(rows: NDArray[Any]) -> Vector:
    """The inverse of `pack`, to unit length again."""
    return Vector(unit(np.asarray(rows[0], np.float32)))


def weighted_sum(vectors: Sequence[NDArray[np.float32]], weights: Sequence[float] | None = None) -> Vector:
    """The direction of the sum of unit vectors, each times its weight (1 unless given)."""
    factors = np.asarray(weights if weights is not None else [1.0] * len(vectors), np.float32)
    return Vector(unit(factors @ np.stack(vectors)))


def unit(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vector with length 1, or zeros where it has no direction."""
    return np.asarray(values / max(float(np.linalg.norm(values)), 1e-12), np.float32)
