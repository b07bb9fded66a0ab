"""Putting answers in order: nearest first, ties by ascending id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ids
from lookalike.index.base import Distances, Neighbours, Within


def nearest(ids: Ids, distances: NDArray[Any], k: int) -> tuple[Ids, NDArray[Any]]:
    """The k smallest distances, ties by ascending id: ids and distances, in order."""
    if len(ids) > 4 * k + 64:
        bound = np.partition(distances, max(k - 1, 0))[max(k - 1, 0)]
        keep = np.flatnonzero(distances <= bound)
        ids, distances = ids[keep], distances[keep]
    order = np.lexsort((ids, distances))[:k]
    return ids[order], distances[order]


def inside(ids: Ids, distances: NDArray[Any], radius: float) -> Within:
    """Those at distance <= radius, in order."""
    distances = distances.astype(np.float32, copy=False)
    keep = np.flatnonzero(distances <= radius)
    order = keep[np.lexsort((ids[keep], distances[keep]))]
    return Within(ids[order], distances[order])


def neighbours(answers: Sequence[tuple[Ids, NDArray[Any]]], k: int) -> Neighbours:
    """One row per answer, padded with id -1 at distance inf."""
    ids: Ids = np.full((len(answers), k), -1, np.int64)
    distances: Distances = np.full((len(answers), k), np.inf, np.float32)
    for row, (found, far) in enumerate(answers):
        ids[row, : len(found)] = found
        distances[row, : len(found)] = far
    return Neighbours(ids, distances)
