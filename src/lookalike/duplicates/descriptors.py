"""What a collection knows of some of its pictures by one method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.methods.base import Method
from lookalike.significance.model import Null

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Descriptors:
    """What a method keeps of some pictures: ids, ascending, and the places of their rows; and its null model."""

    method: Method[Any]
    ids: Ids
    places: Ids
    rows: Any
    null: Null | None

    def __len__(self) -> int:
        return len(self.ids)

    def row(self, id_: int) -> NDArray[Any] | None:
        """The packed descriptor of an id: (w,), or (m, w) when ragged; None when it has none."""
        place = int(np.searchsorted(self.ids, id_))
        return np.asarray(self.rows[int(self.places[place])]) if self.has(id_) else None

    def has(self, id_: int) -> bool:
        """Whether there is a descriptor of an id."""
        place = int(np.searchsorted(self.ids, id_))
        return place < len(self.ids) and int(self.ids[place]) == id_

    def take(self, numbers: Ids | slice) -> NDArray[Any]:
        """(m, w): the rows of some of the ids, by their number."""
        return np.asarray(self.rows[self.places[numbers]])

    def pairs(self) -> int:
        """How many pairs of pictures there are."""
        return max(1, len(self.ids) * (len(self.ids) - 1) // 2)
