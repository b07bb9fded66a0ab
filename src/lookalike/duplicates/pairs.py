"""The pairs of a collection: those of the last run when all is as it was, else found, with what is known recalled."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lookalike.duplicates import stamp
from lookalike.duplicates.cores import in_order
from lookalike.duplicates.descriptors import Descriptors
from lookalike.duplicates.group import SCENE
from lookalike.duplicates.groups import stars
from lookalike.duplicates.links import ROLES, Judge, Link, find_links
from lookalike.duplicates.looks import Looks
from lookalike.duplicates.pixels import Eye
from lookalike.duplicates.proof import Known
from lookalike.duplicates.recall import unchanged
from lookalike.duplicates.verdicts import Verdicts
from lookalike.errors import CollectionError
from lookalike.methods.base import Role
from lookalike.progress import Told
from lookalike.search.searcher import Searcher
from lookalike.store.catalogue import Content
from lookalike.store.directory import Store

Sides = tuple[set[int], set[int]]


@dataclass(frozen=True)
class Pictures:
    """files: ids of the files with one content, by the lowest of them: that is a picture."""

    files: Mapping[int, Sequence[int]]
    contents: Sequence[Content]

    @cached_property
    def known(self) -> Known:
        """Sizes and contents of the pictures."""
        among = [one for one in self.contents if one[0] in self.files]
        sizes = {id_: (width or 0, height or 0) for id_, _, width, height in among}
        return Known(sizes, {id_: sha256 for id_, sha256, _, _ in among if sha256 is not None})


@dataclass(frozen=True, slots=True)
class Asked:
    """limit: the greatest expected_false. scenes: also other photographs of one scene. sides: only pairs across."""

    limit: float
    scenes: bool
    sides: Sides | None


def links_of(
    store: Store, searcher: Searcher, pictures: Pictures, asked: Asked, verdicts: Verdicts, told: Told | None
) -> list[Link]:
    """The links that groups are made of, as their pixels show them."""
    sides = None if asked.sides is None else [sorted(side) for side in asked.sides]
    now = stamp.stamp_of(searcher, pictures.contents, asked.limit, asked.scenes, sides)
    kept = stamp.load(store.pairs_file("links"), now)
    if kept is not None:
        return kept
    held = _held(searcher, pictures.files)
    links = find_links(held, pictures.known, asked.limit, asked.scenes, verdicts, told)
    if asked.sides is not None:
        links = [link for link in links if _crosses(link, pictures.files, asked.sides)]
    looks = _looks(searcher, held, pictures, verdicts)
    links = _looked_at(links, looks, told)
    if looks.all_kept:
        with contextlib.suppress(CollectionError), store.writing():
            stamp.save(store.pairs_file("links"), now, links)
    return links


def keep_verdicts(store: Store, verdicts: Verdicts) -> None:
    """Where the collection is busy, full or read-only, all is found out anew the next time."""
    if verdicts.new:
        with contextlib.suppress(CollectionError), store.writing():
            verdicts.save(store.pairs_file("verdicts"))


def _looks(searcher: Searcher, held: Mapping[Role, Descriptors], pictures: Pictures, verdicts: Verdicts) -> Looks:
    catalogue, files = searcher.catalogue, pictures.files

    def paths(id_: int) -> list[str]:
        return [record.path for record in catalogue.records(files[id_]).values()]

    def same(id_: int) -> bool:
        return unchanged(catalogue.records(files[id_]).values())

    geometry = Judge(held, pictures.known, verdicts).geometry
    return Looks(Eye(paths, geometry), geometry, pictures.known, verdicts, same)


def _looked_at(links: list[Link], looks: Looks, told: Told | None) -> list[Link]:
    """The links as their pixels show them: those that groups are made of; of many copies not all pairs are needed."""
    seen: dict[tuple[int, int], Link | None] = {}
    fresh = [link for link in links if link.kind == SCENE]
    current = links
    while True:
        found = in_order(looks.look, [(link,) for link in fresh], "comparing", told, len(seen))
        seen |= {(link.first, link.second): now for link, now in zip(fresh, found, strict=True)}
        current = [now for link in links if (now := seen.get((link.first, link.second), link)) is not None]
        used = [link for star in stars([one for one in current if one.kind != SCENE]) for link in star.links]
        fresh = [link for link in used if (link.first, link.second) not in seen]
        if not fresh:
            return current


def _held(searcher: Searcher, among: Mapping[int, Sequence[int]]) -> dict[Role, Descriptors]:
    """What the collection knows of each of these pictures, by the first method of each role."""
    wanted = np.array(sorted(among), np.int64)
    held: dict[Role, Descriptors] = {}
    for name in searcher.methods:
        method = searcher.method(name)
        if method.traits.role in ROLES and method.traits.role not in held:
            items = searcher.items(name)
            kept = items.positions(wanted)
            kept = kept[np.argsort(items.ids[kept])]
            rows, null = searcher.rows(name), searcher.null(name)
            held[method.traits.role] = Descriptors(method, items.ids[kept], kept, rows, null)
    return held


def _crosses(link: Link, files: Mapping[int, Sequence[int]], sides: Sides) -> bool:
    """Whether one end of a link is on one side and the other end on the other."""
    one, other = (set(files[end]) for end in (link.first, link.second))
    return any(one & here and other & there for here, there in (sides, sides[::-1]))
