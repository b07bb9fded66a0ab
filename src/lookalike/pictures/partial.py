"""A JPEG that is cut short: the rows that are there, with the last of them repeated where the rest is missing."""

from __future__ import annotations

import io
from typing import IO

import numpy as np
import PIL.Image
from PIL.JpegImagePlugin import JpegImageFile

LEAST_SHARE = 0.75
"""Of its rows; a picture of which less is there is not indexed: it would be found as something that it is not."""

END_OF_IMAGE = b"\xff\xd9"
FILLED = (127, 128)  # what libjpeg gives for blocks without data: mid-grey, 127 where Pillow inverts


def rescue_jpeg(file: IO[bytes], draft: tuple[int, int]) -> tuple[PIL.Image.Image, float]:
    """The decoded picture and the share of its rows that is there, 0..1. draft: as for Pillow's `draft`.

    Rows that are missing repeat the last one, so that what is there keeps its place and proportions. Raises whatever
    Pillow raises for what is damaged otherwise.
    """
    file.seek(0)
    picture = JpegImageFile(io.BytesIO(file.read() + END_OF_IMAGE * 2))
    picture.draft(None, draft)
    picture.load()
    rows = _rows_there(picture)
    if 0 < rows < picture.height:
        last = picture.crop((0, rows - 1, picture.width, rows))
        picture.paste(last.resize((picture.width, picture.height - rows)), (0, rows))
    return picture, rows / picture.height


def _rows_there(picture: PIL.Image.Image) -> int:
    values = np.asarray(picture)
    filled = ((values >= FILLED[0]) & (values <= FILLED[1])).reshape(len(values), -1).all(axis=1)
    there = np.flatnonzero(~filled)
    return int(there[-1]) + 1 if len(there) else 0
