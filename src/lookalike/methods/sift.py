"""SIFT's descriptors (Lowe 2004) of keypoints that are already found, all of a picture's at once.

OpenCV's `compute` builds the pyramid of `detect` a second time, doubled first octave and all. Here the picture is
blurred to each keypoint's scale as needed, without doubling, and a small patch per keypoint is read from it, turned
upright: what follows is arithmetic on one array of patches. Matches and inliers are as many as with OpenCV's own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

CELLS, DIRECTIONS = 4, 8
PER_CELL = 3  # samples along a cell, which is three sigma wide
SIDE = (CELLS + 1) * PER_CELL  # with half a cell around, which the outer cells share by interpolation
PITCH = 3 / PER_CELL  # between samples, sigma
LEVELS = 3  # blurred pictures an octave
FINEST, GIVEN = 0.8, 0.5  # sigma of the first of them, and of a picture as it comes, pixels
COARSE = 3.19  # sigma from which every second pixel is enough
SMALLEST = 16
LARGEST = 0.2  # value of a unit descriptor
EARLY = 0.25  # pixels by which OpenCV places keypoints too far to the right and down


def descriptors(grey: NDArray[np.uint8], xy: Floats, sigma: Floats, angle: Floats) -> Floats:
    """(n, 128) values >= 0 of keypoints in a grey picture (h, w): 4 rows across the keypoint's direction, 4 columns
    along it, 8 directions of gradients relative to it, counter-clockwise: OpenCV's order.

    xy (n, 2): places as OpenCV gives them, pixels; sigma (n,): scales, pixels; angle (n,): degrees, clockwise.
    """
    patches = _patches(grey, xy - np.float32(EARLY), sigma, np.radians(angle, dtype=np.float32))
    return _histograms(patches)


def _patches(grey: NDArray[np.uint8], xy: Floats, sigma: Floats, angle: Floats) -> Floats:
    """(n, SIDE + 2, SIDE + 2) grey values around keypoints, their direction to the right, blurred as they are large."""
    import cv2

    span = (np.arange(SIDE + 2, dtype=np.float32) - (SIDE + 1) / 2) * np.float32(PITCH)
    across, along = (grid.ravel() for grid in np.meshgrid(span, span, indexing="ij"))
    level = np.round(LEVELS * np.log2(np.maximum(sigma, FINEST) / FINEST)).astype(np.int64)
    patches = np.empty((len(xy), SIDE + 2, SIDE + 2), np.float32)
    picture, blurred, zoom = grey.astype(np.float32), GIVEN, 1.0
    for number in range(int(level.max(initial=-1)) + 1):
        wanted = FINEST * 2 ** (number / LEVELS)
        if wanted * zoom >= COARSE and min(picture.shape) >= SMALLEST:
            picture, zoom = np.ascontiguousarray(picture[::2, ::2]), zoom / 2
        picture = cv2.GaussianBlur(picture, (0, 0), zoom * (wanted**2 - blurred**2) ** 0.5)  # type: ignore[assignment]
        blurred = wanted
        at = np.flatnonzero(level == number)
        if len(at):
            unit = sigma[at] * np.float32(zoom)
            cos, sin = (unit * np.cos(angle[at]))[:, None], (unit * np.sin(angle[at]))[:, None]
            x = xy[at, :1] * np.float32(zoom) + cos * along - sin * across
            y = xy[at, 1:] * np.float32(zoom) + sin * along + cos * across
            read = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            patches[at] = read.reshape(len(at), SIDE + 2, SIDE + 2)
    return patches


def _histograms(patches: Floats) -> Floats:
    """Directions of gradients, weighted by their length and place, with interpolation between neighbouring bins."""
    import cv2

    count, samples = len(patches), SIDE * SIDE
    dx = (patches[:, 1:-1, 2:] - patches[:, 1:-1, :-2]).reshape(count, samples)
    dy = (patches[:, :-2, 1:-1] - patches[:, 2:, 1:-1]).reshape(count, samples)
    if not count:
        return np.zeros((0, CELLS * CELLS * DIRECTIONS), np.float32)
    length, direction = cv2.cartToPolar(dx, dy)
    direction *= np.float32(DIRECTIONS / (2 * np.pi))
    low = direction.astype(np.int64)
    share = length * (direction - low)
    spots = np.arange(count)[:, None] * (DIRECTIONS * samples) + np.arange(samples)
    votes = np.zeros(count * DIRECTIONS * samples, np.float32)
    votes[spots + low % DIRECTIONS * samples] = length - share
    votes[spots + (low + 1) % DIRECTIONS * samples] = share
    cells = votes.reshape(count * DIRECTIONS, samples) @ _weights()
    values = cells.reshape(count, DIRECTIONS, CELLS * CELLS).transpose(0, 2, 1).reshape(count, -1)
    limit = LARGEST * np.linalg.norm(values, axis=1, keepdims=True)
    return np.ascontiguousarray(np.minimum(values, limit), np.float32)


def _weights() -> Floats:
    """(SIDE * SIDE, CELLS * CELLS) what a sample gives to each cell: linear in the distance to its centre, and less far
    from the keypoint (a Gaussian of half the width of the cells together)."""
    place = (np.arange(SIDE) - (SIDE - 1) / 2) / PER_CELL
    near = np.maximum(0, 1 - np.abs(place[:, None] - (np.arange(CELLS) - (CELLS - 1) / 2)))
    line = near * np.exp(-0.5 * (place / (CELLS / 2)) ** 2)[:, None]
    both: Floats = np.einsum("ya,xb->yxab", line, line).reshape(SIDE * SIDE, CELLS * CELLS).astype(np.float32)
    return both
