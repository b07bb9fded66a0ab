"""Many methods, one number: how likely by chance is a picture of which several methods say something?

Each method is one more chance for a false hit, and must be paid for. A weighted Bonferroni bound (Genovese, Roeder
and Wasserman, Biometrika 93, 2006) charges each method by a share fixed beforehand. It holds however much the methods
repeat each other, and a method that says nothing of a picture cannot hurt it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from lookalike.methods.base import Role, Traits
from lookalike.significance.evidence import Evidence, Findings

AGREEMENT = 0.145
"""Weight of colours and embedding agreeing on a picture, which counts as one more method."""
LOOKS: tuple[Role, ...] = ("looks", "color")
"""The first of these roles that was asked ranks what nothing proves."""
PROOF = 0.01
"""The greatest expected_false, all methods paid for, of what is related to the query for sure."""
LIKELY = 1.0
"""The same of a part that geometry confirmed: up to here it is surer than looks, and hardly ever chance."""
OVERLAP = 1.1
"""Colours and embeddings are slightly correlated between unrelated pictures (0.27): Fisher's statistic is divided by
this, as in M. B. Brown, Biometrics 31 (1975)."""
RANKS = range(5, 21)
"""Ranks from which it is read how far a query stands from everything: the first few may be true finds."""


def gathered(answers: Iterable[Findings]) -> dict[int, list[Evidence]]:
    """All evidence for each picture."""
    evidence: dict[int, list[Evidence]] = {}
    for one in answers:
        for id_, item in one.found.items():
            evidence.setdefault(id_, []).append(item)
    return evidence


def traits_of(answers: Iterable[Findings]) -> dict[str, Traits]:
    """The traits of the methods that were asked, by their names."""
    return {one.method: one.traits for one in answers if one.variants}


def shares(asked: Mapping[str, Traits]) -> dict[str, float]:
    """The part of all chances for a false hit that each of the methods asked may take; "" is that of agreement.

    What ranks by looks needs most of the chances; what only proves is far beyond chance or says nothing, and can pay.
    """
    weights = {method: traits.weight for method, traits in asked.items()}
    if set(LOOKS) <= {traits.role for traits in asked.values()}:
        weights[""] = AGREEMENT
    total = sum(weights.values())
    return {method: weight / total for method, weight in weights.items()}


@dataclass(frozen=True, slots=True)
class Fused:
    """What all methods together say of a picture. expected_false: inf where it is not known. evidence: of the methods
    that say something, the one that decides first."""

    expected_false: float
    evidence: list[Evidence]


def fused(answers: Sequence[Findings]) -> dict[int, Fused]:
    """The pictures of which a method asked says something, by id.

    An expected_false of at most PROOF is what any method, or the agreement of two, makes sure of; what geometry
    confirms counts up to LIKELY. Everything else is as near as it looks: a hash or keypoints beyond that are left out,
    and so are pictures that only they have found.
    """
    asked = [one for one in answers if one.variants]
    traits = traits_of(asked)
    looks = looking(traits)
    limits = {method: LIKELY for method, one in traits.items() if one.role == "part"}
    found = {}
    evidence = gathered(asked)
    for id_, ways in _ways(asked).items():
        counted = {way: chance for way, chance in ways.items() if way in looks or chance <= limits.get(way, PROOF)}
        saying = [one for one in evidence[id_] if one.method in {*counted, *looks} or traits[one.method].role in LOOKS]
        if counted or any(one.method in looks for one in saying):
            saying.sort(key=lambda one: counted.get(one.method, math.inf))
            found[id_] = Fused(min(counted.values(), default=math.inf), saying)
    return found


def suspected(answers: Sequence[Findings]) -> dict[int, float]:
    """The least expected_false that any method asked has for a picture, however little its distance means."""
    asked = [one for one in answers if one.variants]
    return {id_: min(ways.values(), default=math.inf) for id_, ways in _ways(asked).items()}


def looking(asked: Mapping[str, Traits]) -> set[str]:
    """Those of the methods asked that rank pictures by looks; all of them when none is made for it."""
    roles = {traits.role for traits in asked.values()}
    ranking = next((role for role in LOOKS if role in roles), None)
    return {method for method, traits in asked.items() if ranking in (None, traits.role)}


def _ways(asked: Sequence[Findings]) -> dict[int, dict[str, float]]:
    """For each picture found, the expected_false of each method and ("") of agreement, with all methods paid for."""
    traits = traits_of(asked)
    share = shares(traits)
    alone = {one.method: isolation(one) if len(asked) > 1 else 1.0 for one in asked}
    pictures = max((one.pictures for one in asked), default=0)
    ways: dict[int, dict[str, float]] = {}
    near: dict[Role, dict[int, float]] = {role: {} for role in LOOKS}
    for one in asked:
        nearest = near.get(one.traits.role)
        for id_, evidence in one.found.items():
            way = ways.setdefault(id_, {})
            if evidence.expected_false is None:
                continue
            chance = evidence.expected_false / alone[one.method]
            way[one.method] = chance / share[one.method]
            if nearest is not None:
                nearest[id_] = min(chance, nearest.get(id_, math.inf))
    looks, color = (near[role] for role in LOOKS)
    for id_ in looks.keys() & color.keys():
        ways[id_][""] = _agreement(looks[id_], color[id_], pictures) / share[""]
    return ways


def isolation(answer: Findings) -> float:
    """How many times fewer pictures lie near this query than near others, 1 or more, by colours or embedding.

    Of unrelated pictures, the one of rank r should have an expected_false of about r. Some queries are unlike
    everything: all their ranks have far more. What stands out for them need not be as near as for others.
    """
    if answer.traits.role not in LOOKS or len(answer.found) < RANKS.stop - 1:
        return 1.0
    chances = [math.inf if one.expected_false is None else one.expected_false for one in answer.found.values()]
    ratio = median(chances[rank - 1] / rank for rank in RANKS)
    return max(1.0, ratio) if math.isfinite(ratio) else 1.0


def _agreement(one: float, other: float, pictures: int) -> float:
    """expected_false of two independent finds together (Fisher 1925): -ln of the product of two uniforms.

    It rises with both.
    """
    logs = [math.log(min(1.0, max(chance / max(1, pictures), 1e-18))) for chance in (one, other)]
    surprise = -sum(logs) / OVERLAP
    return pictures * math.exp(-surprise) * (1 + surprise)
