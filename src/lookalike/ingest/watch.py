"""Following folders: which of them to look at again, once what changed there has come to rest."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType

from lookalike.errors import CollectionError, LookalikeError
from lookalike.extras import how_to_install

TICK_SECONDS = 1.0
RETRY_SECONDS = 10.0

Signature = tuple[int, int] | None


class Settling:
    """Changed paths that wait until two looks at them agree, so that half-written files are left alone."""

    def __init__(self) -> None:
        self._waiting: dict[str, Signature] = {}

    def change(self, path: str) -> None:
        """A path was created, written, renamed or deleted."""
        self._waiting[path] = (-1, -1)

    def settled(self) -> list[str]:
        """The paths that look as they did at the last call; they are no longer waited for."""
        now = {path: _signature(path) for path in self._waiting}
        done = {path for path, signature in now.items() if signature == self._waiting[path]}
        self._waiting = {path: signature for path, signature in now.items() if path not in done}
        return list(done)


def require_watchfiles() -> ModuleType:
    """The package that does the watching. CollectionError when it is not installed."""
    try:
        import watchfiles
    except ImportError as error:
        raise CollectionError(f"following folders needs watchfiles: {how_to_install('watch')}") from error
    return watchfiles


def follow_folders(
    roots: Sequence[str],
    look: Callable[[list[str]], None],
    tell: Callable[[str], None],
    stop: threading.Event | None = None,
) -> None:
    """Have folders looked at again whenever something in them has changed, until `stop` or an interruption.

    look: gets the folders, none inside another. What it cannot do now, since another process writes or a drive is
    away, is told once in a line and tried again every RETRY_SECONDS.
    """
    waiting: set[str] = set()
    told, again_at = "", 0.0
    for folders in watch(roots, stop):
        waiting.update(folders)
        there = _outermost(sorted({folder for path in waiting if (folder := _standing_folder(path, roots))}))
        if not there or time.monotonic() < again_at:
            continue
        try:
            look(there)
        except LookalikeError as error:
            if str(error) != told:
                told = str(error)
                tell(f"{told}; trying again every {RETRY_SECONDS:.0f} seconds")
            again_at = time.monotonic() + RETRY_SECONDS
        else:
            waiting.clear()
            told = ""


def watch(roots: Sequence[str], stop: threading.Event | None = None) -> Iterator[list[str]]:
    """Folders with settled changes, as they come, an empty list now and then; until `stop` or an interruption.

    An editor's dance (write beside, rename over, delete) ends as one change of one folder. A root that goes away and
    comes back, such as a drive, counts as changed then. Raises CollectionError when the package that does the
    watching is not installed.
    """
    watchfiles = require_watchfiles()
    stop = stop or threading.Event()
    settling = Settling()
    there = _present(roots)
    while not stop.is_set():
        for changes in _ticks(watchfiles, there, stop):
            for _, path in changes:
                settling.change(path)
            yield _outermost(sorted({os.path.dirname(path) for path in settling.settled()}))
            if _present(roots) != there:
                break
        now = _present(roots)
        for root in set(now) - set(there):
            settling.change(os.path.join(root, ""))
        there = now


def _ticks(watchfiles: ModuleType, roots: Sequence[str], stop: threading.Event) -> Iterator[set[tuple[object, str]]]:
    """Changes as they come, or none, at least every TICK_SECONDS."""
    if not roots:
        while not stop.wait(TICK_SECONDS):
            yield set()
        return
    yield from watchfiles.watch(
        *roots,
        watch_filter=None,
        stop_event=stop,
        rust_timeout=int(TICK_SECONDS * 1000),
        yield_on_timeout=True,
        raise_interrupt=True,
    )


def _present(roots: Sequence[str]) -> list[str]:
    return [root for root in roots if os.path.isdir(root)]


def _signature(path: str) -> Signature:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _standing_folder(path: str, roots: Sequence[str]) -> str | None:
    """The folder itself, or the nearest one above that still exists, inside a root; None when the root is away."""
    folder = path
    while not os.path.isdir(folder):
        if folder in roots or folder == os.path.dirname(folder):
            return None
        folder = os.path.dirname(folder)
    inside = any(folder == root or folder.startswith(os.path.join(root, "")) for root in roots)
    return folder if inside else next((root for root in roots if path.startswith(os.path.join(root, ""))), None)


def _outermost(folders: Sequence[str]) -> list[str]:
    """The folders without those inside others of them; sorted input."""
    kept: list[str] = []
    for folder in folders:
        if not kept or not folder.startswith(os.path.join(kept[-1], "")):
            kept.append(folder)
    return kept
