"""What can go wrong, as one family of exceptions: catching LookalikeError catches everything foreseen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lookalike.pictures.kinds import Kind


class LookalikeError(Exception):
    """Base of all errors that lookalike raises on purpose; its text is one line for a person."""


class ImageError(LookalikeError):
    """A picture that cannot be read: `path` (or a description of where it came from) and `reason`.

    temporary: whether the same file may be read another time, when a drive is back or there is more memory.
    kind: what the file is instead of a picture (a `pictures.kinds.Kind`), where that is known.
    """

    def __init__(
        self, path: str | os.PathLike[str], reason: str, *, temporary: bool = False, kind: Kind | None = None
    ) -> None:
        self.path = os.fspath(path)
        self.reason = reason
        self.temporary = temporary
        self.kind = kind
        super().__init__(f"{printable(self.path)}: {reason}")

    def __reduce__(self) -> tuple[type[ImageError], tuple[str, str], dict[str, object]]:
        return type(self), (self.path, self.reason), {"temporary": self.temporary, "kind": self.kind}


class CollectionError(LookalikeError):
    """A collection that is missing, locked, damaged, or written by something else."""


class ModelError(LookalikeError):
    """A network that is missing, damaged, or not what it claims to be."""


class QueryError(LookalikeError):
    """A question that cannot be understood: its text, filter, method or parameters."""


class StoppedError(LookalikeError):
    """A search that was told to stop before it was done."""


def printable(path: str | Path) -> str:
    """The path on one line of valid text: control characters and undecodable bytes as escapes."""
    text = os.fspath(path).encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
