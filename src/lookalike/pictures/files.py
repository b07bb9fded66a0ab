"""Opening what may be anything: regular files only, and never waiting for a pipe, a socket or a device."""

from __future__ import annotations

import os
import stat
from typing import IO

from lookalike.pictures.formats import UnreadableError

FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def open_regular(path: str | os.PathLike[str]) -> IO[bytes]:
    """A regular file, for reading. Raises UnreadableError, with `temporary` set where another time may do better.

    Devices are not even opened, since that can have an effect; what took the file's place meanwhile is opened without
    waiting, looked at and left.
    """
    try:
        _must_be_regular(os.stat(path))
        file = open(path, "rb", opener=_open)  # noqa: SIM115 (the caller closes it)
        try:
            _must_be_regular(os.fstat(file.fileno()))
        except BaseException:
            file.close()
            raise
        return file
    except UnreadableError:
        raise
    except ValueError:
        raise UnreadableError("not a valid path") from None
    except OSError as error:
        raise UnreadableError(why_unread(error), temporary=True) from error


def why_unread(error: OSError) -> str:
    """Why the system does not hand out a file's bytes, in words for a person."""
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    return (error.strerror or str(error)).lower()


def _open(path: str, _: int) -> int:
    return os.open(path, FLAGS)


def _must_be_regular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableError("a folder, not a picture")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableError("not a regular file")
