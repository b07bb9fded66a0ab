"""The map as one large picture of thumbnails."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from lookalike.atlas.names import Label
from lookalike.atlas.png import write_png
from lookalike.atlas.spread import Tiles
from lookalike.atlas.thumbnails import Wanted, thumbnails
from lookalike.errors import CollectionError, printable

BAND = 256
BACKGROUND = (24, 25, 28)


@dataclass(frozen=True, slots=True)
class _Box:
    """Where a picture goes, in pixels of the canvas; ratio: of its exact sides."""

    place: int
    left: int
    top: int
    width: int
    height: int
    ratio: float
    layer: int


def write_picture(
    file: str | os.PathLike[str],
    paths: Sequence[str],
    tiles: Tiles,
    size: int,
    progress: Callable[[int], None] | None = None,
    names: Sequence[Label] = (),
) -> list[str]:
    """Write a PNG whose longer side is `size` pixels; the paths of pictures that could not be read, which are left out.

    Memory: a few rows of thumbnails, whatever the size. progress: told how many pictures are done.
    CollectionError when the file cannot be written.
    """
    unread: list[str] = []
    temporary = Path(file).with_name(f"{Path(file).name}.{os.getpid()}.tmp")
    width, height = pixels(tiles, size)
    try:
        with temporary.open("wb") as out:
            write_png(out, width, height, paint(paths, tiles, size, unread, progress, names))
        temporary.replace(file)
    except OSError as error:
        raise CollectionError(f"{printable(Path(file))} cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return unread


def paint(
    paths: Sequence[str],
    tiles: Tiles,
    size: int,
    unread: list[str],
    progress: Callable[[int], None] | None = None,
    names: Sequence[Label] = (),
) -> Iterator[NDArray[np.uint8]]:
    """The picture in bands of up to 256 rows, from the top, `names` written over the pictures; unreadable pictures'
    paths are added to `unread`."""
    width, height = pixels(tiles, size)
    boxes = sorted(_boxes(tiles, size), key=lambda box: (box.top, box.layer))
    made = thumbnails([Wanted(paths[box.place], box.width, box.height, box.ratio) for box in boxes])
    open_boxes: list[tuple[_Box, PIL.Image.Image]] = []
    begun = 0
    for top in range(0, height, BAND):
        bottom = min(top + BAND, height)
        while begun < len(boxes) and boxes[begun].top < bottom:
            picture = next(made)
            if picture is None:
                unread.append(paths[boxes[begun].place])
            else:
                open_boxes.append((boxes[begun], picture))
            begun += 1
            if progress:
                progress(begun)
        band = PIL.Image.new("RGB", (width, bottom - top), BACKGROUND)
        for box, picture in sorted(open_boxes, key=lambda item: item[0].layer):
            band.paste(picture, (box.left, box.top - top))
        for name in names:
            if name.top < bottom and name.bottom > top:
                name.paste(band, top)
        yield np.asarray(band)
        open_boxes = [(box, picture) for box, picture in open_boxes if box.top + box.height > bottom]


def pixels(tiles: Tiles, size: int) -> tuple[int, int]:
    """Width and height of the picture."""
    return max(1, round(size * tiles.width)), max(1, round(size * tiles.height))


def _boxes(tiles: Tiles, size: int) -> Iterator[_Box]:
    """In the order of drawing."""
    corners = np.rint((tiles.centres - tiles.sizes / 2) * size).astype(int)
    extents = np.maximum(np.rint(tiles.sizes * size).astype(int), 1)
    for layer, place in enumerate(tiles.order):
        (left, top), (width, height) = corners[place], extents[place]
        across, down = tiles.sizes[place]
        yield _Box(int(place), int(left), int(top), int(width), int(height), float(across / down), layer)
