"""How large each picture is drawn, and how far it steps aside so that others can be seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.atlas.reduce import Floats, Places, neighbours

CROWD = 4  # neighbours whose distance says how much room a picture has
ROOM = 1.4  # of that distance, the side of a square picture
LEAST = 0.55  # side of a usual picture, if the map were filled evenly it would be 1: islands far apart stay visible
SMALLEST, LARGEST = 0.75, 1.5  # against the picture of median size
WIDEST, WIDEST_IN_GRID = 2.2, 1.15  # proportions of a frame: longer pictures are cut
MARGIN = 0.015
FILLED = 0.95  # of the side of a cell
PUSHES, ROUND, STEP, PULL = 120, 0.7, 0.45, 0.002


@dataclass(frozen=True, slots=True)
class Tiles:
    """Frames on a map of `width` by `height`, the longer of which is 1.

    centres, sizes: (n, 2) float32, x to the right, y down. order: (n,) places, those drawn on top come last.
    """

    centres: Floats
    sizes: Floats
    width: float
    height: float
    order: Places


def spread(positions: Floats, shapes: NDArray[np.integer]) -> Tiles:
    """Frames for pictures of `shapes` (n, 2) width, height: smaller where it is crowded, pushed apart where they
    overlap, the less displaced on top."""
    count = len(positions)
    if count < 2:
        return _framed(np.full((count, 2), 0.5), _proportions(shapes) * 0.8, np.arange(count))
    _, apart = neighbours(positions, min(CROWD, count - 1))
    room = ROOM * apart.mean(axis=1)
    usual = max(float(np.median(room)), LEAST / np.sqrt(count))
    sides = np.clip(room, SMALLEST * usual, LARGEST * usual)
    sizes = _proportions(shapes) * sides[:, None]
    moved = _pushed_apart(positions.astype(np.float64), sizes)
    way = np.linalg.norm(moved - positions, axis=1) / sides
    return _framed(moved, sizes, np.argsort(-way, kind="stable"))


def grid_tiles(cells: Floats, columns: int, rows: int, shapes: NDArray[np.integer]) -> Tiles:
    """Every picture within its cell; cells: (n, 2) column, row."""
    proportions = _proportions(shapes, WIDEST_IN_GRID)
    side = 1 / max(columns, rows, 1)
    sizes = FILLED * side * proportions / proportions.max(axis=1, keepdims=True)
    centres = side * (cells + 0.5)
    order = np.arange(len(cells))
    return Tiles(centres.astype(np.float32), sizes.astype(np.float32), side * columns, side * rows, order)


def _pushed_apart(positions: NDArray[np.float64], sizes: NDArray[np.floating]) -> NDArray[np.float64]:
    """Overlapping frames step aside, each half of the way, while a weak pull holds them in place.

    At first away from each other in whatever direction, so that crowds stay round; at last along the shorter side of
    the overlap, which ends it soonest.
    """
    from scipy.spatial import cKDTree  # type: ignore[import-untyped]

    points, reach = positions.copy(), float(sizes.max())
    points += 1e-4 * reach * np.random.default_rng(0).standard_normal(points.shape)  # equal positions must part
    for number in range(PUSHES):
        first, second = cKDTree(points).query_pairs(reach, p=np.inf, output_type="ndarray").T
        between = points[second] - points[first]
        overlap = (sizes[first] + sizes[second]) / 2 - np.abs(between)
        hit = (overlap > 0).all(axis=1)
        first, second, between, overlap = first[hit], second[hit], between[hit], overlap[hit]
        if number < ROUND * PUSHES:
            way = between / np.maximum(np.linalg.norm(between, axis=1, keepdims=True), 1e-12)
        else:
            way = np.where(overlap <= overlap.min(axis=1, keepdims=True), np.where(between < 0, -1, 1), 0)
        push = STEP * overlap.min(axis=1, keepdims=True) * way
        for axis in (0, 1):
            points[:, axis] += np.bincount(second, push[:, axis], len(points))
            points[:, axis] -= np.bincount(first, push[:, axis], len(points))
        points += PULL * (positions - points)
    return points


def _proportions(shapes: NDArray[np.integer], widest: float = WIDEST) -> NDArray[np.float64]:
    """Width and height of frames of area 1."""
    ratio = np.clip(shapes[:, 0] / np.maximum(shapes[:, 1], 1), 1 / widest, widest)
    return np.stack([np.sqrt(ratio), 1 / np.sqrt(ratio)], axis=1)


def _framed(points: NDArray[np.float64], sizes: NDArray[np.floating], order: Places) -> Tiles:
    """Moved and scaled so that all frames and a margin fit."""
    low, high = (points - sizes / 2).min(axis=0, initial=0.5), (points + sizes / 2).max(axis=0, initial=0.5)
    scale = (1 - 2 * MARGIN) / max(float((high - low).max()), 1e-9)
    centres, sizes = (points - low) * scale + MARGIN, sizes * scale
    width, height = (float(side) for side in (high - low) * scale + 2 * MARGIN)
    return Tiles(centres.astype(np.float32), sizes.astype(np.float32), width, height, order)
