"""The segments of a collection: opened for those who search, sealed and merged by the one who writes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.arrays.files import open_arrays, write_arrays
from lookalike.errors import CollectionError
from lookalike.index.base import IndexKind, Sealed
from lookalike.index.runs import Run, end_to_end, planned
from lookalike.methods.base import Method
from lookalike.store.directory import Store
from lookalike.store.matrix import Items, Matrix
from lookalike.store.methods import StoredMethod

_TRIES = 20  # of a reader whose writer merges the files that it is about to open


@dataclass(frozen=True, slots=True)
class SealedRun:
    """A file of a segment, open but not yet looked at."""

    kind: str
    run: Run
    sealed: Sealed


def open_segments(store: Store, stored: StoredMethod, known: Iterable[SealedRun] = ()) -> tuple[SealedRun, ...]:
    """The segments of a method that there are now; damaged ones are left out: `check` makes them anew.

    known: some that are open already.
    """
    there = {(one.kind, one.run): one for one in known}
    for _ in range(_TRIES):
        found = []
        try:
            for file in store.segments(stored):
                run = Run(file.first, file.last)
                if one := there.get((file.kind, run)) or _open(file.path, file.kind, run):
                    found.append(one)
        except FileNotFoundError:
            continue  # merged into another one since it was listed
        return tuple(found)
    return ()


def _open(path: Path, kind: str, run: Run) -> SealedRun | None:
    sealed = _read(path, kind)
    return None if sealed is None else SealedRun(kind, run, sealed)


def seal_all(store: Store, methods: Mapping[str, Method[Any]]) -> None:
    """Make the segments what they should be for all that is committed; the caller holds the writer's lock.

    Files come first and count by their names; those that a larger one replaces go last. Interrupted at any point it
    leaves what is right, and the next call goes on.
    """
    for name, stored in store.catalogue.methods().items():
        if name in methods:
            _seal_method(store, stored, methods[name].index_kind())


def _seal_method(store: Store, stored: StoredMethod, kind: IndexKind[Any, Any]) -> None:
    if kind.tail is None:
        return
    files = {Run(file.first, file.last): file.path for file in store.segments(stored) if file.kind == kind.name}
    chain = end_to_end(files, stored.extent.items)
    plan = planned(chain, stored.extent.items, kind.tail)
    made = [run for run in plan if run not in files]
    if made:
        matrix = store.matrix(stored)
        for run in made:
            sealed = _sealed(kind, matrix, run, {known: files[known] for known in chain})
            path = store.segment_file(stored, kind.name, run.first, run.last)
            write_arrays(path, kind.name, sealed.params, sealed.arrays)
    for run, path in files.items():
        if run not in plan:
            path.unlink(missing_ok=True)


def carry_over(store: Store, stored: StoredMethod, kind: IndexKind[Any, Any], kept: Items, after: StoredMethod) -> None:
    """Before a compaction counts: the segments of the items that it keeps, put together without their rows.

    kept: ascending; after: the method as it will be. What cannot be taken over is sealed again by `seal_all`.
    """
    if kind.tail is None:
        return
    files = {Run(file.first, file.last): file.path for file in store.segments(stored) if file.kind == kind.name}
    chain = end_to_end(files, stored.extent.items)
    there = np.zeros(stored.extent.items, np.bool_)
    there[kept] = True
    masks = [there[run.first : run.last] for run in chain]
    count = sum(int(np.count_nonzero(mask)) for mask in masks)
    seals = _opened(kind, [files[run] for run in chain])
    if count < kind.tail or len(seals) < len(chain):
        return
    with contextlib.suppress(CollectionError, ValueError):
        if merged := kind.merge(seals, masks):
            write_arrays(store.segment_file(after, kind.name, 0, count), kind.name, merged.params, merged.arrays)


def _sealed(kind: IndexKind[Any, Any], matrix: Matrix, run: Run, known: Mapping[Run, Path]) -> Sealed:
    """The seal of a run: put together from those of its parts where that works, else from its rows."""
    parts = [part for part in known if run.covers(part)]
    seals = _opened(kind, [known[part] for part in parts])
    with contextlib.suppress(CollectionError, ValueError):  # a part is damaged; the rows are the truth
        if not parts:
            return kind.seal(matrix.slice(*run), next(iter(_opened(kind, list(known.values())[-1:])), None))
        if len(seals) == len(parts):
            if parts[-1].last < run.last:
                parts.append(Run(parts[-1].last, run.last))
                seals.append(kind.seal(matrix.slice(*parts[-1]), seals[-1]))
            if merged := kind.merge(seals, [np.ones(part.items, np.bool_) for part in parts]):
                return merged
    return kind.seal(matrix.slice(*run))


def _opened(kind: IndexKind[Any, Any], paths: Iterable[Path]) -> list[Sealed]:
    return [sealed for path in paths if (sealed := _read(path, kind.name)) is not None]


def _read(path: Path, kind: str) -> Sealed | None:
    """The file of a segment, mapped; None when it is damaged."""
    try:
        file = open_arrays(path, kind)
    except ValueError:
        return None
    return Sealed(file.params, file.arrays, file.check)
