"""The `auto` search: cheap methods first, costly ones only in doubt, and one list out of all that they say."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from lookalike.search.asker import Asker
from lookalike.search.labels import label
from lookalike.search.match import THROUGH, Match, Step
from lookalike.search.score import similarity
from lookalike.significance.combine import Fused, fused, shares, suspected, traits_of
from lookalike.significance.evidence import Evidence, Findings
from lookalike.store.catalogue import Record

CERTAIN = 1e-6
"""A hash at most so likely by chance, all methods paid for, is that of a copy: `auto` stops, ..."""
WHOLE = 0.2
"""... if it is at most at this part of the distance between unrelated ones. Beyond, another picture may lie on it."""
DOUBTFUL = 10.0
"""Pictures of at most so much expected_false are verified geometrically, ..."""
VERIFIED = 10
"""... at most so many, best first."""
POOL = 50
"""Pictures asked of each method at least: fusion needs to see more than it lists."""
NOT_NEEDED = "not needed: a copy is certain"
_UNSAID = Fused(math.inf, [])


def auto(asker: Asker, names: Sequence[str], same_file: Sequence[int]) -> list[Findings]:
    """The answers of all methods that are needed, of those named.

    First hash and colours: a few milliseconds. When the file itself is in the collection, the other methods find its
    relatives through its stored descriptors. When the hash alone is certain, so does what looks similar, and local
    features are not needed. Otherwise local features and embeddings are asked, and geometry looks at what is still in
    doubt.
    """
    k = max(POOL, asker.limits.k)
    traits = {name: asker.searcher.method(name).traits for name in names}
    wanted = {name: asker.limits.k if traits[name].role == "part" else k for name in names}  # geometry checks each part
    answers = [asker.ask(name, k) for name in names if traits[name].cheap]
    costly = [name for name in names if not traits[name].cheap]
    copies = [*same_file, *certain(answers, shares(traits))]
    if copies:
        for name in costly:
            skipped = Findings(name, traits[name], {}, 0, 0, 0.0, NOT_NEEDED)
            needed = traits[name].role != "part" or same_file
            answers.append(asker.through(name, copies[0], wanted[name]) if needed else skipped)
        return answers
    answers += [asker.ask(name, wanted[name]) for name in costly]
    doubts = doubtful(answers)
    return [asker.verify(one, doubts) if one.traits.role == "part" and one.variants else one for one in answers]


def certain(answers: Sequence[Findings], share: Mapping[str, float]) -> list[int]:
    """Pictures whose hash alone proves that the query is nothing but a copy of them, nearest first.

    share: of each method among all of them, see `combine`.
    """
    return [
        id_
        for one in answers
        if one.traits.role == "copy"
        for id_, evidence in one.found.items()
        if evidence.expected_false is not None
        and evidence.expected_false / share[one.method] <= CERTAIN
        and evidence.distance <= WHOLE * one.traits.farthest
    ]


def doubtful(answers: Sequence[Findings]) -> list[int]:
    """Pictures that are worth a geometric check, the best first."""
    chances = suspected(answers)
    return sorted((id_ for id_, chance in chances.items() if chance <= DOUBTFUL), key=chances.__getitem__)[:VERIFIED]


def _is_relative(found: Fused) -> bool:
    """Whether a picture is there because of what the collection knows of a copy of the query."""
    return bool(found.evidence) and found.evidence[0].variant == THROUGH


def fuse(
    answers: Sequence[Findings],
    same_file: Sequence[int],
    records: Callable[[Iterable[int]], dict[int, Record]],
    k: int | None = None,
) -> list[Match]:
    """One match per picture with a record, the least likely by chance first, equals by their likeness.

    same_file: pictures that need no evidence. k: how many are wanted, None for all; only their records are read.
    """
    said = fused(answers)
    asked = traits_of(answers)
    share = shares(asked)
    copy = min((one.expected_false for one in said.values() if not _is_relative(one)), default=0.0)
    ranked = []
    for id_ in {*said, *same_file}:
        found = said.get(id_, _UNSAID)
        chance = 0.0 if id_ in same_file else found.expected_false
        if _is_relative(found):  # it is no surer that a picture is like the copy than that the copy is one
            chance = max(chance, copy if not same_file else 0.0)
        likeness = max([similarity(asked[one.method], one.distance) for one in found.evidence], default=1.0)
        ranked.append((chance, -likeness, id_))
    ranked.sort()
    matches: list[Match] = []
    at, step = 0, len(ranked) if k is None else k
    while at < len(ranked) and (k is None or len(matches) < k):
        part = ranked[at : at + step]
        kept = records([id_ for _, _, id_ in part])
        for chance, unlikeness, id_ in part:
            if id_ not in kept:
                continue
            of_file = [Evidence("file", 0.0, 0.0)] if id_ in same_file else []
            everything = [one.found[id_] for one in answers if id_ in one.found]
            known = chance if math.isfinite(chance) else None
            score = -unlikeness if known is None else 1 / (1 + chance)
            name = label([*of_file, *everything], share, asked)
            evidence = [*of_file, *said.get(id_, _UNSAID).evidence]
            matches.append(Match(id_, kept[id_].path, score, name, known, evidence))
        at += step
    return matches[:k]


def steps(answers: Iterable[Findings]) -> tuple[Step, ...]:
    """What each method did, for `--explain`."""
    return tuple(
        Step(one.method, one.variants, one.pictures, one.seconds, next(iter(one.found.values()), None), one.reason)
        for one in answers
    )
