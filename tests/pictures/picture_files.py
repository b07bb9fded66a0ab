"""One picture of four colours, as a file of every format."""

import io

import PIL.features
import PIL.Image
import pytest

from lookalike.errors import ImageError
from lookalike.pictures.open import open_image

RED, GREEN, BLUE, GREY = (200, 30, 40), (40, 180, 50), (30, 50, 190), (128, 128, 128)
WHITE = (255, 255, 255)


def quarters(width=64, height=48):
    """Red and green above, blue and grey below."""
    picture = PIL.Image.new("RGB", (width, height))
    half, middle = width // 2, height // 2
    for colour, place in ((RED, (0, 0)), (GREEN, (half, 0)), (BLUE, (0, middle)), (GREY, (half, middle))):
        picture.paste(colour, (*place, place[0] + half, place[1] + middle))
    return picture


def saved(picture, form, **options):
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def heif(picture):
    from pillow_heif import from_pillow

    buffer = io.BytesIO()
    from_pillow(picture).save(buffer, quality=90)
    return buffer.getvalue()


def corners(image):
    """The colours in the middle of the four quarters, row by row."""
    height, width = image.rgb.shape[:2]
    spots = [(y, x) for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)]
    return [tuple(image.rgb[spot].tolist()) for spot in spots]


def close(found, expected, tolerance):
    return all(abs(a - b) <= tolerance for f, e in zip(found, expected, strict=True) for a, b in zip(f, e, strict=True))


FORMATS = {
    "JPEG": {"quality": 95},
    "PNG": {},
    "GIF": {},
    "BMP": {},
    "TIFF": {"compression": "tiff_lzw"},
    "WEBP": {"quality": 95},
    "AVIF": {"quality": 95},
    "JPEG2000": {},
    "PPM": {},
    "TGA": {},
    "PCX": {},
    "SGI": {},
    "DDS": {},
    "QOI": {},
    "ICO": {"sizes": [(64, 48)]},
}
FILES = {form: saved(quarters(), form, **options) for form, options in FORMATS.items()} | {"HEIF": heif(quarters())}
SUFFIXES = {"TGA": ".tga"}  # no signature


def reason_of(source, **options):
    with pytest.raises(ImageError) as caught:
        open_image(source, **options)
    assert "\n" not in str(caught.value)
    return caught.value.reason
