"""One committed state of a collection, ready to be asked."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from lookalike.arrays.rows import Ragged, Rows
from lookalike.errors import CollectionError, QueryError
from lookalike.index.base import Index, IndexKind, Segment
from lookalike.index.items import Items
from lookalike.index.runs import Run, end_to_end
from lookalike.methods.base import Method
from lookalike.methods.factory import make
from lookalike.search.once import Once
from lookalike.search.segments import SealedRun, open_segments
from lookalike.significance.model import Null
from lookalike.significance.nulls import null_of
from lookalike.store.catalogue import Catalogue
from lookalike.store.directory import Store
from lookalike.store.matrix import Matrix
from lookalike.store.methods import StoredMethod
from lookalike.store.view import View

_PATIENCE = 8  # times the tail that makes a segment: beyond, whoever searches seals it in memory


@dataclass(frozen=True, slots=True)
class _Held:
    """A method as the view has it, its rows and the segments that there were."""

    stored: StoredMethod
    matrix: Matrix
    segments: tuple[SealedRun, ...]


@dataclass(frozen=True, slots=True)
class _PartKey:
    """A loaded segment; the same one for as long as the rows are in the same files."""

    method: int
    epoch: int
    kind: IndexKind[Any, Any]
    run: Run


@dataclass(frozen=True, slots=True)
class _MethodKey:
    name: str
    params: str


class Searcher:
    """The indexes, methods and null models of one `View`.

    Never changes: any number of threads ask it, and what it answers stays the same for as long as somebody holds it,
    whatever is committed or compacted meanwhile (where it is `holding` a catalogue, records too). Things are opened
    when they are first needed, once.
    """

    def __init__(self, store: Store, view: View, before: Searcher | None = None) -> None:
        """before: an earlier one, with which everything is shared that did not change.

        Raises SupersededError when the files of the view are gone because there is a newer one.
        """
        self.view = view
        self.catalogue = store.catalogue
        self._store = store
        held = before._held if before else {}
        self._held: dict[str, _Held] = {
            name: _hold(store, stored, held.get(name)) for name, stored in view.methods.items()
        }
        self._once = Once(before._still_right(self._held) if before else None)

    def holding(self, catalogue: Catalogue) -> Searcher:
        """The same, with the records of its view whatever becomes of them. catalogue: one held since the view."""
        held = copy(self)
        held.catalogue = catalogue
        return held

    @property
    def methods(self) -> Mapping[str, StoredMethod]:
        """What the collection holds, by name."""
        return self.view.methods

    def stored(self, name: str) -> StoredMethod:
        """What the catalogue knows of a method; QueryError when it is not in the collection."""
        return self._hold(name).stored

    def method(self, name: str) -> Method[Any]:
        """The method as this collection keeps it; QueryError when it does not."""
        stored = self.stored(name)
        return self._once.get(_MethodKey(name, repr(stored.params)), lambda: make(name, self._store.arguments(stored)))

    def index(self, name: str, kind: str = "auto") -> Index[Any]:
        """The index of a method; QueryError for a kind that it has not."""
        try:
            found = self.method(name).index_kind(kind)
        except ValueError as error:
            raise QueryError(str(error)) from error
        return self._once.get(("index", name, found), lambda: self._opened(name, found))

    def items(self, name: str) -> Items[Any]:
        """The descriptors of a method as they are kept, those of removed pictures included."""
        matrix = self._hold(name).matrix
        return self._once.get(("items", name), lambda: Items(matrix.ids(), matrix, self.view.tombstones))

    def sample(self, name: str, most: int) -> Rows:
        """Packed descriptors of so many pictures at most, from all over the collection."""
        items = self.items(name)
        rows: Rows = items.take(np.arange(0, items.size, max(1, items.size // most))[:most])
        return rows

    def rows(self, name: str) -> Rows:
        """All rows of `items`, verified and not copied."""
        items: Rows = self.items(name).block(0, self.items(name).size)
        return items

    def descriptor(self, name: str, id_: int) -> Any:
        """What a method keeps of a picture; KeyError when that is nothing."""
        held = self._hold(name)
        place = self.items(name).position(id_)
        if place is None:
            raise KeyError(id_)
        found = held.matrix.slice(place, place + 1)
        return self.method(name).unpack(found[0] if isinstance(found, Ragged) else found)

    def null(self, name: str) -> Null | None:
        """The null model of a method; None where nothing is known of it."""
        return self._once.get(("null", name), lambda: null_of(self.catalogue, self.stored(name)))

    def _hold(self, name: str) -> _Held:
        if name not in self._held:
            has = ", ".join(self._held) or "none"
            raise QueryError(
                f"this collection has no {name!r} (it has {has}): add it with `lookalike index --method {name}`"
            )
        return self._held[name]

    def _opened(self, name: str, kind: IndexKind[Any, Any]) -> Index[Any]:
        items, held = self.items(name), self._hold(name)
        if kind.tail is None:
            return kind.open(items, ())
        files = {one.run: one for one in held.segments if one.kind == kind.name}
        chain = end_to_end([*files, *self._in_memory(held, kind)], items.size)
        segments: list[Segment[Any]] = []
        for run in chain:
            try:
                segments.append(Segment(*run, self._part(held, kind, run, files.get(run))))
            except (ValueError, CollectionError):
                break  # damaged: `check` makes it anew, the truth is in the rows
        end = segments[-1].last if segments else 0
        if items.size - end >= _PATIENCE * kind.tail:
            run = Run(end, items.size)
            segments.append(Segment(*run, self._part(held, kind, run, None)))
        return kind.open(items, segments)

    def _part(self, held: _Held, kind: IndexKind[Any, Any], run: Run, file: SealedRun | None) -> Any:
        """A segment ready to be searched: of a file, or sealed in memory for want of one."""

        def load() -> Any:
            sealed = kind.seal(held.matrix.slice(*run)) if file is None else file.sealed
            return kind.load(sealed, run.items)

        return self._once.get(_PartKey(held.stored.id, held.stored.epoch, kind, run), load)

    def _in_memory(self, held: _Held, kind: IndexKind[Any, Any]) -> list[Run]:
        """Runs that have been made ready before."""
        wanted = (held.stored.id, held.stored.epoch, kind)
        known = self._once.those(lambda key: isinstance(key, _PartKey) and (key.method, key.epoch, key.kind) == wanted)
        return [key.run for key in known if isinstance(key, _PartKey)]

    def _still_right(self, held: Mapping[str, _Held]) -> dict[Hashable, Any]:
        """What is as it was in a newer state: methods, and loaded segments that no larger one has replaced."""
        params = {_MethodKey(name, repr(one.stored.params)) for name, one in held.items()}
        rows = {(one.stored.id, one.stored.epoch): one.segments for one in held.values()}

        def right(key: Any) -> bool:
            if not isinstance(key, _PartKey):
                return key in params
            files = rows.get((key.method, key.epoch))
            covering = [one.run for one in files or () if one.kind == key.kind.name and one.run.covers(key.run)]
            return files is not None and covering in ([], [key.run])

        return self._once.those(right)


def _hold(store: Store, stored: StoredMethod, before: _Held | None) -> _Held:
    if before and before.stored == stored:
        return before
    known = before.segments if before and before.stored.epoch == stored.epoch else ()
    return _Held(stored, store.matrix(stored, before.matrix if before else None), open_segments(store, stored, known))
