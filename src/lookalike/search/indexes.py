"""The indexes of a collection: built or loaded from caches, brought up to date, kept open while nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.arrays.rows import Ragged
from lookalike.errors import QueryError
from lookalike.index.growing import GrowingIndex
from lookalike.methods.base import Method
from lookalike.methods.factory import make
from lookalike.store.directory import Store
from lookalike.store.methods import StoredMethod


class Indexes:
    """Opens the index of a method by name and kind; knows when an open one is out of date."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._methods: dict[str, Method[Any]] = {}
        self._open: dict[tuple[str, str], tuple[tuple[int, ...], GrowingIndex[Any]]] = {}

    def method(self, name: str) -> Method[Any]:
        """The method as this collection keeps it; QueryError when it does not."""
        if name not in self._methods:
            self._methods[name] = make(name, self.stored(name).params)
        return self._methods[name]

    def stored(self, name: str) -> StoredMethod:
        """What the catalogue knows of a method; QueryError when it is not in the collection."""
        kept = self._store.catalogue.methods()
        if name not in kept:
            has = ", ".join(kept) or "none"
            raise QueryError(
                f"this collection has no {name!r} (it has {has}): add it with `lookalike index --method {name}`"
            )
        return kept[name]

    def get(self, name: str, kind: str = "auto") -> GrowingIndex[Any]:
        """The index over all pictures that can be found now."""
        stored = self.stored(name)
        gone = self._store.catalogue.gone()
        stamp = (stored.epoch, stored.extent.items, len(gone), int(gone[-1]) if len(gone) else 0)
        known = self._open.get((name, kind))
        if known and known[0] == stamp:
            return known[1]
        index, _ = self._load(stored, kind)
        index.remove(gone)
        self._open[name, kind] = (stamp, index)
        return index

    def rows(self, name: str) -> Any:
        """All committed rows of a method, memory-mapped and verified, those of removed pictures included."""
        matrix = self._store.matrix(self.stored(name))
        return matrix.slice(0, len(matrix))

    def descriptors(self, name: str) -> Callable[[int], Any]:
        """A look-up from ids to descriptors of a method, for as long as the collection does not change.

        It raises KeyError for an id without a descriptor.
        """
        method, matrix = self.method(name), self._store.matrix(self.stored(name))
        ids = matrix.ids()
        order = np.argsort(ids, kind="stable")
        ascending = ids[order]

        def descriptor(id_: int) -> Any:
            place = int(np.searchsorted(ascending, id_))
            if place == len(ids) or ascending[place] != id_:
                raise KeyError(id_)
            found = matrix.take(order[place : place + 1])
            return method.unpack(found[0] if isinstance(found, Ragged) else found)

        return descriptor

    def save(self, name: str, kind: str = "auto") -> None:
        """Write the cache of a method's index when building it anew is worth avoiding; the caller holds the lock."""
        stored = self.stored(name)
        index, covered = self._load(stored, kind)
        if not index.worth_saving or covered == stored.extent.items:
            return
        path = self._store.cache_file(stored, kind, stored.extent.items)
        index.save(path)
        self._drop_others(stored, kind, path)

    def _load(self, stored: StoredMethod, kind: str) -> tuple[GrowingIndex[Any], int]:
        """The index over all committed rows, and how many of them a cache covered."""
        try:
            index = self.method(stored.name).new_index(kind)
        except ValueError as error:
            raise QueryError(str(error)) from error
        covered = 0
        for cache in self._store.caches(stored):
            if cache.kind != kind:
                continue
            try:
                index = type(index).load(cache.path, *self._first(stored, cache.items))
            except (ValueError, OSError):
                continue  # damaged or of another version: `check` removes it, the truth is elsewhere
            covered = cache.items
            break
        matrix = self._store.matrix(stored)
        ids, rows = matrix.ids(), matrix.slice(0, len(matrix))
        if covered < len(ids):
            rest = rows.slice(covered, len(ids)) if isinstance(rows, Ragged) else rows[covered:]
            index.add(ids[covered:], rest)
        return index, covered

    def _first(self, stored: StoredMethod, items: int) -> tuple[Any, Any]:
        matrix = self._store.matrix(stored)
        return matrix.ids()[:items], matrix.slice(0, items)

    def _drop_others(self, stored: StoredMethod, kind: str, keep: Path) -> None:
        for cache in self._store.caches(stored, all_epochs=True):
            if cache.kind == kind and cache.path != keep:
                cache.path.unlink(missing_ok=True)
