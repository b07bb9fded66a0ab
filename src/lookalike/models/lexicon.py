"""Which words of a query mean something to the bundled text encoder, and what an unknown one may stand for."""

from __future__ import annotations

import lzma
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from lookalike.errors import printable
from lookalike.models.bundle import BUNDLED_FILES

FILE = "words.txt.xz"
MAX_WORDS = 12  # of a text that are looked at one by one
LONGEST_WORD = 40
EXPLAINED = 3
_SILENT = (
    "a an the and or of on in at to by for from with without near next beside behind under over above between into "
    "is are was were be being has have this that these those it its his her their my your our some many several few "
    "very one two three four five photo photos picture pictures image images photograph photographs"
)
SILENT_WORDS = frozenset(_SILENT.split())
_WORD = re.compile(r"[^\W\d_]{2,}|[^\W\d_a-zA-Z]")
_ENDINGS = ("s", "es", "ed", "d", "ing", "er", "ers", "est", "ly", "y")


class Lexicon:
    """English as the bundled models know it: words of captions and class names, those of WordNet, and their forms.

    Words of other languages fall to pieces in the encoder, and mistyped ones as well: what it makes of them means
    nothing, so they are better left out. Files are opened when first needed.
    """

    def __init__(self, folder: Path = BUNDLED_FILES) -> None:
        self._folder = folder

    def split(self, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The telling words of a text, the known and the unknown ones, in lower case; of the first twelve."""
        words = telling_words(text)[:MAX_WORDS]
        known = [word for word in words if self.knows(word)]
        return tuple(known), tuple(word for word in words if word not in known)

    def understood(self, text: str) -> str:
        """The text without the words that mean nothing here."""
        unknown = set(self.split(text)[1])
        return _WORD.sub(lambda found: "" if found[0].lower() in unknown else found[0], text) if unknown else text

    def knows(self, word: str) -> bool:
        """Whether a word in lower case, or one that it is a form or a compound of, has a meaning here."""
        if not word.isascii() or len(word) > LONGEST_WORD:
            return False
        if _forms_in(word, self._all):
            return True
        halves = ((word[:i], word[i:]) for i in range(3, len(word) - 2))
        return any(first in self._pictured and _forms_in(second, self._pictured) for first, second in halves)

    def nearest(self, word: str, count: int = 2) -> list[str]:
        """Words for things in pictures that an unknown one may be a slip for, the nearest first."""
        if len(word) < 4 or not word.isascii():
            return []
        allowed = 1 if len(word) <= 5 else 2
        near: list[tuple[int, int, str]] = []
        for place, other in enumerate(self._suggested):
            if len(other) > 2 and abs(len(other) - len(word)) <= allowed and _letters_apart(word, other) <= 2 * allowed:
                edits = _edits(word, other, allowed)
                if edits <= allowed:
                    near.append((edits, place, other))
        return [other for _, _, other in sorted(near)[:count]]

    def explain(self, unknown: Sequence[str]) -> list[str]:
        """A line for each unknown word: "bycicle: did you mean bicycle?"."""
        return [self._explained(word) for word in unknown[:EXPLAINED]]

    def _explained(self, word: str) -> str:
        near = self.nearest(word)
        if near:
            return f"{printable(word)}: did you mean {' or '.join(near)}?"
        return f"{printable(word)}: not known to the bundled model, which reads English"

    @cached_property
    def _lists(self) -> list[list[str]]:
        text = lzma.decompress((self._folder / FILE).read_bytes()).decode("ascii")
        return [part.split("\n") for part in text.split("\n\n")]

    @cached_property
    def _suggested(self) -> list[str]:
        """Words of captions and class names, the commonest first."""
        return self._lists[0]

    @cached_property
    def _pictured(self) -> frozenset[str]:
        return frozenset(self._suggested)

    @cached_property
    def _all(self) -> frozenset[str]:
        """Those and the words of WordNet."""
        return frozenset(self._lists[1]) | self._pictured


def telling_words(text: str) -> list[str]:
    """The words that say what a picture shows, each once, in lower case."""
    return list(dict.fromkeys(word for word in _WORD.findall(text.lower()) if word not in SILENT_WORDS))


def forms(word: str) -> Iterator[str]:
    """The word, and what it may be an inflected form of."""
    yield word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            stem = word.removesuffix(ending)
            yield from (stem, stem + "e")
            if stem[-1] == stem[-2]:
                yield stem[:-1]
            if stem.endswith("i"):
                yield stem[:-1] + "y"


def _forms_in(word: str, words: frozenset[str]) -> bool:
    return any(form in words for form in forms(word))


def _letters_apart(one: str, other: str) -> int:
    """How many letters only one of the words has: at most twice the edits, and quickly counted."""
    ours, theirs = Counter(one), Counter(other)
    return (ours - theirs).total() + (theirs - ours).total()


def _edits(one: str, other: str, limit: int) -> int:
    """Insertions, deletions, changes and swaps of neighbours (Damerau 1964, optimal string alignment)."""
    before: list[int] = []
    last: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, last, row = last, row, [i]
        for j, theirs in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != theirs))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == theirs:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]
