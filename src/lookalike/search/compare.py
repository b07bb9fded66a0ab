"""Two pictures held against each other by every method; no collection needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.index.whole import index_of
from lookalike.methods.base import Method, Variant
from lookalike.methods.factory import NAMES, make
from lookalike.methods.local import Local
from lookalike.pictures.open import Image, Source, describe_source, open_image
from lookalike.search.ask import find, queries_of
from lookalike.search.score import similarity

if TYPE_CHECKING:
    import PIL.Image

    from lookalike.search.geometry import Verified


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one method says of two pictures. distance: in its unit; score: 0..1, 1 is identical.

    variant: how the first picture was held when it came closest. reason: why there is no distance, when there is none.
    detail: for `local` as in the evidence of a search.
    """

    method: str
    distance: float | None
    score: float | None
    variant: str = ""
    reason: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def compare(first: Source, second: Source, methods: Sequence[str] = ()) -> list[Comparison]:
    """The distance of two pictures by each method (all when none is named), the first one asked in all its variants.

    Raises ImageError for a picture that cannot be read, QueryError for a method that does not exist.
    """
    made = [method for method in map(make, methods or NAMES) if methods or method.traits.role != "words"]
    one, other = open_image(first), open_image(second)
    return [_compare(method, one, other) for method in made]


def compare_images(one: Image, other: Image) -> tuple[list[Comparison], NDArray[np.float64]]:
    """What `compare` tells, of pictures that are open; and (m, 4) x, y in the first, x, y in the second of the matches
    that geometry confirms."""
    methods = [method for method in map(make, NAMES) if method.traits.role != "words"]
    found = [_compare(method, one, other) for method in methods]
    proof = _proof(Local(), one, other)
    return found, np.zeros((0, 4)) if proof is None else proof[0].matches


def draw_comparison(first: Source, second: Source) -> PIL.Image.Image:
    """Both pictures side by side with the keypoints that `local` matches and the outline of each in the other.

    Pictures that geometry finds nothing in common in are drawn without lines. Raises ImageError.
    """
    from lookalike.render.matches import draw_match

    one, other = open_image(first), open_image(second)
    proof = _proof(Local(), one, other)
    return draw_match(one, other, proof[0] if proof else None, (describe_source(first), describe_source(second)))


def _compare(method: Method[Any], one: Image, other: Image) -> Comparison:
    if method.traits.role == "part":
        return _compare_parts(method, one, other)
    variants, descriptor = method.describe_query(one), method.describe(other)
    if not variants or descriptor is None:
        return Comparison(method.name, None, None, reason=method.nothing)
    stored = queries_of(method, [Variant("as is", descriptor)])
    index = index_of(method.index_kind(), stored)
    found = find(method, index, variants, k=1).found
    if not found:
        return Comparison(method.name, None, None, reason="nothing in common")
    best = found[0]
    return Comparison(method.name, best.distance, similarity(method.traits, best.distance), best.variant)


def _compare_parts(method: Method[Any], one: Image, other: Image) -> Comparison:
    from lookalike.search.local import evidence_of
    from lookalike.search.look import called

    if not method.describe_query(one) or method.describe(other) is None:
        return Comparison(method.name, None, None, reason=method.nothing)
    proof = _proof(method, one, other)
    if proof is None:
        return Comparison(method.name, None, None, reason="no part in common")
    evidence = evidence_of(*proof)
    said = called(one, other, evidence)
    score = similarity(method.traits, evidence.distance)
    return Comparison(
        method.name, evidence.distance, score, evidence.variant, detail={**evidence.detail, "label": said}
    )


def _proof(method: Method[Any], one: Image, other: Image) -> tuple[Verified, str] | None:
    """The geometry that most keypoints agree on, in the pixels of both pictures as they are, and the variant."""
    from lookalike.search.local import find_in

    stored = method.describe(other)
    return None if stored is None else find_in(method.describe_query(one), stored)
