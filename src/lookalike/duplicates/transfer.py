"""Giving one file another name, on this disk or another, so that wherever it is interrupted the file is whole.

Nothing is ever overwritten, and a name goes only when the same content is sure to stay under another one.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import shutil
import stat
import sys
from contextlib import suppress
from pathlib import Path

from lookalike.errors import printable

_LONGEST_NAME = 255  # bytes, on nearly all file systems
_UNSUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}


class LeaveAloneError(Exception):
    """Why a file is not moved."""


def transfer(source: Path, target: Path, sha256: str) -> None:
    """Move a file whose content was checked to a place that is free, making the folders on the way.

    On one disk it gets a second name and loses the first; where files have only one name it is renamed; to another
    disk it is copied to a temporary name, written out, compared, named, and only then the original goes.
    Raises OSError with the source in place and nothing at the target; FileExistsError when something is there.
    """
    make_folder(target.parent)
    before = os.lstat(source)
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno != errno.EXDEV and _renamed(source, target):
            return
        _copy(source, target, sha256)
    _sync_folder(target.parent)
    now = os.lstat(source)
    if (now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns) != (
        before.st_dev, before.st_ino, before.st_size, before.st_mtime_ns
    ):  # fmt: skip
        raise OSError(f"it changed while it was moved; what it was is at {printable(target)}")
    try:
        os.unlink(source)
    except OSError:
        if os.path.lexists(source):
            os.unlink(target)
        raise
    _sync_folder(source.parent)


def end_name(name: Path, other: Path, sha256: str) -> None:
    """Take away one of the two names of a file, or one of two equal files.

    Two paths may be one name: through links, mounts, or letters whose case does not matter. So the name is set aside
    first, and goes only when the other one is still there. Raises LeaveAloneError when it is not safe to take away.
    """
    if os.path.realpath(name) == os.path.realpath(other):
        raise LeaveAloneError(f"is the same file as {printable(other)}, by one name")
    check_content(name, sha256)
    check_content(other, sha256)
    one, two = os.lstat(name), os.lstat(other)
    if os.path.samestat(one, two) and two.st_nlink < 2:
        raise LeaveAloneError(f"is the same file as {printable(other)}, by one name")
    aside = _aside(name, sha256)
    rename_new(name, aside)
    try:
        sure = os.path.samestat(os.lstat(other), two)
    except OSError:
        sure = False
    if not sure:
        rename_new(aside, name)
        raise LeaveAloneError(f"is the same file as {printable(other)}, by one name")
    os.unlink(aside)
    _sync_folder(name.parent)


def recover(path: Path, sha256: str) -> None:
    """Put back what was set aside when `end_name` was interrupted; take away a copy that was never finished.

    Half a copy is known by its name; the whole of it is elsewhere until it has its final name.
    """
    aside, part = _aside(path, sha256), _part(path, sha256)
    if is_regular(aside) and not os.path.lexists(path):
        rename_new(aside, path)
    elif is_regular(aside) and is_regular(path) and file_sha256(path) == file_sha256(aside) == sha256:
        end_name(aside, path, sha256)
    if is_regular(part):
        os.unlink(part)


def rename_new(source: Path, target: Path) -> None:
    """Rename on one disk, FileExistsError when there is something at the target. One step where the system has it."""
    code = _rename_exclusively(os.fsencode(source), os.fsencode(target))
    if code in _UNSUPPORTED:
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        os.rename(source, target)
    elif code:
        raise OSError(code, os.strerror(code), str(target))


def numbered(path: Path, number: int) -> Path:
    """ "a (2).jpg" for "a.jpg", its stem cut where the name would be too long for a disk."""
    stem, end = path.stem, f" ({number}){path.suffix}"
    while stem and len(os.fsencode(stem + end)) > _LONGEST_NAME:
        stem = stem[:-1]
    return path.with_name(stem + end)


def check_content(path: Path, sha256: str) -> None:
    """LeaveAloneError unless a path is a file of this content."""
    if not is_regular(path):
        raise LeaveAloneError("is a link or a folder, not a file" if os.path.lexists(path) else "is missing")
    try:
        unchanged = file_sha256(path) == sha256
    except OSError as error:
        raise LeaveAloneError(f"cannot be read: {error.strerror or error}") from error
    if not unchanged:
        raise LeaveAloneError("has changed since the plan was made")


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_regular(path: Path) -> bool:
    """Whether there is a file, itself and not a link to it."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def make_folder(folder: Path) -> None:
    """A folder and those above it, their names on the disk."""
    if not folder.is_dir():
        make_folder(folder.parent)
        with suppress(FileExistsError):
            folder.mkdir()
        _sync_folder(folder.parent)


def _renamed(source: Path, target: Path) -> bool:
    """Whether a file could be renamed; OSError only when something is in the way."""
    try:
        rename_new(source, target)
    except FileExistsError:
        raise
    except OSError:
        return False
    for folder in (target.parent, source.parent):
        _sync_folder(folder)
    return True


def _copy(source: Path, target: Path, sha256: str) -> None:
    """A verified, durable copy at a place that is free; until it is whole it has a name of its own."""
    part = _part(target, sha256)
    if is_regular(part):
        os.unlink(part)
    with open(source, "rb") as read, open(part, "xb") as written:
        try:
            shutil.copyfileobj(read, written, 1 << 20)
            written.flush()
            with suppress(OSError):  # a disk may not know all of a file's times and rights
                shutil.copystat(source, part)
            os.fsync(written.fileno())
            if file_sha256(part) != sha256:
                raise OSError("the copy differs from the original")
            try:
                os.link(part, target)
            except FileExistsError:
                raise
            except OSError:
                rename_new(part, target)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def _part(path: Path, sha256: str) -> Path:
    return path.with_name(f".{sha256[:32]}.lookalike-part")


def _aside(path: Path, sha256: str) -> Path:
    """One for each name in a folder, however long that is."""
    own = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]
    return path.with_name(f".{sha256[:32]}-{own}.lookalike-aside")


def _rename_exclusively(source: bytes, target: bytes) -> int:
    """The error code, 0 when it was renamed, ENOSYS when the system cannot rename without replacing."""
    if sys.platform == "win32":
        try:
            os.rename(source, target)
        except OSError as error:
            return error.errno or errno.EIO
        return 0
    here, no_replace, exclusive = (-100, 1, 4)  # AT_FDCWD, RENAME_NOREPLACE of Linux; RENAME_EXCL of macOS
    system = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin" and hasattr(system, "renamex_np"):
        failed = system.renamex_np(source, target, exclusive)
    elif sys.platform == "linux" and hasattr(system, "renameat2"):
        failed = system.renameat2(here, source, here, target, no_replace)
    else:
        return errno.ENOSYS
    return ctypes.get_errno() if failed else 0


def _sync_folder(folder: Path) -> None:
    """Make names durable, where folders can be synced."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
