"""Keypoints of a picture: places, their scales and angles, and what they look like."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lookalike.index.keypoint_rows import Form, angles, geometry_of, pack_rows, pixels, scales

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Keypoints:
    """n keypoints of a picture of size (width, height) in original, upright pixels.

    xy: (n, 2) float32 pixels. scale: (n,) float32 diameters in pixels. angle: (n,) float32 degrees, clockwise.
    descriptors: (n, d) uint8. binary: whether descriptors are bit strings (ORB).
    """

    xy: Floats
    scale: Floats
    angle: Floats
    descriptors: NDArray[np.uint8]
    size: tuple[int, int]
    binary: bool = False

    def __len__(self) -> int:
        return len(self.xy)

    def where(self, keep: NDArray[np.bool_]) -> Self:
        """Only the keypoints for which `keep` (n,) holds."""
        return replace(
            self,
            xy=self.xy[keep],
            scale=self.scale[keep],
            angle=self.angle[keep],
            descriptors=self.descriptors[keep],
        )

    def mirrored(self, order: NDArray[np.int64]) -> Self:
        """The same keypoints as the mirrored picture shows them. order: see `Features.mirror_order`."""
        xy = np.column_stack([self.size[0] - self.xy[:, 0], self.xy[:, 1]])
        angle = (np.float32(540) - self.angle) % np.float32(360)
        return replace(self, xy=xy.astype(np.float32), angle=angle, descriptors=self.descriptors[:, order])

    def pack(self) -> NDArray[np.uint8]:
        """(n, d + 14) rows: positions to 1/65535 of the picture, scales to 3 %, angles to 0.7 degrees."""
        return pack_rows(self.descriptors, self.xy, self.scale, self.angle, self.size)

    @classmethod
    def unpack(cls, rows: NDArray[Any], form: Form) -> Self:
        """The inverse of `pack`, from n >= 1 rows as they are or as they are stored."""
        geometry = geometry_of(rows)
        return cls(
            pixels(geometry),
            scales(geometry),
            angles(geometry),
            form.descriptors(rows),
            (int(geometry["width"][0]), int(geometry["height"][0])),
            form.binary,
        )
