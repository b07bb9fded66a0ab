"""What earlier writers left behind: rows of epochs that are over, and files that were never finished."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from pathlib import Path

from lookalike.store.methods import StoredMethod

_ROWS = re.compile(r"(?P<stem>.+\.\d+)\.(rows|ids|ends)(\.sums)?")
_DERIVED = re.compile(r"(?P<method>.+)\.[a-z0-9-]+\.(?P<epoch>\d+)\.\d+(-\d+)?")
_UNFINISHED = re.compile(r".+\.\d+\.tmp")


def sweep(directory: Path, methods: Iterable[StoredMethod]) -> None:
    """Delete them; the caller holds the writer's lock. Files of other names are not ours and stay."""
    stems = {f"{method.file_name}.{method.epoch}" for method in methods}
    for path in _files(directory / "matrices"):
        match = _ROWS.fullmatch(path.name)
        if match and match["stem"] not in stems:
            _unlink(path)
    for folder in ("caches", "segments"):
        for path in _files(directory / folder):
            match = _DERIVED.fullmatch(path.name)
            old = match and f"{match['method']}.{match['epoch']}" not in stems
            if old or _UNFINISHED.fullmatch(path.name):
                _unlink(path)


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):  # held open by a reader, on systems that mind: the next writer gets it
        path.unlink()
