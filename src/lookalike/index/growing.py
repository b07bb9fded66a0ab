"""Indexes that grow in place, until they are kinds of `index.base`; here one is made whole each time it is opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from lookalike.arrays.rows import Ids, Rows
from lookalike.index.base import Neighbours, Segment, Within
from lookalike.index.items import Items
from lookalike.index.plain import DerivesNothing

R = TypeVar("R", bound=Rows, contravariant=True)


class GrowingIndex(Protocol[R]):
    """Nearest neighbours over rows known by stable ids.

    Rows given to `add` are kept by reference (they may be memory maps), never copied without need. An id is
    added once: adding a known id raises ValueError. Removing unknown ids is no error.
    """

    def __len__(self) -> int:
        """How many ids can be found."""
        ...

    @property
    def worth_saving(self) -> bool:
        """Whether loading what `save` writes is much cheaper than adding the rows again."""
        ...

    def add(self, ids: Ids, rows: R) -> None:
        """Make n rows findable: ids (n,) int64, rows n items."""
        ...

    def remove(self, ids: Ids) -> int:
        """Make ids unfindable; how many were known."""
        ...

    def search(self, queries: R, k: int, allowed: Ids | None = None) -> Neighbours:
        """The k nearest of each query, among `allowed` ids only when given (any order, unknown ids ignored)."""
        ...

    def within(self, queries: R, radius: float, allowed: Ids | None = None) -> list[Within]:
        """Per query all ids at distance <= radius."""
        ...

    def save(self, path: Path) -> None:
        """Write what was derived from the rows (not the rows) to one file, atomically."""
        ...

    @classmethod
    def load(cls, path: Path, ids: Ids, rows: R) -> Self:
        """The saved index over the same ids and rows; ValueError when the file does not fit them."""
        ...


@dataclass(frozen=True, slots=True)
class GrowingKind(DerivesNothing):
    """A growing index as a kind."""

    make: Callable[[int, bool], Any]
    width: int
    binary: bool

    def open(self, items: Items[Any], segments: Sequence[Segment[None]] = ()) -> Any:
        index = self.make(self.width, self.binary)
        index.add(items.ids, items.block(0, items.size))
        index.remove(items.dead)
        return index
