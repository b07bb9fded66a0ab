"""What happens to pictures before somebody searches with them: seeded edits for the local-feature benchmark."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import PIL.Image
from PIL import ImageDraw, ImageFilter, ImageOps

Picture = PIL.Image.Image
Edit = Callable[[Picture, np.random.Generator], Picture]
Pair = Callable[[Picture, Picture, np.random.Generator], Picture]


def crop(share: float) -> Edit:
    """A random window of the same shape with `share` of the area."""

    def edit(picture: Picture, random: np.random.Generator) -> Picture:
        width, height = (max(8, round(side * share**0.5)) for side in picture.size)
        left = int(random.integers(0, picture.width - width + 1))
        top = int(random.integers(0, picture.height - height + 1))
        return picture.crop((left, top, left + width, top + height))

    return edit


def mirrored_crop(picture: Picture, random: np.random.Generator) -> Picture:
    return ImageOps.mirror(crop(0.4)(picture, random))


def turn(picture: Picture, random: np.random.Generator) -> Picture:
    return picture.rotate(20, PIL.Image.Resampling.BICUBIC, expand=True, fillcolor=(255, 255, 255))


def frame(picture: Picture, random: np.random.Generator) -> Picture:
    colour = tuple(int(c) for c in random.integers(0, 256, 3))
    return ImageOps.expand(picture, max(4, min(picture.size) // 8), colour)


def jpeg(quality: int) -> Edit:
    def edit(picture: Picture, random: np.random.Generator) -> Picture:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality)
        return PIL.Image.open(buffer).convert("RGB")

    return edit


def text(picture: Picture, random: np.random.Generator) -> Picture:
    edited = picture.copy()
    draw = ImageDraw.Draw(edited)
    for line in range(3):
        words = "".join(chr(c) for c in random.integers(65, 91, 14))
        place = (picture.width // 20, round((0.15 + 0.3 * line) * picture.height))
        draw.text(place, words, (255, 255, 0), font_size=picture.height // 9, stroke_width=2, stroke_fill=(0, 0, 0))
    return edited


def noise(picture: Picture, random: np.random.Generator) -> Picture:
    values = np.asarray(picture, np.float32) + random.normal(0, 20, (picture.height, picture.width, 3))
    return PIL.Image.fromarray(values.clip(0, 255).astype(np.uint8))


def blur(picture: Picture, random: np.random.Generator) -> Picture:
    return picture.filter(ImageFilter.GaussianBlur(max(picture.size) / 250))


def thumbnail(picture: Picture, random: np.random.Generator) -> Picture:
    small = picture.copy()
    small.thumbnail((96, 96), PIL.Image.Resampling.BICUBIC)
    return small


def pixelate(picture: Picture, random: np.random.Generator) -> Picture:
    """Blocks of 14 x 14 pixels."""
    small = picture.resize((max(1, picture.width // 14), max(1, picture.height // 14)), PIL.Image.Resampling.BOX)
    return small.resize(picture.size, PIL.Image.Resampling.NEAREST)


def clutter(picture: Picture, random: np.random.Generator) -> Picture:
    """The picture at half size, somewhere among forty random shapes."""
    width, height = picture.size
    scene = PIL.Image.new("RGB", picture.size, tuple(int(c) for c in random.integers(0, 256, 3)))
    draw = ImageDraw.Draw(scene)
    for _ in range(40):
        x, y = int(random.integers(width)), int(random.integers(height))
        w, h = int(random.integers(4, width // 3 + 5)), int(random.integers(4, height // 3 + 5))
        shape = draw.ellipse if random.random() < 0.5 else draw.rectangle
        shape((x, y, x + w, y + h), tuple(int(c) for c in random.integers(0, 256, 3)))
    small = picture.resize((max(8, width // 2), max(8, height // 2)), PIL.Image.Resampling.BICUBIC)
    scene.paste(small, _somewhere(small, scene, random))
    return scene


def collage(picture: Picture, other: Picture, random: np.random.Generator) -> Picture:
    """The two side by side, at the height of the lower one."""
    height = min(picture.height, other.height)
    parts = [
        p.resize((max(1, p.width * height // p.height), height), PIL.Image.Resampling.BICUBIC) for p in (picture, other)
    ]
    sheet = PIL.Image.new("RGB", (parts[0].width + parts[1].width, height))
    sheet.paste(parts[0], (0, 0))
    sheet.paste(parts[1], (parts[0].width, 0))
    return sheet


def pasted(picture: Picture, other: Picture, random: np.random.Generator) -> Picture:
    """The picture, fitted into 45 % of the other's sides, somewhere on the other."""
    small = ImageOps.contain(picture, (max(8, round(0.45 * other.width)), max(8, round(0.45 * other.height))))
    sheet = other.copy()
    sheet.paste(small, _somewhere(small, other, random))
    return sheet


def _somewhere(small: Picture, large: Picture, random: np.random.Generator) -> tuple[int, int]:
    x = int(random.integers(0, large.width - small.width + 1))
    return x, int(random.integers(0, large.height - small.height + 1))


EDITS: dict[str, Edit] = {
    "crop 70 %": crop(0.7),
    "crop 40 %": crop(0.4),
    "crop 20 %": crop(0.2),
    "crop 10 %": crop(0.1),
    "mirror": lambda picture, random: ImageOps.mirror(picture),
    "mirrored crop 40 %": mirrored_crop,
    "turn 20 degrees": turn,
    "frame": frame,
    "in clutter": clutter,
    "JPEG q8": jpeg(8),
    "text": text,
    "96 px": thumbnail,
    "noise": noise,
    "blur": blur,
    "pixelate 1/14": pixelate,
}
PAIRS: dict[str, Pair] = {"collage of two": collage, "pasted at 45 %": pasted}
