"""Many methods, one number: how likely by chance is a picture of which several methods say something?

Each method is one more chance for a false hit, and must be paid for. A weighted Bonferroni bound (Genovese, Roeder
and Wasserman, Biometrika 93, 2006) charges each method by a share fixed beforehand. It holds however much the methods
repeat each other, and a method that says nothing of a picture cannot hurt it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from lookalike.search.ask import Answer
from lookalike.search.match import Evidence

WEIGHTS = {"phash": 0.005, "local": 0.3, "color": 0.15, "embedding": 0.2}
"""By kind of method. A hash is either far beyond chance or says nothing: it can pay, so the others get the rest."""
AGREEMENT = 0.35
"""Weight of colours and embedding agreeing on a picture, which counts as one more method."""
OVERLAP = 1.1
"""Colours and embeddings are slightly correlated between unrelated pictures (0.27): Fisher's statistic is divided by
this, as in M. B. Brown, Biometrics 31 (1975)."""
RANKS = range(5, 21)
"""Ranks from which it is read how far a query stands from everything: the first few may be true finds."""


def kind(method: str) -> str:
    """ "embedding" of "embedding:MODEL"."""
    return method.partition(":")[0]


def gathered(answers: Iterable[Answer]) -> dict[int, list[Evidence]]:
    """All evidence for each picture."""
    evidence: dict[int, list[Evidence]] = {}
    for one in answers:
        for id_, item in one.found.items():
            evidence.setdefault(id_, []).append(item)
    return evidence


def shares(methods: Iterable[str]) -> dict[str, float]:
    """The part of all chances for a false hit that each of the methods asked may take; "" is that of agreement."""
    asked = list(methods)
    weights = {method: WEIGHTS.get(kind(method), 0.1) for method in asked}
    if {"color", "embedding"} <= {kind(method) for method in asked}:
        weights[""] = AGREEMENT
    total = sum(weights.values())
    return {method: weight / total for method, weight in weights.items()}


def combined(answers: Sequence[Answer]) -> dict[int, float]:
    """expected_false of every picture found; inf where no method has a null model."""
    asked = [one for one in answers if one.variants]
    share = shares(one.method for one in asked)
    remote = {one.method: remoteness(one) if len(asked) > 1 else 1.0 for one in asked}
    pictures = max((one.pictures for one in asked), default=0)
    found = gathered(asked)
    return {id_: _combined(evidence, share, remote, pictures) for id_, evidence in found.items()}


def remoteness(answer: Answer) -> float:
    """How many times fewer pictures lie near this query than near others, 1 or more, by colours or embedding.

    Of unrelated pictures, the one of rank r should have an expected_false of about r. Some queries are unlike
    everything: all their ranks have far more. What stands out for them need not be as near as for others.
    """
    if kind(answer.method) not in ("color", "embedding") or len(answer.found) < RANKS.stop - 1:
        return 1.0
    chances = [math.inf if one.expected_false is None else one.expected_false for one in answer.found.values()]
    ratio = median(chances[rank - 1] / rank for rank in RANKS)
    return max(1.0, ratio) if math.isfinite(ratio) else 1.0


def _combined(
    evidence: Iterable[Evidence], share: Mapping[str, float], remote: Mapping[str, float], pictures: int
) -> float:
    chances = {
        one.method: one.expected_false / remote[one.method] for one in evidence if one.expected_false is not None
    }
    ways = [chance / share[method] for method, chance in chances.items()]
    if "color" in chances:
        for method, chance in chances.items():
            if kind(method) == "embedding":
                ways.append(_agreement(chances["color"], chance, pictures) / share[""])
    return min(ways, default=math.inf)


def _agreement(one: float, other: float, pictures: int) -> float:
    """expected_false of two independent finds together (Fisher 1925): -ln of the product of two uniforms."""
    logs = [math.log(min(1.0, max(chance / max(1, pictures), 1e-18))) for chance in (one, other)]
    surprise = -sum(logs) / OVERLAP
    return pictures * math.exp(-surprise) * (1 + surprise)
