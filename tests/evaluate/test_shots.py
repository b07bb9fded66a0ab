"""Other photographs of a scene, simulated: the same for a seed, unlike the picture, and of its size."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.evaluate.shots import KINDS, near_shot
from samples import photo


@pytest.mark.parametrize("kind", KINDS)
def test_a_shot_is_the_same_for_a_seed_and_another_for_another(kind):
    picture = photo("coffee.png")
    shot = near_shot(picture, kind, 5)
    assert shot.size == picture.size
    assert np.array_equal(shot, near_shot(picture, kind, 5))
    assert not np.array_equal(shot, near_shot(picture, kind, 6))


def test_a_kind_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="there are parallax, moved, refocus, all"):
        near_shot(photo("coffee.png"), "flash")


@pytest.mark.parametrize("size", [(1, 1), (3, 90), (40, 40)])
def test_small_pictures_have_shots_too(size):
    for kind in KINDS:
        assert near_shot(photo("coffee.png").resize(size), kind, 1).size == size
