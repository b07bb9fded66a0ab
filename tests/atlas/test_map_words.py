"""The words that the page of a map finds pictures by."""

import numpy as np

from lookalike.atlas.shown import MOST, everyday, words_shown
from lookalike.models.concepts import DIMENSION, shared_space
from lookalike.search.relevance import FLOOR


def test_a_picture_is_found_by_the_words_that_fit_it_best_first():
    space, words = shared_space(), everyday()
    rows = np.stack([space.query([word]).vector for word in ("dog", "pizza")])
    shown = words_shown(rows, space)
    assert [words[number] for number in shown.words[:, 0]] == ["dog", "pizza"]
    assert (np.diff(shown.relevance.astype(int), axis=1) <= 0).all()
    assert shown.words.shape == shown.relevance.shape == (2, MOST)


def test_only_words_that_a_search_would_list_as_found():
    space = shared_space()
    rows = np.stack([space.query([word]).vector for word in ("dog", "boat", "night", "fog")])
    shown = words_shown(rows, space)
    there = shown.words >= 0
    assert there.any()
    assert not there.all()
    assert (shown.relevance[there] >= 100 * FLOOR - 1).all()
    assert (shown.relevance[~there] == 0).all()


def test_a_picture_of_which_nothing_is_known_shows_nothing():
    shown = words_shown(np.zeros((3, DIMENSION), np.float32), shared_space())
    assert (shown.words == -1).all()
    assert words_shown(np.zeros((0, DIMENSION), np.float32), shared_space()).words.shape == (0, MOST)
