"""Was a picture made from a JPEG? Its pixels then still lie on the steps to which that file had rounded its waves."""

from __future__ import annotations

from functools import cache

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import ImageOps

from lookalike.duplicates.turns import undone
from lookalike.pictures.formats import UnreadableError, decoding

Luma = NDArray[np.float32]

ON_STEPS = 0.17
"""Mean distance from the steps, in steps, below which a picture was made from the other; by chance it is 0.25."""
SIDE = 768  # pixels of the part that is looked at
LARGEST = 60_000_000  # pixels of pictures that are opened in full
_COARSE = 3  # steps below this say nothing: rounding to whole pixels moves as much
_LOW = 6  # waves up to this sum of both frequencies
_FEWEST = 300  # waves that are not zero
_ORIENTATION = 0x0112
_BACK = {
    2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
    3: PIL.Image.Transpose.ROTATE_180,
    4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
    5: PIL.Image.Transpose.TRANSPOSE,
    6: PIL.Image.Transpose.ROTATE_90,
    7: PIL.Image.Transpose.TRANSVERSE,
    8: PIL.Image.Transpose.ROTATE_270,
}


def made_from(path: str, source: str, variant: str) -> bool | None:
    """Whether a picture was made from the JPEG `source`; None when it cannot be said.

    variant: what makes the first out of the source, "as is", "mirrored" ... Both must have the same size then, and a
    colour change hides it. (Double compression: Lukas and Fridrich 2003.)
    """
    try:
        with decoding(), PIL.Image.open(source) as opened, PIL.Image.open(path) as other:
            tables = getattr(opened, "quantization", None)
            if opened.format != "JPEG" or not tables or max(_pixels(opened), _pixels(other)) > LARGEST:
                return None
            steps = np.array(tables[0], np.float32).reshape(8, 8)
            upright = undone(ImageOps.exif_transpose(other.convert("RGB") if other.mode != "L" else other), variant)
            back = _BACK.get(opened.getexif().get(_ORIENTATION, 1))
            stored = upright.transpose(back) if back is not None else upright
            if stored.size != opened.size:
                return None
            luma = _middle(stored)
    except UnreadableError:
        return None
    distance = steps_away(luma, steps)
    return None if distance is None else distance < ON_STEPS


def steps_away(luma: Luma, steps: Luma) -> float | None:
    """How far from the steps the waves of 8 x 8 blocks lie on average, in steps; None where too few can tell."""
    height, width = (side // 8 * 8 for side in luma.shape)
    blocks = (luma[:height, :width] - 128).reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2).reshape(-1, 8, 8)
    waves = _cosines() @ blocks @ _cosines().T
    order = np.add.outer(np.arange(8), np.arange(8))
    told = (steps >= _COARSE) & (order > 0) & (order <= _LOW)
    in_steps = waves[:, told] / steps[told]
    away = np.abs(in_steps - np.round(in_steps))[np.abs(in_steps) >= 0.5]
    return float(away.mean()) if away.size >= _FEWEST else None


def _middle(picture: PIL.Image.Image) -> Luma:
    """Luma of a part in the middle that begins where blocks do."""
    left, top = (max(0, (side - SIDE) // 2 // 8 * 8) for side in picture.size)
    part = picture.crop((left, top, min(left + SIDE, picture.width), min(top + SIDE, picture.height)))
    return np.asarray(part.convert("YCbCr").getchannel(0), np.float32)


def _pixels(picture: PIL.Image.Image) -> int:
    return picture.width * picture.height


@cache
def _cosines() -> Luma:
    place = np.arange(8)
    matrix = np.cos(np.pi * np.outer(place, 2 * place + 1) / 16) / 2
    matrix[0] /= np.sqrt(2)
    return matrix.astype(np.float32)
