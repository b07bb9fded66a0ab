"""All thumbnails of a map in a few large JPEGs, at two sizes, for the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import PIL.Image

from lookalike.atlas.reduce import Floats, Places
from lookalike.atlas.thumbnails import Wanted, thumbnails

SMALL, LARGE = 32, (256, 192, 128, 96, 64)
"""Sides of the squares that pictures are squeezed into, multiples of 16: JPEG then keeps neighbours apart."""
MOST_PIXELS = 90_000_000  # in all large squares together: a page of about 25 MB
SMALL_SHEET, LARGE_SHEET = 4096, 2048  # sides of a sheet
QUALITY = 75
GREY = (128, 128, 128)


@dataclass(frozen=True, slots=True)
class Sheets:
    """JPEGs of `columns` x `columns` squares of `side` pixels each, filled row by row."""

    side: int
    columns: int
    files: tuple[bytes, ...]


def sprite_sheets(
    paths: Sequence[str], ratios: Floats, unread: list[str], progress: Callable[[int], None] | None = None
) -> tuple[Sheets, Sheets]:
    """Small and large sheets of pictures in this order, each squeezed into a square; unreadable ones are grey.

    ratios: (n,) width / height of the frames that they are shown in.
    """
    side = large_side(len(paths))
    small, large = _Filler(SMALL, SMALL_SHEET, len(paths)), _Filler(side, LARGE_SHEET, len(paths))
    wanted = [Wanted(path, side, side, float(ratio)) for path, ratio in zip(paths, ratios, strict=True)]
    for number, picture in enumerate(thumbnails(wanted)):
        if picture is None:
            unread.append(paths[number])
            picture = PIL.Image.new("RGB", (side, side), GREY)
        large.add(picture)
        small.add(picture.resize((SMALL, SMALL), PIL.Image.Resampling.HAMMING))
        if progress:
            progress(number + 1)
    return small.finish(), large.finish()


def large_side(count: int) -> int:
    """The side of large squares for so many pictures."""
    return next((side for side in LARGE if side * side * count <= MOST_PIXELS), LARGE[-1])


def along_curve(centres: Floats) -> Places:
    """Places in the order of a Z-order curve: those close on the map are mostly close in the order.

    So that a part of the map needs few sheets.
    """
    cells = np.clip(centres * 1024, 0, 1023).astype(np.uint32)
    code = np.zeros(len(cells), np.uint32)
    for bit in range(10):
        for axis in (0, 1):
            code |= ((cells[:, axis] >> bit) & 1) << (2 * bit + axis)
    return np.argsort(code, kind="stable")


class _Filler:
    """Fills one sheet after the other."""

    def __init__(self, side: int, sheet: int, count: int) -> None:
        self._side = side
        self._columns = min(sheet // side, max(1, math.ceil(math.sqrt(count))))
        self._files: list[bytes] = []
        self._filled = 0
        self._left = count
        self._sheet = self._new()

    def add(self, picture: PIL.Image.Image) -> None:
        row, column = divmod(self._filled, self._columns)
        self._sheet.paste(picture, (column * self._side, row * self._side))
        self._filled += 1
        self._left -= 1
        if self._filled == self._columns**2:
            self._close()

    def finish(self) -> Sheets:
        if self._filled:
            self._close()
        return Sheets(self._side, self._columns, tuple(self._files))

    def _close(self) -> None:
        file = BytesIO()
        self._sheet.save(file, "JPEG", quality=QUALITY)
        self._files.append(file.getvalue())
        self._filled = 0
        self._sheet = self._new()

    def _new(self) -> PIL.Image.Image:
        rows = min(self._columns, max(1, math.ceil(self._left / self._columns)))
        return PIL.Image.new("RGB", (self._columns * self._side, rows * self._side), GREY)
