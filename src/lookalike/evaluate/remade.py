"""What people make of a file and keep beside it: the file again, as another one."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from types import MappingProxyType

import PIL.Image
from PIL import ImageDraw, ImageFilter, ImageFont, ImageOps

from lookalike.evaluate.edits import Picture, get

Written = tuple[Picture, str, dict[str, int]]
SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}
HIGH = {"quality": 92}


def remade(picture: Picture, kind: str) -> tuple[bytes, str]:
    """The content of a file made from a picture, and its name's suffix. KeyError for a kind that there is not."""
    changed, format_, options = KINDS[kind](picture.convert("RGB"))
    file = io.BytesIO()
    changed.convert("RGB").save(file, format_, **options)
    return file.getvalue(), SUFFIXES[format_]


def _bordered(picture: Picture) -> Written:
    return ImageOps.expand(picture, round(0.06 * min(picture.size)), (255, 255, 255)), "JPEG", HIGH


def _watermarked(picture: Picture) -> Written:
    layer = PIL.Image.new("RGBA", picture.size)
    size = max(6, round(0.09 * picture.height))
    place = picture.width // 3, round(0.8 * picture.height)
    ImageDraw.Draw(layer).text(place, "© photo.example", (255, 255, 255, 150), ImageFont.load_default(size))
    return PIL.Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB"), "JPEG", HIGH


def _scaled(factor: float) -> Callable[[Picture], Written]:
    def change(picture: Picture) -> Written:
        width, height = (max(1, round(factor * side)) for side in picture.size)
        return picture.resize((width, height), PIL.Image.Resampling.BICUBIC), "JPEG", HIGH

    return change


def _edited(name: str) -> Callable[[Picture], Written]:
    return lambda picture: (get(name).apply(picture, 1), "JPEG", HIGH)


KINDS: Mapping[str, Callable[[Picture], Written]] = MappingProxyType(
    {
        "white border": _bordered,
        "PNG made from it": lambda picture: (picture, "PNG", {}),
        "JPEG again, quality 98": lambda picture: (picture, "JPEG", {"quality": 98, "subsampling": 0}),
        "JPEG again, quality 60": lambda picture: (picture, "JPEG", {"quality": 60}),
        "WebP, quality 90": lambda picture: (picture, "WEBP", {"quality": 90}),
        "watermark": _watermarked,
        "text": _edited("text-12"),
        "mirrored": _edited("mirror"),
        "turned by 180": _edited("turn-180"),
        "cropped to 70 %": _edited("crop-70"),
        "half the size": _scaled(0.5),
        "enlarged 1.5 times": _scaled(1.5),
        "enlarged twice": _scaled(2.0),
        "grey": _edited("grey"),
        "blurred": lambda picture: (picture.filter(ImageFilter.GaussianBlur(1.5)), "JPEG", HIGH),
        "noise": _edited("noise-25"),
        "filter of a photo app": _edited("filter"),
    }
)
"""What is made of a picture, by name."""
