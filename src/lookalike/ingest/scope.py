"""What a collection leaves out of the folders it looks at: remembered with it, so that every later run agrees."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lookalike.store.catalogue import Catalogue, Facts

FACT = "left out"


@dataclass(frozen=True, slots=True)
class Scope:
    """All paths are absolute.

    ignored: patterns of names to skip, by the folder for which they were given; they hold for all below it.
    left_out: files and folders that were removed while a folder above them is looked at: they stay out until they are
    named, files also until their folder is.
    """

    ignored: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()

    def patterns(self, root: str) -> tuple[str, ...]:
        """The patterns that hold in a folder: its own and those of the folders above."""
        return tuple(one for folder, names in self.ignored.items() if is_within(root, folder) for one in names)

    def ignoring(self, names: Iterable[str], folders: Sequence[str]) -> Scope:
        """With patterns to ignore in folders, beyond those there are."""
        new = tuple(names)
        ignored = {**self.ignored}
        for folder in folders if new else ():
            ignored[folder] = tuple(dict.fromkeys((*ignored.get(folder, ()), *new)))
        return Scope(ignored, self.left_out)

    def naming(self, paths: Iterable[str]) -> Scope:
        """After these files and folders were named: they are no longer left out, nor are files right in them."""
        named = set(paths)
        back = {one for one in self.left_out if one in named or (os.path.dirname(one) in named and _is_file(one))}
        return Scope(self.ignored, self.left_out - back)

    def removing(self, paths: Sequence[str], roots: Sequence[str]) -> Scope:
        """After these files and folders were removed. roots: the folders that are looked at all the same."""
        gone = [path for path in paths if any(is_within(path, root) for root in roots)]
        left_out = {one for one in self.left_out if any(is_within(one, root) for root in roots)}
        left_out = {one for one in left_out if not any(is_within(one, path) for path in gone)} | set(gone)
        ignored = {folder: names for folder, names in self.ignored.items() if not _inside_any(folder, paths)}
        return Scope(ignored, frozenset(left_out))

    def covered(self, path: str, roots: Iterable[str]) -> bool:
        """Whether a walk of one of the roots comes to a path."""
        return any(
            is_within(path, root) and not any(is_within(path, one) and is_within(one, root) for one in self.left_out)
            for root in roots
        )


def read_scope(catalogue: Facts) -> Scope:
    """What a collection remembers to leave out."""
    kept: dict[str, Any] = catalogue.fact(FACT) or {}
    ignored = {folder: tuple(names) for folder, names in kept.get("ignored", {}).items()}
    return Scope(ignored, frozenset(kept.get("paths", ())))


def remember_scope(catalogue: Catalogue, scope: Scope) -> None:
    """Keep it for later runs; the caller holds the writer's lock."""
    with catalogue.transaction():
        catalogue.remember(FACT, {"ignored": dict(scope.ignored), "paths": sorted(scope.left_out)})


def is_within(path: str, folder: str) -> bool:
    """Whether a path is a folder or below it."""
    return path == folder or path.startswith(os.path.join(folder, ""))


def _inside_any(path: str, folders: Iterable[str]) -> bool:
    return any(is_within(path, folder) for folder in folders)


def _is_file(path: str) -> bool:
    return not os.path.isdir(path)
