"""From a text to the token numbers that a text encoder was trained on, as open_clip makes them.

Two families are known: CLIP (byte-pair encoding, 77 tokens, padded with 0) and SigLIP (SentencePiece, 64 tokens, padded
with its end mark). Their vocabulary is the model's own tokenizer.json, read by the `tokenizers` package; the special
tokens, truncation and padding are set here, because the files in circulation disagree about them. Any other tokenizer
(of SigLIP 2, or of CLIPs of many languages: XLM-R, NLLB, BERT) is used as its file says.

One deviation from the reference, on purpose: a literal "<|endoftext|>" in a user's text would end the text there;
it is taken apart and read as plain characters. One by necessity: open_clip repairs doubly decoded text ("cafÃ©")
by a large statistical table (ftfy); here only ftfy's simple repairs are made.
"""

from __future__ import annotations

import html
import json
import re
import string
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import ModelError, printable

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CLIP_LENGTH, SIGLIP_LENGTH = 77, 64
LONGEST_ROW = 256  # of a file that truncates later or not at all
# 77 tokens hold less than this, so cutting here loses nothing and keeps a pasted book from costing anything.
LONGEST_TEXT = 10_000

_ESCAPES = re.compile(r"\x1b\[[\d;]*[a-zA-Z]")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]")
_SINGLE_QUOTES = re.compile("[\u02bc\u2018-\u201b]")
_DOUBLE_QUOTES = re.compile("[\u201c-\u201f]")
_ENTITY = re.compile(r"&#?[0-9A-Za-z]{1,24};")
_C1 = re.compile("[\x80-\x9f]")
_LIGATURES = re.compile("[ĲĳŉǄ-ǌǱ-ǳﬀ-ﬄﬆ]")
_WIDTHS = re.compile("[\u3000\uff01-\uffef]")
_CLIP_MARKS = re.compile(r"<\|(startoftext|endoftext)\|>", re.IGNORECASE)
_PUNCTUATION = str.maketrans("", "", string.punctuation)


class Tokens(Protocol):
    """A tokenizer with its padding: `length` is the number of tokens of every row."""

    length: int

    def __call__(self, texts: list[str]) -> NDArray[np.int64]:
        """Token numbers, (n, length) int64."""
        ...

    def mask(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """1 where a token counts, 0 where it is padding, for encoders that ask; same shape."""
        ...


def clean(text: str) -> str:
    """What open_clip does to every text first: stray characters repaired, HTML entities decoded, spaces joined."""
    text = " ".join(html.unescape(html.unescape(repaired(text))).split())
    return text[:LONGEST_TEXT]


def repaired(text: str) -> str:
    """ftfy's simple repairs: control characters, curly quotes, ligatures, full-width letters, lone surrogates, NFC."""
    text = _surrogates_joined(text)
    if "<" not in text:
        text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    text = _ESCAPES.sub("", text)
    text = _C1.sub(lambda match: _as_windows_1252(match[0]), text)
    text = _LIGATURES.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    text = _WIDTHS.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    text = _DOUBLE_QUOTES.sub('"', _SINGLE_QUOTES.sub("'", text))
    return unicodedata.normalize("NFC", _CONTROLS.sub("", text))


def canonical(text: str) -> str:
    """SigLIP's form of a cleaned text: underscores are spaces, no ASCII punctuation, lower case."""
    return " ".join(text.replace("_", " ").translate(_PUNCTUATION).lower().split())


class ClipTokens:
    """CLIP's byte-pair encoding. Start mark, at most length - 2 tokens, end mark, then zeros."""

    def __init__(self, tokenizer: Tokenizer, length: int = CLIP_LENGTH) -> None:
        self._tokenizer = tokenizer
        self.length = length
        self._start = _number(tokenizer, "<|startoftext|>")
        self._end = _number(tokenizer, "<|endoftext|>")

    def __call__(self, texts: list[str]) -> NDArray[np.int64]:
        prepared = [_CLIP_MARKS.sub(r"< |\1| >", clean(text)).lower() for text in texts]
        rows = np.zeros((len(texts), self.length), np.int64)
        for row, encoding in zip(rows, _encoded(self._tokenizer, prepared), strict=True):
            numbers = [self._start, *encoding[: self.length - 2], self._end]
            row[: len(numbers)] = numbers
        return rows

    def mask(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """1 up to and with the end mark."""
        ends = (rows == self._end).astype(np.int64)
        return np.asarray(np.cumsum(ends, axis=1) <= ends, np.int64)


class SiglipTokens:
    """SigLIP's SentencePiece. At most length - 1 tokens, then the end mark, repeated as padding."""

    def __init__(self, tokenizer: Tokenizer, length: int = SIGLIP_LENGTH) -> None:
        self._tokenizer = tokenizer
        self.length = length
        self._end = _number(tokenizer, "</s>")

    def __call__(self, texts: list[str]) -> NDArray[np.int64]:
        prepared = [canonical(clean(text)) for text in texts]
        rows = np.full((len(texts), self.length), self._end, np.int64)
        for row, encoding in zip(rows, _encoded(self._tokenizer, prepared), strict=True):
            numbers = encoding[: self.length - 1]
            row[: len(numbers)] = numbers
        return rows

    def mask(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """All 1: SigLIP was trained to read its padding."""
        return np.ones_like(rows)


class OwnTokens:
    """Any other tokenizer, with the normalisation, special tokens and padding of its own file.

    length: of the rows; unless the network says, what the file truncates to, else 77.
    """

    def __init__(self, tokenizer: Tokenizer, length: int | None = None) -> None:
        gemma = tokenizer.token_to_id("<start_of_turn>") is not None  # SigLIP 2's: trained on lower case, 64 tokens
        cut = tokenizer.truncation["max_length"] if tokenizer.truncation else CLIP_LENGTH
        self.length = length or (SIGLIP_LENGTH if gemma else min(cut, LONGEST_ROW))
        self._lower = gemma
        self._pad = _padding(tokenizer)
        tokenizer.no_padding()
        tokenizer.enable_truncation(self.length)
        self._tokenizer = tokenizer

    def __call__(self, texts: list[str]) -> NDArray[np.int64]:
        prepared = [clean(text).lower() if self._lower else clean(text) for text in texts]
        rows = np.full((len(texts), self.length), self._pad, np.int64)
        for row, encoding in zip(rows, self._tokenizer.encode_batch(prepared), strict=True):
            row[: len(encoding.ids)] = encoding.ids
        return rows

    def mask(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """1 up to the last token that is no padding."""
        after = np.cumsum((rows != self._pad)[:, ::-1], axis=1)[:, ::-1]
        return np.asarray(after > 0, np.int64)


def open_tokens(path: Path, length: int | None = None) -> Tokens:
    """The tokenizer in a tokenizer.json; the family is told by its content. Raises ModelError."""
    from tokenizers import Tokenizer

    try:
        content = path.read_bytes()
        family = _family(json.loads(content))
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise ModelError(f"{printable(path)}: not a readable tokenizer file ({problem}); fetch it again") from problem
    try:
        tokenizer = Tokenizer.from_buffer(content)
    except (ValueError, TypeError) as problem:
        raise ModelError(f"{printable(path)}: not a usable tokenizer ({problem}); fetch it again") from problem
    if family == "own":
        return OwnTokens(tokenizer, length)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if family == "clip":
        return ClipTokens(tokenizer, length or CLIP_LENGTH)
    return SiglipTokens(tokenizer, length or SIGLIP_LENGTH)


def _family(content: dict[str, Any]) -> Literal["clip", "siglip", "own"]:
    model = content["model"]
    if model.get("type", "BPE") == "BPE" and "<|startoftext|>" in model["vocab"]:
        return "clip"
    if model.get("type") == "Unigram" or (model.get("type") is None and isinstance(model["vocab"], list)):
        return "own" if any(entry[0] == "<s>" for entry in model["vocab"]) else "siglip"  # SigLIP has no start mark
    return "own"


def _padding(tokenizer: Tokenizer) -> int:
    """The number of the token that rows are filled up with."""
    if tokenizer.padding:
        return int(tokenizer.padding["pad_id"])
    numbers = (tokenizer.token_to_id(token) for token in ("<pad>", "[PAD]", "</s>"))
    return next((number for number in numbers if number is not None), 0)


def _number(tokenizer: Tokenizer, token: str) -> int:
    number = tokenizer.token_to_id(token)
    if number is None:
        raise ModelError(f"the tokenizer has no {token} token; fetch the model again or use another one")
    return int(number)


def _encoded(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    return [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]


def _surrogates_joined(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _as_windows_1252(character: str) -> str:
    """A C1 control character as the Windows-1252 character that was meant by its byte, where there is one."""
    return character.encode("latin-1").decode("cp1252", "ignore") or character
