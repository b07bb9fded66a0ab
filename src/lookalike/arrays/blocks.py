"""Bytes on disk that are checked when they are used: memory-mapped, with a CRC-32 for every 16 KiB.

A file `NAME` that grows has its checksums in `NAME.sums`, one little-endian uint32 a full block. The checksum of the
last, partial block is kept by whoever knows how long the file is, so that appending reads nothing and rewrites nothing.
"""

from __future__ import annotations

import mmap
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.inside import open_reading, open_writing, sync_folder
from lookalike.errors import CollectionError, printable

BLOCK = 16384

Bytes = NDArray[np.uint8]
Sane = Callable[[Bytes], bool]
Places = NDArray[np.int64]


class Blocks:
    """Read-only mapped bytes. Threads may share it: at worst two of them check the same block."""

    def __init__(self, path: Path, data: Bytes, sums: NDArray[Any], sane: Sane | None = None) -> None:
        """sane: what must hold of a block beyond its checksum, which whoever wrote the file may have made."""
        self.path = path
        self.data = data
        self._sane = sane
        self._sums = sums
        self._checked = np.zeros(len(sums), np.bool_)

    def trust(self, before: Blocks) -> None:
        """Take over what has been checked of the same file when it was shorter: its full blocks never change."""
        full = min(len(before.data), len(self.data)) // BLOCK
        if before.path == self.path:
            self._checked[:full] |= before._checked[:full] & (before._sums[:full] == self._sums[:full])

    def check(self, start: int, stop: int) -> None:
        """CollectionError unless the bytes from start to stop are those that were written."""
        if stop > start:
            first, last = start // BLOCK, -(-stop // BLOCK)
            self._check(np.flatnonzero(~self._checked[first:last]) + first)

    def check_each(self, starts: Places, stops: Places) -> None:
        """The same for many pieces, none of them empty."""
        first, last = starts // BLOCK, (stops - 1) // BLOCK
        while len(first):
            self._check(np.unique(first[~self._checked[first]]))
            more = first < last
            first, last = first[more] + 1, last[more]

    def _check(self, blocks: NDArray[np.intp]) -> None:
        for block in blocks.tolist():
            found = self.data[block * BLOCK : (block + 1) * BLOCK]
            if zlib.crc32(found.data) != self._sums[block] or not (self._sane is None or self._sane(found)):
                raise damaged(self.path)
            self._checked[block] = True


def map_file(descriptor: int, length: int) -> Bytes:
    """The first bytes of an open file, mapped read-only; ValueError when it has fewer. Closes the descriptor."""
    try:
        if os.fstat(descriptor).st_size < length:
            raise ValueError("cut short")
        if not length:
            return np.zeros(0, np.uint8)
        return np.frombuffer(mmap.mmap(descriptor, length, access=mmap.ACCESS_READ), np.uint8)
    finally:
        os.close(descriptor)


def open_blocks(path: Path, length: int, tail: int, sane: Sane | None = None) -> Blocks:
    """The first `length` bytes of a growing file, the last block of which has the checksum `tail`.

    FileNotFoundError when it is not there, CollectionError when it or its checksums are cut short.
    """
    if not length:
        return Blocks(path, np.zeros(0, np.uint8), np.zeros(0, np.uint32))
    full = length // BLOCK
    try:
        data = map_file(open_reading(path), length)
        known = map_file(open_reading(sums_of(path)), 4 * full).view("<u4") if full else np.zeros(0, np.uint32)
    except ValueError as error:
        raise damaged(path) from error
    return Blocks(path, data, np.append(known, np.uint32(tail)) if length % BLOCK else known, sane)


def append_blocks(path: Path, length: int, tail: int, data: Bytes) -> int:
    """Write behind the first `length` bytes, durably, and forget all beyond; the checksum of the new last block."""
    sums, at, room = [], 0, BLOCK - length % BLOCK
    while len(data) - at >= room:
        sums.append(zlib.crc32(data[at : at + room].data, tail))
        tail, at, room = 0, at + room, BLOCK
    _write(path, length, data)
    if sums:
        _write(sums_of(path), 4 * (length // BLOCK), np.array(sums, "<u4").view(np.uint8))
    return zlib.crc32(data[at:].data, tail)


def good_blocks(path: Path, length: int, tail: int) -> NDArray[np.bool_]:
    """Which of the blocks that a growing file still has are as they were written; what cannot be read is not."""
    there = min(length, _size(path))
    wanted = [min(BLOCK, length - start) for start in range(0, there, BLOCK)]
    known = b"".join(_read(sums_of(path), [4 * len(wanted)]))
    sums = np.frombuffer(known[: len(known) // 4 * 4], "<u4").tolist()
    sums += [-1] * len(wanted)
    sums = [*sums[: length // BLOCK], tail]
    good = np.zeros(len(wanted), np.bool_)
    for block, found in enumerate(_read(path, wanted)):
        good[block] = len(found) == wanted[block] and zlib.crc32(found) == sums[block]
    return good


def sums_of(path: Path) -> Path:
    """Where the checksums of a growing file are kept."""
    return path.with_name(path.name + ".sums")


def damaged(path: Path) -> CollectionError:
    """What a user is told about a file that is not as it was written."""
    return CollectionError(f"{printable(path)} is damaged or cut short: run `lookalike check` to repair the collection")


def _write(path: Path, position: int, data: Bytes) -> None:
    fresh = not path.exists()
    with os.fdopen(open_writing(path), "r+b") as file:
        file.seek(position)
        file.write(data.data)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
    if fresh:
        sync_folder(path.parent)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _read(path: Path, lengths: list[int]) -> Iterator[bytes]:
    """Pieces of a file, empty where the disk cannot read them; none when there is no file."""
    try:
        file = os.fdopen(open_reading(path), "rb")
    except OSError:
        return
    with file:
        place = 0
        for length in lengths:
            try:
                file.seek(place)
                yield file.read(length)
            except OSError:
                yield b""
            place += length
