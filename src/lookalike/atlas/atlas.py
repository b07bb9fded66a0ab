"""Atlas: where every picture of a collection lies on a map, and ways to show it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ids
from lookalike.atlas.reduce import Floats
from lookalike.atlas.shown import Shown
from lookalike.progress import Progress, Told

if TYPE_CHECKING:
    from lookalike.atlas.spread import Tiles

NOTEBOOK_SIZE = 1000


@dataclass(frozen=True, slots=True, eq=False)
class MapRegion:
    """Pictures that lie together. name: what they show, or "region 3". centre: on the map. ids: (m,) int64."""

    name: str
    centre: tuple[float, float]
    ids: Ids


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """A map of n pictures; a notebook shows it as a picture.

    ids: (n,) int64, ascending. coordinates: (n, 2) float32, x to the right and y down, within 0..1; with a grid
    (column, row) from 0 on. regions: the largest first. method: what the map was made from.
    paths: where the pictures are. shapes: (n, 2) int64, width and height in pixels. neighbours: (n, k) int64 ids of the
    most similar pictures, the nearest first. shown: the everyday words that fit each of them. grid: columns and rows,
    or None. missing: (m,) int64 ids of pictures that are not on the map because they have no vector.
    """

    ids: Ids
    coordinates: Floats
    regions: tuple[MapRegion, ...]
    method: str
    paths: tuple[str, ...]
    shapes: NDArray[np.int64]
    neighbours: Ids
    shown: Shown
    grid: tuple[int, int] | None
    missing: Ids

    def __len__(self) -> int:
        return len(self.ids)

    def tiles(self) -> Tiles:
        """The frame of each picture, arranged so that they hide each other little."""
        from lookalike.atlas.spread import grid_tiles, spread

        if self.grid:
            return grid_tiles(self.coordinates, *self.grid, self.shapes)
        return spread(self.coordinates, self.shapes)

    def save_picture(self, file: str | os.PathLike[str], size: int = 10_100, progress: Told | None = None) -> list[str]:
        """Write the map as a PNG whose longer side is `size` pixels, regions named on it where there is room; the paths
        of unreadable pictures, left out.

        Written in bands of rows, so that memory does not grow with the area. CollectionError when the file cannot be
        written.
        """
        from lookalike.atlas.names import draw_names
        from lookalike.atlas.picture import write_picture

        tiles = self.tiles()
        names = draw_names(self.regions, self.ids, tiles, size)
        return write_picture(file, self.paths, tiles, size, self._reading(progress), names)

    def save_page(self, file: str | os.PathLike[str], progress: Told | None = None) -> list[str]:
        """Write the map as one HTML file to walk in; the paths of pictures that could not be read.

        CollectionError when the file cannot be written.
        """
        from lookalike.atlas.page import write_page

        return write_page(file, self, self._reading(progress))

    def _repr_png_(self) -> bytes:
        from io import BytesIO

        from lookalike.atlas.names import draw_names
        from lookalike.atlas.picture import paint, pixels
        from lookalike.atlas.png import write_png

        tiles, out = self.tiles(), BytesIO()
        names = draw_names(self.regions, self.ids, tiles, NOTEBOOK_SIZE)
        write_png(out, *pixels(tiles, NOTEBOOK_SIZE), paint(self.paths, tiles, NOTEBOOK_SIZE, [], names=names))
        return out.getvalue()

    def _reading(self, progress: Told | None) -> Callable[[int], None] | None:
        return None if progress is None else lambda done: progress(Progress("painting", done, len(self)))
