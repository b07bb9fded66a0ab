"""Following folders: which of them to look at again, once what changed there has come to rest."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence

from lookalike.errors import CollectionError

TICK_SECONDS = 1.0

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
        done = [path for path, signature in now.items() if signature == self._waiting[path]]
        self._waiting = {path: signature for path, signature in now.items() if path not in done}
        return done


def watch(roots: Sequence[str], stop: threading.Event | None = None) -> Iterator[list[str]]:
    """Folders with settled changes, as they come, until `stop` is set or the process is interrupted.

    An editor's dance (write beside, rename over, delete) ends as one change of one folder. Raises CollectionError
    when the package that does the watching is not installed.
    """
    try:
        import watchfiles
    except ImportError as error:
        raise CollectionError("watching folders needs the extra: pip install 'lookalike[watch]'") from error
    settling = Settling()
    ticks = watchfiles.watch(
        *roots,
        watch_filter=None,
        stop_event=stop,
        rust_timeout=int(TICK_SECONDS * 1000),
        yield_on_timeout=True,
        raise_interrupt=True,
    )
    for changes in ticks:
        for _, path in changes:
            settling.change(path)
        folders = sorted({_standing_folder(path, roots) for path in settling.settled()})
        if folders:
            yield _outermost(folders)


def _signature(path: str) -> Signature:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _standing_folder(path: str, roots: Sequence[str]) -> str:
    """The folder of a path, or the nearest one above that still exists, never above a root."""
    folder = path if path in roots else os.path.dirname(path)
    while folder not in roots and not os.path.isdir(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    return folder


def _outermost(folders: Sequence[str]) -> list[str]:
    """The folders without those inside others of them; sorted input."""
    kept: list[str] = []
    for folder in folders:
        if not kept or not folder.startswith(os.path.join(kept[-1], "")):
            kept.append(folder)
    return kept
