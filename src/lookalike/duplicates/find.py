"""What a collection holds twice: identical files first, then copies among the different ones, put into groups."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from lookalike.duplicates.group import AS_IS, COPIES, EXACT, KINDS, SCENE, Group, Member
from lookalike.duplicates.groups import Star, stars
from lookalike.duplicates.keeper import Copy, Preference, choose, preferring
from lookalike.duplicates.links import ROLES, Descriptors, Judge, Link, find_links
from lookalike.duplicates.memory import Look, Memory
from lookalike.duplicates.pixels import Eye
from lookalike.duplicates.turns import between as way_between
from lookalike.errors import QueryError, printable
from lookalike.methods.base import Role
from lookalike.progress import Progress, Told
from lookalike.search.searcher import Searcher
from lookalike.store.catalogue import Catalogue, Record

Between = tuple[str | os.PathLike[str], str | os.PathLike[str]]


@dataclass(frozen=True, slots=True)
class _Found:
    """A member to be: what it is to the centre of its group, and the link that says so (None: it is the same file)."""

    id: int
    kind: str
    variant: str
    whole: bool
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for, and what to keep; see `Collection.duplicates`."""

    between: Between | None = None
    kinds: Collection[str] | None = None
    shots: bool = False
    keep: str = "original"
    keep_in: Sequence[str | os.PathLike[str]] = ()


ALL = Wanted()


def find_duplicates(
    searcher: Searcher,
    max_expected_false: float = 0.01,
    wanted: Wanted = ALL,
    told: Told | None = None,
    memory: Memory | None = None,
) -> list[Group]:
    """Groups of copies in a collection, the surest kinds first, then by path; see `Collection.duplicates`.

    memory: what earlier searches of this collection have found out, and what this one does.
    """
    if not max_expected_false > 0:
        raise QueryError(f"max_expected_false is {max_expected_false:g}: a number above 0 is needed")
    kinds = set(COPIES if wanted.kinds is None else wanted.kinds) | ({SCENE} if wanted.shots else set())
    catalogue = searcher.catalogue
    sides = None if wanted.between is None else _sides(catalogue, wanted.between)
    files = _identical(catalogue, None if sides is None else sides[0] | sides[1])
    memory = Memory({}) if memory is None else memory
    asked = {"generation": searcher.view.generation, "limit": max_expected_false, "scenes": SCENE in kinds}
    links = memory.links(asked) if sides is None else None
    eye = _Eyes(searcher, files)
    if links is None:
        links = find_links(eye.held, eye.sizes, max_expected_false, SCENE in kinds) if kinds - {EXACT} else []
        if sides is not None:
            links = [link for link in links if _crosses(link, files, sides)]
        elif kinds - {EXACT}:
            memory.keep(asked, links, files)
    links = _looked_at(links, memory.remembering(lambda link: eye.look(link)), told)
    preference = preferring(wanted.keep, wanted.keep_in)
    groups = []
    for scene in (False, True):
        chosen = [link for link in links if (link.kind == SCENE) == scene and link.kind in kinds]
        for found, chance in _grouped(files, stars(chosen), alone=not scene):
            if sides is None or all(any(one.id in side for one in found) for side in sides):
                group = _group(catalogue, found, chance, preference)
                groups += [part] if (part := group.only(kinds)) is not None else []
    return sorted(groups, key=lambda group: (KINDS.index(group.kind), group.kept.path))


class _Eyes:
    """What the collection knows of pictures, and looks at them; made when it is needed."""

    def __init__(self, searcher: Searcher, files: Mapping[int, list[int]]) -> None:
        self._searcher, self._files = searcher, files

    @cached_property
    def held(self) -> dict[Role, Descriptors]:
        return _held(self._searcher, self._files)

    @cached_property
    def sizes(self) -> dict[int, tuple[int, int]]:
        return _sizes(self._searcher.catalogue, self._files)

    @cached_property
    def _eye(self) -> Eye:
        return Eye(partial(_paths, self._searcher.catalogue, self._files), Judge(self.held, self.sizes).maps)

    def look(self, link: Link) -> Link | None:
        return self._eye.look(link)


def _looked_at(links: list[Link], look: Look, told: Told | None) -> list[Link]:
    """The links as their pixels show them: those that groups are made of; of many copies not all pairs are needed."""
    seen: dict[tuple[int, int], Link | None] = {}
    fresh = [link for link in links if link.kind == SCENE]
    current = links
    while True:
        for link in fresh:
            seen[link.first, link.second] = look(link)
            if told:
                told(Progress("comparing", len(seen), len(links)))
        current = [now for link in links if (now := seen.get((link.first, link.second), link)) is not None]
        used = [link for star in stars([one for one in current if one.kind != SCENE]) for link in star.links]
        fresh = [link for link in used if (link.first, link.second) not in seen]
        if not fresh:
            return current


def _paths(catalogue: Catalogue, files: Mapping[int, list[int]], id_: int) -> list[str]:
    """Where a picture can be opened."""
    return [record.path for record in catalogue.records(files[id_]).values()]


def _identical(catalogue: Catalogue, among: Collection[int] | None) -> dict[int, list[int]]:
    """Ids of files with the same content, by the lowest of them."""
    contents: dict[str | None, list[int]] = defaultdict(list)
    for id_, sha256, _, _ in catalogue.contents():
        if among is None or id_ in among:
            contents[sha256].append(id_)
    return {ids[0]: ids for ids in contents.values()}


def _sizes(catalogue: Catalogue, among: Collection[int]) -> dict[int, tuple[int, int]]:
    return {id_: (width or 0, height or 0) for id_, _, width, height in catalogue.contents() if id_ in among}


def _held(searcher: Searcher, among: Collection[int]) -> dict[Role, Descriptors]:
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


def _sides(catalogue: Catalogue, between: Between) -> tuple[set[int], set[int]]:
    """The ids below two folders."""
    paths = [os.path.abspath(os.path.expanduser(os.fspath(folder))) for folder in between]
    if os.path.commonpath(paths) in paths:
        raise QueryError("--between needs two folders of which neither lies in the other")
    sides = []
    for path in paths:
        ids = set(catalogue.ids_below(path))
        if not ids:
            raise QueryError(f"{printable(path)}: nothing of it is in the collection; index it first")
        sides.append(ids)
    return sides[0], sides[1]


def _crosses(link: Link, files: dict[int, list[int]], sides: tuple[set[int], set[int]]) -> bool:
    """Whether one end of a link is on one side and the other end on the other."""
    one, other = (set(files[end]) for end in (link.first, link.second))
    return any(one & here and other & there for here, there in (sides, sides[::-1]))


def _grouped(files: dict[int, list[int]], found: list[Star], alone: bool) -> Iterator[tuple[list[_Found], float]]:
    """The members of each group, and its expected_false: stars with identical files; alone: and lone identical ones."""
    starred: set[int] = set()
    for star in found:
        nearest = min(star.links, key=lambda link: (KINDS.index(link.kind), link.expected_false))
        members = [_Found(id_, nearest.kind, AS_IS, True) for id_ in files[star.centre]]
        starred.add(star.centre)
        for link in star.links:
            end = link.other(star.centre)
            starred.add(end)
            whole = link.whole is None
            members += [_Found(id_, link.kind, link.variant_of(end), whole, link) for id_ in files[end]]
        yield members, max(link.expected_false for link in star.links)
    for first, ids in files.items() if alone else ():
        if len(ids) > 1 and first not in starred:
            yield [_Found(id_, EXACT, AS_IS, True) for id_ in ids], 0.0


def _group(catalogue: Catalogue, found: list[_Found], chance: float, preference: Preference) -> Group:
    records = catalogue.records(one.id for one in found)
    centre = found[0]
    links = list({id(one.link): one.link for one in found if one.link is not None}.values())
    keeper, reason = choose([_copy(records[one.id], one, centre.id, links) for one in found if one.whole], preference)
    kept = next(one for one in found if one.id == keeper)
    members = []
    for one in found:
        same_file = records[one.id].sha256 == records[keeper].sha256
        # known are the ways from the centre to each: what lies between two others is at most as sure as both
        kind = max(one.kind, kept.kind, key=KINDS.index) if kept.link is not None else one.kind
        kind = EXACT if same_file and one is not kept else kind
        members.append(Member.of(records[one.id], kind, way_between(one.variant, kept.variant)))
    ordered = sorted(members, key=lambda member: (member.id != keeper, KINDS.index(member.kind), member.path))
    doubt = min((link.seen.odds for link in links if link.seen is not None), default=None)
    unseen = sum(one.link is not None and one.link.seen is None for one in found)
    return Group(ordered, keeper, reason, chance, doubt, unseen)


def _copy(record: Record, one: _Found, centre: int, links: Sequence[Link]) -> Copy:
    """What the pixels say of a member beside the centre; of the centre, what they say beside most of the others."""
    own = centre if one.link is None else one.link.other(centre)
    seen = [link.seen for link in (links if one.link is None else [one.link]) if link.seen is not None]
    density = None
    if seen:
        density = 1.0 if one.link is None else seen[0].density if own == one.link.first else 1 / seen[0].density
    told = {
        name: bool(seen) and sum(getattr(each, name) == own for each in seen) * 2 >= len(seen)
        for name in ("cropped", "framed", "marked", "softer", "noisier")
    }
    return Copy(record, one.variant, density, **told)
