"""What an earlier search for duplicates has found out, kept with the collection: only what is new is compared again.

An id stands for one content for ever, so what the pixels of two pictures showed stays true; which pairs there are is
true for one generation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.arrays.files import open_arrays, write_arrays
from lookalike.duplicates.links import Link
from lookalike.duplicates.pixels import Seen
from lookalike.errors import CollectionError

EDITION = 1
"""Of the way pictures are compared: what another edition has found is forgotten."""
KIND = "duplicates"

Look = Callable[[Link], Link | None]
_Asked = tuple[int, int, str, str, int | None, float]


@dataclass(slots=True)
class Memory:
    """looks: what became of a link when its pictures were looked at (None: it is none). found: by what they were
    asked for, the links of the last search before they were looked at."""

    made_from: dict[str, Any]
    looks: dict[_Asked, Link | None] = field(default_factory=dict)
    found: tuple[dict[str, Any], list[Link]] | None = None
    changed: bool = False

    def remembering(self, look: Look) -> Look:
        """The same look, taken once for each link. Pictures that could not be opened are looked at again."""

        def once(link: Link) -> Link | None:
            asked = _asked(link)
            if asked not in self.looks:
                seen = look(link)
                if seen is not None and seen.seen is None:
                    return seen
                self.looks[asked], self.changed = seen, True
            kept = self.looks[asked]
            return kept and replace(kept, expected_false=link.expected_false, start=link.start)

        return once

    def links(self, asked: dict[str, Any]) -> list[Link] | None:
        """The links found when the same was asked; None when it was not."""
        return self.found[1] if self.found is not None and self.found[0] == asked else None

    def keep(self, asked: dict[str, Any], links: Sequence[Link], living: Collection[int]) -> None:
        """Take over what a search has found. living: the pictures that can be found; of others nothing is kept."""
        if self.links(asked) is None:
            self.found, self.changed = (asked, [replace(link, start=None) for link in links]), True
        self.looks = {key: seen for key, seen in self.looks.items() if key[0] in living and key[1] in living}


def load(path: Path, made_from: dict[str, Any]) -> Memory:
    """What is kept; nothing when there is none, it is damaged, or it was made from something else."""
    memory = Memory({"edition": EDITION, **made_from})
    try:
        file = open_arrays(path, KIND)
        file.check_all()
        if file.params != memory.made_from:
            return memory
        kept = json.loads(file.arrays["json"].tobytes())
        memory.looks = {_key(asked): None if seen is None else _link(seen) for asked, seen in kept["looks"]}
        if kept["found"] is not None:
            memory.found = kept["found"][0], [_link(one) for one in kept["found"][1]]
    except (OSError, ValueError, TypeError, KeyError, IndexError, RecursionError, CollectionError):
        return Memory(memory.made_from)
    return memory


def save(path: Path, memory: Memory) -> None:
    """Replace what is kept in one step; the caller holds the writer's lock."""
    kept = {
        "looks": [[asked, None if seen is None else _plain(seen)] for asked, seen in memory.looks.items()],
        "found": memory.found and [memory.found[0], [_plain(link) for link in memory.found[1]]],
    }
    write_arrays(
        path, KIND, memory.made_from, {"json": np.frombuffer(json.dumps(kept, default=_number).encode(), np.uint8)}
    )


def _asked(link: Link) -> _Asked:
    return link.first, link.second, link.kind, link.variant, link.whole, link.bits


def _key(values: list[Any]) -> _Asked:
    first, second, kind, variant, whole, bits = values
    return first, second, kind, variant, whole, bits


def _plain(link: Link) -> dict[str, Any]:
    return asdict(replace(link, start=None))


def _link(plain: dict[str, Any]) -> Link:
    seen = plain["seen"]
    return Link(**{**plain, "seen": None if seen is None else Seen(**seen)})


def _number(value: Any) -> Any:
    """numpy's numbers as Python's."""
    return value.item()
