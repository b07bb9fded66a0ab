"""Which everyday words fit each picture of a map, so that its page finds them without any network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.search.relevance import FLOOR

if TYPE_CHECKING:
    from lookalike.models.concepts import ConceptQuery, ConceptSpace

WORDS = Path(__file__).with_name("words.txt")
MOST = 6  # words of a picture
_BLOCK = 1 << 14  # pictures asked at once


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """words: (n, MOST) int16 numbers of words in `everyday`, -1 where there is none, the most relevant first.
    relevance: (n, MOST) uint8, in per cent."""

    words: NDArray[np.int16]
    relevance: NDArray[np.uint8]

    @classmethod
    def nothing(cls, count: int) -> Shown:
        """Of so many pictures of which nobody knows."""
        return cls(np.full((count, MOST), -1, np.int16), np.zeros((count, MOST), np.uint8))


def everyday() -> list[str]:
    """Words for what pictures show, all known to the concept space."""
    return WORDS.read_text(encoding="utf-8").split("\n")[:-1]


@lru_cache(maxsize=1)
def questions(space: ConceptSpace) -> list[ConceptQuery]:
    """The everyday words as questions to the concept space."""
    return [space.query([word]) for word in everyday()]


def words_shown(rows: NDArray[np.floating], space: ConceptSpace) -> Shown:
    """The words that fit pictures, given by their rows (n, 512), at least as well as what a search lists as found."""
    asked = questions(space)
    directions = np.stack([query.scale * query.vector for query in asked], axis=1)
    offsets = np.array([query.offset for query in asked], np.float32)
    shown = Shown.nothing(len(rows))
    for start in range(0, len(rows), _BLOCK):
        here = slice(start, start + _BLOCK)
        relevance = 1 / (1 + np.exp(-(np.asarray(rows[here], np.float32) @ directions + offsets)))
        best = np.argsort(-relevance, axis=1, kind="stable")[:, :MOST]
        fits = np.take_along_axis(relevance, best, axis=1)
        shown.words[here] = np.where(fits >= FLOOR, best, -1)
        shown.relevance[here] = np.where(fits >= FLOOR, np.rint(100 * fits), 0)
    return shown
