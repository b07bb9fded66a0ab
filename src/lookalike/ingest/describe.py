"""One file to its description: a pure function, run in worker processes."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import IO, Any

from lookalike.errors import ImageError
from lookalike.methods.base import Method
from lookalike.pictures.files import open_regular, why_unread
from lookalike.pictures.formats import UnreadableError
from lookalike.pictures.kinds import EMPTY, HEAD_BYTES, is_skipped, kind_of
from lookalike.pictures.open import MAX_PIXELS, Image, open_image
from lookalike.store.changes import Description

IN_MEMORY = 64 << 20
"""Bytes of a file up to which it is read once, to be hashed and decoded from memory."""


@dataclass(frozen=True, slots=True)
class Task:
    """A file to describe, unless its content hash is among those known already. strict: only if it is whole."""

    path: str
    known: frozenset[str] = frozenset()
    max_pixels: int = MAX_PIXELS
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Same:
    """The file's content is known."""

    sha256: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """The file is something else than a picture: kind, in the plural ("films"), and reason."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The file is a picture that cannot be read, and why. temporary: another time it may be."""

    reason: str
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """A picture that was read, to be described."""

    sha256: str
    image: Image


Outcome = Description | Same | Skipped | Unreadable


def describe_file(task: Task, methods: Sequence[Method[Any]]) -> Outcome:
    """Read a file and describe it by every method. Problems of the file come back as an Outcome, never raised."""
    found = read_file(task)
    return describe(found, methods) if isinstance(found, Opened) else found


def read_file(task: Task) -> Opened | Same | Skipped | Unreadable:
    """Recognise, hash and decode a file, all from one opening of it: what is described is what was hashed."""
    suffix = PurePath(task.path).suffix.lower()
    try:
        with open_regular(task.path) as file:
            before = os.fstat(file.fileno())
            # the files of /proc have no size and may have no end: what has no size is not read
            kind = kind_of(file.read(HEAD_BYTES)) if before.st_size else EMPTY
            if kind is not None and is_skipped(kind, suffix):
                return Skipped(kind.name, kind.reason)
            if kind is EMPTY:
                return Unreadable(EMPTY.reason)
            content = _content(file, before.st_size, task.path)
            digest = hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
            if digest in task.known:
                return Same(digest)
            image = open_image(content, max_pixels=task.max_pixels, strict=task.strict)
            after = os.fstat(file.fileno())
            if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
                return Unreadable("it was changed while it was read", temporary=True)
            return Opened(digest, image)
    except UnreadableError as error:
        return Unreadable(str(error), error.temporary)
    except ImageError as error:
        if error.kind is not None and is_skipped(error.kind, suffix):
            return Skipped(error.kind.name, error.reason)
        return Unreadable(error.reason, error.temporary)
    except OSError as error:
        return Unreadable(f"cannot be read: {why_unread(error)}", temporary=True)


def describe(found: Opened, methods: Sequence[Method[Any]]) -> Description:
    """What every method says of a picture, or why it says nothing."""
    rows, gaps = {}, {}
    for method in methods:
        descriptor = method.describe(found.image)
        if descriptor is None:
            gaps[method.name] = method.nothing
        else:
            rows[method.name] = method.pack(descriptor)
    image = found.image
    return Description(found.sha256, image.format, image.width, image.height, image.metadata, rows, gaps, image.damage)


class _Content(io.BytesIO):
    """A file's bytes with its name, by which a few formats are told."""

    name: str


def _content(file: IO[bytes], size: int, name: str) -> IO[bytes]:
    """The file from its start: in memory when it is not large."""
    file.seek(0)
    if size > IN_MEMORY:
        return file
    content = _Content(file.read(size))
    content.name = name
    return content
