"""Votes of a query's keypoints for pictures, and how they are counted: only those that agree on where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ids

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

TURN_TOLERANCE = 60.0  # degrees
ZOOM_TOLERANCE = 1.5  # octaves
NEAR = 1 / 16  # of a picture's longest side
NEARER = 0.25  # of the distance to the keypoint that a similarity goes by
MOST_TRIED = 64  # votes of a picture whose similarity is tried, those of most weight


@dataclass(frozen=True, slots=True)
class Votes:
    """m votes, each of a keypoint of the query for one of a picture.

    query: (m,) the query's row. picture: (m,) id. weight: (m,) 0..1. here, there: (m, 2) places in the query and in the
    picture, in units of their longest sides. turn: (m,) degrees and zoom: (m,) octaves, in these units, from the
    query's keypoint to the picture's.
    """

    query: NDArray[np.int64]
    picture: Ids
    weight: Floats
    here: Floats
    there: Floats
    turn: Floats
    zoom: Floats

    @classmethod
    def none(cls) -> Self:
        rows, places = np.zeros(0, np.int64), np.zeros((0, 2), np.float32)
        return cls(rows, rows, places[:, 0], places, places, places[:, 0], places[:, 0])

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All votes of several, at least one."""
        return cls(*(np.concatenate([getattr(one, field.name) for one in parts]) for field in fields(cls)))

    def count(self, k: int, keep: NDArray[np.bool_] | None = None) -> tuple[Ids, Floats]:
        """The k pictures with most votes, most first (ties by ascending id), by the query's rows that `keep` leaves.

        Every vote is a similarity (Jegou et al. 2008, who compare turns and zooms; here places too): the votes of a
        picture are the weight of those that roughly follow the one that most of them follow.
        """
        voting = self.weight > 0 if keep is None else (self.weight > 0) & keep[self.query]
        at = np.flatnonzero(voting)
        if not len(at) or k < 1:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        pictures, of = np.unique(self.picture[at], return_inverse=True)
        most = np.bincount(of, self.weight[at])
        # no picture can get more than all of its votes: those that cannot be among the first k are left out
        lone = np.zeros(len(pictures))
        np.maximum.at(lone, of, self.weight[at])
        bound = np.partition(lone, -k)[-k] if len(lone) > k else 0.0
        hopeful = most[of] >= bound
        at, of = at[hopeful], of[hopeful]
        order = np.lexsort((-self.weight[at], of))
        votes = np.zeros(len(pictures), np.float32)
        np.maximum.at(votes, of[order], self._followed(at[order], of[order]))
        found = np.flatnonzero(votes)
        best = found[np.lexsort((pictures[found], -votes[found]))][:k]
        return pictures[best], votes[best]

    def _followed(self, at: NDArray[np.int64], of: NDArray[np.int64]) -> Floats:
        """The weight of the votes that follow each of these, which stand picture by picture, strongest first."""
        starts = np.flatnonzero(np.append(True, of[1:] != of[:-1]))
        sizes = np.diff(np.append(starts, len(of)))
        size, start = np.repeat(sizes, sizes), np.repeat(starts, sizes)
        tried = np.flatnonzero(np.arange(len(of)) - start < MOST_TRIED)
        each = size[tried]
        one = np.repeat(tried, each)
        other = np.arange(int(each.sum())) - np.repeat(np.cumsum(each) - each, each) + start[one]
        a, b = at[one], at[other]
        turned = np.abs((self.turn[b] - self.turn[a] + 180) % 360 - 180) < TURN_TOLERANCE
        likely = turned & (np.abs(self.zoom[b] - self.zoom[a]) < ZOOM_TOLERANCE)
        one, a, b = one[likely], a[likely], b[likely]
        angle, factor = np.radians(self.turn[a]), np.exp2(self.zoom[a])
        x, y = (self.here[b] - self.here[a]).T
        ahead = factor * (np.cos(angle) * x - np.sin(angle) * y) + self.there[a, 0] - self.there[b, 0]
        aside = factor * (np.sin(angle) * x + np.cos(angle) * y) + self.there[a, 1] - self.there[b, 1]
        near = np.hypot(ahead, aside) < NEAR + NEARER * factor * np.hypot(x, y)
        followed: Floats = np.bincount(one, near * self.weight[b], len(at)).astype(np.float32)
        return followed


@runtime_checkable
class Voting(Protocol):
    """An index of keypoints: its answers are only candidates, for geometry to verify."""

    def __len__(self) -> int:
        """How many pictures can be found."""
        ...

    def votes(self, query: Bytes, allowed: Ids | None = None) -> Votes:
        """The votes of one query's packed rows (n, w), for `allowed` ids only when given."""
        ...
