"""How keypoints lie in bytes: one self-contained row each, so any subset of a picture's rows is a descriptor too.

A row is the descriptor's bytes followed by 14 bytes of geometry (little-endian): x and y as fractions of the
picture's sides in 1/65535, scale in twelfths of an octave, angle in 1/256 of a turn, and the picture's size.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

GEOMETRY = np.dtype([("x", "<u2"), ("y", "<u2"), ("scale", "u1"), ("angle", "u1"), ("width", "<u4"), ("height", "<u4")])
SCALE_STEPS = 12
SMALLEST_SCALE = 0.25


def pack_rows(descriptors: Bytes, xy: Floats, scale: Floats, angle: Floats, size: tuple[int, int]) -> NDArray[np.uint8]:
    """(n, d) descriptors, (n, 2) pixels, scales in pixels and angles in degrees as (n, d + 14) rows."""
    geometry = np.zeros(len(descriptors), GEOMETRY)
    fractions = np.round(xy / np.asarray(size, np.float32) * 65535).clip(0, 65535)
    geometry["x"], geometry["y"] = fractions[:, 0], fractions[:, 1]
    octaves = np.log2(np.maximum(scale, SMALLEST_SCALE) / SMALLEST_SCALE)
    geometry["scale"] = np.round(octaves * SCALE_STEPS).clip(0, 255)
    geometry["angle"] = np.round(angle % 360 / 360 * 256).astype(np.int64) % 256
    geometry["width"], geometry["height"] = size
    tail = geometry.view(np.uint8).reshape(len(descriptors), GEOMETRY.itemsize)
    return np.concatenate([descriptors, tail], axis=1)


def geometry_of(rows: Bytes) -> NDArray[Any]:
    """The geometry records (n,) of packed rows (n, w)."""
    return np.ascontiguousarray(rows[:, -GEOMETRY.itemsize :]).view(GEOMETRY)[:, 0]


def pixels(geometry: NDArray[Any]) -> Floats:
    """Positions (n, 2) in original pixels."""
    fractions = np.stack([geometry["x"], geometry["y"]], axis=1).astype(np.float32) / 65535
    sides = np.stack([geometry["width"], geometry["height"]], axis=1).astype(np.float32)
    return (fractions * sides).astype(np.float32)


def scales(geometry: NDArray[Any]) -> Floats:
    """Keypoint diameters (n,) in original pixels."""
    octaves = geometry["scale"].astype(np.float32) / SCALE_STEPS
    return (SMALLEST_SCALE * np.exp2(octaves)).astype(np.float32)


def angles(geometry: NDArray[Any]) -> Floats:
    """Orientations (n,) in degrees, 0..360, clockwise in image coordinates."""
    return geometry["angle"].astype(np.float32) * np.float32(360 / 256)


def vectors(descriptors: Bytes, binary: bool) -> Floats:
    """Descriptor bytes as float32 vectors: as they are, or one dimension a bit when binary.

    Squared Euclidean distance between the results is the descriptors' own (Hamming when binary).
    """
    values = np.unpackbits(descriptors, axis=1) if binary else descriptors
    return values.astype(np.float32)
