"""Distances between sparse histograms, exact and straight from their rows."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ragged
from lookalike.index.base import Distances

Metric = Literal["intersection", "l2", "hellinger"]

_BLOCK = 16384  # [bin, count] entries worked on at once, so that they stay in the second-level cache


def histogram_distances(rows: Ragged, query: NDArray[np.uint16], bins: int, metric: Metric) -> Distances:
    """Distance of every row to one query; both are (m, 2) [bin, count], each bin once, read as count / sum.

    intersection: 1 - sum(min(p, q)), which is half the L1 distance, 0..1. l2: Euclidean, 0..sqrt(2).
    hellinger: sqrt(1 - sum(sqrt(p q))), 0..1. Nothing shares anything with an empty histogram.
    Proportional histograms are at distance 0 exactly: whole counts are compared, and divided once.
    """
    ours = np.zeros(bins)
    ours[query[:, 0]] = query[:, 1]
    distances = np.empty(len(rows), np.float32)
    cuts = np.searchsorted(rows.offsets, np.arange(rows.offsets[0], rows.offsets[-1], _BLOCK))
    for low, high in pairwise(np.unique(np.concatenate([[0], cuts, [len(rows)]]))):
        distances[low:high] = _distances(rows.slice(low, high), ours, metric)
    return distances


def _distances(rows: Ragged, ours: NDArray[np.float64], metric: Metric) -> NDArray[np.float64]:
    values = np.asarray(rows.values[rows.offsets[0] : rows.offsets[-1]])
    lengths = np.diff(rows.offsets)
    filled = lengths > 0
    starts = (rows.offsets[:-1] - rows.offsets[0])[filled]
    distances = np.full(len(rows), np.sqrt(ours @ ours) / max(ours.sum(), 1.0) if metric == "l2" else 1.0)
    if not len(starts):
        return distances
    theirs = values[:, 1].astype(np.float64)
    mine = ours.take(values[:, 0])
    total, totals = ours.sum(), np.add.reduceat(theirs, starts)
    product = np.maximum(total, 1.0) * totals
    if metric == "intersection":
        shared = np.minimum(mine * np.repeat(totals, lengths[filled]), theirs * total)
        distances[filled] = (product - np.add.reduceat(shared, starts)) / product
    elif metric == "hellinger":
        overlap = np.add.reduceat(np.sqrt(mine * theirs), starts) / np.sqrt(product)
        distances[filled] = np.sqrt(np.maximum(1.0 - overlap, 0.0))
    else:
        norms = np.add.reduceat(theirs * theirs, starts) / (totals * totals)
        dots = np.add.reduceat(mine * theirs, starts) / product
        squares = (ours @ ours) / max(total, 1.0) ** 2 + norms - 2 * dots
        distances[filled] = np.sqrt(np.maximum(squares, 0.0))
    return distances
