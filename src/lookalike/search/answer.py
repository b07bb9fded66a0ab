"""From a question to one list: each method asked, their evidence fused."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace

import numpy as np

from lookalike.arrays.rows import Ids
from lookalike.errors import QueryError
from lookalike.pictures.open import Image, open_image
from lookalike.pictures.region import open_region
from lookalike.query.parse import Query, Term
from lookalike.search.asker import Asker, Limits
from lookalike.search.base import Records, Searched
from lookalike.search.fusion import auto, fuse, steps
from lookalike.search.match import Match, Matches


def answer(searcher: Searched, query: Query, limits: Limits) -> Matches:
    """The pictures that answer a query, best first."""
    _refuse_what_does_not_apply(searcher, query, limits)
    catalogue, allowed = searcher.catalogue, None
    if query.where is not None:
        allowed = catalogue.ids_where(query.where, searcher.view)
    own = {id_ for term in query.terms for id_ in _same_file(term, searcher)} if limits.exclude_self else set()
    wanted = replace(limits, k=limits.k + len(own))
    if len(query.terms) == 1 and query.terms[0].kind != "text":
        found = _like_picture(searcher, query, wanted, allowed)
    else:
        if limits.max_expected_false is not None:
            raise QueryError("words are not weighed against chance: leave that limit out, the scores tell more")
        from lookalike.search.sums import answer_sum  # pulls in the networks, which pictures may not need

        pictures = {
            place: _picture(term, query, catalogue) for place, term in enumerate(query.terms) if term.kind != "text"
        }
        found = answer_sum(searcher, query, pictures, wanted.k, allowed)
    kept = [match for match in found if match.id not in own and _likely(match, limits.max_expected_false)]
    hints = query.where.hints if query.where is not None and allowed is not None and not len(allowed) else ()
    return Matches(kept if limits.radius is not None else kept[: limits.k], (*found.notes, *hints), found.steps)


def _likely(match: Match, most: float | None) -> bool:
    return most is None or (match.expected_false is not None and match.expected_false <= most)


def _like_picture(searcher: Searched, query: Query, limits: Limits, allowed: Ids | None) -> Matches:
    catalogue = searcher.catalogue
    picture = _picture(query.terms[0], query, catalogue)
    asker = Asker(searcher, picture, limits, allowed)
    same_file: list[int] = []
    if query.methods == ("auto",):
        if query.region is None:
            ids = np.array(_same_file(query.terms[0], searcher), np.int64)
            same_file = (ids if allowed is None else ids[np.isin(ids, allowed)]).tolist()
        answers = auto(asker, _of_pictures(searcher), same_file)
    else:
        answers = [asker.ask(name, limits.k) for name in query.methods]
    if not same_file and not any(one.variants for one in answers):
        raise QueryError("; ".join(f"{one.method}: {one.reason}" for one in answers))
    matches = fuse(answers, same_file, catalogue.records, None if limits.radius is not None else limits.k)
    if query.region is None and limits.radius is None:
        from lookalike.search.look import looked_at  # pulls in what most answers do not need

        matches = looked_at(matches, lambda: _opened(picture, catalogue))
    return Matches(matches, steps=steps(answers))


def _of_pictures(searcher: Searched) -> list[str]:
    """The methods to ask with a picture: words know nothing of it that looks do not know better."""
    names = list(searcher.methods)
    return [name for name in names if searcher.method(name).traits.role != "words"] or names


def _refuse_what_does_not_apply(searcher: Searched, query: Query, limits: Limits) -> None:
    """QueryError for a radius or a kind of index that the methods asked would ignore."""
    given = "a radius" if limits.radius is not None else "an index" if limits.index != "auto" else ""
    if not given:
        return
    if len(query.methods) != 1 or query.methods == ("auto",):
        raise QueryError(f"{given} goes with exactly one method: name it")
    if len(query.terms) != 1 or query.terms[0].kind == "text":
        raise QueryError(f"{given} goes with one picture: words and sums are asked without")
    (name,) = query.methods
    if limits.radius is not None and not searcher.method(name).traits.radius:
        raise QueryError(f"{name} has no radius: what it finds is confirmed or not, at no distance")


def _same_file(term: Term, searcher: Searched) -> list[int]:
    """Pictures of the collection whose file is the very file asked with, or the one of the picture asked with."""
    source = term.value
    if term.kind == "text":
        return []
    if isinstance(source, Image):
        digest = source.sha256
    elif isinstance(source, int):
        record = searcher.catalogue.records([source]).get(source)
        digest = record.sha256 if record else None
    elif isinstance(source, bytes):
        digest = hashlib.sha256(source).hexdigest()
    elif isinstance(source, str | os.PathLike):
        with open(source, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    else:
        return []
    if digest is None:
        return []
    return searcher.catalogue.ids_of_content(digest, searcher.view)


def _picture(term: Term, query: Query, catalogue: Records) -> Image | int:
    """The picture of a term, opened; the id of a stored one, whose descriptors are asked with."""
    source = term.value
    if isinstance(source, Image):
        if query.region is not None:
            raise QueryError("a region of a picture that is open already is cut by open_region")
        return source
    if isinstance(source, int):
        record = catalogue.records([source]).get(source)
        if record is None:
            raise QueryError(f"there is no picture with id {source}")
        if query.region is None:
            return source
        source = record.path
    return open_image(source) if query.region is None else open_region(source, query.region)


def _opened(picture: Image | int, catalogue: Records) -> Image:
    """The picture itself, of a stored one too."""
    return picture if isinstance(picture, Image) else open_image(catalogue.records([picture])[picture].path)
