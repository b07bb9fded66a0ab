"""Is it chance? How close unrelated pictures come by one method, and what a distance is worth then.

A null model says how likely it is that two unrelated pictures are at most so far apart. A distance found among N
pictures then has `expected_false = N * P(null <= distance)`: how many pictures at least this close chance alone would
bring (an E-value, as in sequence search: Karlin and Altschul, PNAS 87, 1990). It compares across methods.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Tail = Literal["gaussian", "pareto", "power", "inliers"]

# However far a distance lies beyond all that was measured, a model learnt from thousands of pairs cannot know more.
FLOOR = math.log(1e-18)
LEAST_PAIRS = 500
_DEEPEST = 0.001  # where the measured body ends and the tail begins
_BODY = (0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 0.75, 0.9, 1.0)
_LARGEST_SHAPE = 0.25
_GAP = 3.0
_NEAREST = 1e-4  # distances below count as this in a power law


class Null(Protocol):
    """Anything that knows how close unrelated pictures come."""

    def log_p(self, distance: float) -> float:
        """Natural logarithm of P(unrelated <= distance), never below FLOOR."""
        ...


@dataclass(frozen=True, slots=True)
class NullModel:
    """A measured body, continued below its closest knot by a tail that never ends.

    distances, logs: knots of the body, ascending, and log P(null <= distance) there.
    tail: "gaussian" (scale: standard deviation, centre: mean), for sums of many coin flips such as hashes;
    "pareto", generalised Pareto with shape >= 0 (Pickands 1975; 0 is exponential), for distances;
    "power", the same for logarithms of distances, P ~ distance ** (1 / scale): small balls in a space of
    1 / scale dimensions (Amsaleg et al. 2015), for vectors;
    "inliers", exponential in the number n of matches that agree, for distances 1 / (1 + n).
    pairs: how many distances it was learnt from.
    """

    tail: Tail
    distances: tuple[float, ...]
    logs: tuple[float, ...]
    scale: float
    shape: float = 0.0
    centre: float = 0.0
    pairs: int = 0

    def log_p(self, distance: float) -> float:
        """Natural logarithm of P(null <= distance): rises with distance, from FLOOR to 0."""
        start = self.distances[0]
        if distance >= start:
            return _between(distance, self.distances, self.logs)
        if self.tail == "gaussian":
            below = _log_normal((distance - self.centre) / self.scale) - _log_normal((start - self.centre) / self.scale)
        else:
            excess = (_coordinate(self.tail, start) - _coordinate(self.tail, distance)) / self.scale
            below = -excess if self.shape == 0 else -math.log1p(self.shape * excess) / self.shape
        return max(FLOOR, self.logs[0] + below)

    def to_json(self) -> dict[str, Any]:
        """Plain values, a few dozen numbers."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(**{**values, "distances": tuple(values["distances"]), "logs": tuple(values["logs"])})


@dataclass(frozen=True, slots=True)
class Blend:
    """A mixture: `share` of it is `own`, the rest `other`. Where they differ the more sceptical one prevails."""

    own: Null
    other: Null
    share: float

    def log_p(self, distance: float) -> float:
        """Natural logarithm of the mixed probability."""
        return float(
            np.logaddexp(
                math.log(self.share) + self.own.log_p(distance),
                math.log1p(-self.share) + self.other.log_p(distance),
            )
        )


def fit(distances: ArrayLike, tail: Tail) -> NullModel | None:
    """The null model of a sample of distances between random pairs, (n,); None when they are too few or too alike.

    Copies among the pairs do no harm: distances that a gap parts from the rest are left out (see `without_copies`),
    and the tail rests on quantiles or, for "gaussian", on a trimmed sample.
    """
    sample = np.sort(np.asarray(distances, np.float64))
    sample = without_copies(sample[np.isfinite(sample)], tail)
    if len(sample) < LEAST_PAIRS or sample[0] == sample[-1]:
        return None
    levels = [level for level in (_DEEPEST, *_BODY) if level * len(sample) >= 10]
    knots = np.unique(np.quantile(sample, levels, method="inverted_cdf"))
    logs = np.log(np.searchsorted(sample, knots, side="right") / len(sample))
    if tail == "gaussian":
        centre, scale, shape = *_trimmed_moments(sample), 0.0
    else:
        centre, (scale, shape) = 0.0, _pickands(sample, tail)
    if scale <= 0:
        return None
    return NullModel(tail, tuple(knots.tolist()), tuple(logs.tolist()), scale, shape, centre, len(sample))


def gaussian(mean: float, deviation: float) -> NullModel:
    """The null model of distances known to be normal, e.g. of one text to pictures that have nothing to do with it."""
    places = np.linspace(0, 4, 17)
    logs = tuple(_log_normal(float(z)) for z in places)
    return NullModel("gaussian", tuple((mean + deviation * places).tolist()), logs, deviation, centre=mean)


def inlier_null(hits: int, pairs: int, fewest: int) -> NullModel:
    """The null model of distances 1 / (1 + n) for n matches that agree, when `hits` of `pairs` unrelated pairs were
    confirmed at all, by `fewest` matches or more.

    Hits are so rare that only their bound is known: for none, 3 / pairs with 95 % confidence (the rule of three). Each
    further match makes chance e times less likely, which is slower than any that were measured.
    """
    chance = min(1.0, (hits + 3) / pairs)
    return NullModel("inliers", (1 / (1 + fewest), 1.0), (math.log(chance), 0.0), scale=1.0, pairs=pairs)


def expected_false(null: Null, distance: float, pictures: int, tried: int = 1) -> float:
    """How many of `pictures` unrelated ones come at least this close by chance, when `tried` ways were asked."""
    return pictures * tried * math.exp(null.log_p(distance))


def radius(null: Null, limit: float, pictures: int, tried: int, farthest: float) -> float:
    """The greatest distance up to `farthest` whose expected_false is at most `limit`; -1 when there is none."""
    wanted = math.log(limit) - math.log(max(1, pictures * tried))
    if null.log_p(0.0) > wanted:
        return -1.0
    low, high = 0.0, farthest
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if null.log_p(middle) <= wanted else (low, middle)
    return low


def without_copies(ascending: NDArray[np.float64], tail: Tail) -> NDArray[np.float64]:
    """A sorted sample without its nearest distances where a gap tells them from the rest.

    Between unrelated pictures, the quantiles at 1/4, 1/8, 1/16 ... lie ever closer or evenly spaced. A step several
    times as wide as all steps before it is the gap between unrelated pictures and copies.
    """
    steps: list[float] = []
    share = 0.25
    while share * len(ascending) >= 16:
        upper, lower = np.quantile(ascending, [share, share / 2], method="inverted_cdf")
        step = _coordinate(tail, upper) - _coordinate(tail, lower)
        if steps and step > _GAP * float(np.median(steps)) > 0:
            inside = ascending[(ascending >= lower) & (ascending <= upper)]
            places = np.array([_coordinate(tail, value) for value in inside])
            widest = int(np.argmax(np.diff(places)))
            return np.asarray(ascending[ascending > inside[widest]])
        steps.append(step)
        share /= 2
    return ascending


def _between(place: float, places: Sequence[float], values: Sequence[float]) -> float:
    """What `numpy.interp` answers, for one place at or beyond the first: a hundred of them are weighed a search."""
    right = bisect_right(places, place)
    if right == len(places):
        return values[-1]
    left = right - 1
    slope = (values[right] - values[left]) / (places[right] - places[left])
    return slope * (place - places[left]) + values[left]


def _coordinate(tail: Tail, distance: float) -> float:
    """Where a tail is straight: the distance, its logarithm, or minus the number of inliers that it stands for."""
    if tail == "power":
        return math.log(max(distance, _NEAREST))
    return 1 - 1 / max(distance, _NEAREST) if tail == "inliers" else float(distance)


def _trimmed_moments(sample: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation of what lies within four robust standard deviations of the median."""
    median = float(np.median(sample))
    spread = 1.4826 * float(np.median(np.abs(sample - median)))
    kept = sample[np.abs(sample - median) <= 4 * max(spread, 1e-12)]
    return float(kept.mean()), float(kept.std())


def _pickands(sample: NDArray[np.float64], tail: Tail) -> tuple[float, float]:
    """Scale at the end of the body, and shape in 0.._LARGEST_SHAPE, of the tail below the nearest 1.6 %."""
    deepest = max(_DEEPEST, 10 / len(sample))
    upper, middle, lower = (
        _coordinate(tail, value) for value in np.quantile(sample, [16 * deepest, 4 * deepest, deepest])
    )
    first, second = upper - middle, middle - lower
    shape = min(_LARGEST_SHAPE, max(0.0, math.log(second / first) / math.log(4))) if min(first, second) > 0 else 0.0
    scale = (upper - lower) / math.log(16)
    if shape > 0:  # GPD scales grow towards the tail: scale(u + y) = scale(u) + shape * y
        at_upper = shape * (upper - lower) / (16**shape - 1)
        scale = at_upper + shape * (upper - lower)
    return scale, shape


def _log_normal(z: float) -> float:
    """Logarithm of the standard normal distribution function."""
    if z > -30:
        return math.log(math.erfc(-z / math.sqrt(2)) / 2)
    return -z * z / 2 - math.log(-z * math.sqrt(2 * math.pi))  # Mills' ratio; relative error below 1e-3 here
