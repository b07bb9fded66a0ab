"""Pictures for words, and for weighted sums of words and pictures, in a space that both live in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np

from lookalike.arrays.rows import Ids
from lookalike.errors import QueryError
from lookalike.methods.base import Method
from lookalike.methods.vector import TextQuery, Vector
from lookalike.pictures.open import Image
from lookalike.query.parse import Query, Term
from lookalike.search.match import Evidence, Match, Matches
from lookalike.search.searcher import Searcher
from lookalike.search.words import WordHit, find_words

SAMPLE = 2000
"""Pictures whose cosines tell how much they vary, when the space does not say itself."""
WORDS_WEIGHT = 3.0
"""Standard deviations that a picture gains when all telling words stand in its name or caption."""
STANDING_OUT = 8.0
"""Standard deviations shown as a score of 1."""


class Space(Method[Vector], Protocol):
    """A method whose descriptors of pictures can be added, to each other and to words if its traits say so."""

    def describe_text(
        self, texts: Sequence[str], weights: Sequence[float] | None = None, pictures: Sequence[Vector] = ()
    ) -> TextQuery:
        """The weighted sum of texts, then of pictures; weights in that order."""
        ...


@dataclass(frozen=True, slots=True)
class _Asked:
    """A sum as a direction, and what is needed to read its cosines."""

    name: str
    query: TextQuery
    mean: float
    deviation: float


def answer_sum(
    searcher: Searcher, query: Query, pictures: Mapping[int, Image | int], k: int, allowed: Ids | None
) -> Matches:
    """The k pictures in the direction of the sum. pictures: the image terms by their place in the query, opened, or
    the ids of stored ones whose files are away."""
    catalogue = searcher.catalogue
    space = _space(searcher, query)
    asked = _direction(searcher, space, query, pictures)
    words = find_words(catalogue, " ".join(str(t.value) for t in query.terms if t.kind == "text" and t.weight > 0))
    distances = _distances(searcher, asked, k, allowed, words)
    scores = {id_: asked_score(asked, distance, words.get(id_)) for id_, distance in distances.items()}
    best = sorted(scores, key=lambda id_: (-scores[id_], id_))[:k]
    records = catalogue.records(best)
    total = len(searcher.index(asked.name))
    matches = [
        _match(id_, records[id_].path, asked, distances[id_], scores[id_], total, words.get(id_))
        for id_ in best
        if id_ in records
    ]
    return Matches(matches, notes=(asked.query.hint,) if asked.query.hint else ())


def asked_score(asked: _Asked, distance: float, word: WordHit | None) -> float:
    """How many standard deviations a picture stands out, words of its name and caption included."""
    seen = (1.0 - distance - asked.mean) / asked.deviation
    return seen + (WORDS_WEIGHT * word.share if word else 0.0)


def _space(searcher: Searcher, query: Query) -> Space:
    """The method that can express all terms: the one named, else the one that is best at it."""
    has_text = any(term.kind == "text" for term in query.terms)
    # whoever names the method of words means words, however they are best asked
    named = [name for name in query.methods if name != "auto" and searcher.method(name).traits.role != "words"]
    methods = [searcher.method(name) for name in named or searcher.methods]
    able = [method for method in methods if method.traits.sums and (method.traits.texts or not has_text)]
    if able:
        return cast(Space, max(able, key=lambda method: method.traits.sums))
    if named:
        raise QueryError(f"{', '.join(named)} cannot be asked with words: leave the method out, or name text")
    raise QueryError("this collection cannot be asked with words: add them with `lookalike index --method text`")


def _direction(searcher: Searcher, space: Space, query: Query, pictures: Mapping[int, Image | int]) -> _Asked:
    texts = [term for term in query.terms if term.kind == "text"]
    shown = [(place, term) for place, term in enumerate(query.terms) if term.kind != "text"]
    vectors = []
    for place, term in shown:
        vector = _vector(searcher, space, pictures[place])
        if vector is None:
            raise QueryError(f"{_name(term)}: {space.nothing}")
        vectors.append(vector)
    weights = [term.weight for term in texts] + [term.weight for _, term in shown]
    asked = space.describe_text([str(term.value) for term in texts], weights, vectors)
    if asked.deviation is not None:
        return _Asked(space.name, asked, 0.0, asked.deviation)
    mean, deviation = _spread(searcher, space, asked)
    return _Asked(space.name, asked, mean, deviation)


def _vector(searcher: Searcher, space: Space, picture: Image | int) -> Vector | None:
    if not isinstance(picture, int):
        return space.describe(picture)
    try:
        kept: Vector = searcher.descriptor(space.name, picture)
    except KeyError:
        return None
    return kept


def _spread(searcher: Searcher, space: Space, asked: TextQuery) -> tuple[float, float]:
    """Mean and standard deviation of the cosines of the collection's own pictures with a direction."""
    items = searcher.items(space.name)
    sample = np.arange(0, items.size, max(1, items.size // SAMPLE))[:SAMPLE]
    cosines = np.asarray(items.take(sample), np.float32) @ asked.vector.values
    if len(cosines) < 2:
        return 0.0, 1.0
    return float(cosines.mean()), max(float(cosines.std()), 1e-3)


def _distances(
    searcher: Searcher, asked: _Asked, k: int, allowed: Ids | None, words: Mapping[int, WordHit]
) -> dict[int, float]:
    """The nearest by sight, and those that words point at."""
    index = searcher.index(asked.name)
    row = searcher.method(asked.name).pack(asked.query.vector)
    found: dict[int, float] = {}
    named = np.array(sorted(words), np.int64)
    if allowed is not None:
        named = named[np.isin(named, allowed)]
    for among, count in ((allowed, k), (named, len(named))):
        if among is None or len(among):
            hits = index.search(row, max(count, 1), among)
            found |= {i: d for i, d in zip(hits.ids[0].tolist(), hits.distances[0].tolist(), strict=True) if i >= 0}
    return found


def _match(
    id_: int, path: str, asked: _Asked, distance: float, standing: float, total: int, word: WordHit | None
) -> Match:
    chance = total * 0.5 * math.erfc(standing / math.sqrt(2.0))
    evidence = [Evidence(asked.name, distance, chance, detail={"standard_deviations": round(standing, 2)})]
    if word:
        evidence.append(Evidence("words", 1.0 - word.share, detail={"words": list(word.words)}))
    score = min(1.0, max(0.0, standing / STANDING_OUT))
    return Match(id_, path, score, "matches text", chance, evidence)


def _name(term: Term) -> str:
    return str(term.value) if isinstance(term.value, str | int) else "the picture"
