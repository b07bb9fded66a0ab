"""The concept space: pictures and texts in one space without a text-image network."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from lookalike.models import concepts
from lookalike.models.bundle import BUNDLED_FILES
from lookalike.models.concepts import ConceptSpace
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
    return np.stack([space.describe(sight) for sight in sights])


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
    two = np.stack([space.describe(net.run(open_image(p))) for p in (red, blue)])
    for text, better in (("something red", 0), ("something blue", 1)):
        plain, coloured = space.score(two, space.query(["something"])), space.score(two, space.query([text]))
        assert (coloured - plain).argmax() == better


def test_concepts_near_a_picture_are_named(space, rows):
    assert {"espresso", "coffee mug", "cup"} & set(space.nearest_concepts(rows[NAMES.index("coffee.png")], 5))
    assert len(space.nearest_concepts(rows[:3])) == 3


def test_words_without_a_meaning_are_left_out_and_do_not_dilute_the_others(space, rows):
    plain, mixed = space.query(["a cup of coffee"]), space.query(["a zxqwv cup of coffee"])
    assert (mixed.unknown, mixed.known) == (("zxqwv",), 2) and plain.unknown == ()
    assert mixed.vector @ plain.vector > 0.99
    assert space.query(["zxqwv"]).known == 0


def relevance(space, rows, text):
    query = space.query([text])
    return 1 / (1 + np.exp(-(query.scale * (rows @ query.vector) + query.offset)))


def test_what_is_there_is_relevant_and_what_is_not_is_not(space, rows):
    said = {text: relevance(space, rows, text) for text in ("a cat", "a cup of coffee", "an accordion", "a bulldozer")}
    assert said["a cat"][NAMES.index("chelsea.png")] > 0.5 and said["a cup of coffee"][NAMES.index("coffee.png")] > 0.25
    assert said["an accordion"].max() < 0.1 and said["a bulldozer"].max() < 0.1


def test_relevance_is_the_sum_of_its_sources_whatever_form_rows_have(space):
    """The row loses nothing: log-odds from it are those from the cosines themselves."""
    seen = ImageNetwork().run(open_image(photo("chelsea.png")))
    query, vector = space.query(["a sleeping kitten"]), space._sentences.encode(["a sleeping kitten"])[0]
    said, named, by_name, constant = space._odds
    cosine = concepts.unit(vector - space._said) @ space._learned(space.read(seen)[None])[0]
    meaning = concepts.unit(vector - space._classes.mean(axis=0)) @ space.meaning(seen.logits)
    near = vector @ space._classes.T
    belief = np.exp(near / concepts.NAME_TEMPERATURE)
    scores = belief / belief.sum() @ concepts.unit(seen.logits - seen.logits.mean())
    expected = said * cosine + named * meaning + by_name * scores + constant
    row = space.describe(seen)
    assert query.scale * (row @ query.vector) + query.offset == pytest.approx(expected, abs=0.25)


def test_a_sum_claims_no_relevance(space):
    assert space.query(["a cat", "snow"]).scale == 0 and space.query(["a cat"], [2.0]).scale == 0


def test_black_and_white_photographs_are_found_by_that(space, rows):
    grey = ImageNetwork().run(open_image(photo("chelsea.png").convert("L").convert("RGB")))
    both = np.stack([space.describe(grey), rows[NAMES.index("chelsea.png")]])
    said = relevance(space, both, "black and white photo")
    assert said[0] > 0.5 and said[1] < 0.05
    said = relevance(space, both, "a black and white photo of a cat")
    assert said[0] > 0.9 > said[1]
    cat = relevance(space, both, "a black and white cat")
    assert abs(cat[0] - cat[1]) < 0.4


@pytest.mark.parametrize("text", ["", "  ", "\x00\x1b", "🌅", "غروب الشمس", "x" * 10_000, "dog " * 2_500, "\ud83c"])
def test_every_text_has_a_direction(space, rows, text):
    query = space.query([text])
    assert np.isfinite(space.score(rows, query)).all() and query.deviation > 0
    assert all(line.isprintable() for line in space.lexicon.explain(query.unknown))


def test_a_sum_that_cancels_out_finds_nothing_in_particular(space, rows):
    query = space.query(["a cat", "a cat"], [1.0, -1.0])
    assert np.isfinite(space.score(rows, query)).all()


def test_the_edition_that_collections_remember_is_that_of_the_files():
    files = ("efficientnet-lite0.onnx", "concepts.npz", "learned.npz", "population.npz")
    digests = "".join(hashlib.sha256((BUNDLED_FILES / name).read_bytes()).hexdigest() for name in files)
    assert hashlib.sha256(digests.encode()).hexdigest().startswith(concepts.EDITION)
