"""Distractors in any number: compositions of crops of given photographs, with real detail and of nothing twice.

    python benchmarks/_compose.py PHOTOGRAPHS TO --count 10000

PHOTOGRAPHS: a folder of pictures that can be read; itself only read.
"""

from __future__ import annotations

import argparse
import os
from functools import lru_cache, partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import PIL.Image

from lookalike.pictures.kinds import PICTURE_SUFFIXES

SIDES = (480, 720)  # pixels: the range of both sides of a composition
PARTS = (2, 4)  # how many photographs meet in one
CROP = (0.35, 0.8)  # of both sides of a photograph
QUALITY = 85
IN_A_FOLDER = 1000
_KEPT = 16  # decoded photographs that a process holds


def compose(photographs: list[Path], to: Path, count: int, processes: int | None = None) -> list[Path]:
    """Write compositions 0 .. count - 1 as JPEG files under `to`, those that are there left alone; their paths.

    Number i is the same picture however many are made, of the same photographs by any number of processes.
    """
    paths = [to / f"{number // IN_A_FOLDER:04}" / f"{number:07}.jpg" for number in range(count)]
    for folder in dict.fromkeys(path.parent for path in paths):
        folder.mkdir(parents=True, exist_ok=True)
    missing = [(number, path) for number, path in enumerate(paths) if not path.exists()]
    with get_context("spawn").Pool(processes) as pool:
        for _ in pool.imap_unordered(partial(_write, photographs), missing, 64):
            pass
    return paths


def composition(photographs: list[Path], number: int) -> PIL.Image.Image:
    """The picture of this number: crops of different photographs, mirrored or not, in strips or in quarters."""
    random = np.random.default_rng(number)
    width, height = (int(side) for side in random.integers(*SIDES, 2, endpoint=True))
    parts = int(random.integers(*PARTS, endpoint=True))
    chosen = random.choice(len(photographs), parts, replace=False)
    canvas = PIL.Image.new("RGB", (width, height))
    for place, box in zip(chosen, _boxes(width, height, parts, random), strict=True):
        canvas.paste(_crop(_opened(photographs[place]), box[2] - box[0], box[3] - box[1], random), box[:2])
    return canvas


Box = tuple[int, int, int, int]


def _boxes(width: int, height: int, parts: int, random: np.random.Generator) -> list[Box]:
    """Where the crops go: four in quarters, fewer side by side or one above the other; cut at uneven places."""
    if parts == 4:
        x, y = (int(side * random.uniform(0.4, 0.6)) for side in (width, height))
        return [(0, 0, x, y), (x, 0, width, y), (0, y, x, height), (x, y, width, height)]
    shares = np.cumsum(random.uniform(0.7, 1.3, parts))
    cuts = [0, *(shares / shares[-1])]
    if random.random() < 0.5:
        return [(int(a * width), 0, int(b * width), height) for a, b in pairwise(cuts)]
    return [(0, int(a * height), width, int(b * height)) for a, b in pairwise(cuts)]


def _crop(picture: PIL.Image.Image, width: int, height: int, random: np.random.Generator) -> PIL.Image.Image:
    """A part of the picture in the proportions asked for, at that size."""
    scale = min(picture.width / width, picture.height / height) * random.uniform(*CROP)
    left = random.uniform(0, picture.width - scale * width)
    top = random.uniform(0, picture.height - scale * height)
    box = (left, top, left + scale * width, top + scale * height)
    part = picture.resize((width, height), PIL.Image.Resampling.BICUBIC, box=box)
    return part.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else part


@lru_cache(maxsize=_KEPT)
def _opened(path: Path) -> PIL.Image.Image:
    """Of large JPEG files only as much as a composition needs."""
    with PIL.Image.open(path) as picture:
        picture.draft("RGB", (2 * SIDES[1], 2 * SIDES[1]))
        return picture.convert("RGB")


def _write(photographs: list[Path], task: tuple[int, Path]) -> None:
    """Whole or not at all: a run that was interrupted leaves nothing half written under the name."""
    number, path = task
    unfinished = path.with_suffix(".part")
    composition(photographs, number).save(unfinished, "JPEG", quality=QUALITY)
    os.replace(unfinished, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path, help="a folder, only read")
    parser.add_argument("to", type=Path)
    parser.add_argument("--count", type=int, default=10_000)
    arguments = parser.parse_args()
    compose(photographs_in(arguments.photographs), arguments.to, arguments.count)


def photographs_in(folder: Path) -> list[Path]:
    """The picture files below, in a fixed order."""
    return [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in PICTURE_SUFFIXES]


if __name__ == "__main__":
    main()
