"""Evidence of several methods to one list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lookalike.methods.base import Method
from lookalike.ranking.ask import Answer
from lookalike.ranking.match import Evidence, Match
from lookalike.ranking.score import similarity
from lookalike.store.catalogue import Catalogue


def fuse(answers: Sequence[Answer], methods: Mapping[str, Method[Any]], catalogue: Catalogue) -> list[Match]:
    """Matches by their best evidence, best first."""
    evidence: dict[int, list[Evidence]] = {}
    for one in answers:
        for id_, item in one.found.items():
            evidence.setdefault(id_, []).append(item)
    records = catalogue.records(evidence)
    matches = []
    for id_, found in evidence.items():
        if id_ in records:
            score = max(similarity(methods[one.method], one.distance) for one in found)
            matches.append(Match(id_, records[id_].path, score, "similar", None, found))
    return sorted(matches, key=lambda match: (-match.score, match.id))
