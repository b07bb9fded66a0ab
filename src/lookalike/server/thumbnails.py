"""Thumbnails: made once for each content and size, kept in the collection as WebP."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from pathlib import Path

from lookalike.errors import printable
from lookalike.server.decoders import Decoders
from lookalike.server.files import open_unchanged
from lookalike.store.catalogue import Record

SIZES = (160, 320, 640, 1280)
"""Longest sides in pixels, so that a collection keeps at most so many of each picture."""
_SHA256 = re.compile("[0-9a-f]{64}")


class Thumbnails:
    """Those of one collection. Where it cannot be written, they are made each time."""

    def __init__(self, collection: Path, decoders: Decoders) -> None:
        self._folder, self._decoders = collection / "thumbnails", decoders

    def kept(self, record: Record, size: int) -> bytes | None:
        """The WebP of a picture, None when it was not made yet."""
        try:
            return self._file(record, size).read_bytes()
        except OSError:
            return None

    def make(self, record: Record, size: int) -> bytes:
        """Make the WebP of a picture, and keep it.

        RefusedError for a file that is not the one that was indexed, ImageError for one that cannot be read.
        """
        with open_unchanged(record.path, record_name(record), record.bytes, record.mtime_ns):
            made = self._decoders.thumbnail(record.path, record_name(record), size).webp
        with contextlib.suppress(OSError):
            _keep(self._file(record, size), made)
        return made

    def _file(self, record: Record, size: int) -> Path:
        sha256 = record.sha256 or ""
        if not _SHA256.fullmatch(sha256):
            raise ValueError("not a SHA-256")
        return self._folder / sha256[:2] / f"{sha256}.{size}.webp"


def record_name(record: Record) -> str:
    """What a picture is called in messages: its file's name, never where it lies."""
    return printable(os.path.basename(record.path))


def _keep(file: Path, content: bytes) -> None:
    """Put a file in place in one step; a collection that is gone is not made anew."""
    if not file.parent.parent.parent.is_dir():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
        os.replace(temporary, file)
    except BaseException:
        os.unlink(temporary)
        raise
