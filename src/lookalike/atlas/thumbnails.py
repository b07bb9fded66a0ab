"""Many small pictures, decoded on all cores and handed out in order."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import PIL.Image

from lookalike.errors import ImageError
from lookalike.pictures.open import open_image

AHEAD = 8  # pictures per core that may wait to be taken


@dataclass(frozen=True, slots=True)
class Wanted:
    """A picture, its edges cut to the proportion width / height `ratio`, then brought to width x height pixels."""

    path: str
    width: int
    height: int
    ratio: float


def thumbnails(wanted: Sequence[Wanted]) -> Iterator[PIL.Image.Image | None]:
    """RGB pictures in the order asked for; None for those that cannot be read."""
    workers = os.cpu_count() or 1
    waiting: deque[Future[PIL.Image.Image | None]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for one in wanted:
            waiting.append(pool.submit(_thumbnail, one))
            if len(waiting) > AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _thumbnail(one: Wanted) -> PIL.Image.Image | None:
    longest = max(one.width, one.height) * max(math.sqrt(one.ratio), 1 / math.sqrt(one.ratio))
    try:
        picture = open_image(one.path, size=2 * math.ceil(longest)).picture
    except ImageError:
        return None
    width, height = float(picture.width), float(picture.height)
    width, height = min(width, height * one.ratio), min(height, width / one.ratio)
    left, top = (picture.width - width) / 2, (picture.height - height) / 2
    box = (left, top, min(left + width, picture.width), min(top + height, picture.height))
    return picture.resize((one.width, one.height), PIL.Image.Resampling.BICUBIC, box, reducing_gap=2.0)
