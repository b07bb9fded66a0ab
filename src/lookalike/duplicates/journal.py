"""The undo file: one JSON line before each move, on the disk before the move is done, and one after it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lookalike.duplicates.plan import SHA256, is_plain
from lookalike.duplicates.transfer import make_folder
from lookalike.errors import CollectionError, printable

FORMAT, VERSION = "lookalike duplicates undo", 2
MOVING, MOVED, RETURNING, RETURNED, LEFT = "moving", "moved", "returning", "returned", "left"
STATES = (MOVING, MOVED, RETURNING, RETURNED, LEFT)
UNFINISHED = (MOVING, RETURNING)
"""States in which a file may have two names, or a copy half made, because of us."""


@dataclass(frozen=True, slots=True)
class Move:
    """A move: the file's old path, its place in the folder (relative), its content, how far it came."""

    source: str
    place: str
    sha256: str
    state: str = MOVING


class Journal:
    """An undo file that is written to. A new one is created with the first move."""

    def __init__(self, folder: Path, path: Path | None = None) -> None:
        self.folder, self.path = folder, path
        self._end = -1

    def begin(self, source: str, target: Path, sha256: str) -> Move:
        """Note what is about to be moved. Raises OSError, then nothing was noted."""
        if self.path is None:
            self.path = self._create()
        move = Move(source, str(target.relative_to(self.folder)), sha256)
        self._append({"from": move.source, "to": move.place, "sha256": sha256})
        return move

    def tell(self, move: Move, state: str) -> None:
        """Note how far a move came. Moving back must work on a full disk, too: what cannot be noted is not."""
        with suppress(OSError):
            self._append({"to": move.place, "state": state})

    def _create(self) -> Path:
        make_folder(self.folder)
        for number in range(1, 1_000_000):
            path = self.folder / f"undo-{number}.jsonl"
            try:
                with open(path, "x", encoding="ascii") as file:
                    file.write(json.dumps({"format": FORMAT, "version": VERSION}) + "\n")
            except FileExistsError:
                continue
            except OSError:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
                raise
            return path
        raise CollectionError(f"{printable(self.folder)} is full of undo files: name another folder")

    def _append(self, entry: dict[str, Any]) -> None:
        """A whole line or nothing of it, in place of what an interruption cut off before."""
        assert self.path is not None
        if self._end < 0:
            self._end = _whole_lines(self.path.read_bytes())
        line = json.dumps(entry).encode("ascii") + b"\n"
        with open(self.path, "r+b") as file:
            try:
                file.truncate(self._end)
                file.seek(self._end)
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                with suppress(OSError):
                    os.truncate(self.path, self._end)
                raise
        self._end += len(line)


def read_journal(file: Path) -> list[Move]:
    """The moves of an undo file and how far each came. CollectionError for anything else, or a damaged line."""
    name = printable(file)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise CollectionError(f"{name} cannot be read: {error.strerror or error}") from error
    # What follows the last line break was cut off while it was written: before its move.
    lines = data[: _whole_lines(data)].split(b"\n")[:-1]
    head = _json(lines[0]) if lines else None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise CollectionError(f"{name} is not an undo file: `lookalike duplicates apply` writes one into its folder")
    if head.get("version") != VERSION:
        raise CollectionError(f"{name} is of another version of lookalike: undo with that version")
    moves: dict[str, Move] = {}
    for number, line in enumerate(lines[1:], 2):
        entry = _json(line)
        if _is_move(entry):
            moves.pop(entry["to"], None)
            moves[entry["to"]] = Move(entry["from"], entry["to"], entry["sha256"])
        elif _is_state(entry):
            if entry["to"] in moves:
                moves[entry["to"]] = replace(moves[entry["to"]], state=entry["state"])
        else:
            raise CollectionError(
                f"{name}, line {number}: not a move; nothing was moved back. Take the line out to move back the others"
            )
    return [move for move in moves.values() if move.state != LEFT]


def interrupted(folder: Path) -> dict[str, Move]:
    """By path, the moves into a folder that were interrupted."""
    found: dict[str, Move] = {}
    for file in sorted(folder.glob("undo-*.jsonl")):
        with suppress(CollectionError):
            found.update({move.source: move for move in read_journal(file) if move.state == MOVING})
    return found


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Alone at work in a folder that exists; CollectionError when another process is."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CollectionError(f"{printable(folder)}: another apply or undo is at work there; wait for it") from None
        except OSError:  # a disk without locks
            pass
        yield
    finally:
        os.close(descriptor)


def _whole_lines(data: bytes) -> int:
    return data.rfind(b"\n") + 1


def _json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _is_move(entry: Any) -> bool:
    texts = isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in ("from", "to", "sha256"))
    return texts and is_plain(entry["from"]) and _is_place(entry["to"]) and bool(SHA256.fullmatch(entry["sha256"]))


def _is_state(entry: Any) -> bool:
    return isinstance(entry, dict) and _is_place(entry.get("to")) and entry.get("state") in STATES


def _is_place(place: Any) -> bool:
    return isinstance(place, str) and not os.path.isabs(place) and is_plain(os.path.join(os.sep, place))
