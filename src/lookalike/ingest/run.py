"""Indexing: walk, compare with what is known, describe on all cores, commit in batches.

Everything committed stays committed: an interrupted run goes on where it was, because what it has described is
no longer pending when it is started again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from lookalike.errors import CollectionError, printable
from lookalike.ingest.describe import Outcome, Same, Skipped, Task, Unreadable, describe_file
from lookalike.ingest.pool import Kept, Pool
from lookalike.ingest.scope import Scope, is_within, read_scope, remember_scope
from lookalike.ingest.shards import Missing, Shard
from lookalike.ingest.walk import IGNORED, Walk
from lookalike.methods.factory import make_all
from lookalike.pictures.open import MAX_PIXELS
from lookalike.progress import Progress
from lookalike.store.changes import Added, Change, Completed, Copied, Description, Failed, Moved, Removed
from lookalike.store.comparison import Comparison, Pending, Seen
from lookalike.store.directory import Store

BATCH = 256
BATCH_SECONDS = 5.0
TOLD_EVERY = 500  # files found
Outcomes = Generator[tuple[Task, Outcome]]
NO_DATE = -1
"""Of a file that could not be read for a reason that may pass: it never has this one, so it is tried again."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be read, wholly or at all, and why. again: the next run tries it again by itself."""

    path: str
    reason: str
    again: bool = False


@dataclass(slots=True)
class IndexReport:
    """What one run did.

    failed: pictures that could not be read; failed_before: how many in earlier runs, which were not tried again.
    damaged: those of which only a part is there, by which they are indexed. skipped: how many new files of which kind
    are no pictures. missing: after `merge`, shards of the same folders that have not come yet.
    """

    added: int = 0
    updated: int = 0
    moved: int = 0
    unchanged: int = 0
    removed: int = 0
    failed_before: int = 0
    failed: list[Failure] = field(default_factory=list)
    damaged: list[Failure] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    missing: list[Missing] = field(default_factory=list)
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Its fields as plain values, paths as text that can be printed."""

        def plain(files: Sequence[Failure]) -> list[dict[str, object]]:
            return [{**asdict(one), "path": printable(one.path)} for one in files]

        missing = [{"folders": list(map(printable, one.folders)), "shards": list(one.shards)} for one in self.missing]
        return {**asdict(self), "failed": plain(self.failed), "damaged": plain(self.damaged), "missing": missing}


@dataclass(frozen=True, slots=True)
class Options:
    """How to index. workers: processes (0: none, describe in this one); retry: try failed files again;
    strict: refuse pictures of which a part is missing; named: whether someone named the paths, which brings back what
    was removed there; shard: only its files."""

    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    ignore: Sequence[str] = IGNORED
    max_pixels: int = MAX_PIXELS
    retry: bool = False
    strict: bool = False
    named: bool = True
    shard: Shard | None = None


def index(
    store: Store,
    paths: Sequence[str],
    kept: Kept,
    options: Options,
    progress: Callable[[Progress], None],
    committed: Callable[[], None] = lambda: None,
) -> IndexReport:
    """Bring the collection up to date with the files at `paths`; the caller holds the writer's lock.

    committed: called after every batch of descriptions that was committed.
    """
    known = store.catalogue.roots()
    kept_scope = read_scope(store.catalogue)
    scope = kept_scope.ignoring([one for one in options.ignore if one not in IGNORED], paths)
    if options.named:
        scope = scope.naming(paths)
    else:
        paths = [path for path in paths if scope.covered(path, known)]
    walk = Walk([*paths, *_islands(paths, known, scope)], options.ignore, [str(store.directory)], scope, options.shard)
    run = Run(store, [name for name, _ in kept], "indexing", progress, committed)
    if scope != kept_scope:
        remember_scope(store.catalogue, scope)
    run.comparison.add(_counted(walk, progress))
    run.look_at_pending(lambda tasks: _described(tasks, kept, options), options)
    run.remove_vanished(walk)
    store.catalogue.remember_roots([root for root in walk.roots if not scope.covered(root, known)])
    return run.report


def _counted(files: Iterable[Seen], progress: Callable[[Progress], None]) -> Iterator[Seen]:
    """The files, telling now and then how many there are so far and where they are."""
    for number, file in enumerate(files):
        if number % TOLD_EVERY == 0:
            progress(Progress("looking for files", number, 0, about=os.path.dirname(file.path)))
        yield file


def _islands(paths: Sequence[str], known: Sequence[str], scope: Scope) -> list[str]:
    """Folders of earlier runs below the paths that a walk of these leaves out: named after the folder around them was
    removed, they are not to be taken for vanished."""
    return [
        root
        for root in known
        if root not in paths
        and os.path.exists(root)
        and any(is_within(root, path) for path in paths)
        and not scope.covered(root, paths)
    ]


def _described(tasks: Iterator[Task], kept: Kept, options: Options) -> Outcomes:
    if options.workers <= 0:
        methods = make_all(kept)
        for task in tasks:
            yield task, describe_file(task, methods)
        return
    with Pool(kept, options.workers) as pool:
        yield from pool.run(tasks)


class Run:
    """Bringing a collection up to date with the files that `comparison` is given.

    names: of the methods that they are described by; doing: what this is called while it lasts; here: whether the
    files are on this machine, so that one that is away from where it was has moved.
    """

    def __init__(
        self,
        store: Store,
        names: Sequence[str],
        doing: str,
        progress: Callable[[Progress], None],
        committed: Callable[[], None],
        here: bool = True,
    ) -> None:
        self.store = store
        self._here = here
        self.progress = progress
        self._doing = doing
        self._committed = committed
        self.report = IndexReport()
        self.comparison = Comparison(store.catalogue)
        self._names = names
        self._bits = {m.name: m.bit for m in store.catalogue.methods().values()}
        self._wanted = sum(self._bits[name] for name in names)
        self._batch: list[Change] = []
        self._committed_at = time.monotonic()
        self._orphans_used: set[int] = set()

    def look_at_pending(self, outcomes_of: Callable[[Iterator[Task]], Outcomes], options: Options) -> None:
        """Describe whatever is new or changed, committing as it goes. outcomes_of: finds them out, in any order."""
        total = self.comparison.compare(self._wanted, options.retry)
        standing = self.comparison.standing()
        self.report.unchanged = standing.get("ok", 0)
        self.report.failed_before = standing.get("failed", 0)
        if not total:
            return
        by_path: dict[str, Pending] = {}
        self.progress(Progress("starting", 0, total))
        with closing(outcomes_of(self._tasks(by_path, options))) as outcomes:
            try:
                for done, (task, outcome) in enumerate(outcomes, 1):
                    change = self._change(by_path.pop(task.path), outcome)
                    if change is not None:
                        self._batch.append(change)
                    self.progress(Progress(self._doing, done, total, len(self.report.failed), task.path))
                    if len(self._batch) >= BATCH or time.monotonic() - self._committed_at > BATCH_SECONDS:
                        self._commit()
            finally:
                self._commit()

    def remove_vanished(self, walk: Walk) -> None:
        """Mark what is no longer there; a folder that could not be listed keeps its pictures."""
        ids = self.comparison.vanished(walk.roots, walk.unreadable)
        self.report.removed = len(ids)
        for start in range(0, len(ids), BATCH):
            self.store.apply([Removed(id_) for id_ in ids[start : start + BATCH]])

    def _tasks(self, by_path: dict[str, Pending], options: Options) -> Iterator[Task]:
        for pending in self.comparison.pending():
            by_path[pending.seen.path] = pending
            known = self.comparison.contents_of_size(pending.seen.bytes, self._wanted)
            if pending.sha256 and pending.described & self._wanted != self._wanted:
                known -= {pending.sha256}  # a copy that lacks a method is not done because its twin has it by now
            yield Task(pending.seen.path, known, options.max_pixels, options.strict)

    def _change(self, pending: Pending, outcome: Outcome) -> Change | None:
        match outcome:
            case Unreadable():
                return self._failed(pending, outcome)
            case Skipped(kind, reason):
                self.report.skipped[kind] = self.report.skipped.get(kind, 0) + 1
                return Failed(pending.seen, reason, pending.id, kind)
            case Same(sha256):
                return self._known(pending, sha256)
            case Description(sha256):
                if pending.sha256 != sha256 and self.comparison.known(sha256, self._wanted) is not None:
                    return self._known(pending, sha256)
                return self._described(pending, outcome)

    def _failed(self, pending: Pending, found: Unreadable) -> Change | None:
        """A picture that is known keeps its record, unless its file is another one now that cannot be read."""
        keep = pending.status == "ok" and (found.temporary or pending.unchanged)
        self.report.failed.append(Failure(pending.seen.path, found.reason, again=keep or found.temporary))
        if keep:
            return None
        seen = replace(pending.seen, mtime_ns=NO_DATE) if found.temporary else pending.seen
        return Failed(seen, found.reason, pending.id)

    def _described(self, pending: Pending, description: Description) -> Change:
        if description.damage:
            self.report.damaged.append(Failure(pending.seen.path, description.damage))
        if pending.id is not None and pending.sha256 == description.sha256:
            self.report.updated += 1
            return Completed(pending.id, pending.seen, self._missing(pending, description))
        if pending.status != "ok":
            self.report.added += 1
        else:
            self.report.updated += 1
        return Added(pending.seen, description, pending.id)

    def _missing(self, pending: Pending, description: Description) -> Description:
        """Only the methods that this picture was not described by."""
        new = [name for name in self._names if not pending.described & self._bits[name]]
        d = description
        rows = {name: d.rows[name] for name in new if name in d.rows}
        gaps = {name: d.gaps[name] for name in new if name in d.gaps}
        return replace(d, rows=rows, gaps=gaps)

    def _known(self, pending: Pending, sha256: str) -> Change:
        seen = pending.seen
        if pending.sha256 == sha256 and pending.id is not None:
            self.report.unchanged += 1
            return Moved(pending.id, seen)
        orphan = self.comparison.orphan(sha256, self._orphans_used) if self._here else None
        if orphan is not None:
            self._orphans_used.add(orphan)
            self.report.moved += 1
            return Moved(orphan, seen, pending.id)
        self.report.added += pending.id is None
        self.report.updated += pending.id is not None
        source = self.comparison.known(sha256, self._wanted)
        if source is None:
            raise CollectionError(f"content {sha256} was known a moment ago: run the same command again")
        return Copied(seen, source, pending.id)

    def _commit(self) -> None:
        if self._batch:
            batch, self._batch = self._batch, []
            self.store.apply(batch)
            self._committed()
        self._committed_at = time.monotonic()
