"""Finding files: folders are walked, names on the ignore list and hidden ones left out, loops of links survived."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatch

from lookalike.errors import CollectionError, printable
from lookalike.ingest.scope import Scope
from lookalike.ingest.shards import Shard
from lookalike.store.comparison import Seen

IGNORED = ("@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "__MACOSX", "Thumbs.db", "desktop.ini")
"""Names that photo libraries and systems leave beside pictures; hidden names (a leading dot) are ignored as well."""


SYSTEM = ("/proc", "/sys")
SYSTEM_FOLDERS = (*SYSTEM, "/dev")
"""Where a system shows itself as files: reading those may wait for ever or have an effect."""


NOTHING_LEFT_OUT = Scope()


class Walk:
    """The regular files below some roots. `unreadable` fills with the folders that could not be listed.

    ignore: patterns of names to skip everywhere; scope: what is left out in places. spare: folders never to enter.
    shard: only its files.
    """

    def __init__(
        self,
        roots: Sequence[str],
        ignore: Sequence[str] = IGNORED,
        spare: Iterable[str] = (),
        scope: Scope = NOTHING_LEFT_OUT,
        shard: Shard | None = None,
    ) -> None:
        self.roots = [os.path.abspath(root) for root in roots]
        for root in self.roots:
            check_root(root)
        self.unreadable: list[str] = []
        self._ignore = tuple(ignore)
        self._scope = scope
        self._shard = shard
        self._spare = {os.path.realpath(path) for path in spare}
        self._visited: set[tuple[int, int]] = set()
        self._systems = _system_devices()

    def __iter__(self) -> Iterator[Seen]:
        for root in self.roots:
            self._visited.clear()  # a folder may be a root and also be linked from another one
            found = self._folder(root) if os.path.isdir(root) else self._file(root, os.stat(root))
            yield from (file for file in found if self._shard is None or self._shard.holds(file.path, root))

    def _folder(self, top: str) -> Iterator[Seen]:
        waiting = [(top, (*self._ignore, *self._scope.patterns(top)))]
        while waiting:
            folder, ignore = waiting.pop()
            if not self._first_visit(folder):
                continue
            below: list[str] = []
            try:
                with os.scandir(folder) as listing:
                    for entry in listing:
                        if not _ignored(entry.name, ignore) and entry.path not in self._scope.left_out:
                            yield from self._entry(entry, below)
            except OSError:
                self.unreadable.append(folder)
            # in order, so that of two links to one folder the same is walked every time
            ordered = sorted(below, reverse=True)
            waiting += [(path, (*ignore, *self._scope.ignored.get(path, ()))) for path in ordered]

    def _entry(self, entry: os.DirEntry[str], below: list[str]) -> Iterator[Seen]:
        try:
            if entry.is_dir():
                below.append(entry.path)
                return
            status = entry.stat()
        except OSError:
            # a dangling link, or gone since it was listed: there is no file to fail
            return
        yield from self._file(entry.path, status)

    def _file(self, path: str, status: os.stat_result) -> Iterator[Seen]:
        if stat.S_ISREG(status.st_mode):
            yield Seen(path, status.st_size, status.st_mtime_ns)

    def _first_visit(self, folder: str) -> bool:
        if self._spare and os.path.realpath(folder) in self._spare:
            return False
        try:
            status = os.stat(folder)
        except OSError:
            self.unreadable.append(folder)
            return False
        key = (status.st_dev, status.st_ino)
        if key in self._visited or status.st_dev in self._systems:
            return False
        self._visited.add(key)
        return True


def _ignored(name: str, patterns: Iterable[str]) -> bool:
    return name.startswith(".") or any(fnmatch(name, pattern) for pattern in patterns)


def check_root(root: str) -> None:
    """CollectionError for what cannot be walked: a path that does not exist, a device, the system's own folders."""
    try:
        status = os.stat(root)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        reason = "no such file or folder" if missing else (error.strerror or str(error)).lower()
        raise CollectionError(f"{printable(root)}: {reason}") from error
    except ValueError as error:
        raise CollectionError(f"{printable(root)}: not a valid path") from error
    real = os.path.realpath(root)
    if status.st_dev in _system_devices() or any(real == top or real.startswith(top + os.sep) for top in SYSTEM):
        raise CollectionError(f"{printable(root)}: shows the system's own state, not files: name a folder of pictures")
    if not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
        raise CollectionError(f"{printable(root)}: neither a file nor a folder")


def _system_devices() -> set[int]:
    """The file systems in which the system shows itself, where they are file systems of their own."""
    found = set()
    for folder in SYSTEM_FOLDERS:
        with contextlib.suppress(OSError):
            found.add(os.stat(folder).st_dev)
    with contextlib.suppress(OSError):
        found.discard(os.stat(os.sep).st_dev)
    return found
