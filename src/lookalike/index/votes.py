"""Votes of a query's descriptors for pictures, and how they are counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ids

Floats = NDArray[np.float32]

TURNS = 8
OCTAVES = 32


@dataclass(frozen=True, slots=True)
class Votes:
    """m votes. query: (m,) the query's row. picture: (m,) id. weight: (m,) 0..1.

    turn: (m,) degrees and zoom: (m,) octaves by which the query's keypoint differs from the picture's.
    """

    query: NDArray[np.int64]
    picture: Ids
    weight: Floats
    turn: Floats
    zoom: Floats

    def count(self, keep: NDArray[np.bool_] | None = None) -> tuple[Ids, Floats]:
        """Pictures voted for, most votes first (ties by ascending id), by the query's rows that `keep` leaves.

        Weak geometric consistency (Jegou et al. 2008): of a picture's votes only the largest group that agrees on
        turn and zoom counts. Bins are laid out four times, shifted by half, so that none of them splits a group.
        """
        valid = (
            np.flatnonzero(self.weight > 0) if keep is None else np.flatnonzero((self.weight > 0) & keep[self.query])
        )
        pictures, at = np.unique(self.picture[valid], return_inverse=True)
        votes = np.zeros(len(pictures), np.float32)
        turn, zoom, weight = self.turn[valid] % 360 / 360 * TURNS, self.zoom[valid], self.weight[valid]
        for shift in ((0.0, 0.0), (0.0, 0.5), (0.5, 0.0), (0.5, 0.5)):
            turns = (turn + shift[0]).astype(np.int64) % TURNS
            octaves = (np.floor(zoom + shift[1]) + OCTAVES // 2).clip(0, OCTAVES - 1).astype(np.int64)
            groups, group = np.unique((at * TURNS + turns) * OCTAVES + octaves, return_inverse=True)
            np.maximum.at(votes, groups // (TURNS * OCTAVES), np.bincount(group, weight, len(groups)))
        order = np.lexsort((pictures, -votes))
        return pictures[order], votes[order]


@runtime_checkable
class Voting(Protocol):
    """An index whose answers are votes, for geometry to confirm."""

    def votes(self, query: NDArray[np.uint8], allowed: Ids | None = None) -> Votes:
        """The votes of one query's packed rows (n, w)."""
        ...

    def __len__(self) -> int: ...
