"""From votes to proof: the pictures that share keypoints with a query, each verified by geometry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lookalike.index.base import Ids
from lookalike.index.keypoints import KeypointIndex
from lookalike.index.votes import Ballot
from lookalike.methods.base import Variant
from lookalike.methods.keypoints import Keypoints
from lookalike.ranking.geometry import Verified, verify
from lookalike.ranking.match import Evidence

CANDIDATES = 25  # pictures verified in vain, in a row, before giving up
CERTAIN = 30  # inliers after which so much patience is no longer needed
PATIENCE = 5
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
    hits: dict[int, Hit] = field(default_factory=dict)

    def verify(self, ballots: Sequence[Ballot], left: Sequence[NDArray[np.bool_]], k: int) -> list[Hit]:
        """Verify candidates in the order of their votes until the answer is certain; the new hits."""
        candidates = [
            (-float(votes), int(id_), variant)
            for variant, (ballot, keep) in enumerate(zip(ballots, left, strict=True))
            for id_, votes in zip(*(part[: k + CANDIDATES] for part in ballot.count(keep)), strict=True)
        ]
        parts = [query.where(keep) for query, keep in zip(self.queries, left, strict=True)]
        new: list[Hit] = []
        patience = CANDIDATES
        for _, id_, variant in sorted(candidates):
            if id_ in self.hits:
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
    index: KeypointIndex,
    fetch_keypoints: Fetch,
    variants: Sequence[Variant[Keypoints]],
    k: int,
    allowed: Ids | None = None,
) -> list[tuple[int, Evidence]]:
    """The pictures in which the query, or a part of it, or which in the query, is found: most inliers first.

    Only verified pictures are answers, so there may be fewer than k. Candidates are verified in the order of their
    votes until `PATIENCE` in a row fail after a certain one (`CANDIDATES` before). Then the query's keypoints
    that the pictures found account for are explained away and the rest is asked again, for collages and for a picture
    on top of another. Evidence: distance 1 / (1 + inliers) and the fields of `detail`.
    """
    queries = [variant.descriptor for variant in variants]
    search = _Search(fetch_keypoints, queries)
    ballots = [index.ballot(query.pack(), allowed) for query in queries]
    left = [np.ones(len(query), np.bool_) for query in queries]
    for _ in range(ROUNDS):
        new = search.verify(ballots, left, k)
        if not new:
            break
        for hit in new:
            _explain(hit, queries, left)
        if max(keep.sum() for keep in left) < FEWEST_LEFT:
            break
    ranked = sorted(search.hits.values(), key=lambda hit: (-hit.verified.inliers, hit.id))
    return [(hit.id, evidence_of(hit.verified, variants[hit.variant].name)) for hit in ranked[:k]]


def evidence_of(verified: Verified, variant: str) -> Evidence:
    """Evidence with all of `Verified` as plain values, but for the matches."""
    detail = {
        "inliers": verified.inliers,
        "label": verified.label,
        "quad": verified.quad.round(1).tolist(),
        "reverse_quad": verified.reverse_quad.round(1).tolist(),
        "visible": round(verified.visible, 4),
        "covered": round(verified.covered, 4),
    }
    return Evidence("local", 1 / (1 + verified.inliers), variant=variant, detail=detail)


def _explain(hit: Hit, queries: Sequence[Keypoints], left: Sequence[NDArray[np.bool_]]) -> None:
    """Strike out the keypoints that lie where the found picture lies in the query, in every variant."""
    quad = hit.verified.reverse_quad
    for variant, (query, keep) in enumerate(zip(queries, left, strict=True)):
        xy = query.xy.astype(np.float64)
        if variant != hit.variant:
            xy = np.stack([query.size[0] - xy[:, 0], xy[:, 1]], axis=1)
        keep &= ~_within(quad, xy)


def _within(quad: NDArray[np.float64], xy: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points lie inside a convex quadrilateral given clockwise."""
    edges = np.roll(quad, -1, axis=0) - quad
    sides = edges[:, 0] * (xy[:, None, 1] - quad[:, 1]) - edges[:, 1] * (xy[:, None, 0] - quad[:, 0])
    inside: NDArray[np.bool_] = np.all(sides >= 0, axis=1)
    return inside
