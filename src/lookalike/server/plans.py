"""Plans of duplicates as files in the collection, and what became of each."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lookalike.duplicates.plan import read_plan
from lookalike.errors import CollectionError, printable
from lookalike.server.errors import RefusedError, not_found
from lookalike.server.job import write_json


class Plans:
    """Those of one collection; each is in a folder of its own, with a file that says what was done."""

    def __init__(self, collection: Path, move_to: Path | None) -> None:
        self._folder, self._move_to = collection / "plans", move_to

    def new(self, write: Callable[[Path], None]) -> int:
        """The number of a plan that `write` writes."""
        try:
            self._folder.mkdir(exist_ok=True)
            number = max((int(name) for name in os.listdir(self._folder) if name.isdigit()), default=0)
            while True:
                number += 1
                try:
                    (self._folder / str(number)).mkdir()
                    break
                except FileExistsError:
                    continue
            write(self._file(number))
            write_json(self._state(number), {"state": "made", "to": None})
        except OSError as error:
            raise CollectionError(f"{printable(self._folder)} cannot be written: {error.strerror or error}") from error
        return number

    def shown(self, id_: int) -> dict[str, Any]:
        """What is told of a plan."""
        state = self._read(id_)
        groups = read_plan(self._file(id_))
        moved = [file for group in groups for file in group.move]
        return {
            "id": id_,
            "state": state["state"],
            "files": len(moved),
            "bytes": sum(file.bytes for file in moved),
            "groups": [
                {"keep": printable(group.keep.path), "move": [printable(file.path) for file in group.move]}
                for group in groups
            ],
            "to": printable(self._folder_of(id_)) if self._move_to or state["to"] else None,
        }

    def apply(self, id_: int) -> tuple[Path, Path]:
        """The file of a plan about to be followed, and the folder to move to. RefusedError when it may not be."""
        if self._move_to is None:
            raise RefusedError(409, "NoFolder", "nothing is moved unless the server is started with --move-to FOLDER")
        folder = self._folder_of(id_)
        self._become(id_, ("made",), "applied", os.fsencode(folder).hex())
        return self._file(id_), folder

    def undo(self, id_: int) -> list[Path]:
        """The files that undo a plan that was followed, also when that was interrupted; the last first."""
        folder = self._folder_of(id_)
        self._become(id_, ("applied", "undone"), "undone", os.fsencode(folder).hex())
        return sorted(folder.glob("undo-*.jsonl"), key=lambda file: (len(file.name), file.name), reverse=True)

    def _become(self, id_: int, before: Sequence[str], after: str, to: str) -> None:
        state = self._read(id_)
        if state["state"] not in before:
            raise RefusedError(409, "Changed", f"plan {id_} is {state['state']}, not {before[0]}")
        write_json(self._state(id_), {"state": after, "to": to})

    def _folder_of(self, id_: int) -> Path:
        """Where the copies of a plan are, or will be, moved to."""
        to = self._read(id_)["to"]
        return Path(os.fsdecode(bytes.fromhex(to))) if to else (self._move_to or self._folder) / f"plan-{id_}"

    def _file(self, id_: int) -> Path:
        return self._folder / str(id_) / "plan.json"

    def _state(self, id_: int) -> Path:
        return self._folder / str(id_) / "state.json"

    def _read(self, id_: int) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._state(id_).read_text(encoding="utf-8"))
            return found
        except (OSError, ValueError):
            raise not_found(f"there is no plan {id_}") from None
