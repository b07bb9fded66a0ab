"""Words of a query in file names, folder names and captions, by the catalogue's full-text index."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from lookalike.models.concepts import SILENT_WORDS
from lookalike.store.catalogue import Catalogue

MAX_WORDS = 12
MAX_HITS = 500
_WORD = re.compile(r"\w{2,}")


@dataclass(frozen=True, slots=True)
class WordHit:
    """Which words of the query stand beside a picture. share: 0..1, of all that the query's words could tell."""

    words: tuple[str, ...]
    share: float


def find_words(catalogue: Catalogue, text: str) -> dict[int, WordHit]:
    """Living pictures whose path or caption holds words of the text, by id.

    A word counts by its rarity in the collection (Robertson's inverse document frequency), so that a folder's name
    that all pictures share tells nothing; inflected forms count as the word (Porter's stemmer).
    """
    words = [w for w in dict.fromkeys(_WORD.findall(text.lower())) if w not in SILENT_WORDS][:MAX_WORDS]
    if not words:
        return {}
    total = catalogue.counts()["ok"]
    weights: dict[str, float] = {}
    hits: dict[int, list[str]] = {}
    for word in words:
        count, ids = catalogue.ids_with_word(word, MAX_HITS)
        weights[word] = max(0.0, math.log((total - count + 0.5) / (count + 0.5)))
        if weights[word] > 0:
            for id_ in ids:
                hits.setdefault(id_, []).append(word)
    whole = sum(weights.values())
    if whole <= 0:
        return {}
    return {id_: WordHit(tuple(found), sum(weights[w] for w in found) / whole) for id_, found in hits.items()}
