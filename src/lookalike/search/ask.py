"""One method, one picture: all variants of the question asked together, the best kept for every picture found."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ids, Ragged, Rows
from lookalike.index.base import Index
from lookalike.methods.base import Method, Variant
from lookalike.significance.evidence import Evidence, Findings


def find(
    method: Method[Any],
    index: Index[Any],
    variants: list[Variant[Any]],
    *,
    k: int,
    radius: float | None = None,
    allowed: Ids | None = None,
) -> Findings:
    """The k pictures nearest to any variant, or all within a radius (in the method's unit) when one is given."""
    started = time.perf_counter()
    if not variants:
        return Findings(method.name, method.traits, {}, 0, len(index), 0.0, method.nothing)
    queries = queries_of(method, variants)
    if radius is None:
        hits = index.search(queries, k, allowed)
        answers = list(zip(hits.ids, hits.distances, strict=True))
    else:
        answers = [(one.ids, one.distances) for one in index.within(queries, radius, allowed)]
    found = _merge(method.name, [variant.name for variant in variants], answers, k if radius is None else None)
    return Findings(method.name, method.traits, found, len(variants), len(index), time.perf_counter() - started)


def queries_of(method: Method[Any], variants: list[Variant[Any]]) -> Rows:
    """The variants' descriptors as an index takes them."""
    packed = [method.pack(variant.descriptor) for variant in variants]
    if method.layout.ragged:
        return Ragged.of(packed, method.layout.width, method.layout.dtype)
    return np.concatenate(packed)


def _merge(
    name: str, variants: list[str], answers: Sequence[tuple[Ids, NDArray[np.float32]]], k: int | None
) -> dict[int, Evidence]:
    """Every picture by the variant in which it is nearest, the first of equals; the k nearest, all for None."""
    ids = np.concatenate([one for one, _ in answers])
    distances = np.concatenate([far for _, far in answers])
    variant = np.repeat(np.arange(len(answers)), [len(one) for one, _ in answers])
    order = np.lexsort((variant, ids, distances))
    order = order[ids[order] >= 0]
    _, first = np.unique(ids[order], return_index=True)
    best = order[np.sort(first)[:k]]
    return {
        id_: Evidence(name, distance, variant=variants[number])
        for id_, distance, number in zip(
            ids[best].tolist(), distances[best].tolist(), variant[best].tolist(), strict=True
        )
    }
