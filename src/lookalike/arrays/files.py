"""The file an index saves itself to: named arrays behind a header that says what they are of."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAGIC = b"lookalike index 1\n"

Params = dict[str, Any]


def write_snapshot(path: Path, index: str, params: Params, arrays: dict[str, NDArray[Any]]) -> None:
    """Replace `path` in one step: after a crash it holds the old file or the new one, never a part."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    header = {
        "index": index,
        "params": params,
        "arrays": [
            {"name": name, "dtype": array.dtype.str, "shape": array.shape, "crc": zlib.crc32(array.data)}
            for name, array in contiguous.items()
        ],
    }
    text = json.dumps(header).encode()
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(_MAGIC + len(text).to_bytes(8, "little") + text)
            for array in contiguous.values():
                file.write(array.data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_snapshot(path: Path, index: str) -> tuple[Params, dict[str, NDArray[Any]]]:
    """Parameters and arrays, read into memory; ValueError when the file is damaged or of another index."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ValueError(f"{path.name} is not a saved index of this version")
        length = int.from_bytes(file.read(8), "little")
        text = file.read(length) if length < 1 << 20 else b""
        try:
            header = json.loads(text)
        except ValueError:
            raise ValueError(f"{path.name} is damaged") from None
        if header["index"] != index:
            raise ValueError(f"{path.name} holds an index of {header['index']}, not {index}")
        arrays: dict[str, NDArray[Any]] = {}
        for entry in header["arrays"]:
            shape = tuple(entry["shape"])
            array = np.fromfile(file, np.dtype(entry["dtype"]), int(np.prod(shape)))
            if array.size != np.prod(shape) or zlib.crc32(array.data) != entry["crc"]:
                raise ValueError(f"{path.name} is damaged")
            arrays[entry["name"]] = array.reshape(shape)
        return header["params"], arrays
