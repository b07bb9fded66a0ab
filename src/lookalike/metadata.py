"""What a file says of itself: when, where and with what it was taken, and the words that people wrote into it."""

from __future__ import annotations

from dataclasses import dataclass

import PIL.Image


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the file says of itself: taken (ISO 8601, local time), camera, latitude/longitude in degrees, captions."""

    taken: str | None = None
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    caption: str | None = None


NO_METADATA = Metadata()


def read_metadata(picture: PIL.Image.Image) -> Metadata:
    return Metadata()


def orientation_of(picture: PIL.Image.Image) -> int:
    value = picture.getexif().get(0x0112, 1)
    return value if isinstance(value, int) else 1
