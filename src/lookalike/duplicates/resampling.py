"""Was the larger of two pictures made from the smaller one? Then enlarging that explains it."""

from __future__ import annotations

import numpy as np
import PIL.Image
from PIL import ImageOps

from lookalike.duplicates.turns import undone
from lookalike.pictures.formats import UnreadableError, decoding

ENLARGED = 0.82
"""How much of the larger picture the enlarged smaller one may miss, beside what the reduced larger one misses of the
smaller, when it was made from it."""
SIDE = 640  # pixels of the part of the smaller one that is looked at
LARGEST = 60_000_000  # pixels of pictures that are opened in full
_SHAPE = 0.01  # most that the shapes may differ
_EDGE = 4
_ROUNDED = 0.3  # grey levels that rounding costs
_FILTERS = (PIL.Image.Resampling.BILINEAR, PIL.Image.Resampling.BICUBIC, PIL.Image.Resampling.LANCZOS)


def enlarged_from(large: str, small: str, variant: str) -> bool:
    """Whether one file is an enlargement of another. variant: what makes the small picture out of the large one."""
    try:
        with decoding(), PIL.Image.open(large) as one, PIL.Image.open(small) as other:
            if max(one.width * one.height, other.width * other.height) > LARGEST:
                return False
            big = ImageOps.exif_transpose(one.convert("L"))
            less = undone(ImageOps.exif_transpose(other.convert("L")), variant)
    except UnreadableError:
        return False
    across, down = big.width / less.width, big.height / less.height
    if abs(across / down - 1) > _SHAPE or across <= 1:
        return False
    return missed(big, less) < ENLARGED


def missed(large: PIL.Image.Image, small: PIL.Image.Image) -> float:
    """What the smaller picture, enlarged, misses of the larger one, beside what that one, reduced, misses of it."""
    across, down = large.width / small.width, large.height / small.height
    left, top = (max(0, (side - SIDE) // 2) for side in small.size)
    box = (left, top, min(left + SIDE, small.width), min(top + SIDE, small.height))
    window = tuple(round(edge * (across, down)[number % 2]) for number, edge in enumerate(box))
    within = tuple(edge / (across, down)[number % 2] for number, edge in enumerate(window))
    size = window[2] - window[0], window[3] - window[1]
    true, reduced = _array(large.crop(window)), _array(small.crop(box))  # type: ignore[arg-type]
    up = min(_apart(_array(small.resize(size, way, box=within)), true) for way in _FILTERS)  # type: ignore[arg-type]
    whole = tuple(edge * (across, down)[number % 2] for number, edge in enumerate(box))
    shape = box[2] - box[0], box[3] - box[1]
    ways = (*_FILTERS, PIL.Image.Resampling.BOX)
    back = min(_apart(_array(large.resize(shape, way, box=whole)), reduced) for way in ways)  # type: ignore[arg-type]
    return up / (back + _ROUNDED)


def _array(picture: PIL.Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.asarray(picture, np.float32)


def _apart(
    one: np.ndarray[tuple[int, ...], np.dtype[np.float32]], other: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> float:
    return float(np.abs(one - other)[_EDGE:-_EDGE, _EDGE:-_EDGE].mean()) if min(one.shape) > 3 * _EDGE else np.inf
