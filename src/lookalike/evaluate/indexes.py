"""What the fast indexes miss: each beside exact search, through the same question."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from lookalike.evaluate.asking import Answer, ask
from lookalike.evaluate.edits import Picture
from lookalike.evaluate.result import IndexScore

if TYPE_CHECKING:
    from lookalike.collection import Collection

K = 10
QUESTIONS = 30
MOST_PICTURES = 50_000  # building a graph of more takes minutes
TOLERANCE = 1e-5

VECTORS = ("exact", ("auto", "codes", "hnsw"))
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "phash": ("scan", ("vptree",)),
    "color": ("exact", ("auto", "hnsw")),
    "embedding": VECTORS,
    "text": VECTORS,
}
"""The exact index of each method, and the faster ones. What that of `local` misses shows in its answers, which are
verified; its exhaustive index only counts matches."""


def compare_indexes(collection: Collection, methods: Sequence[str], asked: Sequence[Picture]) -> tuple[IndexScore, ...]:
    """Every faster kind of index of the methods that a collection of this size can be expected to build."""
    scores: list[IndexScore] = []
    for method in methods:
        exact, kinds = KINDS.get(method.partition(":")[0], ("", ()))
        if not kinds or len(collection) > MOST_PICTURES:
            continue
        right = _answers(collection, asked, method, exact)
        scores += [_score(method, kind, exact, _answers(collection, asked, method, kind), right) for kind in kinds]
    return tuple(scores)


def recall(found: Sequence[float], exact: Sequence[float]) -> float:
    """The share of the exact answer's distances that another answer reaches; ties count whichever id they have."""
    if not exact:
        return 1.0
    limit = exact[-1] + TOLERANCE
    return min(len(exact), sum(distance <= limit for distance in found)) / len(exact)


def _answers(collection: Collection, pictures: Sequence[Picture], method: str, kind: str) -> list[Answer]:
    ask(collection, pictures[0], method, K, index=kind)  # builds the index
    return [ask(collection, picture, method, K, index=kind) for picture in pictures]


def _score(method: str, kind: str, exact: str, found: list[Answer], right: list[Answer]) -> IndexScore:
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


def _distances(answer: Answer, method: str) -> list[float]:
    """Ascending."""
    return sorted(one.distance for match in answer.matches for one in match.evidence if one.method == method)
