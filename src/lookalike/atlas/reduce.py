"""Fewer dimensions, and who is near whom: what a layout is made from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Places = NDArray[np.int64]

COMPONENTS = 50
_OVERSAMPLED, _ROUNDS = 14, 4
_ROWS = 4096  # read at once
_QUERIES, _COMPARED = 512, 32_768  # compared at once: 64 MB of distances, however many pictures there are


def principal_components(rows: NDArray[np.floating], count: int = COMPONENTS) -> Floats:
    """The rows (n, d), of any float type, along their main axes: (n, min(count, n, d)) float32, centred.

    By randomised subspace iteration (Halko, Martinsson, Tropp, "Finding structure with randomness", 2011), in blocks
    of rows, with a fixed seed. The largest number of every axis is positive: the same result in every run.
    """
    mean = sum((block.sum(axis=0, dtype=np.float64) for block in _blocks(rows)), np.zeros(rows.shape[1])) / len(rows)
    count = min(count, *rows.shape)
    width = min(count + _OVERSAMPLED, rows.shape[1])
    axes = np.random.default_rng(0).standard_normal((rows.shape[1], width)).astype(np.float32)
    for _ in range(_ROUNDS):
        product = np.zeros_like(axes)
        for block in _blocks(rows, mean):
            product += block.T @ (block @ axes)
        axes = np.linalg.qr(product)[0]
    sketch = np.concatenate([block @ axes for block in _blocks(rows, mean)])
    turn = np.linalg.svd(sketch.T @ sketch)[0][:, :count]
    largest = np.abs(axes @ turn).argmax(axis=0)
    signs = np.sign((axes @ turn)[largest, np.arange(count)])
    return np.asarray(sketch @ (turn * np.where(signs == 0, 1, signs)), np.float32)


def nearest(
    queries: Floats, rows: Floats, k: int, progress: Callable[[int], None] | None = None
) -> tuple[Places, Floats]:
    """Of each query (m, d) the places of the k nearest rows (n, d), nearest first, and their Euclidean distances.

    Both (m, min(k, n)); equal distances in the order of the places. Exact; beside the result
    memory holds 4 bytes a row and a fixed amount. progress: told how many queries are done.
    """
    k = min(k, len(rows))
    places, distances = np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float32)
    squares = np.einsum("ij,ij->i", rows, rows)

    def compare(start: int) -> int:
        block = queries[start : start + _QUERIES]
        found, apart = np.empty((len(block), 0), np.int64), np.empty((len(block), 0), np.float32)
        for first in range(0, len(rows), _COMPARED):
            some = slice(first, first + _COMPARED)
            there, far = _closest(block, rows[some], squares[some], k)
            found, apart = np.hstack([found, there + first]), np.hstack([apart, far])
            order = np.argsort(apart, axis=1, kind="stable")[:, :k]
            found, apart = np.take_along_axis(found, order, 1), np.take_along_axis(apart, order, 1)
        own = np.einsum("ij,ij->i", block, block)[:, None]
        places[start : start + len(block)] = found
        distances[start : start + len(block)] = np.sqrt(np.maximum(apart + own, 0))
        return start + len(block)

    with ThreadPoolExecutor(2) as pool:
        for done in pool.map(compare, range(0, len(queries), _QUERIES)):
            if progress:
                progress(done)
    return places, distances


def _closest(block: Floats, rows: Floats, squares: Floats, k: int) -> tuple[Places, Floats]:
    """Of each query of the block the places of the up to k nearest rows, ascending, and how far they are.

    Far: the squared distance less the query's own square.
    """
    apart = block @ rows.T
    apart *= -2
    apart += squares
    if len(rows) <= k:
        return np.broadcast_to(np.arange(len(rows)), apart.shape), apart
    found = np.sort(np.argpartition(apart, k - 1, axis=1)[:, :k], axis=1)
    return found, np.take_along_axis(apart, found, 1)


def neighbours(rows: Floats, k: int, progress: Callable[[int], None] | None = None) -> tuple[Places, Floats]:
    """As `nearest` of the rows among themselves, none being its own neighbour: (n, min(k, n - 1))."""
    if not len(rows):
        return np.zeros((0, 0), np.int64), np.zeros((0, 0), np.float32)
    return _others(*nearest(rows, rows, k + 1, progress))


def neighbours_on_plane(positions: Floats, k: int) -> tuple[Places, Floats]:
    """As `neighbours` for positions (n, 2), n at least 1, in time and memory that grow with n alone."""
    from scipy.spatial import cKDTree  # type: ignore[import-untyped]

    distances, places = cKDTree(positions).query(positions, np.arange(1, min(k + 1, len(positions)) + 1))
    return _others(places.astype(np.int64), distances.astype(np.float32))


def _others(places: Places, distances: Floats) -> tuple[Places, Floats]:
    """The nearest of each row, in their order, without the row itself: one fewer."""
    own = places == np.arange(len(places))[:, None]
    own[~own.any(axis=1), -1] = True  # among more than k equal rows one may not find itself: it loses its farthest
    shape = (len(places), places.shape[1] - 1)
    return places[~own].reshape(shape), distances[~own].reshape(shape)


def _blocks(rows: NDArray[np.floating], mean: NDArray[np.float64] | None = None) -> Iterator[Floats]:
    """The rows as float32, some thousand at a time, less the mean."""
    for start in range(0, len(rows), _ROWS):
        block = np.asarray(rows[start : start + _ROWS], np.float32)
        yield block if mean is None else block - mean.astype(np.float32)
