"""What a distance is worth: null models and expected_false."""

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.significance.model import (
    FLOOR,
    Blend,
    NullModel,
    expected_false,
    fit,
    gaussian,
    inlier_null,
    radius,
)

TAILS = ("gaussian", "pareto", "power")


def hashes(rng, n):
    """Differing bits of unrelated 256-bit hashes."""
    return rng.binomial(256, 0.5, n).astype(float)


def skewed(rng, n):
    """Distances in 0..1 with a long lower tail, as between colour histograms."""
    return (1 - rng.gamma(2.0, 0.06, n)).clip(0, 1)


def vectors(rng, n):
    """Cosine distances around 0.6."""
    return rng.normal(0.6, 0.08, n).clip(0.01, 2)


SAMPLERS = {"gaussian": hashes, "pareto": skewed, "power": vectors}
COPIES = {"gaussian": 40.0, "pareto": 0.1, "power": 0.1}


def model(tail, n=40_000, seed=0):
    return fit(SAMPLERS[tail](np.random.default_rng(seed), n), tail)


@pytest.mark.parametrize("tail", TAILS)
@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 300), min_size=2, max_size=20))
def test_a_larger_distance_is_never_worth_more(tail, distances):
    logs = [model(tail, 5000).log_p(distance) for distance in sorted(distances)]
    assert logs == sorted(logs)
    assert all(FLOOR <= log <= 0 for log in logs)


@pytest.mark.parametrize("tail", TAILS)
def test_nothing_is_ever_impossible(tail):
    assert model(tail).log_p(0.0) >= FLOOR
    assert math.exp(model(tail).log_p(0.0)) > 0


@pytest.mark.parametrize("tail", TAILS)
def test_as_many_false_hits_as_announced(tail):
    """A thousand queries against a thousand pictures, all distances drawn from the null."""
    learnt, unseen = model(tail), SAMPLERS[tail](np.random.default_rng(1), 1_000_000)
    values, counts = np.unique(unseen, return_counts=True)
    expected = np.array([expected_false(learnt, value, 1000) for value in values])
    for limit, factor in ((0.01, 10), (0.1, 3), (1, 3), (10, 1.5), (100, 1.2)):
        hits = counts[expected <= limit].sum() / 1000
        assert hits <= factor * limit
        if limit >= 0.1:
            assert hits >= limit / factor


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("share", [0.001, 0.01, 0.05])
def test_copies_among_the_random_pairs_hardly_change_what_is_learnt(tail, share):
    rng = np.random.default_rng(2)
    clean = SAMPLERS[tail](rng, 40_000)
    copies = COPIES[tail] * rng.random(int(share * len(clean)))
    learnt, contaminated = fit(clean, tail), fit(np.concatenate([clean, copies]), tail)
    typical = np.quantile(clean, [0.0005, 0.01, 0.1])
    for distance in [*typical, COPIES[tail]]:
        assert contaminated.log_p(distance) == pytest.approx(learnt.log_p(distance), abs=2.5)


def test_expected_false_grows_with_the_collection_and_with_the_ways_of_asking():
    null = model("gaussian")
    once = expected_false(null, 90, 1000)
    assert expected_false(null, 90, 3000) == pytest.approx(3 * once)
    assert expected_false(null, 90, 1000, tried=5) == pytest.approx(5 * once)
    assert expected_false(null, 90, 0) == 0


def test_beyond_all_that_was_measured_the_probability_is_that_of_coin_flips_for_hashes():
    log2_of_tail = sum(math.comb(256, k) for k in range(65))
    assert model("gaussian").log_p(64) == pytest.approx(math.log(log2_of_tail) - 256 * math.log(2), abs=1.5)


@pytest.mark.parametrize("tail", TAILS)
def test_too_few_or_all_equal_distances_teach_nothing(tail):
    assert fit([], tail) is None
    assert fit([0.5] * 20, tail) is None
    assert fit(np.zeros(5000), tail) is None
    assert fit(np.full(5000, 128.0), tail) is None
    assert fit([math.nan, math.inf] * 5000, tail) is None


@pytest.mark.parametrize("tail", TAILS)
def test_a_model_survives_json(tail):
    learnt = model(tail)
    text = json.dumps(learnt.to_json())
    assert NullModel.from_json(json.loads(text)) == learnt
    assert len(text) < 2000


def test_a_heavy_tail_is_met_with_a_heavier_one():
    rng = np.random.default_rng(3)
    heavy = 10 - rng.pareto(5, 40_000)  # shape 0.2
    light = 10 - rng.exponential(0.2, 40_000)
    assert fit(heavy, "pareto").shape > 0.05
    assert fit(light, "pareto").shape <= 0.2


def test_a_blend_is_never_surer_than_its_more_sceptical_half_allows():
    near, far = gaussian(100, 8), gaussian(128, 8)
    blend = Blend(near, far, 0.5)
    for distance in (0.0, 60.0, 90.0, 128.0, 256.0):
        sceptic = max(near.log_p(distance), far.log_p(distance))
        assert sceptic - math.log(2) - 1e-9 <= blend.log_p(distance) <= sceptic + 1e-9


@pytest.mark.parametrize("limit", [1e-6, 0.01, 1.0, 100.0])
def test_radius_is_the_inverse_of_expected_false(limit):
    null = model("pareto")
    found = radius(null, limit, 1000, 1, farthest=1.0)
    assert found == -1 or expected_false(null, found, 1000) <= limit * (1 + 1e-9)
    assert expected_false(null, max(0.0, found) + 1e-6, 1000) > limit


def test_every_inlier_more_makes_chance_less_likely():
    null = inlier_null(2, 100_000, 6)
    logs = [null.log_p(1 / (1 + inliers)) for inliers in range(60)]
    assert logs[0] == 0
    assert all(after < before or after == FLOOR for before, after in itertools.pairwise(logs))
    assert math.exp(logs[6]) == pytest.approx(5e-5)
    assert logs[9] == pytest.approx(logs[6] - 3)


def test_never_having_seen_a_false_match_does_not_mean_that_there_are_none():
    assert expected_false(inlier_null(0, 1000, 6), 1 / 7, 1000) == pytest.approx(3)
    assert inlier_null(0, 1, 6).log_p(1 / 7) == 0
