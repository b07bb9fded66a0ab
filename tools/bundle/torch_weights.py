"""Tensors of a PyTorch state dict (.pth, the legacy stream) as numpy arrays, without torch.

A pickle can run code when it is loaded; this reader resolves four names, all of them functions of this file or
plain containers, and refuses every other one.
"""

from __future__ import annotations

import collections
import io
import pickle
import struct
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
STORAGES = {"FloatStorage": "<f4", "LongStorage": "<i8", "HalfStorage": "<f2", "IntStorage": "<i4"}


@dataclass
class Storage:
    """One flat buffer; its values follow the pickle, so they are filled in last."""

    dtype: np.dtype[Any]
    length: int
    values: NDArray[Any] | None = None


@dataclass(frozen=True)
class Tensor:
    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def numpy(self) -> NDArray[Any]:
        """A C-contiguous copy; ValueError when the tensor reaches outside its storage."""
        values = self.storage.values
        last = self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))
        if values is None or self.offset < 0 or min(self.strides, default=0) < 0 or last >= values.size:
            raise ValueError("a tensor reaches outside its storage")
        steps = [s * values.itemsize for s in self.strides]
        return np.array(np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, steps), order="C")


def rebuild(storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object) -> Tensor:
    return Tensor(storage, offset, tuple(shape), tuple(strides))


class _Reader(pickle.Unpickler):
    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return rebuild
        if module == "torch" and name in STORAGES:
            return np.dtype(STORAGES[name])
        raise pickle.UnpicklingError(f"refused the name {module}.{name}")

    def persistent_load(self, pid: Any) -> Storage:
        kind, dtype, key, _, length, *view = pid
        if kind != "storage" or view not in ([], [None]):
            raise pickle.UnpicklingError("an unknown persistent id")
        return self.storages.setdefault(str(key), Storage(dtype, int(length)))


def read_state_dict(data: bytes) -> dict[str, NDArray[Any]]:
    """Name -> tensor; pickle.UnpicklingError or ValueError when the file is anything but a plain state dict."""
    file = io.BytesIO(data)
    if (_Reader(file).load(), _Reader(file).load()) != (MAGIC, PROTOCOL) or not _Reader(file).load()["little_endian"]:
        raise ValueError("not a little-endian PyTorch file of the legacy format")
    reader = _Reader(file)
    tensors = reader.load()
    for key in _Reader(file).load():
        storage = reader.storages[key]
        (length,) = struct.unpack("<q", file.read(8))
        raw = file.read(length * storage.dtype.itemsize)
        if length != storage.length or len(raw) != length * storage.dtype.itemsize:
            raise ValueError("the file is cut short")
        storage.values = np.frombuffer(raw, storage.dtype)
    return {name: tensor.numpy() for name, tensor in tensors.items()}
