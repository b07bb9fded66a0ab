"""Two pictures held against each other by every method; no collection needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lookalike.image import Image, Source, open_image
from lookalike.methods.base import Method, Variant
from lookalike.methods.factory import NAMES, make
from lookalike.ranking.ask import ask, queries_of
from lookalike.ranking.score import similarity


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one method says of two pictures. distance: in its unit; score: 0..1, 1 is identical.

    variant: how the first picture was held when it came closest. reason: why there is no distance, when there is none.
    """

    method: str
    distance: float | None
    score: float | None
    variant: str = ""
    reason: str | None = None


def compare(first: Source, second: Source, methods: Sequence[str] = ()) -> list[Comparison]:
    """The distance of two pictures by each method (all when none is named), the first one asked in all its variants.

    Raises ImageError for a picture that cannot be read, QueryError for a method that does not exist.
    """
    made = [make(name) for name in methods or NAMES]
    one, other = open_image(first), open_image(second)
    return [_compare(method, one, other) for method in made]


def _compare(method: Method[Any], one: Image, other: Image) -> Comparison:
    variants, descriptor = method.describe_query(one), method.describe(other)
    if not variants or descriptor is None:
        return Comparison(method.name, None, None, reason=method.nothing)
    index = method.new_index()
    stored = queries_of(method, [Variant("as is", descriptor)])
    index.add(np.zeros(1, np.int64), stored)
    found = ask(method, index, variants, k=1).found
    if not found:
        return Comparison(method.name, None, None, reason="nothing in common")
    best = found[0]
    return Comparison(method.name, best.distance, similarity(method, best.distance), best.variant)
