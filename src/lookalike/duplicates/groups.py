"""From pairs of copies to groups without chains: every member is a copy of the one at its group's centre."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from lookalike.duplicates.group import KINDS
from lookalike.duplicates.links import Link

SURE = 1e-9
"""An expected_false below which it tells nothing more."""
LIKELY = 2.0
"""The logarithm of odds above which they tell nothing more."""


@dataclass(frozen=True, slots=True)
class Star:
    """A picture and the links to its copies."""

    centre: int
    links: list[Link]


def stars(links: Sequence[Link]) -> list[Star]:
    """Each picture in at most one star, with the centre that it is most surely a copy of.

    Centres are taken by how many copies they have, then by how sure those are. A part of a picture is never the centre
    for the picture, nor for another part of it: it may show something that the other does not.
    """
    copies: dict[int, list[Link]] = defaultdict(list)
    for link in links:
        for centre in (link.first, link.second):
            if link.whole in (None, centre):
                copies[centre].append(link)
    order = sorted(copies, key=lambda id_: (-len(copies[id_]), sum(link.expected_false for link in copies[id_]), id_))
    centres: set[int] = set()
    taken: set[int] = set()
    for id_ in order:
        if id_ not in taken:
            centres.add(id_)
            taken.add(id_)
            taken.update(link.other(id_) for link in copies[id_])
    nearest: dict[int, tuple[tuple[int, float, float, int, float], int, Link]] = {}
    for centre in sorted(centres):
        for link in copies[centre]:
            other = link.other(centre)
            doubt = _doubt(link, len(copies[centre]))
            if other not in centres and (other not in nearest or doubt < nearest[other][0]):
                nearest[other] = (doubt, centre, link)
    members: dict[int, list[Link]] = defaultdict(list)
    for other in sorted(nearest):
        _, centre, link = nearest[other]
        members[centre].append(link)
    return [Star(centre, members[centre]) for centre in sorted(members)]


def _doubt(link: Link, copies: int) -> tuple[int, float, float, int, float]:
    """The less, the sooner it decides on a group: where chance is out of the question, pixels say what is likelier, and
    where they are sure, the picture with more copies has it. Links that nobody has looked at come first, so that they
    are.
    """
    likely = math.inf if link.seen is None else min(link.seen.odds, LIKELY)
    return KINDS.index(link.kind), max(link.expected_false, SURE), -likely, -copies, link.expected_false
