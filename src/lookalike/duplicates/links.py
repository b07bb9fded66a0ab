"""Which two pictures are copies: pairs of one collection by hash, and look-alikes that hash or geometry confirm.

Every picture counts once here, however many identical files it has. A pair's `expected_false` is for the whole
collection: how many of all its n (n - 1) / 2 pairs chance alone would bring at least so close.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.duplicates.group import AS_IS, CROP, EDITED, SAME, SCENE
from lookalike.duplicates.turns import VARIANTS, between
from lookalike.index.pairs import ENOUGH, Pairs, close_pairs
from lookalike.methods.base import Method, Role
from lookalike.methods.phash import turned_hashes
from lookalike.search.geometry import Verified, match, verify
from lookalike.search.labels import COPY, SAME_COLORS, SAME_HASH
from lookalike.search.versions import map_of
from lookalike.significance.model import Null, expected_false, gaussian, radius

if TYPE_CHECKING:
    from lookalike.duplicates.pixels import Seen

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]

ROLES: tuple[Role, ...] = ("copy", "color", "looks", "part")
"""What is looked at: hashes, colours, what looks alike, and keypoints."""
CLEAR = 1e-5
"""Hash pairs of at most this expected_false need no second opinion."""
DOUBTED = 100.0
"""Hash pairs of an expected_false up to so many times the limit, or COPY, are copies if geometry says so."""
LOOK_ALIKES = 3
"""Neighbours by embedding that are looked at, for each picture."""
LOOK_ALIKE_FALSE = 1.0
"""Look-alikes must be so close that chance brings a picture fewer of them than this."""
SMALLEST_PART = 0.2
"""The least share of a picture's area that a crop of it shows, to count as a copy."""
AGREEING = 0.72
"""The least share of matching keypoints that lie where the geometry says: crops and frames have more, most pairs of
photographs of one thing fewer."""
FLAT = 0.02
"""The most perspective of a copy: how far its corners are from a parallelogram's, in diagonals."""
FEWEST_KEYPOINTS = 30
"""Pictures with fewer keypoints are too plain for geometry to say that they are not copies."""
_SKETCH_BITS, _SKETCH_MARGIN = 256, 12
_BLOCK = 1 << 14


@dataclass(frozen=True, slots=True)
class Descriptors:
    """What a method keeps of some pictures: ids, ascending, and the places of their rows; and its null model."""

    method: Method[Any]
    ids: Ids
    places: Ids
    rows: Any
    null: Null | None

    def __len__(self) -> int:
        return len(self.ids)

    def row(self, id_: int) -> NDArray[Any] | None:
        """The packed descriptor of an id: (w,), or (m, w) when ragged; None when it has none."""
        place = int(np.searchsorted(self.ids, id_))
        known = place < len(self.ids) and self.ids[place] == id_
        return np.asarray(self.rows[int(self.places[place])]) if known else None

    def take(self, numbers: Ids | slice) -> NDArray[Any]:
        """(m, w): the rows of some of the ids, by their number."""
        return np.asarray(self.rows[self.places[numbers]])

    def pairs(self) -> int:
        """How many pairs of pictures there are."""
        return max(1, len(self.ids) * (len(self.ids) - 1) // 2)


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
    held: Mapping[Role, Descriptors], sizes: Mapping[int, tuple[int, int]], limit: float, scenes: bool = False
) -> list[Link]:
    """All pairs of copies among the pictures described, and pairs of one scene that may be copies.

    held: by ROLES, those that the collection has. sizes: (width, height) by id.
    limit: the greatest expected_false of a pair: it says which are listed, never what they are called. scenes: all
    pairs of one scene, also those that cannot be copies.
    """
    judge = Judge(held, sizes, scenes)
    reach = max(limit, COPY) * (DOUBTED if judge.can_verify else 1.0)
    links: dict[tuple[int, int], Link] = {}
    if "copy" in held:
        for first, second, bits, variant in _by_hash(held["copy"], reach):
            link = judge.hash_pair(first, second, bits, variant)
            known = links.get((first, second))
            if link and (known is None or link.expected_false < known.expected_false):
                links[first, second] = link
    if "looks" in held and judge.can_verify:
        for first, second in look_alikes(held["looks"]):
            link = None if (first, second) in links else judge.proof(first, second)
            if link:
                links[first, second] = link
    return [link for link in links.values() if link.expected_false <= limit]


class Judge:
    """Decides about one pair at a time."""

    def __init__(
        self, held: Mapping[Role, Descriptors], sizes: Mapping[int, tuple[int, int]], scenes: bool = False
    ) -> None:
        self._scenes = scenes
        self._hashes, self._keypoints = held.get("copy"), held.get("part")
        self._colors = held.get("color")
        self._sizes = sizes
        self.can_verify = self._keypoints is not None and self._keypoints.null is not None
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
        if not self.can_verify:
            return None
        assert self._keypoints is not None and self._keypoints.null is not None
        one, other = self._points(first), self._points(second)
        found = verify(one, other) if one is not None and other is not None else None
        if found is None:
            return None
        flat = _is_flat(found)
        chance = expected_false(self._keypoints.null, 1 / (1 + found.inliers), self._keypoints.pairs())
        if not (flat or self._scenes):
            return None
        start = map_of(found.quad, found.reverse_quad, self._sizes[first], self._sizes[second])
        agreeing = found.inliers >= AGREEING * len(match(one, other))
        copy = self._judged(first, second, found, chance, start) if flat and agreeing else None
        return copy or Link(first, second, SCENE, chance, start=start)

    def maps(self, link: Link) -> list[Floats]:
        """How geometry lays the first picture of a link over the second, if it does."""
        if self._keypoints is None:
            return []
        one, other = self._points(link.first), self._points(link.second)
        found = verify(one, other) if one is not None and other is not None else None
        return (
            []
            if found is None
            else [map_of(found.quad, found.reverse_quad, self._sizes[link.first], self._sizes[link.second])]
        )

    def _judged(self, first: int, second: int, found: Verified, chance: float, start: Floats) -> Link | None:
        """What geometry says: the same view, a part, or only the same scene, which is no copy."""
        match found.label:
            case "same picture":
                return Link(first, second, EDITED, chance, start=start)
            case "crop of":
                part, whole, share = first, second, found.covered
            case "contains":
                part, whole, share = second, first, found.visible
            case _:
                return None
        # A part with more pixels than all of the other picture is worth more than a copy.
        if share < SMALLEST_PART or np.prod(self._sizes[part]) > np.prod(self._sizes[whole]):
            return None
        return Link(first, second, CROP, chance, whole=whole, start=start)

    def _recoloured(self, first: int, second: int) -> bool:
        one, other = (None if self._colors is None else self._colors.row(id_) for id_ in (first, second))
        return one is not None and other is not None and _color_distance(one, other) > SAME_COLORS

    def _verifiable(self, first: int, second: int) -> bool:
        points = [self._points(id_) for id_ in (first, second)]
        return all(one is not None and len(one) >= FEWEST_KEYPOINTS for one in points)

    def _points(self, id_: int) -> Any:
        assert self._keypoints is not None
        rows = self._keypoints.row(id_)
        return None if rows is None else self._keypoints.method.unpack(rows)


def _is_flat(found: Verified) -> bool:
    """Whether a picture lies in the other without perspective, as edits do and new photographs of a thing do not."""
    quad = found.quad if found.quad is not None else found.reverse_quad
    assert quad is not None  # geometry says one of them at least
    diagonal = float(np.linalg.norm(quad[2] - quad[0]))
    return float(np.linalg.norm(quad[0] + quad[2] - quad[1] - quad[3])) <= FLAT * diagonal


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
    """Pairs of ids that are among each other's nearest few, and closer than unrelated pictures come.

    Candidates are vectors on the same side of most of 256 random planes through their mean (Charikar 2002), so that
    not all pairs need to be compared.
    """
    if len(vectors.ids) < 2 or vectors.null is None:
        return
    farthest = radius(vectors.null, LOOK_ALIKE_FALSE, len(vectors.ids), 1, 1.0)
    first, second, distances = _near(vectors, farthest)
    order = np.argsort(distances, kind="stable")
    seen = np.zeros(len(vectors.ids), np.int64)
    for one, other in zip(first[order].tolist(), second[order].tolist(), strict=True):
        if min(seen[one], seen[other]) < LOOK_ALIKES:
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
