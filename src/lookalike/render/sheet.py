"""A contact sheet: the question beside the pictures found, on one page to look at."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import PIL.Image
from PIL import ImageDraw

from lookalike.errors import ImageError, printable
from lookalike.pictures.open import Source, open_image
from lookalike.render.lettering import Hand, hands

MAX_TILES = 200  # a page of these takes 60 MB of memory
TILE, QUERY_TILE = 240, 340
MARGIN, GAP, RULE_GAP = 36, 20, 28
TITLE_SIZE, CAPTION_SIZE, NOTE_SIZE = 26, 15, 13
LINE = 20  # pixels from caption line to caption line
ABOVE_CAPTION = 8

PAGE, MAT, RULE = (252, 252, 251), (241, 241, 239), (224, 224, 220)
INK, GREY = (32, 33, 36), (112, 115, 120)
OUTLINE, HALO = (255, 92, 40), (255, 255, 255)
MAX_ENLARGEMENT = 2.5  # small pictures are easier to compare beside large ones; more would only be blur
BICUBIC = PIL.Image.Resampling.BICUBIC
SMOOTHING = 4  # Pillow draws jagged lines; drawn this much larger and reduced they are smooth

Quadrilateral = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture with the lines under it, the first of them dark. outline: corners in original, upright pixels."""

    source: Source
    captions: tuple[str, ...] = ()
    outline: Quadrilateral | None = None


@dataclass(frozen=True, slots=True)
class Hands:
    """What the texts of a page are written with."""

    title: Hand
    caption: Hand
    note: Hand


def contact_sheet(query: Tile | None, title: str, tiles: Sequence[Tile], columns: int = 5) -> PIL.Image.Image:
    """The title, under it the query (if it is a picture) on the left and the tiles in rows on the right.

    Pictures are read one after the other at the size of their tile. One that cannot be read leaves a grey tile
    with the reason. After the first MAX_TILES tiles, the title only says how many more there are.
    """
    if columns < 1:
        raise ValueError("columns must be at least 1")
    shown = tiles[:MAX_TILES]
    columns = max(1, min(columns, len(shown)))
    row_height = TILE + ABOVE_CAPTION + LINE * max((len(tile.captions) for tile in shown), default=0) + GAP
    rows = math.ceil(len(shown) / columns)
    top = MARGIN + TITLE_SIZE + RULE_GAP
    left = MARGIN + (QUERY_TILE + 2 * RULE_GAP if query else 0)
    query_height = QUERY_TILE + ABOVE_CAPTION + LINE * len(query.captions) if query else 0
    width = left + columns * (TILE + GAP) - GAP + MARGIN
    height = top + max(rows * row_height - GAP, query_height, TILE if not shown else 0) + MARGIN

    page = PIL.Image.new("RGB", (width, height), PAGE)
    draw = ImageDraw.Draw(page)
    more = len(tiles) - len(shown)
    heading = f"{title}  (and {more} more)" if more else title
    texts = [heading, *(query.captions if query else ()), *(text for tile in shown for text in tile.captions)]
    written = Hands(*hands(map(_shown, texts), (TITLE_SIZE, CAPTION_SIZE, NOTE_SIZE)))
    _line(draw, (MARGIN, MARGIN - 6), heading, written.title, INK, width - 2 * MARGIN)
    if query:
        _place(page, query, MARGIN, top, QUERY_TILE, written)
        rule = left - RULE_GAP
        draw.line([(rule, top), (rule, height - MARGIN)], RULE)
    for number, tile in enumerate(shown):
        row, column = divmod(number, columns)
        _place(page, tile, left + column * (TILE + GAP), top + row * row_height, TILE, written)
    if not shown:
        _message(draw, (left, top), TILE, "nothing found", written.caption)
    return page


def _place(page: PIL.Image.Image, tile: Tile, x: int, y: int, side: int, written: Hands) -> None:
    """The picture centred on its square mat, the captions below."""
    draw = ImageDraw.Draw(page)
    draw.rectangle([x, y, x + side - 1, y + side - 1], MAT)
    try:
        picture = _thumbnail(tile, side)
    except ImageError as error:
        _message(draw, (x, y), side, error.reason, written.caption)
    else:
        page.paste(picture, (x + (side - picture.width) // 2, y + (side - picture.height) // 2))
    for number, caption in enumerate(tile.captions):
        hand = written.note if number else written.caption
        below = y + side + ABOVE_CAPTION + number * LINE
        _line(draw, (x, below), caption, hand, GREY if number else INK, side)


def _thumbnail(tile: Tile, side: int) -> PIL.Image.Image:
    image = open_image(tile.source, size=side)
    picture = image.picture
    enlarged = min(MAX_ENLARGEMENT, side / max(picture.size))
    if enlarged > 1:
        picture = picture.resize((round(picture.width * enlarged), round(picture.height * enlarged)), BICUBIC)
    if tile.outline:
        scale = picture.width / image.width, picture.height / image.height
        _outline(picture, [(x * scale[0], y * scale[1]) for x, y in tile.outline])
    return picture


def _outline(picture: PIL.Image.Image, corners: Quadrilateral) -> None:
    """A closed line with a light border, visible on any picture; what lies outside is cut off."""
    far = 16 * max(picture.size)  # a wild estimate of a corner must not make Pillow draw for ever
    if not all(abs(v) <= far for corner in corners for v in corner):  # also false for NaN
        return
    points = [(x * SMOOTHING, y * SMOOTHING) for x, y in corners]
    size = picture.width * SMOOTHING, picture.height * SMOOTHING
    for color, thickness in ((HALO, 5), (OUTLINE, 2.5)):
        mask = PIL.Image.new("L", size)
        # Two corners more than a closed line needs, so that the first is joined as round as the others.
        closed = [*points, *points[:2]]
        ImageDraw.Draw(mask).line(closed, 255, round(thickness * SMOOTHING), joint="curve")
        picture.paste(color, mask=mask.reduce(SMOOTHING))


def _message(draw: ImageDraw.ImageDraw, at: tuple[int, int], side: int, text: str, hand: Hand) -> None:
    """A grey text in the middle of a square, in a few lines."""
    lines = [""]
    for word in _shown(text)[:300].split():
        longer = f"{lines[-1]} {word}".strip()
        if hand.width(longer) <= side - 2 * GAP or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    y = at[1] + max(GAP, (side - LINE * len(lines)) // 2)
    for number, line in enumerate(lines[: (side - 2 * GAP) // LINE]):
        fitted = _fitted(line, hand, side - 2 * GAP)
        hand.write(draw, (at[0] + (side - hand.width(fitted)) / 2, y + number * LINE), fitted, GREY)


def _shown(text: str) -> str:
    """On one line, letter and accent as one character: macOS keeps names apart, and few fonts join them well."""
    return unicodedata.normalize("NFC", printable(text))


def _line(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, hand: Hand, color: tuple[int, int, int], width: int
) -> None:
    hand.write(draw, at, _fitted(_shown(text), hand, width), color)


def _fitted(text: str, hand: Hand, width: int) -> str:
    """The text with as little as possible of its middle replaced by an ellipsis: names differ at their ends."""
    if len(text) > width:  # no letter is narrower than a pixel; spares measuring endless texts
        text = text[: width // 2] + "…" + text[-(width // 2) :]
    if hand.width(text) <= width:
        return text
    low, high = 0, len(text) - 1  # letters kept
    while low < high:
        kept = (low + high + 1) // 2
        low, high = (kept, high) if hand.width(_middle_out(text, kept)) <= width else (low, kept - 1)
    return _middle_out(text, low)


def _middle_out(text: str, kept: int) -> str:
    return text[: (kept + 1) // 2] + "…" + text[len(text) - kept // 2 :]
