"""How good ranked answers are, in the field's usual numbers. Ranks count from 1; None: not found."""

from __future__ import annotations

from collections.abc import Collection, Sequence

Rank = int | None


def recall_at(ranks: Sequence[Rank], k: int) -> float:
    """The share of questions whose (first) right picture is among the first k; 0 without questions."""
    return sum(rank is not None and rank <= k for rank in ranks) / max(1, len(ranks))


def mean_reciprocal_rank(ranks: Sequence[Rank]) -> float:
    """The mean of 1 / rank of the (first) right picture, 0 for what was not found; 0 without questions."""
    return sum(1 / rank for rank in ranks if rank is not None) / max(1, len(ranks))


def average_precision(ranks: Collection[int], right: int) -> float:
    """Of one question: the mean over all `right` pictures of the precision at their ranks, 0 for those not found.

    ranks: of the right pictures that were found, any order.
    """
    return sum(place / rank for place, rank in enumerate(sorted(ranks), 1)) / max(1, right)


def rank_of(answer: Sequence[int], right: Collection[int], neutral: Collection[int] = ()) -> Rank:
    """The rank of the first right id among an answer's ids; neutral ones do not count as places."""
    ranks = ranks_of(answer, right, neutral)
    return ranks[0] if ranks else None


def ranks_of(answer: Sequence[int], right: Collection[int], neutral: Collection[int] = ()) -> list[int]:
    """The ranks of all right ids of an answer, ascending; neutral ones do not count as places."""
    places = enumerate((id_ for id_ in answer if id_ in right or id_ not in neutral), 1)
    return [rank for rank, id_ in places if id_ in right]


Detections = Sequence[tuple[float, bool]]
"""Of each question what came first: how doubtful it is, and whether it is right."""


def micro_average_precision(found: Detections, right: int) -> float:
    """The mean, over all `right` pictures there are, of the precision among what is no more doubtful than each.

    One list of all questions (Douze et al. 2021, DISC21): a question without a right picture can only do harm. Of
    what is equally doubtful the wrong count first.
    """
    return average_precision([rank for rank, (_, good) in enumerate(sorted(found), 1) if good], right)


def recall_at_precision(found: Detections, right: int, precision: float) -> float:
    """The greatest share of the `right` pictures that is found with at least this precision, for any one limit."""
    best = good = 0
    for rank, (_, is_right) in enumerate(sorted(found), 1):
        good += is_right
        if is_right and good >= precision * rank:
            best = good
    return best / max(1, right)
