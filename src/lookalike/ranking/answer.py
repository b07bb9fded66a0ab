"""From a question to one list: each method asked, their evidence fused."""

from __future__ import annotations

from dataclasses import dataclass

from lookalike.errors import QueryError
from lookalike.image import Image, open_image
from lookalike.index.base import Ids
from lookalike.index.keypoints import KeypointIndex
from lookalike.indexes import Indexes
from lookalike.query import Query, Term
from lookalike.ranking.ask import Answer, ask
from lookalike.ranking.fusion import fuse
from lookalike.ranking.local import ask_local
from lookalike.ranking.match import Matches
from lookalike.ranking.sums import answer_sum
from lookalike.region import open_region
from lookalike.store.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is asked for: k pictures, or all within a radius; index: the kind of index of the one method asked."""

    k: int = 10
    radius: float | None = None
    index: str = "auto"


def answer(indexes: Indexes, catalogue: Catalogue, query: Query, limits: Limits) -> Matches:
    """The pictures that answer a query, best first."""
    allowed = None
    if query.where is not None:
        allowed = catalogue.ids_where(query.where.sql, query.where.params)
    if len(query.terms) == 1 and query.terms[0].kind != "text":
        return _like_picture(indexes, catalogue, query, limits, allowed)
    pictures = {
        place: _picture(term, query, catalogue) for place, term in enumerate(query.terms) if term.kind != "text"
    }
    return answer_sum(indexes, catalogue, query, pictures, limits.k, allowed)


def _like_picture(indexes: Indexes, catalogue: Catalogue, query: Query, limits: Limits, allowed: Ids | None) -> Matches:
    image = _picture(query.terms[0], query, catalogue)
    names = list(catalogue.methods()) if query.methods == ("auto",) else list(query.methods)
    answers = [_ask(indexes, name, image, limits, allowed) for name in names]
    if all(one.reason for one in answers):
        raise QueryError("; ".join(f"{one.method}: {one.reason}" for one in answers))
    matches = fuse(answers, {name: indexes.method(name) for name in names}, catalogue)
    return Matches(matches if limits.radius is not None else matches[: limits.k])


def _ask(indexes: Indexes, name: str, image: Image, limits: Limits, allowed: Ids | None) -> Answer:
    method = indexes.method(name)
    index = indexes.get(name, limits.index)
    if isinstance(index, KeypointIndex):
        return ask_local(name, index, indexes.descriptors(name), method.describe_query(image), limits.k, allowed)
    return ask(method, index, method.describe_query(image), k=limits.k, radius=limits.radius, allowed=allowed)


def _picture(term: Term, query: Query, catalogue: Catalogue) -> Image:
    source = term.value
    if isinstance(source, int):
        record = catalogue.records([source]).get(source)
        if record is None:
            raise QueryError(f"there is no picture with id {source}")
        source = record.path
    return open_image(source) if query.region is None else open_region(source, query.region)
