"""What every nearest-neighbour index looks like. Indexes know arrays and ids, nothing of images or files.

An `IndexKind` derives compact arrays from runs of items (`seal`), puts neighbouring runs together (`merge`), and opens
an immutable `Index` over all items of a matrix: what is sealed in segments, and the exact tail of what is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ids, Rows
from lookalike.index.items import Items, Mask

Distances = NDArray[np.float32]
Params = dict[str, Any]
P = TypeVar("P")
R = TypeVar("R", bound=Rows)
Asked = TypeVar("Asked", bound=Rows, contravariant=True)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The answer to q queries, nearest first, ties by ascending id.

    ids: (q, k) int64, -1 where there are fewer than k. distances: (q, k) float32, inf where the id is -1.
    """

    ids: Ids
    distances: Distances


@dataclass(frozen=True, slots=True)
class Within:
    """Everything inside a radius of one query, nearest first, ties by ascending id: ids (m,), distances (m,)."""

    ids: Ids
    distances: Distances


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is derived from a run of items: plain values and arrays, just as a segment's file keeps them.

    arrays may be memory-mapped, read-only and not checked; `take` hands out what is.
    check: of a file, which knows an array's rows first to last - 1 to be as written, or raises CollectionError.
    """

    params: Params
    arrays: Mapping[str, NDArray[Any]]
    check: Callable[[str, int, int | None], NDArray[Any]] | None = None

    def take(self, name: str, first: int = 0, last: int | None = None) -> NDArray[Any]:
        """Rows first to last - 1 of an array, known to be as they were written."""
        return self.arrays[name][first:last] if self.check is None else self.check(name, first, last)


@dataclass(frozen=True, slots=True)
class Segment(Generic[P]):
    """A sealed run of items, `first` to `last` - 1 of a matrix, ready to be searched. `part`: see `IndexKind.load`."""

    first: int
    last: int
    part: P

    def __len__(self) -> int:
        return self.last - self.first


class Index(Protocol[Asked]):
    """Nearest neighbours over items known by stable ids.

    Immutable: made once, never changed by searching, for any number of threads at once.
    """

    def __len__(self) -> int:
        """How many ids can be found."""
        ...

    def search(self, queries: Asked, k: int, allowed: Ids | None = None) -> Neighbours:
        """The k nearest of each query, among `allowed` ids only when given (any order, unknown ids ignored)."""
        ...

    def within(self, queries: Asked, radius: float, allowed: Ids | None = None) -> list[Within]:
        """Per query all ids at distance <= radius."""
        ...


class IndexKind(Protocol[R, P]):
    """One way of finding neighbours, with its parameters: a frozen dataclass. R: the rows, P: its opened segments."""

    @property
    def name(self) -> str:
        """What its segments are called in file names. Kinds that read each other's segments share it."""
        ...

    @property
    def tail(self) -> int | None:
        """From how many items outside of segments sealing pays; None for a kind that derives nothing."""
        ...

    def seal(self, rows: R, like: Sealed | None = None) -> Sealed:
        """What is derived from a run of items (any number, memory-mapped: read in blocks).

        like: an earlier segment of the same matrix, whose trained parts are taken over so that both can be merged.
        """
        ...

    def merge(self, seals: Sequence[Sealed], kept: Sequence[Mask]) -> Sealed | None:
        """The seal of neighbouring runs together, without their rows; None where these must be sealed again.

        kept: of each run (items,) which of its items are taken over. CollectionError or ValueError for damaged ones.
        """
        ...

    def load(self, sealed: Sealed, items: int) -> P:
        """A segment's part, ready to be searched and shared by many indexes; cheap.

        ValueError when it is not of so many items, or its values contradict each other: nothing that a file may hold
        must lead outside of an array.
        """
        ...

    def open(self, items: Items[R], segments: Sequence[Segment[P]]) -> Index[R]:
        """An index over the items. segments: ascending, end to end from item 0; the items after them are the tail."""
        ...
