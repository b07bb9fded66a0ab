"""The field's figures, against examples reckoned by hand and what must always hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.evaluate.metrics import (
    average_precision,
    mean_reciprocal_rank,
    micro_average_precision,
    rank_of,
    ranks_of,
    recall_at,
    recall_at_precision,
)

some_ranks = st.lists(st.one_of(st.none(), st.integers(1, 50)), min_size=1, max_size=30)
some_ids = st.lists(st.integers(0, 30), unique=True, max_size=20)


def test_recall_counts_what_is_among_the_first_k():
    ranks = [1, 1, 2, 10, 11, None]
    assert recall_at(ranks, 1) == pytest.approx(2 / 6)
    assert recall_at(ranks, 2) == pytest.approx(3 / 6)
    assert recall_at(ranks, 10) == pytest.approx(4 / 6)
    assert recall_at([], 10) == 0


def test_the_mean_reciprocal_rank_by_hand():
    assert mean_reciprocal_rank([1, 2, 4, None]) == pytest.approx((1 + 0.5 + 0.25 + 0) / 4)
    assert mean_reciprocal_rank([1, 1]) == 1
    assert mean_reciprocal_rank([None]) == 0
    assert mean_reciprocal_rank([]) == 0


def test_average_precision_by_hand():
    # right at 1, 3 and 6 of three: precisions 1/1, 2/3, 3/6
    assert average_precision([1, 3, 6], 3) == pytest.approx((1 + 2 / 3 + 1 / 2) / 3)
    # the same, and a fourth that was not found
    assert average_precision([6, 1, 3], 4) == pytest.approx((1 + 2 / 3 + 1 / 2) / 4)
    assert average_precision([], 2) == 0


@given(some_ranks, st.integers(1, 50))
def test_recall_grows_with_k_and_mrr_lies_between_recall_at_1_and_recall_of_all(ranks, k):
    assert 0 <= recall_at(ranks, k) <= recall_at(ranks, k + 1) <= 1
    assert recall_at(ranks, 1) <= mean_reciprocal_rank(ranks) + 1e-12
    assert mean_reciprocal_rank(ranks) <= recall_at(ranks, 50) + 1e-12


@given(st.sets(st.integers(1, 40), min_size=1, max_size=20))
def test_average_precision_is_perfect_only_for_the_first_places(ranks):
    value = average_precision(ranks, len(ranks))
    assert 0 < value <= 1
    assert (value == pytest.approx(1)) == (ranks == set(range(1, len(ranks) + 1)))


@given(st.sets(st.integers(1, 40), min_size=1, max_size=20))
def test_average_precision_is_the_mean_precision_at_the_right_places(ranks):
    precisions = [sum(other <= rank for other in ranks) / rank for rank in ranks]
    assert average_precision(ranks, len(ranks)) == pytest.approx(sum(precisions) / len(ranks))


@given(st.sets(st.integers(2, 40), min_size=1, max_size=20))
def test_average_precision_gains_when_a_picture_moves_to_a_free_place_before(ranks):
    worst = max(ranks)
    better = (ranks - {worst}) | {min(set(range(1, 41)) - ranks)}
    assert average_precision(better, len(ranks)) > average_precision(ranks, len(ranks))


def test_neutral_ids_are_no_places():
    answer = [7, 3, 8, 5, 4]
    assert rank_of(answer, {5}) == 4
    assert rank_of(answer, {5}, {7, 8}) == 2
    assert ranks_of(answer, {5, 4}, {7}) == [3, 4]
    assert rank_of(answer, {9}) is None


def test_what_is_right_counts_even_if_it_is_also_neutral():
    assert rank_of([1, 2], {2}, {1, 2}) == 1


@given(some_ids, st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)))
def test_neutral_ids_count_as_if_they_had_never_been_found(answer, right, neutral):
    bare = [id_ for id_ in answer if id_ not in neutral - right]
    assert ranks_of(answer, right, neutral) == ranks_of(bare, right)


def test_micro_average_precision_and_recall_at_precision_by_hand():
    found = [(1e-9, True), (0.5, False), (0.2, True), (1.0, True), (2.0, False)]
    assert micro_average_precision(found, 4) == pytest.approx((1 + 1 + 3 / 4) / 4)
    assert recall_at_precision(found, 4, 0.9) == 2 / 4
    assert recall_at_precision(found, 4, 0.75) == 3 / 4
    assert recall_at_precision([], 4, 0.9) == micro_average_precision([], 4) == 0


def test_of_what_is_equally_doubtful_the_wrong_count_first():
    assert micro_average_precision([(1.0, True), (1.0, False)], 1) == 1 / 2


@given(st.lists(st.booleans(), max_size=30), st.floats(0, 1))
def test_a_stranger_can_only_do_harm(rights, doubt):
    found = [(number / 30, right) for number, right in enumerate(rights)]
    more = [*found, (doubt, False)]
    assert micro_average_precision(more, 30) <= micro_average_precision(found, 30)
    assert recall_at_precision(more, 30, 0.9) <= recall_at_precision(found, 30, 0.9)
