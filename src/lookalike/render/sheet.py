"""A contact sheet: the question beside the pictures found, on pages to look at."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import PIL.Image
from PIL import ImageDraw

from lookalike.errors import ImageError, printable
from lookalike.pictures.open import Source, open_image
from lookalike.render.lettering import Hand, hands

PER_PAGE = 200  # a page of these takes 60 MB of memory
MOST_COLUMNS = 10
TALLER = 1.5  # columns for each row: a page is wider than high, as screens are
TILE, QUERY_TILE = 240, 340
MARGIN, GAP, RULE_GAP = 36, 20, 28
TITLE_SIZE, CAPTION_SIZE, NOTE_SIZE = 26, 15, 13
LINE = 20  # pixels from caption line to caption line
BAR = 4  # height of the strength below a picture
ABOVE_CAPTION = 10
TITLE_LINE = 34  # from the title to the note below it

PAGE, MAT, RULE = (252, 252, 251), (241, 241, 239), (224, 224, 220)
INK, GREY = (32, 33, 36), (112, 115, 120)
STRENGTH = (0, 128, 108)
OUTLINE, HALO = (255, 92, 40), (255, 255, 255)
MAX_ENLARGEMENT = 2.5  # small pictures are easier to compare beside large ones; more would only be blur
BICUBIC = PIL.Image.Resampling.BICUBIC
SMOOTHING = 4  # Pillow draws jagged lines; drawn this much larger and reduced they are smooth

Quadrilateral = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture with the lines under it, the first of them dark. outline: corners in original, upright pixels.
    strength: 0..1, drawn as a bar below the picture."""

    source: Source
    captions: tuple[str, ...] = ()
    outline: Quadrilateral | None = None
    strength: float | None = None


@dataclass(frozen=True, slots=True)
class Hands:
    """What the texts of a page are written with."""

    title: Hand
    caption: Hand
    note: Hand


@dataclass(frozen=True, slots=True)
class Frame:
    """Tiles of one size in rows and columns, from the upper left corner (left, top) on; sizes in pixels."""

    left: int
    top: int
    side: int
    columns: int
    lines: int  # of captions below each
    count: int

    @property
    def right(self) -> int:
        return self.left + self.columns * (self.side + GAP) - GAP

    @property
    def row(self) -> int:
        return self.side + ABOVE_CAPTION + LINE * self.lines + GAP

    @property
    def bottom(self) -> int:
        return self.top + math.ceil(self.count / self.columns) * self.row - GAP

    def corner(self, number: int) -> tuple[int, int]:
        """Where a tile is."""
        row, column = divmod(number, self.columns)
        return self.left + column * (self.side + GAP), self.top + row * self.row


def contact_sheets(title: str, note: str, queries: Sequence[Tile], tiles: Sequence[Tile]) -> Iterator[PIL.Image.Image]:
    """Pages of at most PER_PAGE tiles: the title, a line in grey, below them the pictures that were asked with on the
    left, larger when it is one, and the pictures found in rows on the right, so many as make a page for a screen.

    Pictures are read one after the other at the size of their tile. One that cannot be read leaves a grey tile
    with the reason.
    """
    pages = page_count(len(tiles))
    for number in range(pages):
        shown = tiles[number * PER_PAGE : (number + 1) * PER_PAGE]
        columns = fitting_columns(len(shown) if pages == 1 else PER_PAGE)
        numbered = title if pages == 1 else f"{title}  (page {number + 1} of {pages})"
        yield _page(numbered, note, queries, shown, columns)


def page_count(tiles: int) -> int:
    """How many pages so many pictures take; an empty answer takes one too."""
    return max(1, math.ceil(tiles / PER_PAGE))


def fitting_columns(count: int) -> int:
    """In how many columns so many tiles fill a page that is wider than high, with the fewest places left empty."""
    ideal = min(math.sqrt(TALLER * count), MOST_COLUMNS)
    candidates = range(max(1, math.floor(0.8 * ideal)), max(1, min(math.ceil(1.3 * ideal), MOST_COLUMNS)) + 1)
    return min(candidates, key=lambda columns: (-count % columns, abs(columns - ideal)))


def _page(title: str, note: str, queries: Sequence[Tile], shown: Sequence[Tile], columns: int) -> PIL.Image.Image:
    top = MARGIN + TITLE_SIZE + RULE_GAP + (NOTE_SIZE if note else 0)
    rows = math.ceil(len(shown) / columns)
    side = QUERY_TILE if len(queries) == 1 else TILE
    asked = Frame(MARGIN, top, side, math.ceil(len(queries) / max(rows, 3)) or 1, _lines(queries), len(queries))
    left = asked.right + 2 * RULE_GAP if queries else MARGIN
    found = Frame(left, top, TILE, columns, _lines(shown), len(shown))
    width = found.right + MARGIN
    height = max(found.bottom, asked.bottom, 0 if shown else top + TILE) + MARGIN

    page = PIL.Image.new("RGB", (width, height), PAGE)
    draw = ImageDraw.Draw(page)
    texts = [title, note, *(text for tile in (*queries, *shown) for text in tile.captions)]
    written = Hands(*hands(map(_shown, texts), (TITLE_SIZE, CAPTION_SIZE, NOTE_SIZE)))
    _line(page, (MARGIN, MARGIN - 6), title, written.title, INK, width - 2 * MARGIN)
    _line(page, (MARGIN, MARGIN - 6 + TITLE_LINE), note, written.note, GREY, width - 2 * MARGIN)
    if queries:
        rule = left - RULE_GAP
        draw.line([(rule, top), (rule, height - MARGIN)], RULE)
    for frame, tiles in ((asked, queries), (found, shown)):
        for number, tile in enumerate(tiles):
            _place(page, tile, *frame.corner(number), frame.side, written)
    if not shown:
        _message(page, (left, top), TILE, "nothing found", written.caption)
    return page


def _lines(tiles: Sequence[Tile]) -> int:
    return max((len(tile.captions) for tile in tiles), default=0)


def _place(page: PIL.Image.Image, tile: Tile, x: int, y: int, side: int, written: Hands) -> None:
    """The picture centred on its square mat, below it the strength and the captions."""
    draw = ImageDraw.Draw(page)
    draw.rectangle([x, y, x + side - 1, y + side - 1], MAT)
    try:
        picture = _thumbnail(tile, side)
    except ImageError as error:
        _message(page, (x, y), side, error.reason, written.caption)
    else:
        page.paste(picture, (x + (side - picture.width) // 2, y + (side - picture.height) // 2))
    if tile.strength is not None:
        draw.rectangle([x, y + side, x + side - 1, y + side + BAR - 1], RULE)
        filled = round(side * min(1.0, max(0.0, tile.strength)))
        if filled:
            draw.rectangle([x, y + side, x + filled - 1, y + side + BAR - 1], STRENGTH)
    for number, caption in enumerate(tile.captions):
        hand = written.note if number else written.caption
        below = y + side + ABOVE_CAPTION + number * LINE
        _line(page, (x, below), caption, hand, GREY if number else INK, side)


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


def _message(page: PIL.Image.Image, at: tuple[int, int], side: int, text: str, hand: Hand) -> None:
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
        hand.write(page, (at[0] + (side - hand.width(fitted)) / 2, y + number * LINE), fitted, GREY)


def _shown(text: str) -> str:
    """On one line, letter and accent as one character: macOS keeps names apart, and few fonts join them well."""
    return unicodedata.normalize("NFC", printable(text))


def _line(
    page: PIL.Image.Image, at: tuple[int, int], text: str, hand: Hand, color: tuple[int, int, int], width: int
) -> None:
    hand.write(page, at, _fitted(_shown(text), hand, width), color)


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
