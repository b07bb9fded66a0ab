"""Colour and mood words, and what they are measured by."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lookalike.models.colours import COLOUR_ENOUGH, COLOURS, CUES, cues_in, measure_cues

PURE = {
    "black": (5, 5, 5),
    "white": (250, 250, 250),
    "grey": (128, 128, 128),
    "red": (220, 20, 30),
    "orange": (250, 140, 20),
    "brown": (110, 70, 30),
    "yellow": (240, 220, 40),
    "green": (40, 160, 50),
    "blue": (30, 80, 210),
    "purple": (150, 50, 220),
    "pink": (250, 120, 210),
}


def measured(rgb):
    return dict(zip(CUES, measure_cues(np.asarray(rgb, np.uint8)).tolist(), strict=True))


def plain(colour, shape=(40, 60)):
    return np.full((*shape, 3), colour, np.uint8)


@pytest.mark.parametrize("name", COLOURS)
def test_a_plain_picture_is_of_its_colour_and_no_other(name):
    cues = measured(plain(PURE[name]))
    assert {colour for colour in COLOURS if cues[colour] > 0.01} == {name}
    assert cues[name] == pytest.approx(COLOUR_ENOUGH)


def test_a_fifth_of_red_counts_a_fifth():
    picture = plain(PURE["green"], (100, 100))
    picture[:20] = PURE["red"]
    assert measured(picture)["red"] == pytest.approx(0.2, abs=0.03)


def test_moods_are_told_apart():
    ramp = np.linspace(0, 1, 60)[:, None, None]
    sunset = plain(PURE["orange"], (60, 90)) * (1 - ramp)
    fog = 90 + 60 * ramp * np.ones((60, 90, 3))
    night = plain((12, 12, 20), (60, 90))
    snow = np.concatenate([plain(PURE["blue"], (15, 90)), plain((235, 238, 245), (45, 90))])
    autumn = np.random.default_rng(0).permutation(np.repeat([PURE["orange"], PURE["brown"], PURE["red"]], 1800, axis=0))
    pictures = {"sunset": sunset, "fog": fog, "night": night, "snow": snow, "autumn": autumn.reshape(60, 90, 3)}
    cues = {mood: measured(picture) for mood, picture in pictures.items()}
    for mood in pictures:
        others = [cues[other][mood] for other in pictures if other != mood]
        if mood == "autumn":  # a sunset has the colours of autumn
            others.remove(cues["sunset"]["autumn"])
        assert cues[mood][mood] > max(others), mood


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30), st.just(3))))
def test_any_picture_has_seventeen_finite_cues_between_0_and_2(rgb):
    cues = measure_cues(rgb)
    assert cues.shape == (17,) and cues.dtype == np.float32
    assert np.isfinite(cues).all() and cues.min() >= 0 and cues.max() <= 2


def test_only_pictures_without_colour_are_monochrome():
    grey = np.random.default_rng(0).integers(0, 256, (60, 90, 1), np.uint8).repeat(3, axis=2)
    assert measured(grey)["monochrome"] > 0.95
    faint = (grey * np.array([1, 0.9, 0.8])).astype(np.uint8)
    assert measured(faint)["monochrome"] < 0.1


def test_cues_do_not_depend_on_the_size_of_the_picture():
    soft = np.random.default_rng(1).integers(0, 256, (6, 8, 3), np.uint8)
    small, large = (PIL.Image.fromarray(soft).resize(size) for size in ((96, 72), (480, 360)))
    assert measure_cues(np.asarray(small)) == pytest.approx(measure_cues(np.asarray(large)), abs=0.05)


@pytest.mark.parametrize(
    ("text", "cues"),
    [
        ("a misty dawn", ["sunset", "fog"]),
        ("Gray and GREY", ["grey"]),
        ("a reddish blackbird", []),
        ("snow, blue sky", ["blue", "snow"]),
        ("a black and white photo of a dog", ["monochrome"]),
        ("a portrait in black and white", ["monochrome"]),
        ("monochrome street", ["monochrome"]),
        ("a black and white dog", ["black", "white"]),
        ("", []),
    ],
)
def test_words_name_cues_whole_and_in_any_case(text, cues):
    assert cues_in(text) == cues
