"""A WebP too large for Pillow, which holds four pictures of it at once: by OpenCV, which holds one."""

from __future__ import annotations

from typing import IO

import numpy as np
import PIL.Image
from numpy.typing import NDArray

BYTES_PER_PIXEL = 4


def decode_webp(file: IO[bytes], target: tuple[int, int]) -> PIL.Image.Image:
    """The picture in RGB in the target size, alpha over white, not turned upright. ValueError when it cannot be."""
    import cv2

    file.seek(0)
    data = np.frombuffer(file.read(), np.uint8)
    whole = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    if whole is None:
        raise ValueError("broken data")
    small = cv2.resize(whole, target, interpolation=cv2.INTER_AREA)
    del whole
    return PIL.Image.fromarray(_over_white(np.asarray(small, np.uint8))[:, :, ::-1])


def _over_white(bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if bgr.shape[2] == 3:
        return bgr
    alpha = bgr[:, :, 3:].astype(np.uint16)
    mixed: NDArray[np.uint8] = ((bgr[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return mixed
