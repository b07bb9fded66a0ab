"""From votes to proof: the pictures that share keypoints with a query, each verified by geometry."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ids
from lookalike.index.votes import Votes, Voting
from lookalike.methods.base import Method, Variant
from lookalike.methods.keypoints import Keypoints
from lookalike.search.geometry import Verified, verify
from lookalike.significance.evidence import Evidence, Findings

VOTERS = 300  # keypoints of a variant that vote, the strongest of all its parts; all of them count as proof
CANDIDATES = 5  # pictures verified in vain, in a row, before giving up
CERTAIN = 30  # inliers after which so much patience is no longer needed
PATIENCE = 2
ROUNDS = 4
FEWEST_LEFT = 20  # keypoints of a query with which another round is worth while

Fetch = Callable[[int], Keypoints]


@dataclass(frozen=True, slots=True)
class Hit:
    """A picture and how it lies: `variant` of the query (an index) was found in it."""

    id: int
    variant: int
    verified: Verified


@dataclass(slots=True)
class _Search:
    fetch: Fetch
    queries: Sequence[Keypoints]
    itself: int | None = None
    hits: dict[int, Hit] = field(default_factory=dict)

    def verify(self, votes: Sequence[Votes], left: Sequence[NDArray[np.bool_]], k: int) -> list[Hit]:
        """Verify candidates in the order of their votes until the answer is certain; the new hits."""
        candidates = [
            (-float(count), int(id_), variant)
            for variant, (cast, keep) in enumerate(zip(votes, left, strict=True))
            for id_, count in zip(*cast.count(k + CANDIDATES, keep), strict=True)
        ]
        parts = [query.where(keep) for query, keep in zip(self.queries, left, strict=True)]
        new: list[Hit] = []
        patience = CANDIDATES if self.itself is None else PATIENCE
        for _, id_, variant in sorted(candidates):
            if id_ in self.hits or id_ == self.itself:
                continue
            verified = verify(parts[variant], self.fetch(id_))
            if verified is None:
                patience -= 1
                if patience <= 0:
                    break
                continue
            hit = Hit(id_, variant, verified)
            self.hits[id_] = hit
            new.append(hit)
            certain = any(one.verified.inliers >= CERTAIN for one in new)
            patience = PATIENCE if certain else CANDIDATES
            if len(new) >= k:
                break
        return new


def search_local(
    index: Voting,
    fetch_keypoints: Fetch,
    variants: Sequence[Variant[Keypoints]],
    k: int,
    allowed: Ids | None = None,
    itself: int | None = None,
) -> list[tuple[int, Evidence]]:
    """The pictures in which the query, or a part of it, or which in the query, is found: most inliers first.

    Only verified pictures are answers, so there may be fewer than k. Candidates are verified in the order of their
    votes until `PATIENCE` in a row fail after a certain one (`CANDIDATES` before). Then the query's keypoints
    that the pictures found account for are explained away and the rest is asked again, for collages and for a picture
    on top of another. Evidence: distance 1 / (1 + inliers) and the fields of `detail`.
    itself: the picture that the query is the descriptor of, which is no answer: verified, it would be the one certain
    hit that accounts for all.
    """
    queries = [variant.descriptor for variant in variants]
    search = _Search(fetch_keypoints, queries, itself)
    votes = [index.votes(query.pack()[:VOTERS], allowed) for query in queries]
    left = [np.ones(len(query), np.bool_) for query in queries]
    for _ in range(ROUNDS if itself is None else 1):
        new = search.verify(votes, left, k)
        if not new:
            break
        for hit in new:
            for variant, (query, keep) in enumerate(zip(queries, left, strict=True)):
                same_way = variant == hit.variant
                verified = hit.verified if same_way else hit.verified.unmirrored(query.size[0])
                _explain(verified, query.xy, keep)
        if max(keep.sum() for keep in left) < FEWEST_LEFT:
            break
    ranked = sorted(search.hits.values(), key=lambda hit: (-hit.verified.inliers, hit.id))
    return [(hit.id, _evidence(hit, variants[hit.variant])) for hit in ranked[:k]]


def find_in(variants: Sequence[Variant[Keypoints]], found: Keypoints) -> tuple[Verified, str] | None:
    """How the picture asked about lies in one other, in the variant with most inliers, and that variant's name."""
    hits = [
        Hit(0, number, verified)
        for number, variant in enumerate(variants)
        if (verified := verify(variant.descriptor, found)) is not None
    ]
    if not hits:
        return None
    best = max(hits, key=lambda hit: hit.verified.inliers)
    return _upright(best, variants[best.variant]), variants[best.variant].name


def confirmed(
    fetch_keypoints: Fetch, variants: Sequence[Variant[Keypoints]], ids: Iterable[int], certain: bool
) -> dict[int, Evidence]:
    """Of some pictures, the likeliest first, those in which the query is found, or which in the query.

    It gives up as early as `search_local` does; certain: that has found a picture for certain.
    """
    found: dict[int, Evidence] = {}
    patience = PATIENCE if certain else CANDIDATES
    for id_ in ids:
        try:
            there = find_in(variants, fetch_keypoints(id_))
        except KeyError:  # it has no keypoints
            continue
        if there is not None:
            found[id_] = evidence_of(*there)
            certain = certain or there[0].inliers >= CERTAIN
            patience = PATIENCE if certain else CANDIDATES
            continue
        patience -= 1
        if patience <= 0:
            break
    return found


def is_certain(found: Iterable[Evidence]) -> bool:
    """Whether one of the pictures found was found by so many keypoints that there is hardly more to be found."""
    return any(one.detail["inliers"] >= CERTAIN for one in found)


def _evidence(hit: Hit, variant: Variant[Keypoints]) -> Evidence:
    return evidence_of(_upright(hit, variant), variant.name)


def _upright(hit: Hit, variant: Variant[Keypoints]) -> Verified:
    """In coordinates of the query as it was given, whichever way it was asked."""
    mirrored = variant.name == "mirrored"
    return hit.verified.unmirrored(variant.descriptor.size[0]) if mirrored else hit.verified


def find_parts(
    method: Method[Any],
    index: Voting,
    fetch_keypoints: Fetch,
    variants: Sequence[Variant[Keypoints]],
    k: int,
    allowed: Ids | None = None,
    itself: int | None = None,
) -> Findings:
    """`search_local` as the answer of a method."""
    started = time.perf_counter()
    found = dict(search_local(index, fetch_keypoints, variants, k, allowed, itself)) if variants else {}
    reason = None if variants else method.nothing
    seconds = time.perf_counter() - started
    return Findings(method.name, method.traits, found, len(variants), len(index), seconds, reason)


def evidence_of(verified: Verified, variant: str) -> Evidence:
    """Evidence with all of `Verified` as plain values, but for the matches."""
    quads = {"quad": verified.quad, "reverse_quad": verified.reverse_quad}
    detail = {
        "inliers": verified.inliers,
        "label": verified.label,
        **{name: None if quad is None else quad.round(1).tolist() for name, quad in quads.items()},
        "visible": round(verified.visible, 4),
        "covered": round(verified.covered, 4),
        "misfit": round(verified.misfit, 3),
        "support": round(verified.support, 3),
    }
    return Evidence("local", 1 / (1 + verified.inliers), variant=variant, detail=detail)


def in_whole(evidence: Evidence, x: float, y: float) -> Evidence:
    """Evidence for a query that is the part from (x, y) on of a picture, in pixels of the whole picture."""
    quad = evidence.detail.get("reverse_quad")
    if quad is None:
        return evidence
    moved = [[round(a + x, 1), round(b + y, 1)] for a, b in quad]
    return replace(evidence, detail={**evidence.detail, "reverse_quad": moved})


def _explain(verified: Verified, xy: NDArray[np.float32], keep: NDArray[np.bool_]) -> None:
    """Strike out the keypoints that lie where the found picture lies in the query."""
    if verified.reverse_quad is None:
        keep[:] = False
    else:
        keep &= ~_within(verified.reverse_quad, xy.astype(np.float64))


def _within(quad: NDArray[np.float64], xy: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points lie inside a convex quadrilateral, whichever way round it is given."""
    edges = np.roll(quad, -1, axis=0) - quad
    sides = edges[:, 0] * (xy[:, None, 1] - quad[:, 1]) - edges[:, 1] * (xy[:, None, 0] - quad[:, 0])
    inside: NDArray[np.bool_] = np.all(sides >= 0, axis=1) | np.all(sides <= 0, axis=1)
    return inside
