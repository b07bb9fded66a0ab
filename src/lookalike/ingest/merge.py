"""Taking over what was described elsewhere: the parts of shards, or any other collection, without their pictures."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from lookalike.arrays.rows import Ragged
from lookalike.errors import CollectionError, printable
from lookalike.index.items import Items
from lookalike.ingest.describe import Outcome, Same, Skipped, Task, Unreadable
from lookalike.ingest.run import NO_DATE, IndexReport, Options, Outcomes, Run
from lookalike.ingest.scope import Scope, read_scope, remember_scope
from lookalike.ingest.shards import Shard, described
from lookalike.methods.factory import make
from lookalike.pictures.metadata import Metadata
from lookalike.progress import Progress
from lookalike.store.catalogue import Catalogue, Record
from lookalike.store.changes import Description
from lookalike.store.comparison import Seen
from lookalike.store.directory import Store
from lookalike.store.view import View

STATUSES = ("ok", "failed", "skipped")


class Part:
    """What a part held when it was opened: records, and descriptors by method. shard: None of a whole collection."""

    def __init__(self, store: Store, view: View, shard: Shard | None) -> None:
        self.store, self.methods, self.shard, self._view = store, view.methods, shard, view
        self.roots = store.catalogue.roots()
        matrices = {name: store.matrix(stored) for name, stored in view.methods.items()}
        self._items: dict[str, Items[Any]] = {
            name: Items(one.ids(), one, view.tombstones) for name, one in matrices.items()
        }

    def files(self) -> Iterator[Record]:
        """What it says of every file that is there."""
        for status in STATUSES:
            yield from self.store.catalogue.iterate(status)

    def outcome(self, task: Task) -> Outcome:
        """What describing a file has come to."""
        record = self.store.catalogue.by_path(task.path)
        if record is None:
            raise CollectionError(f"{printable(self.store.directory)} is being written: merge it when that is done")
        if record.status == "skipped":
            return Skipped(record.format or "other files", record.reason or "no picture")
        if record.sha256 is None or record.status == "failed":
            return Unreadable(record.reason or "cannot be read", record.mtime_ns == NO_DATE)
        if record.sha256 in task.known:
            return Same(record.sha256)
        return Description(
            *(record.sha256, record.format or "", record.width or 0, record.height or 0),
            Metadata(record.taken, record.camera, record.latitude, record.longitude, record.caption),
            {name: row for name in self.methods if (row := self._row(name, record.id)) is not None},
            self.store.catalogue.gaps(record.id),
            record.reason,
        )

    def _row(self, name: str, id_: int) -> Any:
        place = self._items[name].position(id_)
        if place is None:
            return None
        found = self._items[name].block(place, place + 1)
        return found[0] if isinstance(found, Ragged) else found


def open_part(path: Path, target: Store) -> Part:
    """A part that can be merged; CollectionError for one that is not finished, damaged, or none at all."""
    store, place = Store(path), printable(path)
    if not store.exists:
        raise CollectionError(f"{place} is no part and no collection: name what `lookalike describe` has written")
    if target.exists and os.path.samefile(path, target.directory):
        raise CollectionError(f"{place} is the collection itself")
    made = described(store)
    if made is not None and made.begun:
        folders = " ".join(shlex.quote(printable(folder)) for folder in made.begun)
        raise CollectionError(
            f"{place} is not finished: "
            f"run `lookalike describe --shard {made.shard} {folders} --out {shlex.quote(place)}`"
        )
    # what is damaged may be a status or a place in a tree, and then its picture would be missing without a word
    if store.catalogue.damage() or store.catalogue.rows_not_sound():
        raise CollectionError(f"the catalogue of {place} is damaged: copy the part again, or describe it anew")
    return store.reading(lambda view, _: Part(store, view, made.shard if made else None))


def accept_methods(store: Store, parts: Sequence[Part]) -> None:
    """Begin to keep what the parts are described by; CollectionError, before anything is written, for methods with
    other parameters or weights than the collection's or each other's. The caller holds the writer's lock."""
    held = {name: (stored.params, store.directory) for name, stored in store.catalogue.methods().items()}
    new = {}
    for part in parts:
        for name, stored in part.methods.items():
            params, place = held.setdefault(name, (stored.params, part.store.directory))
            if params != stored.params:
                raise CollectionError(
                    f"{printable(part.store.directory)} is described by {name} with {stored.params}, "
                    f"{printable(place)} with {params}: describe it again with the same version and --method"
                )
            new[name] = make(name, part.store.arguments(stored))
    for method in new.values():
        store.add_method(method.name, method.params, method.layout)


def merge(store: Store, part: Part, progress: Callable[[Progress], None], committed: Callable[[], None]) -> IndexReport:
    """Take over all that a part holds, as if its files were indexed now; the caller holds the writer's lock.

    What is known already stays, so parts come in any order, twice, or again after an interruption. Of a file that
    both know in different states the one of the later date counts. What was removed from a folder that is looked at
    stays out.
    """
    kept = read_scope(store.catalogue)
    theirs = read_scope(part.store.catalogue)
    scope = kept
    for folder, names in theirs.ignored.items():
        scope = scope.ignoring(names, [folder])
    if scope != kept:
        remember_scope(store.catalogue, scope)
    run = Run(store, list(part.methods), "merging", progress, committed, here=False)
    run.comparison.add(_wanted(part, store.catalogue, scope))
    run.look_at_pending(partial(_outcomes, part), Options(workers=0, retry=True))
    known = store.catalogue.roots()
    store.catalogue.remember_roots([root for root in part.roots if not scope.covered(root, known)])
    return run.report


def together(reports: Sequence[IndexReport]) -> IndexReport:
    """One report of several runs."""
    whole = IndexReport()
    for report in reports:
        for kind, count in report.skipped.items():
            whole.skipped[kind] = whole.skipped.get(kind, 0) + count
        for name in (one.name for one in fields(IndexReport) if one.name != "skipped"):
            setattr(whole, name, getattr(whole, name) + getattr(report, name))
    return whole


def _wanted(part: Part, catalogue: Catalogue, scope: Scope) -> Iterator[Seen]:
    for record in part.files():
        known = catalogue.by_path(record.path)
        if not (known and _is_better(known, record)) and not _left_out(record.path, scope):
            yield Seen(record.path, record.bytes, record.mtime_ns)


def _is_better(known: Record, found: Record) -> bool:
    """Whether what is known of a file counts: it is of a later date, or says as little for the same one."""
    if known.status == "ok":
        return known.mtime_ns > found.mtime_ns
    return found.status == known.status and known.mtime_ns >= found.mtime_ns


def _left_out(path: str, scope: Scope) -> bool:
    while path not in scope.left_out:
        above = os.path.dirname(path)
        if above == path:
            return False
        path = above
    return True


def _outcomes(part: Part, tasks: Iterator[Task]) -> Outcomes:
    for task in tasks:
        yield task, part.outcome(task)
