"""Indexes that Milvus searches: what it finds is compared exactly here, and keypoints vote as they do everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ids, Layout, Ragged, Rows
from lookalike.index.base import Index, IndexKind, Neighbours, Within
from lookalike.index.items import Items
from lookalike.index.keypoints import KeypointKind, cast_votes
from lookalike.index.order import inside, nearest, neighbours
from lookalike.index.votes import Votes
from lookalike.milvus.server import MOST, Row, Server
from lookalike.milvus.tables import Vectors, as_vectors, packed, unpack_place

NAMED = 8192
"""Pictures that are named in an expression."""
_SURE = 3  # times as many are asked for as should hold enough of those that are meant
_FACTOR, _LEAST = 3, 60  # so many times as many are compared exactly as are wanted, and at least so many
_VERIFIED = 8  # pictures that are fetched at once: so many are verified, more or less
_VOTED_FOR = 8  # keypoints that one of the query votes for


class MilvusIndex:
    """Descriptors of one size or histograms. `kind` compares everything that it is given, exactly."""

    def __init__(
        self, server: Server, table: str, kind: IndexKind[Any, Any], vectors: Vectors, layout: Layout, items: int
    ) -> None:
        self._server, self._table, self._kind, self._vectors = server, table, kind, vectors
        self._layout, self._items = layout, items

    def __len__(self) -> int:
        return self._items

    def search(self, queries: Rows, k: int, allowed: Ids | None = None) -> Neighbours:
        if not k or not len(queries) or (allowed is not None and not len(allowed)):
            empty = np.zeros(0, np.int64), np.zeros(0, np.float32)
            return neighbours([empty for _ in range(len(queries))], k)
        wanted = k if self._vectors.exact else max(_LEAST, _FACTOR * k)
        return self._among(self._found(queries, wanted, allowed), queries).search(queries, k)

    def within(self, queries: Rows, radius: float, allowed: Ids | None = None) -> list[Within]:
        found = self.search(queries, min(MOST, self._items), allowed)
        return [
            inside(ids[ids >= 0], far[ids >= 0], radius) for ids, far in zip(found.ids, found.distances, strict=True)
        ]

    def _found(self, queries: Rows, wanted: int, allowed: Ids | None) -> dict[int, Row]:
        """Candidates of all queries by their ids."""
        vectors, among = as_vectors(self._kind, queries), _Among("id", allowed, self._items)
        answers = among.nearest(self._server, self._table, vectors, wanted, ["row", "sum"], self._vectors.effort)
        return {hit["id"]: hit for answer in answers for hit in answer}

    def _among(self, found: Mapping[int, Row], queries: Rows) -> Index[Any]:
        ids = np.array(sorted(found), np.int64)
        rows = [packed(self._layout, found[id_]["row"], found[id_]["sum"]) for id_ in ids.tolist()]
        return self._kind.open(Items.of(ids, joined(rows, self._layout)), ())


class MilvusVotes:
    """Keypoints, one row each: an answer is only candidates, for geometry to verify.

    ahead: told which pictures' descriptors are likely to be asked for next.
    """

    def __init__(
        self,
        server: Server,
        table: str,
        kind: KeypointKind,
        vectors: Vectors,
        far: float,
        items: int,
        ahead: Callable[[Sequence[int]], object],
    ) -> None:
        self._server, self._table, self._kind, self._vectors = server, table, kind, vectors
        self._far, self._items, self._ahead = np.float32(far), items, ahead

    def __len__(self) -> int:
        return self._items

    def search(self, queries: Ragged, k: int, allowed: Ids | None = None) -> Neighbours:
        return neighbours([nearest(*self._ranked(queries[i], k, allowed), k) for i in range(len(queries))], k)

    def within(self, queries: Ragged, radius: float, allowed: Ids | None = None) -> list[Within]:
        return [inside(*self._ranked(queries[i], self._items, allowed), radius) for i in range(len(queries))]

    def _ranked(self, query: NDArray[np.uint8], k: int, allowed: Ids | None) -> tuple[Ids, NDArray[np.float32]]:
        pictures, votes = self.votes(query, allowed).count(k)
        return pictures, (1 / (1 + votes)).astype(np.float32)

    def votes(self, query: NDArray[np.uint8], allowed: Ids | None = None) -> Votes:
        """The votes of one query's packed rows (n, w)."""
        if not len(query) or not self._items or (allowed is not None and not len(allowed)):
            return Votes.none()
        vectors = list(self._kind.form.vectors(query))
        among = _Among("picture", allowed, self._items)
        fields = ["picture", "place"]
        answers = among.nearest(self._server, self._table, vectors, _VOTED_FOR, fields, self._vectors.effort)
        shape = len(answers), _VOTED_FOR
        squares = np.full(shape, np.inf, np.float32)
        position, places = np.full(shape, -1, np.int64), np.zeros(shape, np.int64)
        ids, found = np.unique([hit["picture"] for answer in answers for hit in answer], return_inverse=True)
        done = 0
        for at, answer in enumerate(answers):
            squares[at, : len(answer)] = [hit["distance"] for hit in answer]
            position[at, : len(answer)] = found[done : (done := done + len(answer))]
            places[at, : len(answer)] = [hit["place"] for hit in answer]
        where = unpack_place(places.ravel().tolist()).reshape(*shape, -1)
        votes = cast_votes(query, (squares, position, where), ids.astype(np.int64), self._far)
        self._ahead(votes.count(_VERIFIED)[0].tolist())
        return votes


def joined(rows: Sequence[NDArray[Any]], layout: Layout) -> Rows:
    """Packed descriptors, end to end."""
    if layout.ragged:
        return Ragged.of(list(rows), layout.width, layout.dtype)
    return np.concatenate([*rows, np.zeros((0, layout.width), layout.dtype)])


@dataclass(frozen=True, slots=True)
class _Among:
    """The pictures that are meant: `field` is where a table has their ids; items: how many there are in all.

    Few are named in the expression. Many are picked out of what is found, and those in between named part by part.
    """

    field: str
    allowed: Ids | None
    items: int

    def nearest(
        self,
        server: Server,
        table: str,
        vectors: Sequence[Any],
        wanted: int,
        fields: Sequence[str],
        effort: Mapping[str, Any],
    ) -> list[list[Row]]:
        """The nearest rows of each vector, so many at most, nearest first."""
        if self.allowed is None:
            return server.search(table, vectors, wanted, "", fields, effort)
        enough = int(_SURE * wanted * self.items / len(self.allowed)) + 1
        if len(self.allowed) > NAMED and enough <= MOST:
            meant = frozenset(self.allowed.tolist())
            found = server.search(table, vectors, enough, "", fields, effort)
            kept = [[hit for hit in answer if hit[self.field] in meant][:wanted] for answer in found]
            if all(len(answer) == wanted for answer in kept):
                return kept
        answers: list[list[Row]] = [[] for _ in vectors]
        for start in range(0, len(self.allowed), NAMED):
            named = f"{self.field} in {self.allowed[start : start + NAMED].tolist()}"
            for answer, more in zip(answers, server.search(table, vectors, wanted, named, fields, effort), strict=True):
                answer += more
        return [sorted(answer, key=lambda hit: (hit["distance"], hit["id"]))[:wanted] for answer in answers]
