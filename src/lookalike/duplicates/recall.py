"""Which copy to keep, decided once: later runs recall it while nothing of what decided has changed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from lookalike.duplicates.keeper import Copy, Preference, choose
from lookalike.duplicates.transfer import file_sha256
from lookalike.duplicates.verdicts import Verdicts, key_of
from lookalike.store.catalogue import Record


def chosen(copies: Sequence[Copy], preference: Preference, verdicts: Verdicts) -> tuple[int, str]:
    """See `keeper.choose`."""
    key = key_of("keep", preference, copies, [os.path.islink(copy.record.path) for copy in copies])
    verdict = verdicts.recall(key)
    match verdict:
        case [int() as id_, str() as reason] if any(copy.record.id == id_ for copy in copies):
            return id_, reason
    found = choose(copies, preference)
    if unchanged(copy.record for copy in copies):
        verdicts.keep(key, found)
    return found


def unchanged(records: Iterable[Record]) -> bool:
    """Whether the files are there and what the collection knows of them: by size and time, or else by content."""
    return all(_is_known(record) for record in records)


def _is_known(record: Record) -> bool:
    try:
        state = os.stat(record.path)
        if state.st_size != record.bytes:
            return False
        return state.st_mtime_ns == record.mtime_ns or file_sha256(Path(record.path)) == record.sha256
    except OSError:
        return False
