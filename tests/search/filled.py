"""Collections of made-up descriptors, written as the store writes those of pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from lookalike.methods.factory import make
from lookalike.pictures.open import Metadata
from lookalike.search.segments import seal_all
from lookalike.store.changes import Added, Description, Removed
from lookalike.store.comparison import Seen
from lookalike.store.directory import Store

NAMES = ("phash", "color", "embedding")


def description(number: int, names: Sequence[str] = NAMES) -> Description:
    """The descriptors of picture `number`: random, those of ten pictures in a row near to each other."""
    group, own = np.random.default_rng(number // 10), np.random.default_rng([number, 1])
    bits = np.frombuffer(group.bytes(32), np.uint8) ^ np.packbits(own.random(256) < 0.02)
    bins = np.sort(group.choice(4096, 40, replace=False)).astype(np.uint16)
    counts = (group.integers(1, 900, 40) + own.integers(0, 90, 40)).astype(np.uint16)
    vector = group.standard_normal(1280) + 0.3 * own.standard_normal(1280)
    rows = {
        "phash": bits[None],
        "color": np.stack([bins, counts], axis=1),
        "embedding": (vector / np.linalg.norm(vector)).astype(np.float16)[None],
    }
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return Description(digest, "PNG", 64, 64, Metadata(), {name: rows[name] for name in names}, {})


class Filled:
    """A collection's directory, and what a writer does to it."""

    def __init__(self, path: Path, names: Sequence[str] = NAMES) -> None:
        self.store, self.names = Store(path), names
        self.made = {name: make(name) for name in names}
        with self.store.writing(create=True):
            for method in self.made.values():
                self.store.add_method(method.name, method.params, method.layout)
        self.added = 0

    def add(self, count: int, *, seal: bool = True) -> None:
        """Commit pictures in one batch."""
        numbers = range(self.added, self.added + count)
        with self.store.writing():
            self.store.apply(
                [Added(Seen(f"/pictures/{n}.png", 1000 + n, n), description(n, self.names)) for n in numbers]
            )
            if seal:
                self.seal()
        self.added += count

    def seal(self) -> None:
        seal_all(self.store, self.made)

    def remove(self, ids: Iterable[int]) -> None:
        with self.store.writing():
            self.store.apply([Removed(id_) for id_ in ids])

    def runs(self, name: str) -> list[tuple[int, int]]:
        stored = self.store.catalogue.methods()[name]
        return [(one.first, one.last) for one in self.store.segments(stored)]

    def files(self) -> dict[str, tuple[int, int]]:
        """Name -> (inode, bytes) of every file but those of the catalogue and the locks."""
        folders = ("matrices", "segments", "caches")
        found = [path for folder in folders for path in (self.store.directory / folder).iterdir()]
        return {path.name: (path.stat().st_ino, path.stat().st_size) for path in found}
