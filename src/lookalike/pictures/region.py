"""Asking with a part of a picture, at the sharpness the original has there."""

from __future__ import annotations

import math

from lookalike.errors import QueryError
from lookalike.pictures.open import WORKING_SIZE, Image, Source, open_image

Region = tuple[int, int, int, int]

LARGEST_DECODE = 8192
"""Longest side, in pixels, to which a picture is decoded for the sake of a small region."""


def open_region(source: Source, region: Region, size: int = WORKING_SIZE) -> Image:
    """The part (x, y, width, height) of a picture, in original upright pixels, as a picture of its own.

    The part is cut at the picture's border; QueryError when nothing of it is inside.
    """
    whole = open_image(source, size=size)
    x, y, width, height = region
    right, bottom = min(x + width, whole.width), min(y + height, whole.height)
    if x >= right or y >= bottom:
        raise QueryError(
            f"the region {x},{y},{width},{height} lies outside the picture ({whole.width} x {whole.height})"
        )
    enlarge = max(whole.width, whole.height) / max(right - x, bottom - y)
    if enlarge > 1:
        whole = open_image(source, size=min(math.ceil(size * enlarge), LARGEST_DECODE))
    scale_x, scale_y = whole.rgb.shape[1] / whole.width, whole.rgb.shape[0] / whole.height
    left, top = int(x * scale_x), int(y * scale_y)
    part = whole.rgb[top : max(top + 1, round(bottom * scale_y)), left : max(left + 1, round(right * scale_x))]
    reduced = open_image(part, size=size)
    return Image(reduced.rgb, right - x, bottom - y, whole.format, whole.metadata, origin=(x, y))
