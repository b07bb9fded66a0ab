"""Names of regions, written on the map as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import PIL.Image
from PIL import ImageDraw

from lookalike.arrays.rows import Ids
from lookalike.atlas.atlas import MapRegion
from lookalike.atlas.spread import Tiles
from lookalike.render.lettering import Hand, hands

ACROSS = 90  # letters of a region of average size are so many times smaller than the map
SMALLEST = 9  # pixels; smaller letters are not written
INK, GROUND = (240, 240, 242), (24, 25, 28)
OPAQUE = 210  # of 255
SHARP = 3  # rounded ends are drawn so many times larger


@dataclass(frozen=True, slots=True)
class Label:
    """A name, drawn; where its upper left corner goes, in pixels of the map."""

    left: int
    top: int
    image: PIL.Image.Image

    @property
    def right(self) -> int:
        """Where it ends."""
        return self.left + self.image.width

    @property
    def bottom(self) -> int:
        """Where it ends."""
        return self.top + self.image.height

    def paste(self, band: PIL.Image.Image, top: int) -> None:
        """Draw on a band of the map that begins there what of it lies in the band."""
        band.paste(self.image.convert("RGB"), (self.left, self.top - top), self.image.getchannel("A"))


def draw_names(regions: Sequence[MapRegion], ids: Ids, tiles: Tiles, size: int) -> list[Label]:
    """Labels for regions of the pictures `ids`, larger regions first and none over another.

    size: the longer side of the map in pixels; on a small one there are none.
    """
    typical = float(np.mean([len(region.ids) for region in regions])) if regions else 1.0
    heights = [round(size / ACROSS * min(1.6, max(0.7, (len(one.ids) / typical) ** 0.3))) for one in regions]
    written = [(one, height) for one, height in zip(regions, heights, strict=True) if height >= SMALLEST]
    found: list[Label] = []
    for (region, height), hand in zip(
        written, hands([one.name for one, _ in written], [height for _, height in written]), strict=True
    ):
        x, y = np.median(tiles.centres[np.searchsorted(ids, region.ids)], axis=0) * size
        label = _label(region.name, hand, height, float(x), float(y), tiles.width * size)
        if not any(_overlap(label, other) for other in found):
            found.append(label)
    return found


def _label(name: str, hand: Hand, height: int, x: float, y: float, across: float) -> Label:
    """A name with its middle there, or as near as it lies whole on a map so wide."""
    width, tall = round(hand.width(name) + 1.2 * height), round(1.7 * height)
    shape = PIL.Image.new("L", (SHARP * width, SHARP * tall))
    ImageDraw.Draw(shape).rounded_rectangle((0, 0, SHARP * width - 1, SHARP * tall - 1), SHARP * tall // 2, OPAQUE)
    image = PIL.Image.new("RGB", (width, tall), GROUND)
    ascent, descent = hand.own.getmetrics()
    hand.write(image, (0.6 * height, (tall - ascent - descent) / 2), name, INK)
    image.putalpha(shape.resize((width, tall), PIL.Image.Resampling.LANCZOS))
    return Label(round(max(0.0, min(x - width / 2, across - width))), round(y - tall / 2), image)


def _overlap(one: Label, other: Label) -> bool:
    return one.left < other.right and other.left < one.right and one.top < other.bottom and other.top < one.bottom
