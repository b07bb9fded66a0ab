"""From an RGB picture to the square of numbers that a network wants, bit for bit as open_clip prepares it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from lookalike.pictures.open import Image

Fit = Literal["crop", "letterbox", "squash"]
Interpolation = Literal["bicubic", "bilinear"]
Picture = Image | PIL.Image.Image | NDArray[np.uint8]
Triple = tuple[float, float, float]

CLIP_MEAN: Triple = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD: Triple = (0.26862954, 0.26130258, 0.27577711)
IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Preprocess:
    """How a picture becomes a network's input.

    size: side of the square, in pixels. fit: "crop" scales the short side to `short_side` (`size` unless given)
    and cuts out the middle; "letterbox" scales the long side to `size` and fills the rest with black; "squash"
    ignores the proportions. mean, std: per channel, of values in 0..1.
    """

    size: int = 224
    fit: Fit = "crop"
    mean: Triple = CLIP_MEAN
    std: Triple = CLIP_STD
    interpolation: Interpolation = "bicubic"
    short_side: int | None = None


def square(picture: Picture, how: Preprocess) -> NDArray[np.uint8]:
    """The picture scaled and cut as `how` says: (size, size, 3) uint8.

    A picture from `open_image` has at most 640 pixels on its long side, so for the usual 224 to 256 pixels it is
    still scaled down, unless it is a panorama of more than about 1:2.5.
    """
    image = _as_pil(picture)
    width, height = image.size
    size = how.size
    filter_ = PIL.Image.Resampling[how.interpolation.upper()]
    if how.fit == "squash":
        image = _resized(image, size, size, filter_)
    elif how.fit == "letterbox":
        ratio = max(width / size, height / size)
        image = _resized(image, max(1, round(width / ratio)), max(1, round(height / ratio)), filter_)
        canvas = PIL.Image.new("RGB", (size, size))
        canvas.paste(image, ((size - image.width) // 2, (size - image.height) // 2))
        image = canvas
    else:
        short = how.short_side or size
        # The reference truncates the long side and rounds the corner half to even: both decide pixels.
        if width <= height:
            image = _resized(image, short, int(short * height / width), filter_)
        else:
            image = _resized(image, int(short * width / height), short, filter_)
        left, top = round((image.width - size) / 2.0), round((image.height - size) / 2.0)
        image = image.crop((left, top, left + size, top + size))
    return np.asarray(image)


def normalised(rgb: NDArray[np.uint8], how: Preprocess) -> NDArray[np.float32]:
    """(h, w, 3) uint8 to (3, h, w) float32: scaled to 0..1, less the mean, over the standard deviation."""
    mean, std = np.asarray([how.mean, how.std], np.float32)
    values: NDArray[np.float32] = (rgb.astype(np.float32) / np.float32(255) - mean) / std
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def pixels(picture: Picture, how: Preprocess) -> NDArray[np.float32]:
    """A network's input for one picture: (3, size, size) float32."""
    return normalised(square(picture, how), how)


def _as_pil(picture: Picture) -> PIL.Image.Image:
    if isinstance(picture, Image):
        return picture.picture
    if isinstance(picture, np.ndarray):
        return PIL.Image.fromarray(picture)
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _resized(image: PIL.Image.Image, width: int, height: int, filter_: PIL.Image.Resampling) -> PIL.Image.Image:
    return image if image.size == (width, height) else image.resize((width, height), filter_)
