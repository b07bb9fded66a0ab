"""Rows of numbers and the ids they belong to: what descriptors look like to everything that stores or compares them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a method's descriptors are kept: rows of `width` values of `dtype`, one a picture unless `ragged`.

    below: the first value of every row is less than this, as a bin of a histogram is. Only the method knows it: it is
    not kept, nor compared.
    """

    dtype: str
    width: int
    ragged: bool = False
    below: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Ragged:
    """Rows of different lengths, end to end: item i is `values[offsets[i]:offsets[i + 1]]`.

    values: (total, width), any dtype, may be a memory map. offsets: (n + 1,) int64, ascending from 0
    (a slice of a larger store may start above 0; `values` is then indexed as it is).
    """

    values: NDArray[Any]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, item: int) -> NDArray[Any]:
        return self.values[self.offsets[item] : self.offsets[item + 1]]

    def slice(self, start: int, stop: int) -> Ragged:
        """Items start..stop without copying any values."""
        return Ragged(self.values, self.offsets[start : stop + 1])

    def take(self, places: NDArray[np.intp]) -> Ragged:
        """A copy of the items at these places, in this order."""
        starts, ends = self.offsets[places].tolist(), self.offsets[places + 1].tolist()
        items = [self.values[start:end] for start, end in zip(starts, ends, strict=True)]
        return Ragged.of(items, self.values.shape[1], self.values.dtype)

    @staticmethod
    def of(items: list[NDArray[Any]], width: int, dtype: Any) -> Ragged:
        """Items of shape (m_i, width) laid end to end."""
        offsets = np.zeros(len(items) + 1, np.int64)
        np.cumsum([len(item) for item in items], out=offsets[1:])
        values = np.concatenate(items) if items else np.zeros((0, width), dtype)
        return Ragged(values.astype(dtype, copy=False).reshape(-1, width), offsets)


Rows = NDArray[Any] | Ragged
