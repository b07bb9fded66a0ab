"""One file to its description: a pure function, run in worker processes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lookalike.errors import ImageError
from lookalike.methods.base import Method
from lookalike.pictures.open import MAX_PIXELS, open_image
from lookalike.store.changes import Description


@dataclass(frozen=True, slots=True)
class Task:
    """A file to describe, unless its content hash is among those known already."""

    path: str
    known: frozenset[str] = frozenset()
    max_pixels: int = MAX_PIXELS


@dataclass(frozen=True, slots=True)
class Same:
    """The file's content is known."""

    sha256: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The file is no picture that can be read, and why."""

    reason: str


Outcome = Description | Same | Unreadable


def describe_file(task: Task, methods: Sequence[Method[Any]]) -> Outcome:
    """Hash, decode once, describe by every method. Problems of the file come back as Unreadable, never raised."""
    try:
        with Path(task.path).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest in task.known:
            return Same(digest)
        image = open_image(task.path, max_pixels=task.max_pixels)
    except ImageError as error:
        return Unreadable(error.reason)
    except OSError as error:
        return Unreadable(f"cannot be read: {error.strerror or error}")
    rows, gaps = {}, {}
    for method in methods:
        descriptor = method.describe(image)
        if descriptor is None:
            gaps[method.name] = method.nothing
        else:
            rows[method.name] = method.pack(descriptor)
    return Description(digest, image.format, image.width, image.height, image.metadata, rows, gaps)
