"""From a path, bytes, file object, PIL image or array to an upright RGB picture of bounded size."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import ImageOps

Source = str | os.PathLike[str] | bytes | IO[bytes] | PIL.Image.Image | NDArray[Any]
WORKING_SIZE = 640


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the file says of itself: taken (ISO 8601, local time), camera, latitude/longitude in degrees, captions."""

    taken: str | None = None
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    caption: str | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """An upright picture. rgb: (h, w, 3) uint8, longest side at most the working size. width, height: original, upright."""

    rgb: NDArray[np.uint8]
    width: int
    height: int
    format: str
    metadata: Metadata = Metadata()


def open_image(source: Source, size: int = WORKING_SIZE) -> Image:
    """Decode once. Placeholder until the decoding room is finished."""
    if isinstance(source, np.ndarray):
        picture: PIL.Image.Image = PIL.Image.fromarray(source)
    elif isinstance(source, PIL.Image.Image):
        picture = source
    else:
        picture = PIL.Image.open(io.BytesIO(source) if isinstance(source, bytes) else source)
    form = picture.format or "array"
    picture = ImageOps.exif_transpose(picture).convert("RGB")
    width, height = picture.size
    picture.thumbnail((size, size), PIL.Image.Resampling.BICUBIC, reducing_gap=2.0)
    return Image(np.asarray(picture), width, height, form)
