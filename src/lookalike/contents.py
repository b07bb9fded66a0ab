"""What a collection holds, in numbers and words for its user."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lookalike.store.directory import Store

if TYPE_CHECKING:
    from lookalike.milvus.catalogue import MilvusCatalogue
    from lookalike.milvus.store import MilvusStore
    from lookalike.store.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class MethodInfo:
    """A method as the collection holds it: how many pictures it describes, the bytes of their descriptors, and in how
    many segments they are indexed (what is in none is searched exactly)."""

    name: str
    params: dict[str, Any]
    pictures: int
    bytes: int
    segments: int


@dataclass(frozen=True, slots=True)
class Info:
    """What a collection holds.

    failed: files that could not be read; removed: remembered files that are gone; damaged: pictures of which a part is
    missing; skipped: how many files of which kind are no pictures. ignored: patterns of names that are skipped, by
    folder; left_out: files and folders that were removed from a folder that is indexed.
    """

    path: str
    pictures: int
    failed: int
    removed: int
    bytes: int
    methods: list[MethodInfo]
    roots: list[str]
    damaged: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    ignored: dict[str, list[str]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Facet:
    """A value that pictures have, and how many."""

    value: str
    pictures: int


def contents_of(store: Store) -> Info:
    """What the collection of a store holds. Opens no index."""
    from lookalike.index.items import Items

    catalogue, view = store.catalogue, store.view()
    segments = {name: store.segments(stored) for name, stored in view.methods.items()}
    held = [
        MethodInfo(
            name,
            stored.params,
            len(Items(matrix.ids(), matrix, view.tombstones)),
            store.files(stored).bytes(stored.extent),
            len(segments[name]),
        )
        for name, stored in view.methods.items()
        for matrix in [store.matrix(stored)]
    ]
    size = sum(path.stat().st_size for path in store.directory.rglob("*") if path.is_file())
    return _about(catalogue, str(store.directory), size, held)


def contents_in_milvus(store: MilvusStore) -> Info:
    """What a collection in Milvus holds. How many bytes that are only Milvus knows: 0 here."""
    methods = store.catalogue.methods()
    held = [MethodInfo(name, one.params, one.extent.items, 0, 0) for name, one in methods.items()]
    return _about(store.catalogue, str(store.address), 0, held)


def _about(catalogue: Catalogue | MilvusCatalogue, path: str, size: int, held: list[MethodInfo]) -> Info:
    from lookalike.ingest.scope import read_scope

    counts, scope = catalogue.counts(), read_scope(catalogue)
    return Info(
        *(path, counts["ok"], counts["failed"], counts["removed"], size, held),
        *(catalogue.roots(), catalogue.damaged(), catalogue.skipped()),
        {folder: list(names) for folder, names in scope.ignored.items()},
        sorted(scope.left_out),
    )
