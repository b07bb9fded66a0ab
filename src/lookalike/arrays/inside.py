"""Opening files inside a collection: regular files only, never through a link, so that nobody's files are in reach."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from lookalike.errors import CollectionError, printable

_CAREFULLY = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a pipe must not make anybody wait
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_LINK = (errno.ELOOP, getattr(errno, "EMLINK", errno.ELOOP))


def open_reading(path: Path) -> int:
    """A descriptor to read a file by; CollectionError when it is a link, a pipe, a device or a folder."""
    return _checked(path, _open(path, os.O_RDONLY), links=True)


def open_writing(path: Path) -> int:
    """A descriptor to read and write a file by, which is made when it is missing.

    CollectionError also for a file with another name elsewhere, which would be changed there as well.
    """
    return _checked(path, _open(path, os.O_RDWR | os.O_CREAT), links=False)


def refuse_link(path: Path) -> None:
    """CollectionError when there is something of that name that is neither a regular file nor a folder."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise _foreign(path)


def sync_folder(path: Path) -> None:
    """Make names that were added to a folder last, where the system can do that."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def _open(path: Path, how: int) -> int:
    try:
        return os.open(path, how | _CAREFULLY, 0o666)
    except OSError as error:
        if error.errno in _LINK or error.errno == errno.ENXIO or isinstance(error, IsADirectoryError):
            raise _foreign(path) from error
        raise


def _checked(path: Path, descriptor: int, *, links: bool) -> int:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or (status.st_nlink > 1 and not links):
        os.close(descriptor)
        raise _foreign(path)
    return descriptor


def _foreign(path: Path) -> CollectionError:
    return CollectionError(
        f"{printable(path)} is a link or something else that is no file of a collection: nothing was read or written"
    )
