"""The concept space: pictures and texts in one space without a text-image network."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from lookalike.models import concepts
from lookalike.models.bundle import BUNDLED_FILES
from lookalike.models.concepts import ConceptSpace, telling_words
from lookalike.models.network import ImageNetwork
from lookalike.pictures.open import open_image
from samples import drawing, photo

NAMES = ["astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "page.png", "brick.png"]


@pytest.fixture(scope="module")
def space():
    return ConceptSpace()


@pytest.fixture(scope="module")
def rows(space):
    net = ImageNetwork()
    pictures = [photo(name) for name in NAMES] + [drawing(seed) for seed in range(10)]
    sights = [net.run(open_image(picture)) for picture in pictures]
    return np.stack([space.describe(sight.pixels, sight.logits) for sight in sights])


def best(space, rows, text):
    return (NAMES + ["drawing"] * 10)[int(space.score(rows, space.query([text])).argmax())]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a cat", "chelsea.png"),
        ("a kitten looking at me", "chelsea.png"),
        ("a hot drink in a cup", "coffee.png"),
        ("a rocket before the launch", "rocket.jpg"),
        ("an old brick wall", "brick.png"),
    ],
)
def test_pictures_are_found_by_what_they_show(space, rows, text, name):
    assert best(space, rows, text) == name


def test_rows_have_unit_length_and_survive_half_precision(space, rows):
    assert rows.shape[1] == concepts.DIMENSION and rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(len(rows)), abs=1e-5)
    query = space.query(["a cat"])
    assert space.score(rows.astype(np.float16), query) == pytest.approx(space.score(rows, query), abs=0.02)


def test_the_score_of_a_picture_does_not_depend_on_the_others(space, rows):
    query = space.query(["a cup of coffee"])
    assert space.score(rows[2:3], query) == pytest.approx(space.score(rows, query)[2:3], abs=1e-5)


def test_the_score_is_the_cosine_in_standard_deviations(space, rows):
    query = space.query(["a cat"])
    assert np.linalg.norm(query.vector) == pytest.approx(1, abs=1e-5)
    assert space.score(rows, query) == pytest.approx(rows @ query.vector / query.deviation, abs=1e-4)


def test_weights_pull_and_negative_ones_push(space, rows):
    cat, coffee = NAMES.index("chelsea.png"), NAMES.index("coffee.png")
    both, less, without = (space.query(["a cat", "a cup of coffee"], [1, weight]) for weight in (1, 0.1, -1))
    scores = [space.score(rows, query) for query in (both, less, without)]
    assert scores[0][coffee] > scores[1][coffee] > scores[2][coffee]
    assert scores[2][coffee] < 0 < scores[2][cat]


def test_a_picture_can_be_a_term_of_the_sum(space, rows):
    cat = NAMES.index("chelsea.png")
    query = space.query([], rows=rows[cat : cat + 1])
    assert int(space.score(rows, query).argmax()) == cat
    mixed = space.query(["a cup of coffee"], [1.0, -1.0], rows=rows[cat : cat + 1])
    assert space.score(rows, mixed)[cat] < 0


def test_colour_words_turn_to_the_colour(space):
    net = ImageNetwork()
    red, blue = (np.full((64, 64, 3), colour, np.uint8) for colour in ((220, 20, 30), (30, 80, 210)))
    two = np.stack([space.describe(s.pixels, s.logits) for s in (net.run(open_image(p)) for p in (red, blue))])
    for text, better in (("something red", 0), ("something blue", 1)):
        plain, coloured = space.score(two, space.query(["something"])), space.score(two, space.query([text]))
        assert (coloured - plain).argmax() == better


def test_concepts_near_a_picture_are_named(space, rows):
    assert {"espresso", "coffee mug", "cup"} & set(space.nearest_concepts(rows[NAMES.index("coffee.png")], 5))
    assert len(space.nearest_concepts(rows[:3])) == 3


def test_words_without_a_concept_bring_a_hint_and_known_ones_do_not(space):
    assert space.query(["a dog on the beach"]).hint is None
    query = space.query(["my happy friend's birthday"])
    assert "birthday" in query.unknown
    assert query.hint is not None and "birthday" in query.hint and "clip-vit-b32" in query.hint


@pytest.mark.parametrize("text", ["", "  ", "\x00\x1b", "🌅", "غروب الشمس", "x" * 10_000, "dog " * 2_500, "\ud83c"])
def test_every_text_has_a_direction(space, rows, text):
    query = space.query([text])
    assert np.isfinite(space.score(rows, query)).all() and query.deviation > 0
    assert query.hint is None or query.hint.isprintable()


def test_a_sum_that_cancels_out_finds_nothing_in_particular(space, rows):
    query = space.query(["a cat", "a cat"], [1.0, -1.0])
    assert np.isfinite(space.score(rows, query)).all()


def test_silent_words_are_not_telling():
    assert telling_words("A photo of the red Dog near a red car, 2024!") == ["red", "dog", "car"]


def test_the_edition_that_collections_remember_is_that_of_the_files():
    files = ("efficientnet-lite0.onnx", "concepts.npz", "population.npz")
    digests = "".join(hashlib.sha256((BUNDLED_FILES / name).read_bytes()).hexdigest() for name in files)
    assert hashlib.sha256(digests.encode()).hexdigest().startswith(concepts.EDITION)
