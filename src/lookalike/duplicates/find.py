"""What a collection holds twice: identical files first, then copies among the different ones, put into groups."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from lookalike.duplicates.group import AS_IS, EXACT, KINDS, Group, Member
from lookalike.duplicates.groups import Star, stars
from lookalike.duplicates.keeper import choose
from lookalike.duplicates.links import ROLES, Descriptors, Link, find_links
from lookalike.duplicates.turns import between as way_between
from lookalike.errors import QueryError, printable
from lookalike.methods.base import Role
from lookalike.search.searcher import Searcher
from lookalike.store.catalogue import Catalogue

Between = tuple[str | os.PathLike[str], str | os.PathLike[str]]


@dataclass(frozen=True, slots=True)
class _Found:
    """A member to be: its id, and what it is to the centre of its group."""

    id: int
    kind: str
    variant: str
    whole: bool


def find_duplicates(
    searcher: Searcher, max_expected_false: float = 0.01, between: Between | None = None
) -> list[Group]:
    """Groups of copies in a collection, the surest kinds first, then by path; see `Collection.duplicates`."""
    if not max_expected_false > 0:
        raise QueryError(f"max_expected_false is {max_expected_false:g}: a number above 0 is needed")
    catalogue = searcher.catalogue
    sides = None if between is None else _sides(catalogue, between)
    files = _identical(catalogue, None if sides is None else sides[0] | sides[1])
    links = find_links(_held(searcher, files), _sizes(catalogue, files), max_expected_false)
    if sides is not None:
        links = [link for link in links if _crosses(link, files, sides)]
    groups = []
    for found, chance in _grouped(files, stars(links)):
        if sides is None or all(any(one.id in side for one in found) for side in sides):
            groups.append(_group(catalogue, found, chance))
    return sorted(groups, key=lambda group: (KINDS.index(group.kind), group.kept.path))


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


def _grouped(files: dict[int, list[int]], found: list[Star]) -> Iterator[tuple[list[_Found], float]]:
    """The members of each group, and its expected_false: stars with all identical files, then lone identical files."""
    starred: set[int] = set()
    for star in found:
        nearest = min(star.links, key=lambda link: (KINDS.index(link.kind), link.expected_false))
        members = [_Found(id_, nearest.kind, AS_IS, True) for id_ in files[star.centre]]
        starred.add(star.centre)
        for link in star.links:
            end = link.other(star.centre)
            starred.add(end)
            members += [_Found(id_, link.kind, link.variant_of(end), link.whole is None) for id_ in files[end]]
        yield members, max(link.expected_false for link in star.links)
    for first, ids in files.items():
        if len(ids) > 1 and first not in starred:
            yield [_Found(id_, EXACT, AS_IS, True) for id_ in ids], 0.0


def _group(catalogue: Catalogue, found: list[_Found], chance: float) -> Group:
    records = catalogue.records(one.id for one in found)
    keeper, reason = choose([records[one.id] for one in found if one.whole])
    centre, kept = found[0], next(one for one in found if one.id == keeper)
    members = []
    for one in found:
        same_file = records[one.id].sha256 == records[keeper].sha256
        # known are the ways from the centre to each: what lies between two others is at most as sure as both
        kind = max(one.kind, kept.kind, key=KINDS.index) if kept is not centre else one.kind
        kind = EXACT if same_file and one is not kept else kind
        members.append(Member.of(records[one.id], kind, way_between(one.variant, kept.variant)))
    ordered = sorted(members, key=lambda member: (member.id != keeper, KINDS.index(member.kind), member.path))
    return Group(ordered, keeper, reason, chance)
