"""What the fast indexes miss: each beside exact search, through the same question."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from lookalike.errors import QueryError
from lookalike.evaluate.asking import Timed, timed_search
from lookalike.evaluate.edits import Picture
from lookalike.evaluate.result import IndexScore

if TYPE_CHECKING:
    from lookalike.collection import Collection

K = 10
QUESTIONS = 30
MOST_PICTURES = 50_000  # building a graph of more takes minutes
TOLERANCE = 1e-5


def compare_indexes(collection: Collection, methods: Sequence[str], asked: Sequence[Picture]) -> tuple[IndexScore, ...]:
    """Every faster kind of index of the methods that a collection of this size can be expected to build.

    What the index of a method that finds parts misses shows in its answers, which are verified.
    """
    scores: list[IndexScore] = []
    for method in methods:
        traits = None if method == "auto" else collection.searcher().method(method).traits
        if traits is None or not traits.exact or len(collection) > MOST_PICTURES:
            continue
        exact = traits.exact
        try:
            collection.searcher().index(method, exact)
        except QueryError:  # Milvus has one index of each method, its own
            continue
        right = _answers(collection, asked, method, exact)
        faster = traits.faster
        scores += [_score(method, kind, exact, _answers(collection, asked, method, kind), right) for kind in faster]
    return tuple(scores)


def recall(found: Sequence[float], exact: Sequence[float]) -> float:
    """The share of the exact answer's distances that another answer reaches; ties count whichever id they have."""
    if not exact:
        return 1.0
    limit = exact[-1] + TOLERANCE
    return min(len(exact), sum(distance <= limit for distance in found)) / len(exact)


def _answers(collection: Collection, pictures: Sequence[Picture], method: str, kind: str) -> list[Timed]:
    timed_search(collection, pictures[0], method, K, index=kind)  # builds the index
    return [timed_search(collection, picture, method, K, index=kind) for picture in pictures]


def _score(method: str, kind: str, exact: str, found: list[Timed], right: list[Timed]) -> IndexScore:
    shares = [
        recall(_distances(one, method), _distances(other, method)) for one, other in zip(found, right, strict=True)
    ]
    return IndexScore(
        method,
        kind,
        exact,
        len(right),
        sum(shares) / len(shares),
        median(one.milliseconds for one in found),
        median(one.milliseconds for one in right),
    )


def _distances(answer: Timed, method: str) -> list[float]:
    """Ascending."""
    return sorted(one.distance for match in answer.matches for one in match.evidence if one.method == method)
