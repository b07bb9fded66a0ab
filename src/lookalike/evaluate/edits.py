"""What happens to pictures before somebody searches with them: named edits of a fixed strength, the same for a seed."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from lookalike.errors import QueryError

Picture = PIL.Image.Image

BICUBIC = PIL.Image.Resampling.BICUBIC
WHITE, INK, YELLOW = (255, 255, 255), (17, 18, 20), (255, 236, 64)
SCREEN = 2.1  # height to width of a telephone's screen
SMALLEST = 8  # no edit leaves less than this many pixels on a side that had them


@dataclass(frozen=True, slots=True)
class Chance:
    """What an edit leaves to chance: its random numbers, and the other pictures that get into the same one."""

    random: np.random.Generator
    others: Sequence[Picture] = field(default=())

    def window(self, outer: tuple[int, int], inner: tuple[int, int]) -> tuple[int, int]:
        """The upper left corner of a place for `inner` (width, height) somewhere within `outer`."""
        x, y = (int(self.random.integers(0, max(0, o - i) + 1)) for o, i in zip(outer, inner, strict=True))
        return x, y

    def color(self) -> tuple[int, int, int]:
        """Any colour."""
        red, green, blue = (int(value) for value in self.random.integers(0, 256, 3))
        return red, green, blue


Change = Callable[[Picture, float, Chance], Picture]


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit. about: what it does, for people; family: what kind of edit it is; strength: in the unit of `about`;
    needs_others: whether it puts the picture beside or upon other ones."""

    name: str
    family: str
    about: str
    strength: float
    change: Change
    needs_others: bool = False

    def apply(self, picture: Picture, seed: int = 0, others: Sequence[Picture] = ()) -> Picture:
        """The edited copy, RGB; the same for the same picture, seed and others. The picture is not changed.

        Raises ValueError when an edit that needs other pictures gets none.
        """
        if self.needs_others and not others:
            raise ValueError(f"the edit {self.name} needs other pictures beside the one it is applied to")
        random = np.random.default_rng([seed, zlib.crc32(self.name.encode())])
        return self.change(picture.convert("RGB"), self.strength, Chance(random, others))


def names() -> list[str]:
    """The names of all edits, mild ones first within a family."""
    return [edit.name for edit in EDITS]


def get(name: str) -> Edit:
    """The edit of a name. QueryError for a name that there is not."""
    for edit in EDITS:
        if edit.name == name:
            return edit
    raise QueryError(f"no edit {name!r}; there are {', '.join(names())}")


# -- size and compression


def _resize(picture: Picture, share: float, chance: Chance) -> Picture:
    return picture.resize(_scaled(picture.size, share), BICUBIC, reducing_gap=2.0)


def _thumbnail(picture: Picture, side: float, chance: Chance) -> Picture:
    return picture.resize(_scaled(picture.size, min(1.0, side / max(picture.size))), BICUBIC, reducing_gap=2.0)


def _jpeg(picture: Picture, quality: float, chance: Chance) -> Picture:
    return _encoded(picture, "JPEG", quality)


def _webp(picture: Picture, quality: float, chance: Chance) -> Picture:
    return _encoded(picture, "WEBP", quality)


def _palette(picture: Picture, colors: float, chance: Chance) -> Picture:
    return picture.quantize(round(colors), PIL.Image.Quantize.FASTOCTREE).convert("RGB")


def _pixelate(picture: Picture, blocks: float, chance: Chance) -> Picture:
    small = picture.resize(_scaled(picture.size, min(1.0, blocks / max(picture.size)), 1), PIL.Image.Resampling.BOX)
    return small.resize(picture.size, PIL.Image.Resampling.NEAREST)


def _blur(picture: Picture, share: float, chance: Chance) -> Picture:
    return picture.filter(ImageFilter.GaussianBlur(share * max(picture.size)))


def _noise(picture: Picture, deviation: float, chance: Chance) -> Picture:
    grain = chance.random.standard_normal((picture.height, picture.width, 3), np.float32)
    return _picture(np.asarray(picture, np.float32) + np.float32(deviation) * grain)


# -- light and colour


def _brightness(picture: Picture, factor: float, chance: Chance) -> Picture:
    return ImageEnhance.Brightness(picture).enhance(factor)


def _contrast(picture: Picture, factor: float, chance: Chance) -> Picture:
    return ImageEnhance.Contrast(picture).enhance(factor)


def _hue(picture: Picture, degrees: float, chance: Chance) -> Picture:
    hue, saturation, value = picture.convert("HSV").split()
    turned = hue.point([round(old + degrees * 256 / 360) % 256 for old in range(256)])
    return PIL.Image.merge("HSV", (turned, saturation, value)).convert("RGB")


def _grey(picture: Picture, share: float, chance: Chance) -> Picture:
    return ImageEnhance.Color(picture).enhance(1 - share)


def _filter(picture: Picture, strength: float, chance: Chance) -> Picture:
    """Faded and warm, with dark corners, as the filters of photo apps."""
    warm = np.array([1.12, 1.0, 0.78], np.float32) * np.asarray(picture, np.float32) * 0.85
    across, down = (np.linspace(-1, 1, side, dtype=np.float32) for side in picture.size)
    corners = 1 - np.float32(strength / 2) * (across[None, :] ** 2 + down[:, None] ** 2)
    return _picture((warm + 30) * corners[:, :, None])


# -- turned and bent


def _mirror(picture: Picture, strength: float, chance: Chance) -> Picture:
    return ImageOps.mirror(picture)


def _turn(picture: Picture, degrees: float, chance: Chance) -> Picture:
    """Clockwise; the corners that come into view are white."""
    return picture.rotate(-degrees, BICUBIC, expand=True, fillcolor=WHITE)


def _straighten(picture: Picture, degrees: float, chance: Chance) -> Picture:
    """Turned a little, and cut so that no corner shows."""
    width, height = picture.size
    angle = np.radians(degrees)
    kept = 0.98 / (np.cos(angle) + np.sin(angle) * max(width / height, height / width))
    inner_width, inner_height = _scaled(picture.size, float(kept))
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    return picture.rotate(-degrees, BICUBIC).crop((left, top, left + inner_width, top + inner_height))


def _stretch(picture: Picture, factor: float, chance: Chance) -> Picture:
    return picture.resize((max(1, round(picture.width * factor)), picture.height), BICUBIC)


def _perspective(picture: Picture, share: float, chance: Chance) -> Picture:
    """As photographed from the side: each corner moves inwards by up to `share` of the sides."""
    width, height = picture.size
    shift = chance.random.uniform(0.3, 1.0, (4, 2)) * share * np.array([width, height])
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    moved = corners + shift * np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    coefficients = _homography(moved, corners)
    return picture.transform(
        picture.size, PIL.Image.Transform.PERSPECTIVE, coefficients, BICUBIC, fillcolor=chance.color()
    )


# -- something added


def _text(picture: Picture, share: float, chance: Chance) -> Picture:
    """Three lines of capital letters of `share` of the height, across the whole picture."""
    edited = picture.copy()
    draw = ImageDraw.Draw(edited)
    size = max(6, round(share * picture.height))
    font = ImageFont.load_default(size)
    for line in range(3):
        words = "".join(chr(int(c)) for c in chance.random.integers(65, 91, 14))
        place = (picture.width // 20, round((0.12 + 0.3 * line) * picture.height))
        draw.text(place, words, YELLOW, font, stroke_width=max(1, size // 14), stroke_fill=INK)
    return edited


def _border(picture: Picture, share: float, chance: Chance) -> Picture:
    return ImageOps.expand(picture, max(2, round(share * min(picture.size))), chance.color())


def _screenshot(picture: Picture, share: float, chance: Chance) -> Picture:
    """Shown on a telephone's upright screen, and that kept: black above and below, a caption, buttons."""
    width = max(SMALLEST, picture.width)
    height = max(round(width * SCREEN), round(picture.height / (1 - share)))
    screen = PIL.Image.new("RGB", (width, height), INK)
    screen.paste(picture, ((width - picture.width) // 2, (height - picture.height) // 2))
    draw = ImageDraw.Draw(screen)
    unit = max(1.0, width / 60)
    draw.text((2 * unit, unit), "12:34", WHITE, ImageFont.load_default(max(6, 2.5 * unit)))
    draw.text((2 * unit, height - 10 * unit), "A day to remember", WHITE, ImageFont.load_default(max(6, 3 * unit)))
    for button in range(4):
        x = width * (button + 0.5) / 4
        draw.ellipse((x - unit, height - 4 * unit, x + unit, height - 2 * unit), outline=WHITE)
    return screen


# -- a part of it


def _crop(picture: Picture, share: float, chance: Chance) -> Picture:
    """A random window of the same shape with `share` of the area."""
    size = _scaled(picture.size, share**0.5)
    left, top = chance.window(picture.size, size)
    return picture.crop((left, top, left + size[0], top + size[1]))


def _mirrored_crop(picture: Picture, share: float, chance: Chance) -> Picture:
    return ImageOps.mirror(_crop(picture, share, chance))


# -- together with other pictures


def _collage(picture: Picture, parts: float, chance: Chance) -> Picture:
    """In a grid of 2 x 2 with other pictures, each cut to fill its tile."""
    count = round(parts)
    tiles = [chance.others[i % len(chance.others)] for i in range(count - 1)]
    tiles.insert(int(chance.random.integers(count)), picture)
    sheet = PIL.Image.new("RGB", (2 * picture.width, 2 * picture.height), WHITE)
    for place, tile in enumerate(tiles):
        fitted = ImageOps.fit(tile, picture.size, BICUBIC)
        sheet.paste(fitted, (place % 2 * picture.width, place // 2 * picture.height))
    return sheet


def _pasted(picture: Picture, share: float, chance: Chance) -> Picture:
    """Fitted into `share` of the sides of another picture, somewhere on it."""
    scene = chance.others[0].copy()
    width, height = (max(SMALLEST, round(share * side)) for side in scene.size)
    small = ImageOps.contain(picture, (width, height), BICUBIC)
    scene.paste(small, chance.window(scene.size, small.size))
    return scene


def _chain(picture: Picture, most: float, chance: Chance) -> Picture:
    """Two to `most` edits one after another, each of another family."""
    families: dict[str, list[Edit]] = {}
    for edit in EDITS:
        if not edit.needs_others and edit.family != SEVERAL:
            families.setdefault(edit.family, []).append(edit)
    chosen = chance.random.permutation(list(families))[: int(chance.random.integers(2, round(most) + 1))]
    for family in chosen:
        edits = families[family]
        edit = edits[int(chance.random.integers(len(edits)))]
        picture = edit.change(picture, edit.strength, chance)
    return picture


def _scaled(size: tuple[int, int], factor: float, smallest: int = SMALLEST) -> tuple[int, int]:
    """Both sides times the factor, but not below `smallest` pixels or what they were."""
    width, height = (max(round(side * factor), min(side, smallest)) for side in size)
    return width, height


def _encoded(picture: Picture, form: str, quality: float) -> Picture:
    buffer = io.BytesIO()
    picture.save(buffer, form, quality=round(quality))
    with PIL.Image.open(buffer) as opened:
        return opened.convert("RGB")


def _picture(values: NDArray[Any]) -> Picture:
    return PIL.Image.fromarray(values.clip(0, 255).astype(np.uint8))


def _homography(source: NDArray[np.float64], target: NDArray[np.float64]) -> list[float]:
    """Pillow's eight coefficients of the perspective map that takes four points (4, 2) to four others."""
    rows: list[list[float]] = []
    for (x, y), (u, v) in zip(source.tolist(), target.tolist(), strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    solved: list[float] = np.linalg.solve(np.array(rows), target.ravel()).tolist()
    return solved


SIZE, LIGHT, SHAPE, ADDED = "size and quality", "light and colour", "turned and bent", "something added"
PART, TOGETHER, SEVERAL = "a part of it", "with other pictures", "several edits"

EDITS: tuple[Edit, ...] = (
    Edit("resize-25", SIZE, "a quarter of the width and height", 0.25, _resize),
    Edit("thumbnail-96", SIZE, "longest side 96 pixels", 96, _thumbnail),
    Edit("jpeg-8", SIZE, "JPEG of quality 8 of 100", 8, _jpeg),
    Edit("webp-5", SIZE, "WebP of quality 5 of 100", 5, _webp),
    Edit("palette-16", SIZE, "16 colours, as in a GIF", 16, _palette),
    Edit("blur", SIZE, "Gaussian blur, sigma 0.6 % of the longest side", 0.006, _blur),
    Edit("pixelate-40", SIZE, "40 blocks along the longest side", 40, _pixelate),
    Edit("noise-25", SIZE, "grain with a standard deviation of 25 of 255", 25, _noise),
    Edit("dark-40", LIGHT, "40 % of the brightness", 0.4, _brightness),
    Edit("bright-170", LIGHT, "170 % of the brightness, highlights burnt out", 1.7, _brightness),
    Edit("flat-40", LIGHT, "40 % of the contrast", 0.4, _contrast),
    Edit("hard-200", LIGHT, "twice the contrast", 2.0, _contrast),
    Edit("hue-90", LIGHT, "all hues turned by 90 degrees", 90, _hue),
    Edit("grey", LIGHT, "no colours", 1.0, _grey),
    Edit("filter", LIGHT, "faded and warm with dark corners, as of a photo app", 0.6, _filter),
    Edit("mirror", SHAPE, "left and right exchanged", 1, _mirror),
    Edit("turn-90", SHAPE, "turned by 90 degrees", 90, _turn),
    Edit("turn-180", SHAPE, "turned by 180 degrees", 180, _turn),
    Edit("turn-270", SHAPE, "turned by 270 degrees", 270, _turn),
    Edit("turn-20", SHAPE, "turned by 20 degrees on white", 20, _turn),
    Edit("straighten-5", SHAPE, "turned by 5 degrees and cut so that no corner shows", 5, _straighten),
    Edit("stretch-140", SHAPE, "140 % of the width at the same height", 1.4, _stretch),
    Edit("perspective-15", SHAPE, "seen from the side: corners moved by up to 15 % of the sides", 0.15, _perspective),
    Edit("text-12", ADDED, "three lines of text, letters of 12 % of the height", 0.12, _text),
    Edit("border-12", ADDED, "a border of 12 % of the shorter side", 0.12, _border),
    Edit("screenshot", ADDED, "on a telephone's upright screen, with caption and buttons", 0.3, _screenshot),
    Edit("crop-70", PART, "a window of 70 % of the area", 0.7, _crop),
    Edit("crop-40", PART, "a window of 40 % of the area", 0.4, _crop),
    Edit("crop-20", PART, "a window of 20 % of the area", 0.2, _crop),
    Edit("crop-10", PART, "a window of 10 % of the area", 0.1, _crop),
    Edit("mirrored-crop-40", PART, "a window of 40 % of the area, mirrored", 0.4, _mirrored_crop),
    Edit("collage-4", TOGETHER, "one of four pictures in a collage", 4, _collage, needs_others=True),
    Edit("pasted-45", TOGETHER, "fitted into 45 % of the sides of another picture", 0.45, _pasted, needs_others=True),
    Edit("chain-5", SEVERAL, "two to five of the others one after another, each of another kind", 5, _chain),
)
"""All edits, by family."""
