"""The bundled text encoder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lookalike.errors import ModelError
from lookalike.models.bundle import BUNDLED_FILES
from lookalike.models.sentences import DIMENSION, Sentences

GOLDEN = json.loads((Path(__file__).parent / "golden/bundled.json").read_text("utf-8"))["texts"]
AWKWARD = {
    "empty": "",
    "spaces": " \t\n ",
    "control characters": "\x00\x01\x1b[31m\u200b\x7f",
    "very long": "a very long caption " * 500,
    "one endless word": "x" * 10_000,
    "emoji": "🌅🐕‍🦺👩🏽‍🚀",
    "right to left": "غروب الشمس ‏شروق",
    "half a surrogate pair": "sea \ud83c side",
    "special tokens": "[CLS] [SEP] [MASK] [PAD]",
}


@pytest.fixture(scope="module")
def sentences():
    return Sentences()


@pytest.mark.parametrize("entry", GOLDEN, ids=lambda entry: entry["text"][:20] or "empty")
def test_eight_bits_hardly_turn_the_vectors_of_the_original(sentences, entry):
    (vector,) = sentences.encode([entry["text"]])
    assert vector @ np.array(entry["vector"]) > 0.98


def test_a_text_has_the_same_vector_in_any_company(sentences):
    texts = ["a dog", "a very much longer text about two dogs and a cat", "a dog"]
    together = sentences.encode(texts)
    assert np.array_equal(together[0], together[2])
    assert np.array_equal(together[:1], sentences.encode(["a dog"]))


def test_alike_in_meaning_is_alike_in_direction(sentences):
    dog, puppy, car = sentences.encode(["a dog on the beach", "a puppy by the sea", "a car in a garage"])
    assert dog @ puppy > dog @ car + 0.2


def test_nothing_to_encode_is_no_rows(sentences):
    assert sentences.encode([]).shape == (0, DIMENSION)


@pytest.mark.parametrize("text", AWKWARD.values(), ids=AWKWARD.keys())
def test_every_text_has_a_unit_vector(sentences, text):
    (vector,) = sentences.encode([text])
    assert vector.dtype == np.float32 and np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_texts_without_words_are_the_empty_sentence(sentences):
    empty, spaces, controls = sentences.encode(["", " \t\n ", "\x00\x01\x7f"])
    assert np.array_equal(empty, spaces) and np.array_equal(empty, controls)


def test_a_missing_or_broken_tokenizer_is_one_clear_error(tmp_path):
    with pytest.raises(ModelError, match=r"minilm-tokenizer\.json"):
        Sentences(tmp_path).encode(["a dog"])
    (tmp_path / "minilm-tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match=r"minilm-tokenizer\.json"):
        Sentences(tmp_path).encode(["a dog"])
    (tmp_path / "minilm-tokenizer.json").write_bytes((BUNDLED_FILES / "minilm-tokenizer.json").read_bytes())
    with pytest.raises(ModelError, match=r"minilm-l6-v2-int8\.onnx"):
        Sentences(tmp_path).encode(["a dog"])
