"""Approximate shortlist, exact answer: what the vector and the histogram index have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.files import Params, read_snapshot, write_snapshot
from lookalike.arrays.rows import Ids, Ragged, Rows
from lookalike.index.base import Distances, Neighbours, Within
from lookalike.index.table import Positions, R, RowTable, inside, nearest, neighbours

_IMPORT_PRICE = 64 << 20  # numbers compared exactly in the time that importing faiss takes (about 0.2 s)
_BUILD_PRICE = 8  # making the code of a row takes as long as comparing the row this often
_BLOCK = 8192  # rows compared or encoded at once
_TAIL = 2048  # rows compared exactly before it is worth making codes of them
_SPARSE = 32  # a filter that leaves fewer than one row in so many is answered exactly
_TRAINING = 4096  # rows that codes are trained on


Q = TypeVar("Q", bound=Rows, contravariant=True)


class Shortlist(Protocol[Q]):
    """Compact codes of rows, numbered in the order in which they were added."""

    def __len__(self) -> int: ...

    def add(self, rows: Q) -> None: ...

    def nearest(self, queries: Q, m: int, keep: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        """(q, m) numbers of about the nearest rows, of those kept if given; -1 where it finds fewer."""
        ...

    def state(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on from here."""
        ...


class RerankedIndex(ABC, Generic[R]):
    """Exact distances to all rows while that is cheap, else to a shortlist that codes have found.

    Codes are made once the exact comparisons have cost as much as making codes would: a cold query over a
    small collection waits for nothing, a busy process gets fast. `within` is always exact. Rows added later get
    codes in batches and are compared exactly until then. A shortlist that a filter left too short is replaced
    by exact comparison, so a search never answers with fewer than there are.
    """

    _name: str  # in the header of saved files
    _kinds: dict[str, str]  # kind -> "exact" (never codes), "auto" (when they pay) or "codes" (always)
    _breadth: int  # rows to compare exactly for ten good answers

    def __init__(self, kind: str, empty: R) -> None:
        if kind not in self._kinds:
            raise ValueError(f"kind must be one of {', '.join(self._kinds)}, not {kind!r}")
        self.kind = kind
        self._table: RowTable[R] = RowTable(empty)
        self._codes: Shortlist[R] | None = None
        self._coded: Positions = np.zeros(0, np.int64)  # the table's position of each code, -1: gone
        self._tail: Positions = np.zeros(0, np.int64)  # positions without a code, ascending
        self._compared = 0

    @abstractmethod
    def _checked(self, rows: R) -> R:
        """ValueError unless the rows have this index's form."""

    @abstractmethod
    def _numbers(self, rows: R) -> int:
        """How many numbers an exact comparison with these rows touches."""

    @abstractmethod
    def _distances(self, rows: R, queries: R) -> Distances:
        """Exact, (q, n)."""

    @abstractmethod
    def _new_codes(self, sample: R) -> Shortlist[R]:
        """No codes yet, but trained on some rows."""

    @abstractmethod
    def _old_codes(self, state: dict[str, NDArray[Any]]) -> Shortlist[R]:
        """From what `Shortlist.state` said."""

    @abstractmethod
    def _params(self) -> Params:
        """Constructor arguments."""

    def __len__(self) -> int:
        return len(self._table)

    @property
    def kind_in_use(self) -> str:
        """How searches are answered now: "exact", "codes" or "hnsw"."""
        if self._codes is None:
            return "exact"
        return "codes" if self.kind == "auto" else self.kind

    @property
    def memory_bytes(self) -> int:
        """What the index holds in memory beside the rows."""
        codes = [] if self._codes is None else [array.nbytes for array in self._codes.state().values()]
        return self._table.ids.nbytes + self._table.live.nbytes + self._coded.nbytes + self._tail.nbytes + sum(codes)

    @property
    def worth_saving(self) -> bool:
        """Whether there are codes, or one exact search takes longer than loading them would."""
        pays = self._cost(self._table.size) > _IMPORT_PRICE
        return self._codes is not None or (pays and self._kinds[self.kind] != "exact")

    def add(self, ids: Ids, rows: R) -> None:
        start = self._table.size
        self._table.append(ids, self._checked(rows))
        self._tail = np.concatenate([self._tail, np.arange(start, self._table.size)])

    def remove(self, ids: Ids) -> int:
        return self._table.remove(ids)

    def prepare(self) -> None:
        """Make the codes of all rows now, if this kind may use codes."""
        if self._kinds[self.kind] == "exact" or not len(self._table):
            return
        table = self._table
        if self._codes is None or len(self._codes) > 2 * len(table) + _TAIL:
            live = np.flatnonzero(table.live)
            sample = live[np.unique(np.linspace(0, len(live) - 1, _TRAINING).astype(np.int64))]
            self._codes = self._new_codes(table.take(sample))
            self._coded, self._tail = np.zeros(0, np.int64), live
        tail = self._tail[table.live[self._tail]]
        for start in range(0, len(tail), _BLOCK):
            self._codes.add(table.take(tail[start : start + _BLOCK]))
        self._coded = np.concatenate([self._coded, tail])
        self._tail = np.zeros(0, np.int64)

    def search(self, queries: R, k: int, allowed: Ids | None = None) -> Neighbours:
        queries = self._checked(queries)
        positions = None if allowed is None else self._table.positions(allowed)
        m = max(self._breadth, 8 * k)
        if not self._codes_pay(len(queries), len(self if positions is None else positions), m):
            return neighbours(self._exact(queries, positions, k), k)
        return neighbours(self._shortlisted(queries, positions, k, m), k)

    def within(self, queries: R, radius: float, allowed: Ids | None = None) -> list[Within]:
        queries = self._checked(queries)
        positions = None if allowed is None else self._table.positions(allowed)
        found: list[list[tuple[Ids, Distances]]] = [[] for _ in range(len(queries))]
        for part, rows in self._blocks(positions):
            for answer, distances in zip(found, self._distances(rows, queries), strict=True):
                near = distances <= radius
                answer.append((self._table.ids[part[near]], distances[near]))
        return [inside(*_merged(answer), radius) for answer in found]

    def save(self, path: Path) -> None:
        """Write the codes, made first if they are `worth_saving`."""
        table = self._table
        if self.worth_saving:
            self.prepare()
        arrays = {"live": table.ids[table.live], "probe": table.probe()}
        if self._codes is not None:
            known = (self._coded >= 0) & table.live[self._coded]
            arrays |= {"coded": np.where(known, table.ids[self._coded], -1)} | self._codes.state()
        write_snapshot(path, self._name, self._params(), arrays)

    @classmethod
    def load(cls, path: Path, ids: Ids, rows: R) -> Self:
        """Ids no longer given are gone, and ids that the file does not know are compared exactly."""
        params, arrays = read_snapshot(path, cls._name)
        index = cls(**params)
        index.add(ids, rows)
        index._table.fits(arrays.pop("live"), arrays.pop("probe"))
        if "coded" in arrays:
            index._coded = index._table.lookup(arrays.pop("coded"))
            index._codes = index._old_codes(arrays)
            index._tail = index._table.others(index._coded)
        return index

    def _cost(self, rows: int) -> int:
        """Numbers compared in so many rows, going by the first ones."""
        first = self._table.take(np.arange(min(64, self._table.size)))
        return rows * self._numbers(first) // max(len(first), 1)

    def _codes_pay(self, queries: int, rows: int, m: int) -> bool:
        use = self._kinds[self.kind]
        if use == "exact" or not rows:
            return False
        if self._codes is None:
            self._compared += queries * self._cost(rows)
            price = _IMPORT_PRICE + _BUILD_PRICE * self._cost(self._table.size)
            if use == "auto" and self._compared < price:
                return False
            self.prepare()
        elif len(self._tail) > _TAIL:
            self.prepare()
        return rows > max(4 * m, self._table.size // _SPARSE)

    def _exact(self, queries: R, positions: Positions | None, k: int) -> list[tuple[Ids, Distances]]:
        found: list[list[tuple[Ids, Distances]]] = [[] for _ in range(len(queries))]
        for part, rows in self._blocks(positions):
            for answer, distances in zip(found, self._distances(rows, queries), strict=True):
                answer.append(nearest(self._table.ids[part], distances, k))
        return [nearest(*_merged(answer), k) for answer in found]

    def _shortlisted(self, queries: R, positions: Positions | None, k: int, m: int) -> list[tuple[Ids, Distances]]:
        assert self._codes is not None
        table, tail, keep, coded = self._table, self._tail, None, len(self._codes)
        if positions is not None or coded + len(tail) > len(table):
            wanted = table.mask(positions)
            keep, tail = wanted[self._coded], tail[wanted[tail]]
            coded = int(np.count_nonzero(keep))
            if positions is not None:
                m *= 2  # neighbours that a filter leaves are farther away, where codes tell less
        answers = []
        for i, numbers in enumerate(self._codes.nearest(queries, m, keep)):
            query = _slice(queries, i)
            numbers = numbers[numbers >= 0]
            if len(numbers) < min(m // 2, coded):
                answers += self._exact(query, positions, k)
                continue
            near = np.concatenate([np.sort(self._coded[numbers]), tail])
            near = near if not len(tail) else np.sort(near)
            distances = self._distances(table.take(near), query)[0]
            answers.append(nearest(table.ids[near], distances, k))
        return answers

    def _blocks(self, positions: Positions | None) -> Iterator[tuple[Positions, R]]:
        if positions is None:
            positions = np.flatnonzero(self._table.live)
        for start in range(0, len(positions), _BLOCK):
            part = positions[start : start + _BLOCK]
            yield part, self._table.take(part)


def _slice(rows: Any, item: int) -> Any:
    return rows.slice(item, item + 1) if isinstance(rows, Ragged) else rows[item : item + 1]


def _merged(parts: list[tuple[Ids, Distances]]) -> tuple[Ids, Distances]:
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    ids, distances = zip(*parts, strict=True)
    return np.concatenate(ids), np.concatenate(distances)
