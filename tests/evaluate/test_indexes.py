"""Indexes beside exact search."""

from __future__ import annotations

import pytest

from lookalike import Collection
from lookalike.evaluate.indexes import compare_indexes, recall
from lookalike.methods.factory import NAMES, make
from samples import drawing


def test_recall_is_the_share_of_the_exact_distances_reached():
    assert recall([1, 2, 3], [1, 2, 3]) == 1
    assert recall([1, 3, 4], [1, 2, 3]) == pytest.approx(2 / 3)
    assert recall([], [1, 2]) == 0
    assert recall([], []) == 1


def test_pictures_as_near_as_the_last_one_are_as_good():
    assert recall([1, 2, 2], [1, 2, 2]) == 1
    assert recall([1, 2.000001], [1, 2]) == 1
    assert recall([0, 0, 0, 0], [0, 1]) == 1


@pytest.mark.parametrize("name", NAMES)
def test_every_method_has_the_kinds_that_are_compared(name):
    method = make(name)
    for kind in filter(None, (method.traits.exact, *method.traits.faster)):
        method.index_kind(kind)


def test_small_collections_lose_nothing(album):
    with Collection(album) as opened:
        scores = compare_indexes(opened, ["phash", "color", "auto"], [drawing(3), drawing(900)])
    assert {(one.method, one.kind): one.recall for one in scores} == {
        ("phash", "vptree"): 1,
        ("color", "auto"): 1,
        ("color", "hnsw"): 1,
    }
    assert all(one.questions == 2 and one.milliseconds > 0 for one in scores)
