"""Which words mean something to the bundled models."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.models.lexicon import EXPLAINED, MAX_WORDS, Lexicon, telling_words


@pytest.fixture(scope="module")
def lexicon():
    made = Lexicon()
    made.knows("dog")  # opens its file: not within the first of many examples
    return made


KNOWN = """dog dogs running ran bicycle skyscrapers umbrellas mountaintop snowboarder accordion koala smiling happiest
hydrangea rottweiler pajamas stethoscope paris christmas grilled skiers"""
STRANGE = "bycicle zxqwv katze hund perro chien schnee кошка 猫 собака elefant"


@pytest.mark.parametrize("word", KNOWN.split())
def test_english_words_and_their_forms_are_known(lexicon, word):
    assert lexicon.knows(word)


@pytest.mark.parametrize("word", STRANGE.split())
def test_slips_and_words_of_other_languages_are_not(lexicon, word):
    assert not lexicon.knows(word)


@pytest.mark.parametrize(
    ("slip", "meant"),
    [("bycicle", "bicycle"), ("elefant", "elephant"), ("moutain", "mountain"), ("umbrela", "umbrella")],
)
def test_a_slip_is_named_with_what_may_have_been_meant(lexicon, slip, meant):
    assert meant in lexicon.nearest(slip)
    (line,) = lexicon.explain([slip])
    assert line.startswith(f"{slip}: did you mean ") and meant in line


def test_what_is_like_no_word_is_only_said_to_be_unknown(lexicon):
    assert lexicon.explain(["кошка"]) == ["кошка: not known to the bundled model, which reads English"]
    assert len(lexicon.explain(["aaaa", "bbbb", "cccc", "dddd"])) == EXPLAINED


def test_unknown_words_are_left_out_of_what_is_read(lexicon):
    assert lexicon.split("A zxqwv Dog, near a bycicle!") == (("dog",), ("zxqwv", "bycicle"))
    assert lexicon.understood("A zxqwv Dog").split() == ["A", "Dog"]
    assert lexicon.understood("A black Dog") == "A black Dog"


def test_silent_words_are_not_telling():
    assert telling_words("A photo of the red Dog near a red car, 2024!") == ["red", "dog", "car"]


@given(st.text(max_size=300))
def test_any_text_can_be_split(lexicon, text):
    known, unknown = lexicon.split(text)
    assert len(known) + len(unknown) <= MAX_WORDS and not set(known) & set(unknown)
