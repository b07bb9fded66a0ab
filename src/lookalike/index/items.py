"""The items of a matrix as an index sees them: rows by position, the ids they belong to, and which may be found."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ids, Rows

R = TypeVar("R", bound=Rows)

Positions = NDArray[np.int64]
Mask = NDArray[np.bool_]

_DENSE = 64  # a table over all ids up to the highest is used unless it were so many times larger than the items
_FEW = 16  # ids are looked up one by one when they are fewer than one in so many


class Source(Protocol):
    """Where rows come from: `Ragged`, or a matrix that verifies what it hands out."""

    def __len__(self) -> int: ...

    def slice(self, start: int, stop: int, /) -> Any:
        """The rows of items start..stop - 1, not copied."""
        ...

    def take(self, places: Positions, /) -> Any:
        """A copy of the rows at these places, in this order."""
        ...


@dataclass(frozen=True)
class Items(Generic[R]):
    """n items. ids: (n,) int64, each once, not negative. source: of n rows, may be memory-mapped, never copied whole.

    dead: (m,) int64, ids that must not be found; unknown ones are ignored.
    """

    ids: Ids
    source: Source
    dead: Ids

    @classmethod
    def of(cls, ids: Ids, rows: R | Source, dead: Ids | None = None) -> Items[R]:
        """Items with their ids checked; ValueError when these do not fit the rows or an id is there twice."""
        ids = np.asarray(ids, np.int64)
        source = _Fixed(rows) if isinstance(rows, np.ndarray) else cast(Source, rows)
        if ids.ndim != 1 or len(ids) != len(source):
            raise ValueError(f"{ids.shape} ids for {len(source)} rows")
        made = cls(ids, source, np.zeros(0, np.int64) if dead is None else np.asarray(dead, np.int64))
        ordered = ids if made.ascending else ids[made._order]
        if len(ids) and (ordered[0] < 0 or bool(np.any(ordered[1:] == ordered[:-1]))):
            raise ValueError("an id is negative or given twice")
        return made

    def __len__(self) -> int:
        """How many can be found."""
        return self.size if self.live is None else int(np.count_nonzero(self.live))

    @property
    def size(self) -> int:
        """How many there are, dead ones included."""
        return len(self.ids)

    @cached_property
    def ascending(self) -> bool:
        """Whether ids rise with positions."""
        return bool(np.all(self.ids[1:] > self.ids[:-1]))

    @cached_property
    def live(self) -> Mask | None:
        """(n,) which may be found; None when all may."""
        gone = self._places(self.dead)
        if not len(gone):
            return None
        live = np.ones(self.size, np.bool_)
        live[gone] = False
        return live

    def keep(self, allowed: Ids | None) -> Mask | None:
        """(n,) which may be answered; None when all may. allowed: ids in any order, None for all that live."""
        if allowed is None:
            return self.live
        allowed = np.asarray(allowed, np.int64)
        top = int(self.ids.max(initial=-1)) + 1
        if len(allowed) * _FEW < self.size or top > _DENSE * self.size:
            keep = np.zeros(self.size, np.bool_)
            keep[self._places(allowed)] = True
        else:
            table = np.zeros(top, np.bool_)
            table[allowed[(allowed >= 0) & (allowed < top)]] = True
            keep = table[self.ids]
        if self.live is not None:
            keep &= self.live
        return keep

    def positions(self, allowed: Ids) -> Positions:
        """Where the living ones among these ids are, ascending, each once."""
        if len(allowed) * _FEW < self.size:
            places = np.unique(self._places(allowed))
            return places if self.live is None else places[self.live[places]]
        keep = self.keep(allowed)
        return np.arange(self.size) if keep is None else np.flatnonzero(keep)

    def position(self, id_: int) -> int | None:
        """Where an id is, dead or not; None when there is no such item."""
        places = self._places(np.array([id_], np.int64))
        return int(places[0]) if len(places) else None

    def block(self, start: int, stop: int) -> R:
        """The rows of items start..stop - 1, not copied."""
        return cast(R, self.source.slice(start, stop))

    def take(self, positions: Positions) -> R:
        """The rows at ascending positions, copied unless they are neighbours."""
        if not len(positions):
            return self.block(0, 0)
        low, high = int(positions[0]), int(positions[-1]) + 1
        if high - low == len(positions):
            return self.block(low, high)
        return cast(R, self.source.take(positions))

    @cached_property
    def _order(self) -> Positions:
        return np.argsort(self.ids, kind="stable")

    def _places(self, ids: Ids) -> Positions:
        """Where those of these ids that exist are, in their order."""
        if not self.size or not len(ids):
            return np.zeros(0, np.int64)
        if self.ascending:
            at = np.searchsorted(self.ids, ids)
        else:
            at = np.append(self._order, 0)[np.searchsorted(self.ids, ids, sorter=self._order)]
        at = np.minimum(at, self.size - 1)
        found: Positions = at[self.ids[at] == ids]
        return found


@dataclass(frozen=True, slots=True)
class _Fixed:
    """Rows of one width as a source."""

    rows: NDArray[Any]

    def __len__(self) -> int:
        return len(self.rows)

    def slice(self, start: int, stop: int) -> NDArray[Any]:
        return self.rows[start:stop]

    def take(self, places: Positions) -> NDArray[Any]:
        return np.asarray(self.rows[places])
