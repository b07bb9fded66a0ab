"""Sentence vectors of all-MiniLM-L6-v2, for the concept space: a text in, 384 numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import ModelError, printable
from lookalike.models.bundle import BUNDLED_FILES
from lookalike.models.onnx import Network

if TYPE_CHECKING:
    import tokenizers

NAME = "minilm-l6-v2-int8"
DIMENSION = 384
MAX_TOKENS = 128  # what the network was trained with
MAX_CHARACTERS = 20 * MAX_TOKENS  # of a longer text no more tokens would be read anyway


class Sentences:
    """The bundled text encoder. Files are opened with the first text."""

    def __init__(self, folder: Path = BUNDLED_FILES) -> None:
        self._folder = folder

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, 384) float32, unit length.

        Every text has a vector: one of nothing but spaces or control characters has that of the empty sentence,
        only the first 128 tokens count, and halves of surrogate pairs are read as the replacement character. One
        text at a time, so that a text's vector does not depend on its neighbours.
        """
        vectors = np.zeros((len(texts), DIMENSION), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            ids = self._tokenizer.encode(_valid(text)).ids
            row[:] = self._network.run({"ids": np.array([ids], np.int64)}, "embedding")[0]
        return vectors

    def has_word(self, word: str) -> bool:
        """Whether a word in lower case is read as a whole."""
        return self._tokenizer.token_to_id(word) is not None

    @cached_property
    def _network(self) -> Network:
        return Network(self._folder / f"{NAME}.onnx")

    @cached_property
    def _tokenizer(self) -> tokenizers.Tokenizer:
        import tokenizers

        path = self._folder / "minilm-tokenizer.json"
        try:
            tokenizer = tokenizers.Tokenizer.from_str(path.read_text(encoding="utf-8"))
        except Exception as error:
            raise ModelError(f"{printable(path)}: not the bundled tokenizer; install lookalike again") from error
        tokenizer.no_padding()
        tokenizer.enable_truncation(MAX_TOKENS)
        return tokenizer


def _valid(text: str) -> str:
    """Text that can be encoded: lone surrogates replaced, cut to a length that surely fills the tokens."""
    return text[:MAX_CHARACTERS].encode("utf-16", "surrogatepass").decode("utf-16", "replace")
