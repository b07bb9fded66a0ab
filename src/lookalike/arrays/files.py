"""Named arrays in one file, mapped into memory and checked when they are used.

A file is a prefix (magic, length and checksums), a JSON header with parameters and shapes, one CRC-32 for every block
of the body, and the body: the arrays one after the other, each at a multiple of 64 bytes. Nothing of it is believed
before its checksum is right, and nothing of a right file can name a type or a size that the body does not have.
"""

from __future__ import annotations

import json
import math
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.blocks import BLOCK, Blocks, Bytes, map_file
from lookalike.arrays.inside import open_reading, sync_folder
from lookalike.errors import CollectionError

_PREFIX = struct.Struct("<16sIIII")  # magic, bytes of the header, checksums of header and sums, where the body starts
_MAGIC = b"lookalike\0arrays"
_LONGEST_HEADER = 1 << 20
_ALIGNMENT = 64
_MOST_ARRAYS = 64
DTYPES = ("|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f2", "<f4", "<f8")
"""The only types that a file may hold."""

Params = dict[str, Any]
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class ArrayFile:
    """An open file: its parameters and arrays, read-only and not checked before `check` is asked to."""

    params: Params
    arrays: dict[str, NDArray[Any]]
    _blocks: Blocks
    _starts: dict[str, int]

    def check(self, name: str, first: int = 0, last: int | None = None) -> NDArray[Any]:
        """Rows first..last of an array once they are known to be as written; CollectionError when they are not."""
        part = self.arrays[name][first:last]
        row = math.prod(part.shape[1:]) * part.itemsize
        start = self._starts[name] + first * row
        self._blocks.check(start, start + len(part) * row)
        return part

    def check_all(self) -> None:
        """The same for the whole file."""
        self._blocks.check(0, len(self._blocks.data))


def write_arrays(path: Path, kind: str, params: Params, arrays: Arrays) -> None:
    """Replace `path` in one step: after a crash it holds the old file or the new one, never a part."""
    shapes = [[name, array.dtype.str, list(array.shape)] for name, array in arrays.items()]
    for name, dtype, _ in shapes:
        if dtype not in DTYPES:
            raise ValueError(f"{name} is of type {dtype}, which no file holds")
    header = json.dumps({"kind": kind, "params": params, "arrays": shapes}).encode()
    if len(header) > _LONGEST_HEADER:
        raise ValueError(f"the parameters of {path.name} take {len(header)} bytes")
    size = _places(shapes)[1]
    sums_at = _PREFIX.size + len(header)
    body_at = _aligned(sums_at + 4 * -(-size // BLOCK))
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as file:  # never through a link
            file.truncate(body_at + size)
            file.seek(body_at)
            sums = _write_body(file, arrays)
            file.seek(0)
            file.write(_PREFIX.pack(_MAGIC, len(header), zlib.crc32(header), zlib.crc32(sums), body_at))
            file.write(header + sums)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def open_arrays(path: Path, kind: str) -> ArrayFile:
    """The arrays of a file, mapped; ValueError when its header is damaged or it is of another kind."""
    found, file = _open(path)
    if found != kind:
        raise ValueError(f"{path.name} is of {found!r}, not {kind!r}")
    return file


def verify_arrays(path: Path) -> bool:
    """Whether a file, of whatever kind, is wholly as it was written."""
    try:
        _open(path)[1].check_all()
    except (OSError, ValueError, CollectionError):
        return False
    return True


def _open(path: Path) -> tuple[str, ArrayFile]:
    descriptor = open_reading(path)
    data = map_file(descriptor, os.fstat(descriptor).st_size)
    try:
        header, sums, body = _parts(data)
        found = json.loads(header)
        kind, params, shapes = found["kind"], found["params"], found["arrays"]
        if not isinstance(kind, str) or not isinstance(params, dict) or len(shapes) > _MOST_ARRAYS:
            raise ValueError("of another format")
        places, size = _places(shapes)
        if size != len(body):
            raise ValueError("of another size")
        arrays, starts = {}, {}
        for (name, dtype, shape), start in zip(shapes, places, strict=True):
            end = start + math.prod(shape) * np.dtype(dtype).itemsize
            arrays[name], starts[name] = body[start:end].view(dtype).reshape(shape), start
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"{path.name} is damaged, or no file that this version reads") from error
    return kind, ArrayFile(params, arrays, Blocks(path, body, sums), starts)


def _parts(data: Bytes) -> tuple[bytes, NDArray[Any], Bytes]:
    """Header, sums and body, the first two checked."""
    if len(data) < _PREFIX.size:
        raise ValueError("cut short")
    magic, length, header_sum, sums_sum, body_at = _PREFIX.unpack(data[: _PREFIX.size].tobytes())
    if magic != _MAGIC or length > _LONGEST_HEADER or body_at > len(data):
        raise ValueError("of another format")
    sums_at = _PREFIX.size + length
    header = data[_PREFIX.size : sums_at].tobytes()
    size = len(data) - body_at
    sums = data[sums_at : sums_at + 4 * -(-size // BLOCK)]
    if (
        zlib.crc32(header) != header_sum
        or zlib.crc32(sums.data) != sums_sum
        or body_at != _aligned(sums_at + len(sums))
    ):
        raise ValueError("damaged")
    return header, sums.view("<u4") if sums_at % 4 == 0 else np.frombuffer(sums.tobytes(), "<u4"), data[body_at:]


def _places(shapes: list[Any]) -> tuple[list[int], int]:
    """Where in the body each array starts, and how long the body is; ValueError for shapes that make no sense."""
    places, end = [], 0
    for name, dtype, shape in shapes:
        whole = all(type(side) is int and 0 <= side < 1 << 48 for side in shape)
        if not isinstance(name, str) or dtype not in DTYPES or len(shape) > 4 or not whole:
            raise ValueError(f"{name}: {dtype} {shape}")
        places.append(_aligned(end))
        end = places[-1] + math.prod(shape) * np.dtype(dtype).itemsize
    return places, end


def _write_body(file: Any, arrays: Arrays) -> bytes:
    """Write the arrays; the checksums of the blocks."""
    sums, sum_, room = [], 0, BLOCK
    for piece in _pieces(arrays):
        file.write(piece.data)
        at = 0
        while len(piece) - at >= room:
            sums.append(zlib.crc32(piece[at : at + room].data, sum_))
            sum_, at, room = 0, at + room, BLOCK
        sum_, room = zlib.crc32(piece[at:].data, sum_), room - (len(piece) - at)
    return np.array(sums + [sum_] * (room < BLOCK), "<u4").tobytes()


def _pieces(arrays: Arrays) -> Iterator[Bytes]:
    end = 0
    for array in arrays.values():
        yield np.zeros(_aligned(end) - end, np.uint8)
        piece = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        yield piece
        end = _aligned(end) + len(piece)


def _aligned(place: int) -> int:
    return -(-place // _ALIGNMENT) * _ALIGNMENT
