"""The map from pictures to what is said of them."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.errors import ModelError
from lookalike.models import learned
from lookalike.models.learned import FEATURES, PENALTY, LearnedMap, learn, picture_features, shipped
from lookalike.models.network import unit_rows


def made(count, seed=0):
    """Pictures with features in a plane of 40 dimensions, and captions that depend on them linearly, with noise."""
    random = np.random.default_rng(seed)
    basis, words = np.random.default_rng(99).normal(size=(2, 40, FEATURES))
    inner = random.normal(size=(count, 40)) / 6
    features = inner @ np.linalg.qr(basis.T)[0].T
    said = inner @ words[:, :384] + random.normal(size=(count, 384)) / 10
    return features.astype(np.float32), [unit_rows(row[None].astype(np.float32)) for row in said]


def plain_ridge(features, targets, weights):
    """As in a textbook: normal equations, weighted."""
    share = weights / weights.sum()
    x, y = features - share @ features, targets - share @ targets
    return np.linalg.solve(x.T @ (weights[:, None] * x) + PENALTY * np.eye(x.shape[1]), x.T @ (weights[:, None] * y))


def test_it_is_ridge_regression():
    features, captions = made(60)
    found = learn(features, captions, axes=0)
    targets = found.targets(captions)
    expected = plain_ridge(features.astype(np.float64), targets.astype(np.float64), np.ones(60))
    assert found.coefficients == pytest.approx(expected, abs=1e-4)
    assert found(features) == pytest.approx(unit_rows((features - found.mean) @ found.coefficients), abs=1e-5)


def test_learning_more_is_learning_from_everything_at_once():
    old, new = made(80), made(30, seed=1)
    features, captions = np.concatenate([old[0], new[0]]), old[1] + new[1]
    grown = learn(*old, axes=79).more(new[0], learn(*old, axes=0).targets(new[1]))
    whole = learn(features, captions, axes=0)
    unseen, _ = made(50, seed=2)
    assert np.sum(grown(unseen) * whole(unseen), axis=1).mean() > 0.98
    before = learn(*old, axes=0)
    assert np.sum(before(unseen) * whole(unseen), axis=1).mean() < np.sum(grown(unseen) * whole(unseen), axis=1).mean()


def test_learning_nothing_new_changes_nothing_and_weight_tells():
    features, captions = made(80)
    base = learn(features, captions, axes=79)
    new, said = made(20, seed=3)
    targets = base.targets(said)
    assert base.more(new[:0], targets[:0]).coefficients == pytest.approx(base.coefficients, abs=1e-6)
    errors = [np.linalg.norm(base.more(new, targets, w)(new) - unit_rows(targets)) for w in (0.1, 1.0, 10.0)]
    assert errors[0] > errors[1] > errors[2]


def test_a_saved_map_is_the_same_and_a_damaged_one_is_refused(tmp_path):
    features, captions = made(50)
    base, path = learn(features, captions, axes=20), tmp_path / "map.npz"
    base.save(path)
    again = LearnedMap.load(path)
    assert np.sum(again(features) * base(features), axis=1) == pytest.approx(np.ones(50), abs=1e-4)
    path.write_bytes(path.read_bytes()[:1000])
    for bad in (path, tmp_path / "missing.npz"):
        with pytest.raises(ModelError, match=bad.name):
            LearnedMap.load(bad)


def test_the_shipped_map_reads_what_the_network_sees():
    kept = shipped()
    assert kept.coefficients.shape == (FEATURES, 384) and kept.axes.shape[0] == FEATURES
    assert kept.axes.T @ kept.axes == pytest.approx(np.eye(kept.axes.shape[1]), abs=0.01)
    parts = (np.ones((2, 1280), np.float32), np.ones((2, 624), np.float32), np.ones((2, 384), np.float32))
    assert picture_features(*parts).shape == (2, FEATURES) and learned.FILE == "learned.npz"
