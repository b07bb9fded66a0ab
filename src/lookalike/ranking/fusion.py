"""The `auto` search: cheap methods first, costly ones only in doubt, and one list out of all that they say.

A picture's `expected_false` is that of its best evidence times the number of methods tried (Bonferroni): that holds
however much the methods agree by nature, and a method that says nothing of a picture cannot hurt it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from lookalike.ranking.ask import Answer
from lookalike.ranking.asker import Asker
from lookalike.ranking.labels import label
from lookalike.ranking.match import Evidence, Match, Step
from lookalike.ranking.score import similarity
from lookalike.store.catalogue import Record

CERTAIN = 1e-6
"""A hash at most so likely by chance, all methods paid for, is that of a copy: `auto` stops, ..."""
WHOLE = 0.1
"""... if at most this share of its bits differs. Where more does, another picture may lie on the copy."""
DOUBTFUL = 10.0
"""Pictures of at most so much expected_false are verified geometrically, ..."""
VERIFIED = 10
"""... at most so many, best first."""
POOL = 20
"""Pictures asked of each method at least: fusion needs to see more than it lists."""
CHEAP = ("phash", "color")
NOT_NEEDED = "not needed: a copy is certain"


def auto(asker: Asker, names: Sequence[str], same_file: Sequence[int]) -> list[Answer]:
    """The answers of all methods that are needed, of those named.

    First hash and colours: a few milliseconds. When the file itself is in the collection, or the hash alone is certain,
    the other methods are not run: what looks similar is then found through the copy's stored descriptors. Otherwise
    local features and embeddings are asked, and geometry looks at what is still in doubt.
    """
    k = max(POOL, asker.limits.k)
    kinds = {name: name.partition(":")[0] for name in names}
    answers = [asker.ask(name, k) for name in names if kinds[name] in CHEAP]
    costly = [name for name in names if kinds[name] not in CHEAP]
    copies = [*same_file, *certain(answers, len(names), WHOLE * _bits(asker, names))]
    if copies:
        return [
            *answers,
            *(
                Answer(name, {}, 0, 0, 0.0, NOT_NEEDED) if kinds[name] == "local" else asker.through(name, copies[0], k)
                for name in costly
            ),
        ]
    answers += [asker.ask(name, k) for name in costly]
    return [
        asker.verify(one, doubtful(answers, len(names))) if one.method == "local" and not one.reason else one
        for one in answers
    ]


def certain(answers: Sequence[Answer], tried: int, farthest: float) -> list[int]:
    """Pictures whose hash alone proves that the query is nothing but a copy of them, nearest first."""
    return [
        id_
        for one in answers
        if one.method == "phash"
        for id_, evidence in one.found.items()
        if evidence.expected_false is not None
        and evidence.expected_false * tried <= CERTAIN
        and evidence.distance <= farthest
    ]


def doubtful(answers: Sequence[Answer], tried: int) -> list[int]:
    """Pictures that are worth a geometric check, the best first."""
    chances = {id_: fused(found, tried) for id_, found in gathered(answers).items()}
    return sorted((id_ for id_, chance in chances.items() if chance <= DOUBTFUL), key=chances.__getitem__)[:VERIFIED]


def gathered(answers: Iterable[Answer]) -> dict[int, list[Evidence]]:
    """All evidence for each picture."""
    evidence: dict[int, list[Evidence]] = {}
    for one in answers:
        for id_, item in one.found.items():
            evidence.setdefault(id_, []).append(item)
    return evidence


def fused(evidence: Iterable[Evidence], tried: int) -> float:
    """The expected_false of a picture, inf when no null model is known: its best evidence, the tries paid for."""
    return tried * min(math.inf if one.expected_false is None else one.expected_false for one in evidence)


def fuse(
    answers: Sequence[Answer], evidence: Mapping[int, list[Evidence]], records: Mapping[int, Record], asker: Asker
) -> list[Match]:
    """One match per picture with a record, the least likely by chance first, equals by their likeness."""
    tried = sum(1 for one in answers if one.variants)
    asked = {one.method for one in answers if one.variants}
    methods = {name: asker.indexes.method(name) for name in asked}
    bits = _bits(asker, methods)
    likeness = {
        id_: max((similarity(methods[one.method], one.distance) for one in found if one.method in methods), default=1.0)
        for id_, found in evidence.items()
    }
    chances = {id_: fused(found, tried) for id_, found in evidence.items()}
    order = sorted(set(evidence) & set(records), key=lambda id_: (chances[id_], -likeness[id_], id_))
    matches = []
    for id_ in order:
        known = math.isfinite(chances[id_])
        score = 1 / (1 + chances[id_]) if known else likeness[id_]
        said = label(evidence[id_], asked, tried, bits)
        matches.append(Match(id_, records[id_].path, score, said, chances[id_] if known else None, list(evidence[id_])))
    return matches


def steps(answers: Iterable[Answer]) -> tuple[Step, ...]:
    """What each method did, for `--explain`."""
    return tuple(
        Step(one.method, one.variants, one.pictures, one.seconds, next(iter(one.found.values()), None), one.reason)
        for one in answers
    )


def _bits(asker: Asker, names: Iterable[str]) -> int:
    """Of the collection's hash; 0 when it has none."""
    return 8 * asker.indexes.method("phash").layout.width if "phash" in names else 0
