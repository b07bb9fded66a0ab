"""What a collection holds twice: identical files first, then copies among the different ones, put into groups."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lookalike.duplicates.group import AS_IS, COPIES, EXACT, KINDS, SCENE, Group, Member
from lookalike.duplicates.groups import Star, stars
from lookalike.duplicates.keeper import Copy, Preference, preferring
from lookalike.duplicates.links import Link
from lookalike.duplicates.pairs import Asked, Pictures, keep_verdicts, links_of
from lookalike.duplicates.recall import chosen
from lookalike.duplicates.turns import between as way_between
from lookalike.duplicates.verdicts import Verdicts
from lookalike.duplicates.verdicts import load as load_verdicts
from lookalike.errors import QueryError, printable
from lookalike.progress import Told
from lookalike.search.searcher import Searcher
from lookalike.store.catalogue import Catalogue, Content, Record
from lookalike.store.directory import Store

Between = tuple[str | os.PathLike[str], str | os.PathLike[str]]


@dataclass(frozen=True, slots=True)
class _Found:
    """A member to be: what it is to the centre of its group, and the link that says so (None: it is the same file).

    content: the lowest id of those with the same file.
    """

    id: int
    content: int
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
    store: Store,
    searcher: Searcher,
    max_expected_false: float = 0.01,
    wanted: Wanted = ALL,
    told: Told | None = None,
) -> list[Group]:
    """Groups of copies in a collection, the surest kinds first, then by path; see `Collection.duplicates`.

    What is found out is kept in the store for the next run, where it can be written.
    """
    if not max_expected_false > 0:
        raise QueryError(f"max_expected_false is {max_expected_false:g}: a number above 0 is needed")
    kinds = set(COPIES if wanted.kinds is None else wanted.kinds) | ({SCENE} if wanted.shots else set())
    preference = preferring(wanted.keep, wanted.keep_in)
    catalogue = searcher.catalogue
    sides = None if wanted.between is None else _sides(catalogue, wanted.between)
    contents = catalogue.contents()
    files = _identical(contents, None if sides is None else sides[0] | sides[1])
    verdicts = load_verdicts(store.pairs_file("verdicts"))
    links: list[Link] = []
    if kinds - {EXACT}:
        asked = Asked(max_expected_false, SCENE in kinds, sides)
        links = links_of(store, searcher, Pictures(files, contents), asked, verdicts, told)
    groups = []
    for scene in (False, True):
        current = [link for link in links if (link.kind == SCENE) == scene and link.kind in kinds]
        direct = {frozenset((link.first, link.second)): link.kind for link in current}
        for found, chance in _grouped(files, stars(current), alone=not scene):
            if sides is None or all(any(one.id in side for one in found) for side in sides):
                group = _group(catalogue, found, chance, preference, verdicts, direct)
                groups += [part] if (part := group.only(kinds)) is not None else []
    keep_verdicts(store, verdicts)
    return sorted(groups, key=lambda group: (KINDS.index(group.kind), group.kept.path))


def _identical(contents: Sequence[Content], among: Collection[int] | None) -> dict[int, list[int]]:
    """Ids of files with the same content, by the lowest of them."""
    alike: dict[str | None, list[int]] = defaultdict(list)
    for id_, sha256, _, _ in contents:
        if among is None or id_ in among:
            alike[sha256].append(id_)
    return {ids[0]: ids for ids in alike.values()}


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


def _grouped(files: dict[int, list[int]], found: list[Star], alone: bool) -> Iterator[tuple[list[_Found], float]]:
    """The members of each group, and its expected_false: stars with identical files; alone: and lone identical ones."""
    starred: set[int] = set()
    for star in found:
        nearest = min(star.links, key=lambda link: (KINDS.index(link.kind), link.expected_false))
        members = [_Found(id_, star.centre, nearest.kind, AS_IS, True) for id_ in files[star.centre]]
        starred.add(star.centre)
        for link in star.links:
            end = link.other(star.centre)
            starred.add(end)
            whole = link.whole is None
            members += [_Found(id_, end, link.kind, link.variant_of(end), whole, link) for id_ in files[end]]
        yield members, max(link.expected_false for link in star.links)
    for first, ids in files.items() if alone else ():
        if len(ids) > 1 and first not in starred:
            yield [_Found(id_, first, EXACT, AS_IS, True) for id_ in ids], 0.0


def _group(
    catalogue: Catalogue,
    found: list[_Found],
    chance: float,
    preference: Preference,
    verdicts: Verdicts,
    direct: Mapping[frozenset[int], str],
) -> Group:
    """direct: the kinds of the links between contents, which say what a member is to one that is not the centre."""
    records = catalogue.records(one.id for one in found)
    centre = found[0]
    links = list({id(one.link): one.link for one in found if one.link is not None}.values())
    copies = [_copy(records[one.id], one, centre.id, links) for one in found if one.whole]
    keeper, reason = chosen(copies, preference, verdicts)
    kept = next(one for one in found if one.id == keeper)
    members = []
    for one in found:
        same_file = records[one.id].sha256 == records[keeper].sha256
        # without a link of its own, what lies between two is at most as sure as the ways from the centre to each
        through = max(one.kind, kept.kind, key=KINDS.index) if kept.link is not None else one.kind
        kind = direct.get(frozenset((one.content, kept.content)), through)
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
