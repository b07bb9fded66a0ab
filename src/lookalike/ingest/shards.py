"""Describing in shards: which of the files of some folders belong to one of several machines, and whose were merged."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from lookalike.errors import CollectionError, QueryError, printable
from lookalike.store.directory import Store

FACT, MERGED = "shard", "merged shards"
_NAMED = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `of` parts of all files, counted from 1.

    A file belongs to a shard by its path from the folder that was named: the same on every machine, wherever that
    folder is mounted there, and whatever other files there are.
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise QueryError(
                f"shard {self}: as in 3/16, a number from 1 to {max(1, self.of)} of so many shards is needed"
            )

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """ "3/16". QueryError for what is no such shard."""
        named = _NAMED.fullmatch(text)
        if named is None:
            raise QueryError(f"{text!r} is no shard: write the third of sixteen as 3/16")
        return cls(int(named[1]), int(named[2]))

    def holds(self, path: str, root: str) -> bool:
        """Whether a file below a root (or the root itself) belongs to it."""
        within = os.path.basename(path) if path == root else os.path.relpath(path, root)
        return zlib.crc32(os.fsencode(within.replace(os.sep, "/"))) % self.of == self.number - 1


@dataclass(frozen=True, slots=True)
class Described:
    """What a collection remembers of being a shard's part: which, and folders of which some files are still to look at.

    A file's shard hangs on the folder that was named, so only the same folder, named again, finishes it.
    """

    shard: Shard
    begun: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """Shards, as in "3/16", that have not been merged although others of the same folders have."""

    folders: tuple[str, ...]
    shards: tuple[str, ...]


def described(store: Store) -> Described | None:
    """Whose part a collection is; None for one that is none."""
    kept: Any = store.catalogue.fact(FACT)
    return None if kept is None else Described(Shard(kept["number"], kept["of"]), tuple(kept["begun"]))


def begin_shard(store: Store, shard: Shard, folders: Sequence[str]) -> None:
    """Remember, before any of their files is looked at, what is to be looked at; the caller holds the writer's lock."""
    there = described(store)
    _remember(store, shard, {*(there.begun if there else ()), *folders})


def finish_shard(store: Store, shard: Shard, folders: Sequence[str]) -> None:
    """Remember that all files of these folders were looked at; the caller holds the writer's lock."""
    there = described(store)
    _remember(store, shard, set(there.begun if there else ()) - set(folders))


def _remember(store: Store, shard: Shard, begun: set[str]) -> None:
    with store.catalogue.transaction():
        store.catalogue.remember(FACT, {"number": shard.number, "of": shard.of, "begun": sorted(begun)})


def count_merged(store: Store, parts: Sequence[tuple[Shard, Sequence[str]]]) -> list[Missing]:
    """Remember whose parts were merged, with their folders, and tell which are still missing of those folders.

    None are where all shards of one division of them have come, whatever there is of others. The caller holds the
    writer's lock.
    """
    kept: Any = store.catalogue.fact(MERGED) or []
    merged = {(tuple(one["folders"]), one["of"]): set(one["numbers"]) for one in kept}
    for shard, folders in parts:
        merged.setdefault((tuple(sorted(folders)), shard.of), set()).add(shard.number)
    told = [
        {"folders": list(folders), "of": of, "numbers": sorted(numbers)} for (folders, of), numbers in merged.items()
    ]
    if told != kept:
        with store.catalogue.transaction():
            store.catalogue.remember(MERGED, told)
    whole = {folders for (folders, of), numbers in merged.items() if len(numbers) == of}
    asked = {tuple(sorted(folders)) for _, folders in parts} - whole
    return [
        Missing(folders, tuple(str(Shard(n, of)) for n in range(1, of + 1) if n not in numbers))
        for (folders, of), numbers in merged.items()
        if folders in asked
    ]


def refuse_another(store: Store, shard: Shard | None) -> None:
    """CollectionError when a part is to be made of something that is not its shard, or of a whole collection."""
    there, place = described(store), printable(store.directory)
    if there is None and shard is not None and store.catalogue.methods():
        raise CollectionError(f"{place} is a collection already: name a new directory for shard {shard}")
    if there is not None and shard != there.shard:
        raise CollectionError(
            f"{place} is the part of shard {there.shard}: "
            + ("merge it into" if shard is None else "name")
            + " another one"
        )
