"""The methods that a collection holds, as its catalogue tells them: nothing is believed unless it makes sense."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lookalike.arrays.rows import Layout
from lookalike.store.matrix import Extent
from lookalike.store.schema import row_sum

DTYPES = ("uint8", "uint16", "float16", "float32")
"""What descriptors may be made of."""

MOST_METHODS = 62  # bits of `images.described`
_LONGEST_NAME = 1000
_WIDEST = 1 << 16
_MOST = 1 << 40


@dataclass(frozen=True, slots=True)
class StoredMethod:
    """A method that the collection holds: its parameters, its matrix and how much of it is committed."""

    id: int
    name: str
    params: dict[str, Any]
    layout: Layout
    epoch: int
    extent: Extent

    @property
    def file_name(self) -> str:
        """What the names of its files start with."""
        return re.sub(r"[^a-z0-9._-]+", "~", self.name.lower())

    @property
    def bit(self) -> int:
        """This method's place in `images.described`."""
        return 1 << self.id


def read_method(row: Sequence[Any]) -> StoredMethod:
    """A row of the table of methods (all columns of `schema.SUMMED` and the sum); ValueError when it is damaged."""
    *values, sum_ = row
    id_, name, params, dtype, width, ragged, epoch, items, rows, tails = values
    if sum_ != row_sum(*values):
        raise ValueError("a method is not as it was written")
    for number, most in ((id_, MOST_METHODS), (ragged, 1), (epoch, _MOST), (items, _MOST), (rows, _MOST)):
        if not (type(number) is int and 0 <= number <= most):
            raise ValueError(f"{number!r} is no number of a method")
    if not (isinstance(name, str) and name.isprintable() and 0 < len(name) <= _LONGEST_NAME):
        raise ValueError(f"{name!r} is no name of a method")
    if dtype not in DTYPES or not (type(width) is int and 1 <= width <= _WIDEST) or (rows != items and not ragged):
        raise ValueError(f"{name} keeps descriptors of a shape that no method has")
    try:
        held, sums = json.loads(params), json.loads(tails)
    except (RecursionError, TypeError) as error:
        raise ValueError(f"the parameters of {name} make no sense") from error
    if not isinstance(held, dict) or not (isinstance(sums, list) and len(sums) == 3 and all(map(_is_sum, sums))):
        raise ValueError(f"the parameters of {name} make no sense")
    return StoredMethod(id_, name, held, Layout(dtype, width, bool(ragged)), epoch, Extent(items, rows, (*sums,)))


def _is_sum(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 32
