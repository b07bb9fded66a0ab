"""Any decoded PIL picture or array -> RGB of bounded size, with at most one full-size copy in memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

DIRECT_MODES = {"RGB", "L", "RGBX"}
DEEP_MODES = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}
BAND_PIXELS = 4_000_000
GAP = 2


def fit(width: int, height: int, size: int) -> tuple[int, int]:
    """The size of the picture with its longest side at most `size`: never larger, no side below 1."""
    scale = min(1.0, size / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def to_rgb(picture: PIL.Image.Image, target: tuple[int, int]) -> PIL.Image.Image:
    """The picture in 8-bit RGB, alpha over white, in exactly the target size (no larger than its own)."""
    across, down = (max(1, have // (want * GAP)) for have, want in zip(picture.size, target, strict=True))
    if picture.mode in DIRECT_MODES and "transparency" not in picture.info:
        small = picture if across * down == 1 else picture.reduce((across, down))
        small = small if small.mode == "RGB" else small.convert("RGB")
    else:
        small = _reduced_in_bands(picture, across, down)
    if small.size == target:
        return small
    # Box averages leave a fraction of a cell at the right and lower edge: `box` keeps it in scale.
    box = (0.0, 0.0, picture.width / across, picture.height / down)
    return small.resize(target, PIL.Image.Resampling.HAMMING, box)


def _reduced_in_bands(picture: PIL.Image.Image, across: int, down: int) -> PIL.Image.Image:
    """Converted and box-averaged by the two factors, a few million pixels at a time."""
    span = _value_range(picture) if picture.mode in DEEP_MODES else (0.0, 1.0)
    small = PIL.Image.new("RGB", (-(-picture.width // across), -(-picture.height // down)))
    for top, band in _bands(picture, down):
        converted = _band_converted(band, span)
        small.paste(converted.reduce((across, down)) if across * down > 1 else converted, (0, top // down))
    return small


def _bands(picture: PIL.Image.Image, step: int) -> Iterator[tuple[int, PIL.Image.Image]]:
    """(top, band) from the top down; the bands' heights are multiples of `step`, but for the last."""
    rows = max(1, BAND_PIXELS // (picture.width * step)) * step
    for top in range(0, picture.height, rows):
        yield top, picture.crop((0, top, picture.width, min(top + rows, picture.height)))


def _band_converted(band: PIL.Image.Image, span: tuple[float, float]) -> PIL.Image.Image:
    """One band in RGB, or in L where it is grey: a third of the work before it is reduced."""
    if band.mode in DEEP_MODES:
        return _deep_to_grey(band, span)
    if band.mode == "La":
        band = band.convert("LA")
    if band.has_transparency_data:
        rgba = band.convert("RGBA")
        white = PIL.Image.new("RGB", band.size, (255, 255, 255))
        white.paste(rgba, mask=rgba.getchannel("A"))
        return white
    return band.convert("L" if band.mode == "1" else "RGB")


def _deep_to_grey(band: PIL.Image.Image, span: tuple[float, float]) -> PIL.Image.Image:
    """Grey values of 16 or 32 bits, scaled from `span` to 0..255."""
    values = np.asarray(band).astype(np.float32)
    low, high = span
    grey = np.nan_to_num((values - low) * (255 / (high - low)), nan=0.0, posinf=255.0, neginf=0.0)
    clear = band.info.get("transparency")
    if isinstance(clear, int):
        grey[values == clear] = 255
    return PIL.Image.fromarray(np.clip(np.rint(grey), 0, 255).astype(np.uint8))


def _value_range(picture: PIL.Image.Image) -> tuple[float, float]:
    """The values that mean black and white: of 32-bit values the narrowest usual range that holds them all."""
    if picture.mode.startswith("I;16") or (picture.mode == "I" and picture.format == "PPM"):
        return 0.0, 65535.0
    low, high = math.inf, -math.inf
    for _, band in _bands(picture, 1):
        values = np.asarray(band)
        finite = values[np.isfinite(values)] if picture.mode == "F" else values
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    for white in (1.0, 255.0, 65535.0) if picture.mode == "F" else (255.0, 65535.0):
        if low >= 0 and high <= white:
            return 0.0, white
    return (low, high) if low < high else (0.0, 1.0)


def array_to_picture(array: NDArray[Any]) -> PIL.Image.Image:
    """(h, w) or (h, w, 1 | 3 | 4) of bool, uint8, uint16 (0..65535) or float (0..1) as a PIL picture.

    Raises ValueError for other shapes, types and ranges.
    """
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ValueError(f"an array of shape {array.shape}: (h, w), (h, w, 1), (h, w, 3) or (h, w, 4) is needed")
    if 0 in array.shape:
        raise ValueError(f"an array of shape {array.shape} has no pixels")
    return PIL.Image.fromarray(np.ascontiguousarray(_to_bytes(array)))


def _to_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype == np.uint16:
        return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if array.dtype.kind == "f":
        # Resampling overshoots a little; values far outside are another scale.
        if np.nanmax(array, initial=0) > 2 or np.nanmin(array, initial=0) < -1:
            raise ValueError("an array of floats outside 0..1: divide by its white first")
        white: NDArray[np.uint8] = np.rint(np.clip(np.nan_to_num(array), 0, 1) * 255).astype(np.uint8)
        return white
    raise ValueError(f"an array of {array.dtype}: bool, uint8, uint16 or float in 0..1 is needed")
