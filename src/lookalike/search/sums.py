"""Pictures for words, and for weighted sums of words and pictures, in a space that both live in."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np

from lookalike.arrays.rows import Ids
from lookalike.errors import QueryError, printable
from lookalike.methods.base import Method
from lookalike.methods.vector import TextQuery, Vector
from lookalike.pictures.open import Image
from lookalike.query.parse import Query, Term
from lookalike.search.base import Searched
from lookalike.search.labels import SIMILAR
from lookalike.search.match import Match, Matches, Step
from lookalike.search.relevance import FLOOR, HARDLY, MATCHES, strength
from lookalike.search.words import WordHit, Words, hits
from lookalike.significance.evidence import Evidence

SAMPLE = 2000
"""Pictures whose cosines tell how much they vary, when the space does not say itself."""
NAMED_WEIGHT = 3.0
"""Standard deviations by which a picture is listed higher when all telling words stand in its name."""
STANDING_OUT = 8.0
"""Standard deviations shown as a score of 1 where relevance is not known."""
UNRATED = "the score tells how far a picture stands out: how likely it is meant is not known of {what}"


class Space(Method[Vector], Protocol):
    """A method whose descriptors of pictures can be added, to each other and to words if its traits say so."""

    def describe_text(
        self, texts: Sequence[str], weights: Sequence[float] | None = None, pictures: Sequence[Vector] = ()
    ) -> TextQuery:
        """The weighted sum of texts, then of pictures; weights in that order."""
        ...


@dataclass(frozen=True, slots=True)
class _Asked:
    """A sum as a direction, and what is needed to read its cosines. label: what is found by it. plain: whether it is
    one term alone."""

    name: str
    label: str
    plain: bool
    query: TextQuery
    mean: float
    deviation: float

    def standing(self, distance: float) -> float:
        """How many standard deviations a picture stands out."""
        return (1.0 - distance - self.mean) / self.deviation


def answer_sum(
    searcher: Searched, query: Query, pictures: Mapping[int, Image | int], k: int, allowed: Ids | None
) -> Matches:
    """The k pictures in the direction of the sum. pictures: the image terms by their place in the query, opened, or
    the ids of stored ones.

    Pictures with all words of the query in their captions come first. A text of which no word is known finds only
    pictures beside which its words stand.
    """
    catalogue, started = searcher.catalogue, time.perf_counter()
    space = _space(searcher, query)
    asked = _direction(searcher, space, query, pictures)
    wanted = " ".join(str(term.value) for term in query.terms if term.kind == "text" and term.weight > 0)
    groups = Words(searcher, wanted, allowed).groups()
    blind = asked.query.known == 0 and not pictures
    distances = _distances(searcher, asked, k, None if blind else (allowed,), [members for _, members in groups])
    found = hits(groups, np.fromiter(distances, np.int64, len(distances)))
    best = sorted(distances, key=lambda id_: (*_rank(asked, distances[id_], found.get(id_)), id_))[:k]
    records = catalogue.records(best)
    matches = [
        _match(id_, records[id_].path, asked, distances[id_], found.get(id_), blind) for id_ in best if id_ in records
    ]
    nearest = next((one for match in matches[:1] for one in match.evidence if one.method == asked.name), None)
    reason = "no word of it is known" if blind else None
    seconds = time.perf_counter() - started
    step = Step(asked.name, 0 if blind else 1, len(searcher.index(asked.name)), seconds, nearest, reason)
    return Matches(matches, _notes(asked, wanted, matches, blind), [step])


def _rank(asked: _Asked, distance: float, hit: WordHit | None) -> tuple[bool, float]:
    """The order of the list: captioned so, then by looks and name; the smaller, the better."""
    bonus = NAMED_WEIGHT * hit.share if hit else 0.0
    return not (hit and hit.captioned), -(asked.standing(distance) + bonus)


def _notes(asked: _Asked, wanted: str, matches: Sequence[Match], blind: bool) -> tuple[str, ...]:
    """What words were not understood, and whether anything is likely to be meant at all."""
    notes = list(asked.query.notes)
    if blind and not asked.query.unknown:
        notes.append(f"no word in {printable(wanted)!r} says what a picture shows")
    if wanted and not blind and matches and not asked.query.odds:
        what = "this model" if asked.plain else "a sum"
        notes.append(UNRATED.format(what=what))
    best = max((match.score for match in matches), default=0.0)
    if asked.query.odds and not blind and best < FLOOR:
        notes.append(f"nothing matches {printable(wanted)!r}" + (": these are only the nearest" if matches else ""))
    return tuple(notes)


def _space(searcher: Searched, query: Query) -> Space:
    """The method that can express all terms: the one named, else the one that is best at it; of pictures alone the
    one that knows looks."""
    has_text = any(term.kind == "text" for term in query.terms)
    # whoever names the method of words means words, however they are best asked
    named = [name for name in query.methods if name != "auto" and searcher.method(name).traits.role != "words"]
    methods = [searcher.method(name) for name in named or searcher.methods]
    able = [method for method in methods if method.traits.sums and (method.traits.texts or not has_text)]
    if able:
        return cast(
            Space, max(able, key=lambda method: (not has_text and method.traits.role == "looks", method.traits.sums))
        )
    if named:
        raise QueryError(f"{', '.join(named)} cannot be asked with words: leave the method out, or name text")
    raise QueryError("this collection cannot be asked with words: add them with `lookalike index --method text`")


def _direction(searcher: Searched, space: Space, query: Query, pictures: Mapping[int, Image | int]) -> _Asked:
    texts = [term for term in query.terms if term.kind == "text"]
    shown = [(place, term) for place, term in enumerate(query.terms) if term.kind != "text"]
    vectors = []
    for place, term in shown:
        vector = _vector(searcher, space, pictures[place])
        if vector is None:
            raise QueryError(f"{_name(term)}: {space.nothing}")
        vectors.append(vector)
    weights = [term.weight for term in texts] + [term.weight for _, term in shown]
    plain = len(weights) == 1 and weights[0] > 0
    asked = space.describe_text([str(term.value) for term in texts], None if plain else weights, vectors)
    label = MATCHES if texts else SIMILAR
    if asked.deviation is not None:
        return _Asked(space.name, label, plain, asked, 0.0, asked.deviation)
    return _Asked(space.name, label, plain, asked, *_spread(searcher, space, asked))


def _vector(searcher: Searched, space: Space, picture: Image | int) -> Vector | None:
    if not isinstance(picture, int):
        return space.describe(picture)
    try:
        kept: Vector = searcher.descriptor(space.name, picture)
    except KeyError:
        return None
    return kept


def _spread(searcher: Searched, space: Space, asked: TextQuery) -> tuple[float, float]:
    """Mean and standard deviation of the cosines of the collection's own pictures with a direction."""
    cosines = np.asarray(searcher.sample(space.name, SAMPLE), np.float32) @ asked.vector.values
    if len(cosines) < 2:
        return 0.0, 1.0
    return float(cosines.mean()), max(float(cosines.std()), 1e-3)


def _distances(
    searcher: Searched, asked: _Asked, k: int, everywhere: tuple[Ids | None] | None, groups: Sequence[Ids]
) -> dict[int, float]:
    """The k nearest by sight, unless `everywhere` is None, and the k nearest of each group that words point at."""
    index = searcher.index(asked.name)
    row = searcher.method(asked.name).pack(asked.query.vector)
    found: dict[int, float] = {}
    for among in (*(everywhere or ()), *groups):
        if among is None or len(among):
            nearest = index.search(row, k if among is None else min(k, len(among)), among)
            pairs = zip(nearest.ids[0].tolist(), nearest.distances[0].tolist(), strict=True)
            found |= {id_: distance for id_, distance in pairs if id_ >= 0}
    return found


def _match(id_: int, path: str, asked: _Asked, distance: float, hit: WordHit | None, blind: bool) -> Match:
    """score: the relevance where it is known, 1 for what is captioned so. No chance is claimed: a text that nothing
    matches has a nearest picture as well, and how near it comes depends on what else there is."""
    evidence = []
    relevance = asked.query.relevance(distance)
    standing = asked.standing(distance)
    if hit:
        where = "caption" if hit.captioned else "name"
        evidence.append(Evidence("words", 1.0 - hit.share, detail={"words": list(hit.words), "in": where}))
    if not blind:
        detail: dict[str, float | str] = {"standard_deviations": round(standing, 2)}
        if relevance is not None:
            detail = {"relevance": round(relevance, 4), "strength": strength(relevance)}
        evidence.append(Evidence(asked.name, distance, detail=detail))
    shown = min(1.0, max(0.0, standing / STANDING_OUT)) if relevance is None else relevance
    score = 1.0 if hit and hit.captioned else 0.0 if blind else shown
    unlikely = relevance is not None and score < FLOOR and not hit
    return Match(id_, path, score, HARDLY if unlikely else asked.label, None, evidence)


def _name(term: Term) -> str:
    return str(term.value) if isinstance(term.value, str | int) else "the picture"
