"""Following a plan, and back: files are moved, never deleted or overwritten, and each move is written down first."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from lookalike.duplicates import journal as journals
from lookalike.duplicates.journal import Journal, Move
from lookalike.duplicates.plan import PlannedFile, PlannedGroup, read_plan
from lookalike.duplicates.transfer import (
    LeaveAloneError,
    check_content,
    end_name,
    file_sha256,
    is_regular,
    make_folder,
    numbered,
    recover,
    transfer,
)
from lookalike.errors import CollectionError, printable

SIDECARS = (".xmp", ".XMP", ".aae", ".AAE", ".pp3", ".dop")
"""Endings of files that tell of a picture and go where it goes: "a.jpg.xmp", and "a.xmp" if no other is called "a"."""

Known = Callable[[str], str | None]
"""From a path to the SHA-256 (hex) that a collection knows of it, None when it knows no such file."""


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A file that was not moved, and why."""

    path: str
    reason: str


@dataclass(slots=True)
class MoveReport:
    """What was done. moved: (from, to) in the order in which it happened. already: how many files that `undo` names
    were back before. undo: the undo file, None without moves."""

    moved: list[tuple[str, str]] = field(default_factory=list)
    left: list[LeftAlone] = field(default_factory=list)
    already: int = 0
    undo: Path | None = None

    def attempt(self, path: str, step: Callable[[], object], failed: str) -> None:
        """Do a step for a file; when it cannot be done the file is left alone."""
        try:
            step()
        except LeaveAloneError as error:
            self.left.append(LeftAlone(path, str(error)))
        except OSError as error:
            self.left.append(LeftAlone(path, f"{failed}: {error.strerror or error}"))


def apply_plan(
    file: str | os.PathLike[str], to: str | os.PathLike[str], known: Known | None = None, *, dry_run: bool = False
) -> MoveReport:
    """Move the copies that a plan names into a folder, keeping their places relative to each other.

    A file is moved only while it and the file kept for it are exactly what they were when the plan was made (and, with
    `known`, what the collection knows). Every move is appended to an undo file in the folder before it is done, so
    wherever this is interrupted, every picture is where it was or where the undo file says; the same plan applied
    again goes on from there. Sidecars go with their pictures. dry_run: only report what would be moved and what not.
    Raises CollectionError for a plan that cannot be followed or a folder that cannot be used.
    """
    groups = [group for group in read_plan(file) if group.move]
    folder, made = _target_folder(to, make=not dry_run)
    if dry_run:
        return _Apply(folder, groups, known, dry_run).run()
    with journals.locked(folder):
        report = _Apply(folder, groups, known).run()
    if made and report.undo is None:
        with suppress(OSError):
            folder.rmdir()
    return report


class _Apply:
    """One run of a plan."""

    def __init__(self, folder: Path, groups: Sequence[PlannedGroup], known: Known | None, dry: bool = False) -> None:
        self._folder, self._groups, self._known, self._dry = folder, groups, known, dry
        self._base = _common_folder([file.path for group in groups for file in group.move])
        self._interrupted = journals.interrupted(folder)
        self._journal = Journal(folder)
        self._report = MoveReport()

    def run(self) -> MoveReport:
        failed = "could not be moved"
        for group in self._groups:
            try:
                _check_unchanged(group.keep, self._known)
            except LeaveAloneError as error:
                why = f"the file to keep, {printable(group.keep.path)}, {error}"
                self._report.left += [LeftAlone(copy.path, why) for copy in group.move]
                continue
            for copy in group.move:
                self._report.attempt(copy.path, partial(self._copy, copy, group), failed)
        return self._report

    def _copy(self, copy: PlannedFile, group: PlannedGroup) -> None:
        path = Path(copy.path)
        if not self._dry:
            recover(path, copy.sha256)
        _check_copy(copy, group, self._folder, self._known)
        sidecars = list(_sidecars(path))
        target = self._move(path, self._folder / _relative(path, self._base), copy.sha256)
        for sidecar, ending in sidecars:
            whole = sidecar.name == path.name + ending
            beside = target.with_name((target.name if whole else target.stem) + ending)
            step = partial(self._move, sidecar, beside, file_sha256(sidecar))
            self._report.attempt(str(sidecar), step, "could not be moved")

    def _move(self, path: Path, wished: Path, sha256: str) -> Path:
        """Move a file to a free place like the one wished for, or to where it was on its way when interrupted."""
        if self._dry:
            target = self._free(wished, path)
            self._report.moved.append((str(path), str(target)))
            return target
        begun = self._begun(path, sha256)
        if begun is not None and _holds(begun, sha256):
            target = begun
            move = self._journal.begin(str(path), target, sha256)
            end_name(path, target, sha256)
        else:
            target = self._free(wished, path)
            move = self._journal.begin(str(path), target, sha256)
            try:
                transfer(path, target, sha256)
            except OSError as error:
                if isinstance(error, FileExistsError) or not os.path.lexists(target):
                    self._journal.tell(move, journals.LEFT)
                raise
        self._journal.tell(move, journals.MOVED)
        self._report.moved.append((str(path), str(target)))
        self._report.undo = self._journal.path
        return target

    def _begun(self, path: Path, sha256: str) -> Path | None:
        """Where a file was on its way to when that was interrupted."""
        move = self._interrupted.get(str(path))
        if move is None or move.sha256 != sha256 or not _is_below(self._folder / move.place, self._folder):
            return None
        recover(self._folder / move.place, sha256)
        return self._folder / move.place

    def _free(self, wished: Path, path: Path) -> Path:
        """A path that nothing has, nor was about to get when interrupted: "a.jpg", else "a (2).jpg" ..."""
        if not _is_below(wished, self._folder):
            raise LeaveAloneError(f"{printable(wished)} lies behind a link that leads out of the folder")
        taken = {str(self._folder / move.place) for source, move in self._interrupted.items() if source != str(path)}
        taken |= {target for _, target in self._report.moved}
        target, number = wished, 1
        while os.path.lexists(target) or str(target) in taken:
            number += 1
            target = numbered(wished, number)
        return target


def undo(file: str | os.PathLike[str]) -> MoveReport:
    """Move everything that an undo file names back to where it came from, the last first.

    Nothing is overwritten: where another file has taken the place, the picture stays in the folder and is reported.
    Can be interrupted and repeated. Raises CollectionError for a file that is no undo file.
    """
    moves = journals.read_journal(Path(file))
    path = Path(file).resolve()
    journal, report = Journal(path.parent, path), MoveReport(undo=Path(file))

    def back(move: Move) -> None:
        if _back(move, journal):
            report.moved.append((str(path.parent / move.place), move.source))
        else:
            report.already += 1

    with journals.locked(path.parent):
        for move in reversed(moves):
            place = str(path.parent / move.place)
            report.attempt(place, partial(back, move), "could not be moved back")
    return report


def _back(move: Move, journal: Journal) -> bool:
    """Move one file back; False when it is where it came from already."""
    origin, place = Path(move.source), journal.folder / move.place
    if not _is_below(place, journal.folder):
        raise LeaveAloneError("lies behind a link that leads out of the folder")
    for path in (origin, place):
        recover(path, move.sha256)
    there, moved = os.path.lexists(origin), os.path.lexists(place)
    if there and (origin == place or not moved):
        if origin != place and move.state != journals.RETURNED and not _holds(origin, move.sha256):
            raise LeaveAloneError(f"is gone, and another file has taken its place at {printable(origin)}")
        return False
    if not moved:
        raise LeaveAloneError("is neither here nor where it came from")
    if _is_below(origin, journal.folder) and not origin.is_relative_to(journal.folder):
        raise LeaveAloneError(f"stays: a link leads from its old place, {printable(origin)}, into this folder")
    check_content(place, move.sha256)
    if not there:
        journal.tell(move, journals.RETURNING)
        transfer(place, origin, move.sha256)
    elif not _holds(origin, move.sha256):
        raise LeaveAloneError(f"another file has taken its place at {printable(origin)}")
    elif move.state not in journals.UNFINISHED:
        raise LeaveAloneError(f"{printable(origin)} is the same picture, in place already")
    else:  # interrupted between its two names, or with a whole copy
        end_name(place, origin, move.sha256)
    journal.tell(move, journals.RETURNED)
    return True


def _sidecars(path: Path) -> Iterator[tuple[Path, str]]:
    """What goes with a picture, and the ending by which it does."""
    seen: set[tuple[int, int]] = set()
    for ending in SIDECARS:
        for sidecar in (path.with_name(path.name + ending), path.with_suffix(ending)):
            if not is_regular(sidecar) or (sidecar == path.with_suffix(ending) and _has_namesakes(path)):
                continue
            status = os.lstat(sidecar)
            if (status.st_dev, status.st_ino) not in seen:  # where the case of letters does not matter
                seen.add((status.st_dev, status.st_ino))
                yield sidecar, ending


def _has_namesakes(path: Path) -> bool:
    """Whether another picture has the same name but for its ending."""
    others = (Path(name) for name in os.listdir(path.parent) if name != path.name)
    return any(other.stem == path.stem and other.suffix not in SIDECARS for other in others)


def _check_copy(copy: PlannedFile, group: PlannedGroup, folder: Path, known: Known | None) -> None:
    path = Path(copy.path)
    if not os.path.lexists(path):
        raise LeaveAloneError("is not there any more; was the plan applied before?")
    _check_unchanged(copy, known)
    keep = Path(group.keep.path)
    same = os.path.samefile(path, keep) and os.lstat(path).st_nlink < 2
    if same or os.path.realpath(path) == os.path.realpath(keep):
        raise LeaveAloneError("is the file to keep, by another name")
    if _is_below(path, folder):
        raise LeaveAloneError("is in that folder already")


def _check_unchanged(file: PlannedFile, known: Known | None) -> None:
    if known is not None and known(file.path) != file.sha256:
        raise LeaveAloneError("is not in this collection, or as another picture")
    path = Path(file.path)
    if is_regular(path) and path.stat().st_size != file.bytes:
        raise LeaveAloneError("has changed since the plan was made")
    check_content(path, file.sha256)


def _holds(path: Path, sha256: str) -> bool:
    return is_regular(path) and file_sha256(path) == sha256


def _target_folder(to: str | os.PathLike[str], make: bool) -> tuple[Path, bool]:
    """The folder to move to, and whether it was made; when it is not to be made, whether it could be is looked up."""
    folder = Path(os.path.realpath(os.path.expanduser(to)))
    try:
        made = make and not os.path.lexists(folder)
        if make:
            make_folder(folder)
        there = folder
        while not os.path.lexists(there):
            there = there.parent
    except OSError as error:
        raise CollectionError(f"{printable(folder)} cannot be made: {error.strerror or error}") from None
    if not there.is_dir():
        raise CollectionError(f"{printable(there)} is a file: name a folder to move the copies to")
    if not os.access(there, os.W_OK | os.X_OK):
        raise CollectionError(f"{printable(there)} cannot be written to: name another folder")
    return folder, made


def _common_folder(paths: Sequence[str]) -> Path | None:
    """The deepest folder that holds all the files; None when they lie on several drives, or there are none."""
    try:
        return Path(os.path.commonpath([os.path.dirname(path) for path in paths]))
    except ValueError:
        return None


def _relative(path: Path, base: Path | None) -> Path:
    return path.relative_to(path.anchor if base is None else base)


def _is_below(path: Path, folder: Path) -> bool:
    parent = os.path.realpath(path.parent)
    return Path(parent).is_relative_to(os.path.realpath(folder))
