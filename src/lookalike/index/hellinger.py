"""Compact codes of histograms, near to each other where the histograms intersect."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ragged
from lookalike.index.simd import PointCodes

_DIMENSIONS = 128
_BLOCK = 512  # histograms made dense at once


class HellingerCodes:
    """The first principal components of square-root histograms, one byte each.

    Between square roots of histograms the Euclidean distance is the Hellinger distance, which orders neighbours
    nearly as intersection does (Arandjelovic and Zisserman 2012 for the square root).
    """

    def __init__(self, axes: NDArray[np.float32], codes: PointCodes) -> None:
        """axes: (bins, d) orthonormal columns. codes: of points in those d dimensions."""
        self._axes = axes
        self._codes = codes

    @classmethod
    def trained(cls, sample: Ragged, bins: int, graph: bool) -> Self:
        """No codes yet. graph: find neighbours by an HNSW graph instead of a scan."""
        axes = _principal_axes(_square_roots(sample, bins), _DIMENSIONS)
        new = PointCodes.bytes_and_graph if graph else PointCodes.bytes_and_scan
        return cls(axes, new(_projected(sample, axes)))

    @classmethod
    def from_state(cls, state: dict[str, NDArray[Any]]) -> Self:
        return cls(state["axes"], PointCodes.from_state(state["codes"]))

    def __len__(self) -> int:
        return len(self._codes)

    def add(self, rows: Ragged) -> None:
        self._codes.add(_projected(rows, self._axes))

    def nearest(self, queries: Ragged, m: int, keep: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        return self._codes.nearest(_projected(queries, self._axes), m, keep)

    def state(self) -> dict[str, NDArray[Any]]:
        return {"axes": self._axes, "codes": self._codes.state()}


def _square_roots(rows: Ragged, bins: int) -> NDArray[np.float32]:
    """(n, bins) dense, unit length."""
    dense = np.zeros((len(rows), bins), np.float32)
    values = rows.values[rows.offsets[0] : rows.offsets[-1]]
    dense[np.repeat(np.arange(len(rows)), np.diff(rows.offsets)), values[:, 0]] = values[:, 1]
    np.sqrt(dense / np.maximum(dense.sum(axis=1, keepdims=True), 1), out=dense)
    return dense


def _projected(rows: Ragged, axes: NDArray[np.float32]) -> NDArray[np.float32]:
    points = np.empty((len(rows), axes.shape[1]), np.float32)
    for start in range(0, len(rows), _BLOCK):
        stop = min(start + _BLOCK, len(rows))
        if stop - start < 4:  # a query or two: only the axes' rows of filled bins
            for i in range(start, stop):
                values = rows[i]
                weights = np.sqrt(values[:, 1] / np.maximum(values[:, 1].sum(dtype=np.float64), 1))
                points[i] = weights.astype(np.float32) @ axes[values[:, 0]]
        else:
            points[start:stop] = _square_roots(rows.slice(start, stop), len(axes)) @ axes
    return points


def _principal_axes(rows: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """About the `count` main axes of (n, d) rows, uncentred, as orthonormal columns.

    By randomised subspace iteration (Halko, Martinsson and Tropp 2011).
    """
    count = min(count, *rows.shape)
    basis = rows.T @ np.random.default_rng(0).standard_normal((len(rows), count), np.float32)
    for _ in range(4):
        basis = rows.T @ (rows @ np.linalg.qr(basis)[0])
    return np.ascontiguousarray(np.linalg.qr(basis)[0], np.float32)
