"""Which two pictures are copies: pairs of one collection by hash, and look-alikes that hash or geometry confirm.

Every picture counts once here, however many identical files it has. A pair's `expected_false` is for the whole
collection: how many of all its n (n - 1) / 2 pairs chance alone would bring at least so close.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.duplicates.cores import in_order
from lookalike.duplicates.descriptors import Descriptors, Ids
from lookalike.duplicates.group import AS_IS, CROP, EDITED, SAME, SCENE
from lookalike.duplicates.proof import Known, Proof, Prover
from lookalike.duplicates.turns import VARIANTS, between
from lookalike.duplicates.verdicts import Verdicts
from lookalike.index.pairs import ENOUGH, Pairs, close_pairs
from lookalike.methods.base import Role
from lookalike.methods.phash import turned_hashes
from lookalike.progress import Told
from lookalike.search.labels import COPY, SAME_COLORS, SAME_HASH
from lookalike.significance.model import Null, expected_false, gaussian, radius

if TYPE_CHECKING:
    from lookalike.duplicates.pixels import Seen

Floats = NDArray[np.float64]

ROLES: tuple[Role, ...] = ("copy", "color", "looks", "part")
"""What is looked at: hashes, colours, what looks alike, and keypoints."""
CLEAR = 1e-5
"""Hash pairs of at most this expected_false need no second opinion."""
DOUBTED = 100.0
"""Hash pairs of an expected_false up to so many times the limit, or COPY, are copies if geometry says so."""
LOOK_ALIKES = 3
"""Neighbours by embedding that are looked at, for each picture."""
FAMILY = 5
"""Copies by hash, of each look-alike that geometry confirms, that are looked at as well."""
LOOK_ALIKE_FALSE = 1.0
"""Look-alikes must be so close that chance brings a picture fewer of them than this, ..."""
NEAREST_FALSE, NEAREST_AMONG = 10.0, 100_000
"""... or this where they are each other's nearest, as a picture and its framed copy often are; in larger collections it
would take too long to look so far."""
SMALLEST_PART = 0.2
"""The least share of a picture's area that a crop of it shows, to count as a copy."""
AGREEING = 0.72
"""The least share of matching keypoints that lie where the geometry says: crops and frames have more, most pairs of
photographs of one thing fewer."""
FEWEST_KEYPOINTS = 30
"""Pictures with fewer keypoints are too plain for geometry to say that they are not copies."""
_SKETCH_BITS, _SKETCH_MARGIN = 256, 12
_BLOCK = 1 << 14


@dataclass(frozen=True, slots=True)
class Link:
    """Two pictures that are copies, or (kind SCENE) two photographs of one thing.

    variant: what makes the first out of the second. whole: the one that contains the other, for kind CROP; else None.
    start: about how the first lies in the second, (3, 3), original pixels; None: as the variant says. bits: share of
    differing bits of the hashes, 1 where those say nothing. seen: what their
    pixels showed, None when they were not looked at.
    """

    first: int
    second: int
    kind: str
    expected_false: float
    variant: str = AS_IS
    whole: int | None = None
    start: Floats | None = field(default=None, compare=False)
    bits: float = 1.0
    seen: Seen | None = None

    def other(self, id_: int) -> int:
        """The picture at the other end."""
        return self.second if self.first == id_ else self.first

    def variant_of(self, id_: int) -> str:
        """What makes this end out of the other one."""
        return self.variant if id_ == self.first else between(AS_IS, self.variant)


def find_links(
    held: Mapping[Role, Descriptors],
    known: Known,
    limit: float,
    scenes: bool = False,
    verdicts: Verdicts | None = None,
    told: Told | None = None,
) -> list[Link]:
    """All pairs of copies among the pictures described, and pairs of one scene that may be copies.

    held: by ROLES, those that the collection has. verdicts: what is known of pairs already, and then what was found.
    limit: the greatest expected_false of a pair: it says which are listed, never what they are called. scenes: all
    pairs of one scene, also those that cannot be copies.
    """
    judge = Judge(held, known, Verdicts() if verdicts is None else verdicts, scenes)
    reach = max(limit, COPY) * (DOUBTED if judge.can_verify else 1.0)
    links: dict[tuple[int, int], Link] = {}
    if "copy" in held:
        near = list(_by_hash(held["copy"], reach))
        for link in in_order(judge.hash_pair, near, "verifying", told):
            if link is not None:
                before = links.get((link.first, link.second))
                if before is None or link.expected_false < before.expected_false:
                    links[link.first, link.second] = link
    if "looks" in held and judge.can_verify:
        by_hash = list(links.values())
        alike = [pair for pair in look_alikes(held["looks"]) if pair not in links]
        proven = [link for link in in_order(judge.proof, alike, "verifying", told) if link is not None]
        links |= {(link.first, link.second): link for link in proven}
        family = [pair for pair in _through(by_hash, proven) if pair not in links]
        proven = [link for link in in_order(judge.proof, family, "verifying", told) if link is not None]
        links |= {(link.first, link.second): link for link in proven}
    return [link for link in links.values() if link.expected_false <= limit]


def _through(by_hash: Sequence[Link], proven: Sequence[Link]) -> list[tuple[int, int]]:
    """Pairs of a picture and the copies, by hash, of one that it is a copy or a part of: where there are many of these,
    not all are among those that look most like it."""
    copies: dict[int, list[int]] = defaultdict(list)
    for link in sorted(
        (one for one in by_hash if one.kind != SCENE), key=lambda one: (one.bits, one.first, one.second)
    ):
        copies[link.first].append(link.second)
        copies[link.second].append(link.first)
    found: set[tuple[int, int]] = set()
    for link in proven:
        if link.kind != SCENE:
            for one, other in ((link.first, link.second), (link.second, link.first)):
                found.update((min(one, copy), max(one, copy)) for copy in copies[other][:FAMILY] if copy != one)
    return sorted(found)


class Judge:
    """Decides about one pair at a time. Safe for threads."""

    def __init__(
        self, held: Mapping[Role, Descriptors], known: Known, verdicts: Verdicts, scenes: bool = False
    ) -> None:
        self._scenes = scenes
        self._hashes, keypoints = held.get("copy"), held.get("part")
        self._colors = held.get("color")
        self._sizes = known.sizes
        self._keypoints = keypoints
        self._prover = None if keypoints is None else Prover(keypoints, known, verdicts)
        self.can_verify = keypoints is not None and keypoints.null is not None
        if self._hashes:
            self._hash_null = hash_null(self._hashes)

    def hash_pair(self, first: int, second: int, bits: int, variant: str) -> Link | None:
        """A pair that the hash found, as is or in one of the variants, which are paid for."""
        assert self._hashes is not None
        upright = variant == AS_IS
        chance = expected_false(self._hash_null, bits, self._hashes.pairs(), 1 if upright else len(VARIANTS))
        hardly = (
            upright and bits <= SAME_HASH * self._hashes.method.traits.farthest and not self._recoloured(first, second)
        )
        kind = SAME if hardly else EDITED
        by_hash = Link(first, second, kind, chance, variant, bits=bits / self._hashes.method.traits.farthest)
        if chance <= CLEAR or not self.can_verify:
            return by_hash
        proof = self.proof(first, second)
        if proof is not None and proof.kind == SCENE and not self._scenes:
            proof = None
        # Plain round things look alike when turned: too plain for geometry, they must be alike as they are.
        if proof is None or proof.expected_false > COPY:
            proof = by_hash if upright and not self._verifiable(first, second) else proof
        if proof is None:
            return None
        return replace(proof, kind=SAME if hardly and proof.kind == EDITED else proof.kind, bits=by_hash.bits)

    def proof(self, first: int, second: int) -> Link | None:
        """A pair that geometry confirms, None when it does not."""
        found = self._prover.prove(first, second) if self._prover is not None and self.can_verify else None
        if found is None or not (found.flat or self._scenes):
            return None
        assert self._keypoints is not None and self._keypoints.null is not None
        chance = expected_false(self._keypoints.null, 1 / (1 + found.inliers), self._keypoints.pairs())
        agreeing = found.inliers >= AGREEING * found.matched
        copy = self._judged(first, second, found, chance) if found.flat and agreeing else None
        return copy or Link(first, second, SCENE, chance, start=found.map)

    def geometry(self, link: Link) -> Proof | None:
        """How keypoints lay the first picture of a link over the second, if they do."""
        return None if self._prover is None else self._prover.prove(link.first, link.second)

    def _judged(self, first: int, second: int, found: Proof, chance: float) -> Link | None:
        """What geometry says: the same view, a part, or only the same scene, which is no copy."""
        match found.label:
            case "same picture":
                return Link(first, second, EDITED, chance, start=found.map)
            case "crop of":
                part, whole, share = first, second, found.covered
            case "contains":
                part, whole, share = second, first, found.visible
            case _:
                return None
        # A part with more pixels than all of the other picture is worth more than a copy.
        if share < SMALLEST_PART or np.prod(self._sizes[part]) > np.prod(self._sizes[whole]):
            return None
        return Link(first, second, CROP, chance, whole=whole, start=found.map)

    def _recoloured(self, first: int, second: int) -> bool:
        one, other = (None if self._colors is None else self._colors.row(id_) for id_ in (first, second))
        return one is not None and other is not None and _color_distance(one, other) > SAME_COLORS

    def _verifiable(self, first: int, second: int) -> bool:
        assert self._prover is not None
        points = [self._prover.points(id_) for id_ in (first, second)]
        return all(one is not None and len(one) >= FEWEST_KEYPOINTS for one in points)


def _color_distance(one: NDArray[np.uint16], other: NDArray[np.uint16]) -> float:
    """1 - intersection of two histograms given as (bin, count) rows."""
    shared, here, there = np.intersect1d(one[:, 0], other[:, 0], assume_unique=True, return_indices=True)
    if not len(shared):
        return 1.0
    shares = [rows[:, 1] / rows[:, 1].sum(dtype=np.int64) for rows in (one, other)]
    return 1 - float(np.minimum(shares[0][here], shares[1][there]).sum())


def hash_null(hashes: Descriptors) -> Null:
    """The collection's null model of its hashes, or that of fair coins where none is known."""
    bits = hashes.method.params.hash_size**2
    return hashes.null or gaussian(bits / 2, 0.53 * bits**0.5)


def look_alikes(vectors: Descriptors) -> Iterator[tuple[int, int]]:
    """Pairs of ids that are among each other's nearest few, and closer than unrelated pictures come; and beyond that
    those that are left each other's nearest.

    Candidates are vectors on the same side of most of 256 random planes through their mean (Charikar 2002), so that
    not all pairs need to be compared.
    """
    if len(vectors.ids) < 2 or vectors.null is None:
        return
    count = len(vectors.ids)
    wider = NEAREST_FALSE if count <= NEAREST_AMONG else LOOK_ALIKE_FALSE
    farthest, reach = (radius(vectors.null, chance, count, 1, 1.0) for chance in (LOOK_ALIKE_FALSE, wider))
    first, second, distances = _near(vectors, reach)
    order = np.argsort(distances, kind="stable")
    seen = np.zeros(count, np.int64)
    ends = first[order].tolist(), second[order].tolist(), (distances[order] <= farthest).tolist()
    for one, other, close in zip(*ends, strict=True):
        if (min(seen[one], seen[other]) < LOOK_ALIKES) if close else not (seen[one] or seen[other]):
            seen[[one, other]] += 1
            yield int(vectors.ids[one]), int(vectors.ids[other])


def _near(vectors: Descriptors, farthest: float) -> tuple[Ids, Ids, NDArray[np.float32]]:
    """Numbers of pairs whose cosine distance is at most `farthest`."""
    random = np.random.default_rng(0)
    sample = np.sort(random.choice(len(vectors), min(len(vectors), _BLOCK), replace=False))
    mean = vectors.take(sample).astype(np.float32).mean(axis=0)
    planes = random.standard_normal((len(mean), _SKETCH_BITS), np.float32)
    sketches = [
        np.packbits((vectors.take(slice(at, at + _BLOCK)).astype(np.float32) - mean) @ planes > 0, axis=1)
        for at in range(0, len(vectors), _BLOCK)
    ]
    # Taking the mean away turns a distance d into about d / (1 - |mean|^2), which is easier to tell from unrelated.
    cosine = 1 - farthest / max(1 - float(mean @ mean), farthest)
    bits = int(_SKETCH_BITS * np.arccos(cosine) / np.pi) + _SKETCH_MARGIN
    found = close_pairs(np.concatenate(sketches), bits)
    distances = np.zeros(len(found), np.float32)
    for at in range(0, len(found), _BLOCK):
        part = slice(at, at + _BLOCK)
        ends = (vectors.take(places[part]).astype(np.float32) for places in (found.first, found.second))
        distances[part] = 1 - np.einsum("ij,ij->i", *ends)
    near = distances <= farthest
    return found.first[near], found.second[near], distances[near]


def _by_hash(hashes: Descriptors, limit: float) -> Iterator[tuple[int, int, int, str]]:
    """Pairs of ids, lower first, with the bits in which they differ and what makes the first out of the second."""
    side, n = hashes.method.params.hash_size, len(hashes)
    farthest = radius(hash_null(hashes), limit, hashes.pairs(), 1, side**2)
    if n < 2 or farthest < 0:
        return
    codes = hashes.take(slice(None))
    found = close_pairs(np.concatenate([codes, *turned_hashes(codes, side, VARIANTS)]), int(farthest))
    ways = (AS_IS, *VARIANTS)
    for first, second, bits in _expanded(found):
        if first >= n and second < n:
            first, second = second, first
        way, number = divmod(second, n)
        if first >= n or number == first:
            continue
        link = Link(int(hashes.ids[first]), int(hashes.ids[number]), SAME, 0.0, ways[way])
        low, high = sorted((link.first, link.second))
        yield low, high, bits, link.variant_of(low)


def _expanded(found: Pairs) -> Iterator[tuple[int, int, int]]:
    """The pairs of all equal codes, not only of the first of their kind; of large kinds those with the first only."""
    kinds: dict[int, list[int]] = defaultdict(list)
    for first, second in zip(
        *(ends[found.distances == 0].tolist() for ends in (found.first, found.second)), strict=True
    ):
        kinds[first].append(second)
    for first, equal in kinds.items():
        yield from ((first, one, 0) for one in equal)
        if len(equal) < ENOUGH:
            yield from ((one, other, 0) for one, other in combinations(equal, 2))
    for first, second, bits in zip(found.first.tolist(), found.second.tolist(), found.distances.tolist(), strict=True):
        if bits:
            here, there = ([end, *kinds.get(end, ())] for end in (first, second))
            large = len(here) * len(there) > ENOUGH**2
            yield from ((one, other, bits) for one, other in ([(first, second)] if large else product(here, there)))
