"""The proof as a picture: two pictures side by side, their matched keypoints joined, each outlined in the other."""

from __future__ import annotations

from typing import cast

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import ImageDraw, ImageFont

from lookalike.pictures.open import Image
from lookalike.search.geometry import Verified

Floats = NDArray[np.float64]
Colour = tuple[int, int, int]
Point = tuple[float, float]

HEIGHT = 460  # of the taller picture, pixels
WIDEST = 760
MARGIN, GAP, CAPTION = 28, 28, 64
MOST_LINES = 40  # more of them hide the pictures
SMOOTHING = 3  # drawn so much larger and reduced, for smooth lines
FAR = 3.0  # sides of a picture beyond which an outline's corner is not worth a line
PAGE, INK, DIM = (252, 252, 251), (32, 33, 36), (112, 115, 120)
OUTLINE, HALO = (255, 92, 40), (255, 255, 255)
FIRST, LAST = (0, 158, 200), (236, 180, 20)  # lines from the left of the query to its right


def draw_match(
    query: Image, found: Image, verified: Verified | None, names: tuple[str, str] = ("", "")
) -> PIL.Image.Image:
    """The query on the left, the found picture on the right, under each its name and what was found.

    `verified` is of the two pictures as they are (`Verified.unmirrored` when the query was asked mirrored); None when
    geometry finds nothing in common: then there is nothing to draw between them.
    """
    left, right = _tile(query), _tile(found)
    height = max(left.height, right.height)
    page = PIL.Image.new("RGB", (left.width + right.width + 2 * MARGIN + GAP, height + MARGIN + CAPTION), PAGE)
    places = [
        (MARGIN, MARGIN + (height - left.height) // 2),
        (MARGIN + left.width + GAP, MARGIN + (height - right.height) // 2),
    ]
    for tile, place in zip((left, right), places, strict=True):
        page.paste(tile, place)
    zooms = (left.width / query.width, right.width / found.width)
    tiles = [(*place, tile.width, tile.height) for place, tile in zip(places, (left, right), strict=True)]
    if verified is not None:
        page = _overlaid(page, verified, tiles, zooms)
    below = height + MARGIN + 12
    for name, fact, box in zip(names, _facts(verified), tiles, strict=True):
        _caption(page, (box[0], below), name, fact, box[2])
    return page


def _tile(image: Image) -> PIL.Image.Image:
    zoom = min(HEIGHT / image.height, WIDEST / image.width)
    size = (max(1, round(image.width * zoom)), max(1, round(image.height * zoom)))
    return image.picture.resize(size, PIL.Image.Resampling.LANCZOS)


def _facts(verified: Verified | None) -> tuple[str, str]:
    if verified is None:
        return "no part in common with the other", ""
    relation = {"same picture": "the same picture as", "crop of": "a crop of", "contains": "contains"}
    what = relation.get(verified.label, "the same scene as")
    return (
        f"{what} the other, {verified.inliers} inliers",
        f"{verified.covered:.0%} of it is in the query, {verified.visible:.0%} of the query in it",
    )


def _overlaid(
    page: PIL.Image.Image, verified: Verified, tiles: list[tuple[int, int, int, int]], zooms: tuple[float, float]
) -> PIL.Image.Image:
    """The page with outlines, each kept inside its own picture, and with the lines between the matches."""
    large = (page.width * SMOOTHING, page.height * SMOOTHING)
    shown = PIL.Image.new("RGBA", large)
    for quad, (left, top, width, height), zoom in zip(
        (verified.reverse_quad, verified.quad), tiles, zooms, strict=True
    ):
        if quad is None:
            continue
        # beyond this the estimate of a corner says nothing, and Pillow would draw for ever
        corners = (quad * zoom).clip(-FAR * max(width, height), FAR * max(width, height))
        own = PIL.Image.new("RGBA", (width * SMOOTHING, height * SMOOTHING))
        _outline(ImageDraw.Draw(own), [(float(a) * SMOOTHING, float(b) * SMOOTHING) for a, b in corners])
        shown.paste(own, (left * SMOOTHING, top * SMOOTHING))
    draw = ImageDraw.Draw(shown)
    for here, there, colour in _lines(verified.matches, tiles, zooms):
        draw.line([here, there], (*colour, 170), round(1.2 * SMOOTHING))
        for x, y in (here, there):
            radius = 3.2 * SMOOTHING
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), colour, HALO, SMOOTHING)
    overlay = shown.resize(page.size, PIL.Image.Resampling.BOX)
    return PIL.Image.alpha_composite(page.convert("RGBA"), overlay).convert("RGB")


def _outline(draw: ImageDraw.ImageDraw, corners: list[Point]) -> None:
    for colour, width in ((HALO, 6), (OUTLINE, 3)):
        draw.line([*corners, corners[0], corners[1]], colour, width * SMOOTHING, joint="curve")


def _lines(
    matches: Floats, tiles: list[tuple[int, int, int, int]], zooms: tuple[float, float]
) -> list[tuple[Point, Point, Colour]]:
    """Ends and colour of at most `MOST_LINES` matches spread over the query, coloured from left to right."""
    ordered = matches[np.lexsort((matches[:, 1], matches[:, 0]))]
    shown = ordered[np.unique(np.linspace(0, len(ordered) - 1, min(MOST_LINES, len(ordered))).astype(np.int64))]
    lines = []
    for number, match in enumerate(shown):
        share = number / max(1, len(shown) - 1)
        colour = tuple(round(a + share * (b - a)) for a, b in zip(FIRST, LAST, strict=True))
        ends = [
            (float(tile[0] + zoom * x) * SMOOTHING, float(tile[1] + zoom * y) * SMOOTHING)
            for (x, y), tile, zoom in zip(match.reshape(2, 2), tiles, zooms, strict=True)
        ]
        lines.append((ends[0], ends[1], cast(Colour, colour)))
    return lines


def _caption(page: PIL.Image.Image, place: tuple[int, int], name: str, fact: str, width: int) -> None:
    draw = ImageDraw.Draw(page)
    x, y = place
    for line, (text, colour, size) in enumerate(((name, INK, 15), (fact, DIM, 13))):
        font = ImageFont.load_default(size)
        while len(text) > 4 and draw.textlength(text, font) > width:
            text = text[:-2].rstrip("…") + "…"
        draw.text((x, y + 20 * line), text, colour, font)
