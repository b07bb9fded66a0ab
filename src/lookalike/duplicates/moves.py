"""Following a plan, and back: files are moved, never deleted or overwritten, and each move is written down first."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lookalike.duplicates.plan import PlannedFile, PlannedGroup, read_plan
from lookalike.errors import CollectionError, printable

UNDO_FORMAT = "lookalike duplicates undo"

Known = Callable[[str], str | None]
"""From a path to the SHA-256 (hex) that a collection knows of it, None when it knows no such file."""


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A file that was not moved, and why."""

    path: str
    reason: str


@dataclass(slots=True)
class MoveReport:
    """What was done. moved: (from, to) in the order in which it happened. undo: the undo file, None without moves."""

    moved: list[tuple[str, str]] = field(default_factory=list)
    left: list[LeftAlone] = field(default_factory=list)
    undo: Path | None = None


class _LeaveAloneError(Exception):
    """Why a file is not moved."""


def apply_plan(file: str | os.PathLike[str], to: str | os.PathLike[str], known: Known | None = None) -> MoveReport:
    """Move the copies that a plan names into a folder, keeping their places relative to each other.

    A file is moved only while it and the file kept for it are exactly what they were when the plan was made (and, with
    `known`, what the collection knows). Every move is appended to an undo file in the folder before it is done, so
    wherever this is interrupted, every picture is where it was or where the undo file says.
    Raises CollectionError for a plan that cannot be followed or a folder that cannot be used.
    """
    groups = read_plan(file)
    folder = _target_folder(to)
    base = _common_folder([file.path for group in groups for file in group.move])
    report = MoveReport()
    journal = _Journal(folder)
    for group in groups:
        if not group.move:
            continue
        try:
            _check_unchanged(group.keep, known)
        except _LeaveAloneError as error:
            why = f"the file to keep, {printable(group.keep.path)}, {error}"
            report.left += [LeftAlone(copy.path, why) for copy in group.move]
            continue
        for copy in group.move:
            try:
                _check_copy(copy, group, folder, known)
                target = _free_place(folder, _relative(Path(copy.path), base))
                journal.note(copy, target)
                move(Path(copy.path), target, copy.sha256)
            except _LeaveAloneError as error:
                report.left.append(LeftAlone(copy.path, str(error)))
            except OSError as error:
                report.left.append(LeftAlone(copy.path, f"could not be moved: {error.strerror or error}"))
            else:
                report.moved.append((copy.path, str(target)))
                report.undo = journal.path
    return report


def undo(file: str | os.PathLike[str]) -> MoveReport:
    """Move everything that an undo file names back to where it came from, the last first.

    Nothing is overwritten: where another file has taken the place, the picture stays in the folder and is reported.
    Can be interrupted and repeated. Raises CollectionError for a file that is no undo file.
    """
    entries = list(_read_journal(Path(file)))
    folder = Path(file).resolve().parent
    report = MoveReport(undo=Path(file))
    for entry in reversed(entries):
        origin, place = Path(entry["from"]), folder / entry["to"]
        try:
            if _back(origin, place, folder, entry["sha256"]):
                report.moved.append((str(place), str(origin)))
        except _LeaveAloneError as error:
            report.left.append(LeftAlone(str(place), str(error)))
        except OSError as error:
            report.left.append(LeftAlone(str(place), f"could not be moved back: {error.strerror or error}"))
    return report


def move(source: Path, target: Path, sha256: str) -> None:
    """Give a file another name, also on another disk, never taking the place of anything.

    Between the two steps (the new name, then the end of the old one) the file has both. Raises OSError, with the
    source in place; FileExistsError when there is something at the target.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:  # another disk, or one that has no second names
        _copy(source, target, sha256)
    _sync_folder(target.parent)
    os.unlink(source)


def _copy(source: Path, target: Path, sha256: str) -> None:
    """A verified, durable copy at a place that is free; what is unfinished is taken away again."""
    with open(source, "rb") as read, open(target, "xb") as written:
        try:
            shutil.copyfileobj(read, written, 1 << 20)
            written.flush()
            os.fsync(written.fileno())
            shutil.copystat(source, target)
            if file_sha256(target) != sha256:
                raise OSError("the copy differs from the original")
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def _back(origin: Path, place: Path, folder: Path, sha256: str) -> bool:
    """Move one file back; whether there was anything to do."""
    there, moved = os.path.lexists(origin), os.path.lexists(place)
    if there and moved and os.path.samefile(origin, place) and not place.is_symlink() and not origin.is_symlink():
        os.unlink(place)  # interrupted between its two names: this is the second one
        return True
    if there and not moved:
        return False
    if not moved:
        raise _LeaveAloneError("is neither here nor where it came from")
    if not _is_below(place, folder):
        raise _LeaveAloneError("lies behind a link that leads out of the folder")
    _check_content(place, sha256)
    if there:
        same = _is_regular(origin) and file_sha256(origin) == sha256
        raise _LeaveAloneError(
            f"{printable(origin)} is in place already; this copy can go"
            if same
            else f"another file has taken its place at {printable(origin)}"
        )
    move(place, origin, sha256)
    return True


def _check_copy(copy: PlannedFile, group: PlannedGroup, folder: Path, known: Known | None) -> None:
    path = Path(copy.path)
    if not os.path.lexists(path):
        raise _LeaveAloneError("is not there any more; was the plan applied before?")
    _check_unchanged(copy, known)
    if os.path.realpath(path) == os.path.realpath(group.keep.path):
        raise _LeaveAloneError("is the file to keep, by another name")
    if _is_below(path, folder):
        raise _LeaveAloneError("is in that folder already")


def _check_unchanged(file: PlannedFile, known: Known | None) -> None:
    if known is not None and known(file.path) != file.sha256:
        raise _LeaveAloneError("is not in this collection, or as another picture")
    path = Path(file.path)
    if not os.path.lexists(path):
        raise _LeaveAloneError("is missing")
    if _is_regular(path) and path.stat().st_size != file.bytes:
        raise _LeaveAloneError("has changed since the plan was made")
    _check_content(path, file.sha256)


def _check_content(path: Path, sha256: str) -> None:
    if not _is_regular(path):
        raise _LeaveAloneError("is a link or a folder, not a file")
    try:
        unchanged = file_sha256(path) == sha256
    except OSError as error:
        raise _LeaveAloneError(f"cannot be read: {error.strerror or error}") from error
    if not unchanged:
        raise _LeaveAloneError("has changed since the plan was made")


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Journal:
    """The undo file: one JSON line a move, on the disk before the move is done. Created with the first one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path: Path | None = None

    def note(self, copy: PlannedFile, target: Path) -> None:
        if self.path is None:
            self.path = self._create()
        self._append({"from": copy.path, "to": str(target.relative_to(self._folder)), "sha256": copy.sha256})

    def _create(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, 1_000_000):
            path = self._folder / f"undo-{number}.jsonl"
            with suppress(FileExistsError), open(path, "x", encoding="ascii") as file:
                file.write(json.dumps({"format": UNDO_FORMAT, "version": 1}) + "\n")
                return path
        raise CollectionError(f"{printable(self._folder)} is full of undo files: name another folder")

    def _append(self, entry: dict[str, str]) -> None:
        assert self.path is not None
        with open(self.path, "a", encoding="ascii") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(self._folder)


def _read_journal(file: Path) -> Iterator[dict[str, str]]:
    name = printable(file)
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise CollectionError(f"{name} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError:
        lines = []
    head = _json(lines[0]) if lines else None
    if not isinstance(head, dict) or head.get("format") != UNDO_FORMAT:
        raise CollectionError(f"{name} is not an undo file: `lookalike duplicates apply` writes one into its folder")
    # What follows the last line break was cut off while it was written: before its move.
    for number, line in enumerate(lines[1:-1], 2):
        entry = _json(line)
        if not _is_entry(entry):
            raise CollectionError(f"{name}, line {number}: not a move; nothing was moved back")
        yield entry


def _json(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _is_entry(entry: Any) -> bool:
    from lookalike.duplicates.plan import is_plain

    return (
        isinstance(entry, dict)
        and all(isinstance(entry.get(key), str) for key in ("from", "to", "sha256"))
        and is_plain(entry["from"])
        and not os.path.isabs(entry["to"])
        and is_plain(os.path.join(os.sep, entry["to"]))
    )


def _target_folder(to: str | os.PathLike[str]) -> Path:
    folder = Path(os.path.realpath(os.path.expanduser(to)))
    if folder.exists() and not folder.is_dir():
        raise CollectionError(f"{printable(folder)} is a file: name a folder to move the copies to")
    return folder


def _common_folder(paths: Sequence[str]) -> Path | None:
    """The deepest folder that holds all the files; None when they lie on several drives, or there are none."""
    try:
        return Path(os.path.commonpath([os.path.dirname(path) for path in paths]))
    except ValueError:
        return None


def _relative(path: Path, base: Path | None) -> Path:
    return path.relative_to(path.anchor if base is None else base)


def _free_place(folder: Path, relative: Path) -> Path:
    """A path in the folder that nothing has: "a.jpg", else "a (2).jpg" ..."""
    target = folder / relative
    if not _is_below(target, folder):
        raise _LeaveAloneError(f"{printable(target)} lies behind a link that leads out of the folder")
    number = 1
    while os.path.lexists(target):
        number += 1
        target = folder / relative.with_name(f"{relative.stem} ({number}){relative.suffix}")
    return target


def _is_below(path: Path, folder: Path) -> bool:
    parent = os.path.realpath(path.parent)
    return Path(parent).is_relative_to(os.path.realpath(folder))


def _is_regular(path: Path) -> bool:
    return stat.S_ISREG(os.lstat(path).st_mode)


def _sync_folder(folder: Path) -> None:
    """Make names durable, where folders can be synced."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
