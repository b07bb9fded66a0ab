"""A plan: which copies to move away, written down for a person to read and change before anything happens."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lookalike.duplicates.group import SCENE, Group, Member
from lookalike.errors import CollectionError, printable

FORMAT = "lookalike duplicates plan"
VERSION = 1
SHA256 = re.compile("[0-9a-f]{64}")
ABOUT = (
    "`lookalike duplicates apply` moves the files under 'move' into a folder and leaves those under 'keep' alone. "
    "Take out what shall stay where it is. Files that have changed since are left alone."
)


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file as it was when the plan was made."""

    path: str
    sha256: str
    bytes: int
    mtime_ns: int

    @classmethod
    def of(cls, member: Member) -> PlannedFile:
        return cls(member.path, member.sha256, member.bytes, member.mtime_ns)


@dataclass(frozen=True, slots=True)
class PlannedGroup:
    """One file to keep, its copies to move."""

    keep: PlannedFile
    move: list[PlannedFile]


def write_plan(groups: Sequence[Group], file: str | os.PathLike[str], *, shots: bool = False) -> None:
    """Write what would be moved as JSON: copies; with `shots` also other photographs of a scene.

    Raises CollectionError when the file exists or cannot be written.
    """
    plan = {
        "format": FORMAT,
        "version": VERSION,
        "about": ABOUT,
        "groups": [
            {
                "kind": group.kind,
                "reason": group.reason,
                "expected_false": group.expected_false,
                "keep": asdict(PlannedFile.of(group.kept)),
                "move": [asdict(PlannedFile.of(member)) for member in group.others],
            }
            for group in groups
            if shots or group.kind != SCENE
        ],
    }
    text = json.dumps(plan, ensure_ascii=False, indent=2)
    # Names that are no valid text stay exact as lone surrogates, which only an escape can carry.
    text = re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text)
    try:
        with open(file, "x", encoding="utf-8") as out:
            out.write(text + "\n")
    except FileExistsError:
        raise CollectionError(f"{printable(Path(file))} exists already: name a new file for the plan") from None
    except OSError as error:
        raise CollectionError(f"{printable(Path(file))} cannot be written: {error.strerror or error}") from error


def read_plan(file: str | os.PathLike[str]) -> list[PlannedGroup]:
    """The groups of a plan. Raises CollectionError for anything that is not a plan that can be followed."""
    name = printable(Path(file))
    try:
        plan = json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise CollectionError(f"{name} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError):
        raise CollectionError(f"{name} is not valid JSON: make the plan anew, or mend what was edited") from None
    if not isinstance(plan, dict) or plan.get("format") != FORMAT:
        raise CollectionError(f"{name} is not a plan: `lookalike duplicates --plan FILE` writes one")
    if plan.get("version") != VERSION:
        raise CollectionError(f"{name} is of another version of lookalike: make the plan anew")
    try:
        groups = [_group(group) for group in _list(plan.get("groups"), "groups")]
        _check(groups)
    except ValueError as error:
        raise CollectionError(f"{name}: {error}; mend it or make the plan anew") from None
    return groups


def _group(group: Any) -> PlannedGroup:
    if not isinstance(group, dict):
        raise ValueError("a group is not an object with 'keep' and 'move'")
    return PlannedGroup(_file(group.get("keep")), [_file(one) for one in _list(group.get("move"), "move")])


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{name!r} is not a list")
    return value


def _file(value: Any) -> PlannedFile:
    fields = {"path": str, "sha256": str, "bytes": int, "mtime_ns": int}
    if not isinstance(value, dict) or any(type(value.get(name)) is not kind for name, kind in fields.items()):
        raise ValueError("a file lacks its path, sha256, bytes or mtime_ns")
    file = PlannedFile(**{name: value[name] for name in fields})
    if not is_plain(file.path):
        raise ValueError(f"{printable(file.path)!r} is not a plain absolute path")
    if not SHA256.fullmatch(file.sha256):
        raise ValueError(f"{printable(file.path)}: its sha256 is not 64 hexadecimal digits")
    return file


def is_plain(path: str) -> bool:
    """Whether a path is absolute and goes straight down: no "..", no NUL."""
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return False
    return os.path.isabs(path) and os.path.normpath(path) == path and "\0" not in path


def _check(groups: Sequence[PlannedGroup]) -> None:
    """Refuse contradictions: a file may be moved once, and not be kept by any group."""
    kept = {group.keep.path for group in groups}
    moved: set[str] = set()
    for group in groups:
        for file in group.move:
            if file.path in kept:
                raise ValueError(f"{printable(file.path)} is both to be kept and to be moved")
            if file.path in moved:
                raise ValueError(f"{printable(file.path)} is to be moved twice")
            moved.add(file.path)
