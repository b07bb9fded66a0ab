"""How keypoints lie in bytes: one self-contained row each, so any subset of a picture's rows is a descriptor too.

A row is the descriptor's bytes, or a code that stands for them, followed by 14 bytes of geometry (little-endian): x
and y as fractions of the picture's sides in 1/65535, scale in twelfths of an octave, angle in 1/256 of a turn, and the
picture's size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ragged
from lookalike.index.codebook import CODE, shipped

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

GEOMETRY = np.dtype([("x", "<u2"), ("y", "<u2"), ("scale", "u1"), ("angle", "u1"), ("width", "<u4"), ("height", "<u4")])
SCALE_STEPS = 12
SMALLEST_SCALE = 0.25
PLACE = 4
"""Bytes of a keypoint's place for an index: x, y, scale and angle, in units of the picture's longest side."""
_SMALLEST_UNIT = -16  # octaves: the smallest scale in these units


@dataclass(frozen=True, slots=True)
class Form:
    """What descriptors of `width` bytes are, and how those of stored pictures lie in their rows.

    binary: compared by Hamming distance, else by Euclidean distance. coded: stored as CODE bytes by the codebook that
    comes with the package (product quantisation, Jegou et al. 2011), so for RootSIFT only; rows of a query may be
    either way.
    """

    width: int
    binary: bool = False
    coded: bool = False

    @property
    def row(self) -> int:
        """Bytes of a stored keypoint."""
        return (CODE if self.coded else self.width) + GEOMETRY.itemsize

    @property
    def dimension(self) -> int:
        """Numbers of a descriptor as a vector."""
        return 8 * self.width if self.binary else self.width

    def stored(self, rows: Bytes) -> Bytes:
        """(n, row) of packed rows as they are (n, width + 14)."""
        if not self.coded:
            return rows
        codes = shipped().encode(vectors(rows[:, : self.width], False))
        return np.concatenate([codes, rows[:, self.width :]], axis=1)

    def descriptors(self, rows: Bytes) -> Bytes:
        """(n, width) of packed rows, stored or as they are."""
        if self.coded and rows.shape[1] == self.row:
            return shipped().decode(rows[:, :CODE])
        return rows[:, : self.width]

    def vectors(self, rows: Bytes) -> Floats:
        """The same as vectors (n, dimension)."""
        return vectors(self.descriptors(rows), self.binary)


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


def first_rows(rows: Ragged, most: int) -> Bytes:
    """At most the first `most` packed rows of each item, end to end (n, w): a picture's strongest keypoints."""
    counts = np.minimum(np.diff(rows.offsets), most)
    skipped = rows.offsets[:-1] - (np.cumsum(counts) - counts)
    taken: Bytes = rows.values[np.arange(int(counts.sum())) + np.repeat(skipped, counts)]
    return taken


def places(rows: Bytes) -> tuple[Floats, Floats, Floats]:
    """Of packed rows: (n, 2) places and (n,) octaves of scale in units of the longest side, (n,) angles in degrees."""
    geometry = geometry_of(rows)
    longest = np.maximum(1, np.maximum(geometry["width"], geometry["height"])).astype(np.float32)
    return pixels(geometry) / longest[:, None], np.log2(scales(geometry) / longest), angles(geometry)


def pack_places(rows: Bytes) -> Bytes:
    """The same in (n, PLACE) bytes: places to 1/255, scales to 3 %, angles to 0.7 degrees."""
    xy, octaves, _ = places(rows)
    scale = np.round((octaves - _SMALLEST_UNIT) * SCALE_STEPS)
    angle = geometry_of(rows)["angle"]
    return np.column_stack([(xy * 255).round().clip(0, 255), scale.clip(0, 255), angle]).astype(np.uint8)


def unpack_places(packed: Bytes) -> tuple[Floats, Floats, Floats]:
    """The inverse of `pack_places`, as `places` gives them."""
    values = packed.astype(np.float32)
    xy, octaves = values[:, :2] / np.float32(255), values[:, 2] / np.float32(SCALE_STEPS) + np.float32(_SMALLEST_UNIT)
    return xy, octaves, values[:, 3] * np.float32(360 / 256)
