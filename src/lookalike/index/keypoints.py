"""Which pictures share keypoints with a query: compact codes in inverted lists, votes weighted and counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ids, Ragged
from lookalike.index.base import Neighbours, Sealed, Segment, Within
from lookalike.index.codebook import CODE, FAR, Codebook, shipped, typical_square
from lookalike.index.exhaustive import nearest_rows
from lookalike.index.items import Items, Mask
from lookalike.index.keypoint_rows import (
    PLACE,
    Bytes,
    Floats,
    Form,
    first_rows,
    pack_places,
    places,
    unpack_places,
)
from lookalike.index.lists import LABELS, Chosen, Lists, Run, Stack, merged, pack, probes
from lookalike.index.order import inside, nearest, neighbours
from lookalike.index.votes import Votes

VOTERS = 200
"""Keypoints of a stored picture that can be voted for, its strongest. All of them count as proof."""

_TAIL = 4  # pictures whose voters are compared exactly in a millisecond
_FEW = 32  # pictures that a filter leaves, whose voters are compared exactly
_BLOCK = 1024  # pictures encoded at once
_LISTS = 1024  # of a codebook that is not shipped
_NEIGHBOURS = 8  # voters that each descriptor of the query votes for
_NOTHING = np.float32(1)  # the least squared distance between different descriptors

Found = tuple[Floats, NDArray[np.int64], Bytes]
"""Of n rows of a query the k nearest voters: (n, k) squared distances, ascending, inf where there is none; (n, k)
positions of pictures, -1 where there is none; (n, k, PLACE) packed places."""


@dataclass(frozen=True, slots=True)
class Part:
    """A segment: its lists, and the places (m, PLACE) of its voters, those of item i from starts[i] on."""

    lists: Lists
    starts: NDArray[np.int64]
    places: Bytes


@dataclass(frozen=True, slots=True)
class KeypointKind:
    """Of packed keypoint rows (`keypoint_rows`), the first `voters` of each picture, by inverted lists.

    voters: at most LABELS. A sealed voter takes 16 bytes of code, 8 of label and 4 of place.
    """

    form: Form
    voters: int = VOTERS

    @property
    def name(self) -> str:
        return "inverted"

    @property
    def tail(self) -> int | None:
        return _TAIL

    def seal(self, rows: Ragged, like: Sealed | None = None) -> Sealed:
        codebook = self._codebook(rows) if like is None else self._used(like)
        counts = np.minimum(np.diff(rows.offsets), self.voters)
        assigned, codes = np.empty(counts.sum(), np.int64), np.empty((counts.sum(), CODE), np.uint8)
        where, done = np.empty((counts.sum(), PLACE), np.uint8), 0
        for start in range(0, len(rows), _BLOCK):
            voters = first_rows(rows.slice(start, min(len(rows), start + _BLOCK)), self.voters)
            descriptors = self.form.vectors(voters)
            here = slice(done, done := done + len(voters))
            assigned[here] = np.maximum(0, codebook.assign(descriptors, 1)[1][:, 0])
            codes[here] = voters[:, :CODE] if self.form.coded else codebook.encode(descriptors)
            where[here] = pack_places(voters)
        first = np.repeat(np.cumsum(counts) - counts, counts)
        labels = np.repeat(np.arange(len(rows)) * LABELS, counts) + np.arange(done) - first
        sizes, entries = pack(assigned, codes, labels, len(codebook.lists))
        return self._sealed(codebook, counts.astype(np.uint16), where, sizes, entries)

    def merge(self, seals: Sequence[Sealed], kept: Sequence[Mask]) -> Sealed | None:
        if len({one.params["codebook"] for one in seals}) > 1:
            return None
        codebook = self._used(seals[0])
        counts, where, runs = [], [], []
        for one, keep in zip(seals, kept, strict=True):
            self.load(one, len(keep))  # its arrays fit each other
            rows = one.take("counts")
            counts.append(rows[keep])
            where.append(one.take("places")[np.repeat(keep, rows)])
            runs.append(Run(keep, one.take("sizes"), one.take("entries")))
        sizes, entries = merged(runs)
        return self._sealed(codebook, np.concatenate(counts), np.concatenate(where), sizes, entries)

    def load(self, sealed: Sealed, items: int) -> Part:
        try:
            counts, where = sealed.arrays["counts"], sealed.arrays["places"]
            lists = Lists(self._used(sealed), sealed.arrays["sizes"], sealed.arrays["entries"])
        except KeyError as error:
            raise ValueError(f"the segment has no {error}") from error
        if counts.dtype != np.uint16 or where.dtype != np.uint8:
            raise ValueError("the segment's arrays are of other numbers")
        starts = np.append(0, np.cumsum(counts, dtype=np.int64))
        if len(counts) != items or where.shape != (lists.total, PLACE) or starts[-1] != lists.total:
            raise ValueError("the segment's arrays contradict each other")
        return Part(lists, starts, where)

    def open(self, items: Items[Ragged], segments: Sequence[Segment[Part]]) -> KeypointIndex:
        return KeypointIndex(self, items, segments)

    def far(self, rows: Ragged) -> float:
        """Squared distance beyond which two descriptors do not match, by those of some pictures."""
        if self.form.coded:
            return float(shipped().far)
        return float(FAR * typical_square(self.form.vectors(first_rows(rows, self.voters))))

    def _sealed(self, codebook: Codebook, counts: Bytes, where: Bytes, sizes: Any, entries: Any) -> Sealed:
        arrays = {"counts": counts, "places": where, "sizes": sizes, "entries": entries}
        own = {} if self.form.coded else {f"codebook.{name}": array for name, array in codebook.arrays().items()}
        return Sealed({"codebook": codebook.name}, arrays | own)

    def _codebook(self, rows: Ragged) -> Codebook:
        if self.form.coded:
            return shipped()
        sample = np.sort(np.random.default_rng(0).permutation(len(rows))[:_BLOCK])
        voters = first_rows(rows.take(sample), self.voters)
        return Codebook.trained(self.form.vectors(voters), _LISTS)

    def _used(self, sealed: Sealed) -> Codebook:
        """The codebook of a segment; ValueError when it is not the one that the segment was made by."""
        own = {name.partition(".")[2]: array for name, array in sealed.arrays.items() if name.startswith("codebook.")}
        codebook = Codebook.of(own) if own else shipped()
        if codebook.name != sealed.params.get("codebook") or codebook.width != self.form.dimension:
            raise ValueError("the segment is of another codebook")
        return codebook


def cast_votes(query: Bytes, found: Found, ids: Ids, far: np.float32) -> Votes:
    """Votes of a query's packed rows (n, w) for the pictures of the k voters nearest to each, as `found`.

    ids: of the positions in it; far: squared distance beyond which two descriptors do not match.
    """
    squares, position, place = found
    last = np.where(np.isfinite(squares[:, -1:]), squares[:, -1:], 0)
    weight = np.maximum(0, 1 - squares / np.maximum(last, max(far, _NOTHING)))
    voter, rank = np.nonzero((position >= 0) & (weight > 0))
    weights, position, place = weight[voter, rank], position[voter, rank], place[voter, rank]
    _, first = np.unique(voter * max(1, len(ids)) + position, return_index=True)
    voter, weights, position, place = voter[first], weights[first], position[first], place[first]
    # which voter it was: a picture has hardly two that share all of their place
    spot = position << 32 | np.ascontiguousarray(place).view(np.uint32)[:, 0]
    _, at, crowd = np.unique(spot, return_inverse=True, return_counts=True)
    here, octaves, angle = (part[voter] for part in places(query))
    there, zoom, turn = unpack_places(place)
    fair = (weights / np.sqrt(crowd[at])).astype(np.float32)
    return Votes(voter, ids[position], fair, here, there, turn - angle, zoom - octaves)


class KeypointIndex:
    """Packed keypoint rows; the distance of a picture is 1 / (1 + votes).

    Every descriptor of a query votes for the pictures of its 8 nearest voters with 1 - d / d8 (squared distances; d8
    at least a quarter of that between random rows, so that many copies of a picture do not silence each other):
    what is common is equally near to all and weighs nothing. A picture gets one vote a descriptor, and the votes
    that go to one and the same voter share the weight of sqrt(their number) (burstiness, Jegou et al. 2009).

    The nearest are found by their codes in segments, exactly in the tail and where a filter leaves few pictures.
    """

    def __init__(self, kind: KeypointKind, items: Items[Ragged], segments: Sequence[Segment[Part]]) -> None:
        self._kind, self._items, self._segments = kind, items, tuple(segments)
        self._sealed = self._segments[-1].last if self._segments else 0

    def __len__(self) -> int:
        return len(self._items)

    def search(self, queries: Ragged, k: int, allowed: Ids | None = None) -> Neighbours:
        return neighbours([nearest(*self._ranked(queries[i], k, allowed), k) for i in range(len(queries))], k)

    def within(self, queries: Ragged, radius: float, allowed: Ids | None = None) -> list[Within]:
        size = self._items.size
        return [inside(*self._ranked(queries[i], size, allowed), radius) for i in range(len(queries))]

    def votes(self, query: Bytes, allowed: Ids | None = None) -> Votes:
        """The votes of one query's packed rows (n, w)."""
        keep = self._items.keep(allowed)
        chosen = self._living if allowed is None else None
        found = self._nearest(self._kind.form.vectors(query), keep, chosen)
        return cast_votes(query, found, self._items.ids, self._far)

    def _ranked(self, query: Bytes, k: int, allowed: Ids | None) -> tuple[Ids, Floats]:
        pictures, votes = self.votes(query, allowed).count(k)
        return pictures, (1 / (1 + votes)).astype(np.float32)

    @cached_property
    def _far(self) -> np.float32:
        """Squared distance beyond which two descriptors do not match."""
        if self._segments:
            return np.float32(self._segments[0].part.lists.codebook.far)
        return np.float32(self._kind.far(self._items.block(0, min(_FEW, self._items.size))))

    @cached_property
    def _living(self) -> list[Chosen | None]:
        """What of each segment is not dead: the same for every query that has no filter, so made once."""
        return self._chosen(self._items.live)

    def _chosen(self, keep: Mask | None) -> list[Chosen | None]:
        """What of each segment may be found; None where that is all of it."""
        parts = [None if keep is None else keep[one.first : one.last] for one in self._segments]
        return [None if part is None or part.all() else Chosen(part) for part in parts]

    def _nearest(self, asked: Floats, keep: Mask | None, chosen: list[Chosen | None] | None) -> Found:
        """The nearest voters of each row of a query, of the positions kept only, nearest first."""
        left = self._items.size if keep is None else int(np.count_nonzero(keep))
        if left <= _FEW:
            found = [self._exactly(asked, np.arange(left) if keep is None else np.flatnonzero(keep))]
        else:
            tail = np.arange(self._sealed, self._items.size)
            found = [self._exactly(asked, tail if keep is None else tail[keep[tail]])]
            near = self._near(asked) if self._segments else None
            chosen = self._chosen(keep) if chosen is None else chosen
            found += self._by_codes(asked, near, chosen)
        squares, position, place = (np.concatenate(parts, axis=1) for parts in zip(*found, strict=True))
        best = np.argsort(squares, axis=1, kind="stable")[:, :_NEIGHBOURS]
        rows = np.arange(len(asked))[:, None]
        return squares[rows, best], position[rows, best], place[rows, best]

    def _near(self, asked: Floats) -> tuple[Floats, NDArray[np.int64]]:
        """The lists that each row of a query looks into: as many as if all segments were one."""
        codebook, total = self._segments[0].part.lists.codebook, sum(one.part.lists.total for one in self._segments)
        return codebook.assign(asked, probes(len(codebook.lists), total))

    def _exactly(self, asked: Floats, positions: NDArray[np.int64]) -> Found:
        rows = self._items.take(positions)
        voters = first_rows(rows, self._kind.voters)
        counts = np.minimum(np.diff(rows.offsets), self._kind.voters)
        squares, at = nearest_rows(asked, self._kind.form.vectors(voters), _NEIGHBOURS)
        of = np.append(np.repeat(positions, counts), -1)
        where = np.append(pack_places(voters), np.zeros((1, PLACE), np.uint8), axis=0)
        return squares, of[at], where[at]

    def _by_codes(self, asked: Floats, near: Any, chosen: list[Chosen | None]) -> list[Found]:
        """In each segment; in those of which all may be found at once."""
        numbers, stack = self._whole
        together = stack is not None and all(chosen[number] is None for number in numbers)
        found = [
            self._placed(one, *one.part.lists.search(asked, near, _NEIGHBOURS, keep))
            for number, (one, keep) in enumerate(zip(self._segments, chosen, strict=True))
            if not (together and number in numbers)
        ]
        if stack is not None and together:
            squares, own = stack.search(asked, near, _NEIGHBOURS)
            for number, (mask, labels) in zip(numbers, own, strict=True):
                everywhere = np.full(mask.shape, -1, np.int64)
                everywhere[mask] = labels
                found.append(self._placed(self._segments[number], np.where(mask, squares, np.inf), everywhere))
        return found

    @cached_property
    def _whole(self) -> tuple[list[int], Stack | None]:
        """The numbers of the segments in which nothing is dead, and these together if they are several."""
        numbers = [number for number, keep in enumerate(self._living) if keep is None]
        if len(numbers) < 2:
            return [], None
        return numbers, Stack([self._segments[number].part.lists for number in numbers])

    def _placed(self, segment: Segment[Part], squares: Floats, labels: NDArray[np.int64]) -> Found:
        part, first = segment.part, segment.first
        item, number = labels // LABELS, labels % LABELS
        valid = (labels >= 0) & (item < len(segment))
        item = np.where(valid, item, 0)
        row = part.starts[item] + number
        valid &= row < part.starts[item + 1]  # whatever the file says
        place = np.zeros((*labels.shape, PLACE), np.uint8)
        place[valid] = part.places[row[valid]]
        return np.where(valid, squares, np.float32(np.inf)), np.where(valid, item + first, -1), place
