"""One state of a collection in Milvus, ready to be asked."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from lookalike.arrays.rows import Rows
from lookalike.errors import QueryError
from lookalike.index.base import Index, IndexKind
from lookalike.index.keypoints import KeypointKind
from lookalike.methods.base import Method
from lookalike.methods.factory import make
from lookalike.milvus.catalogue import MilvusCatalogue
from lookalike.milvus.index import MilvusIndex, MilvusVotes, joined
from lookalike.milvus.tables import packed, vectors_of
from lookalike.search.once import Once
from lookalike.significance.model import Null
from lookalike.significance.nulls import null_of
from lookalike.store.methods import StoredMethod
from lookalike.store.view import View

_REMEMBERED = 256
"""Descriptors that are kept, the last ones: a query is verified against the same pictures in several ways."""


class MilvusSearcher:
    """What a `Searcher` is for a directory. Any number of threads ask it.

    Methods, counts and null models stay as they were when it was made; what is written meanwhile may be found.
    """

    def __init__(self, catalogue: MilvusCatalogue, view: View) -> None:
        self.view, self.catalogue = view, catalogue
        self._server, self._tables = catalogue.server, catalogue.tables
        self._once = Once()
        self._kept: OrderedDict[tuple[str, int], Any] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def methods(self) -> Mapping[str, StoredMethod]:
        """What the collection holds, by name."""
        return self.view.methods

    def stored(self, name: str) -> StoredMethod:
        """What is known of a method; QueryError when it is not in the collection."""
        if name not in self.view.methods:
            has = ", ".join(self.view.methods) or "none"
            raise QueryError(f"this collection has no {name!r} (it has {has}): index it with it, and migrate again")
        return self.view.methods[name]

    def method(self, name: str) -> Method[Any]:
        """The method as this collection keeps it; QueryError when it does not."""
        stored = self.stored(name)
        return self._once.get(("method", name), lambda: make(name, stored.params))

    def index(self, name: str, kind: str = "auto") -> Index[Any]:
        """The index of a method, which is Milvus' own; QueryError for any other kind."""
        if kind != "auto":
            raise QueryError(f"in Milvus every method has one index: leave out {kind!r}")
        return self._once.get(("index", name), lambda: self._index(name))

    def descriptor(self, name: str, id_: int) -> Any:
        """What a method keeps of a picture; KeyError when that is nothing."""
        with self._lock:
            known = self._kept.get((name, id_))
        if known is None:
            known = self._fetch(name, [id_]).get(id_)
        if known is None:
            raise KeyError(id_)
        return known

    def _fetch(self, name: str, ids: Sequence[int]) -> dict[int, Any]:
        """Descriptors of pictures that have one, those that are not here asked for at once."""
        with self._lock:
            missing = [id_ for id_ in ids if (name, id_) not in self._kept]
        if not missing:
            return {}
        stored, method = self.stored(name), self.method(name)
        rows = self._server.query(self._tables.of(stored), f"id in {missing}", ["id", "row", "sum"])
        found = {row["id"]: method.unpack(packed(stored.layout, row["row"], row["sum"])) for row in rows}
        with self._lock:
            self._kept.update({(name, id_): one for id_, one in found.items()})
            while len(self._kept) > _REMEMBERED:
                self._kept.popitem(last=False)
        return found

    def sample(self, name: str, most: int) -> Rows:
        """Packed descriptors of so many pictures at most, from all over the collection."""
        stored = self.stored(name)
        ids = np.linspace(1, max(1, self.view.newest), min(most, max(1, self.view.newest))).astype(np.int64)
        rows = self._server.query(self._tables.of(stored), f"id in {np.unique(ids).tolist()}", ["row", "sum"])
        return joined([packed(stored.layout, row["row"], row["sum"]) for row in rows], stored.layout)

    def null(self, name: str) -> Null | None:
        """The null model of a method; None where nothing is known of it."""
        return self._once.get(("null", name), lambda: null_of(self.catalogue, self.stored(name)))

    def _index(self, name: str) -> Any:
        stored = self.stored(name)
        kind: IndexKind[Any, Any] = self.method(name).index_kind()
        seen, items = vectors_of(kind), stored.extent.items
        if isinstance(kind, KeypointKind):
            far, ahead = self.catalogue.far(name), partial(self._fetch, name)
            return MilvusVotes(self._server, self._tables.keypoints(stored), kind, seen, far, items, ahead)
        exact = self.method(name).index_kind(self.method(name).traits.exact or "auto")
        return MilvusIndex(self._server, self._tables.of(stored), exact, seen, stored.layout, items)
