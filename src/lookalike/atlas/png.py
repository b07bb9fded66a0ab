"""A PNG written a few rows at a time, compressed on all cores; the picture is never in memory as a whole."""

from __future__ import annotations

import os
import struct
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO

import numpy as np
from numpy.typing import NDArray

_LEVEL = 4
_SUB, _UP = 1, 2


def write_png(file: IO[bytes], width: int, height: int, bands: Iterable[NDArray[np.uint8]]) -> None:
    """Write bands (rows, width, 3) uint8, `height` rows in all, as an RGB picture.

    Each band becomes a piece of one deflate stream (RFC 1951) that ends at a full byte, so that bands are compressed
    side by side; the first row of a band is predicted from its left, the others from above.
    """
    file.write(b"\x89PNG\r\n\x1a\n")
    _write_chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    checksum, start = zlib.adler32(b""), b"\x78\x9c"
    for raw, packed in _compressed(bands):
        checksum = zlib.adler32(raw, checksum)
        _write_chunk(file, b"IDAT", start + packed)
        start = b""
    _write_chunk(file, b"IDAT", start + b"\x03\x00" + struct.pack(">I", checksum))
    _write_chunk(file, b"IEND", b"")


def _compressed(bands: Iterable[NDArray[np.uint8]]) -> Iterator[tuple[bytes, bytes]]:
    """Filtered rows and their deflated form, in order; a few bands are worked on at once."""
    workers = os.cpu_count() or 1
    waiting: deque[Future[tuple[bytes, bytes]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for band in bands:
            waiting.append(pool.submit(_compress, band))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _compress(band: NDArray[np.uint8]) -> tuple[bytes, bytes]:
    rows, width, _ = band.shape
    filtered = np.empty((rows, 1 + 3 * width), np.uint8)
    flat = band.reshape(rows, 3 * width)
    filtered[:1, 0], filtered[1:, 0] = _SUB, _UP
    filtered[0, 1:4] = flat[0, :3]
    filtered[0, 4:] = flat[0, 3:] - flat[0, :-3]
    filtered[1:, 1:] = flat[1:] - flat[:-1]
    raw = filtered.tobytes()
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15)
    return raw, packer.compress(raw) + packer.flush(zlib.Z_FULL_FLUSH)


def _write_chunk(file: IO[bytes], kind: bytes, content: bytes) -> None:
    file.write(struct.pack(">I", len(content)) + kind + content)
    file.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(kind))))
