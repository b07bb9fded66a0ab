"""What keypoints say of two pictures, found out once for each two contents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.duplicates.descriptors import Descriptors
from lookalike.duplicates.verdicts import Verdict, Verdicts, key_of
from lookalike.methods.keypoints import Keypoints
from lookalike.search.geometry import Verified, match, verify_matches
from lookalike.search.versions import LITTLE, map_of

Floats = NDArray[np.float64]

FLAT = 0.02
"""The most perspective of a copy: how far its corners are from a parallelogram's, in diagonals."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How the first of two pictures lies in the second, see `search.geometry.Verified`.

    matched: keypoints that are each other's nearest, of which `inliers` agree. misfit: None where these have too little
    support to say more than that something is the same. flat: without perspective. start: the
    nine numbers of the map from the first picture to the second, row by row, original pixels.
    """

    inliers: int
    matched: int
    flat: bool
    label: str
    visible: float
    covered: float
    misfit: float | None
    start: tuple[float, ...]

    @property
    def map(self) -> Floats:
        """(3, 3)."""
        return np.array(self.start).reshape(3, 3)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of pictures besides their descriptors: (width, height) and what their content is, by id."""

    sizes: Mapping[int, tuple[int, int]]
    contents: Mapping[int, str]


class Prover:
    """Proves that pictures show the same, by the keypoints that a collection holds. Safe for threads."""

    def __init__(self, keypoints: Descriptors, known: Known, verdicts: Verdicts) -> None:
        self._keypoints, self._known, self._verdicts = keypoints, known, verdicts
        self._params = repr((keypoints.method.name, keypoints.method.params))

    def prove(self, first: int, second: int) -> Proof | None:
        """None when geometry does not confirm the two."""
        if not (self._keypoints.has(first) and self._keypoints.has(second)):
            return None
        contents = [self._known.contents.get(id_) for id_ in (first, second)]
        if None in contents:
            return self._proven(first, second)
        key = key_of("proof", self._params, contents)
        verdict = self._verdicts.recall(key)
        if verdict is not None and _is_proof(verdict):
            return _proof(*verdict) if verdict else None
        proof = self._proven(first, second)
        self._verdicts.keep(key, [] if proof is None else astuple(proof))
        return proof

    def points(self, id_: int) -> Keypoints | None:
        """The keypoints of a picture, None when it has none."""
        rows = self._keypoints.row(id_)
        return None if rows is None else self._keypoints.method.unpack(rows)

    def _proven(self, first: int, second: int) -> Proof | None:
        one, other = self.points(first), self.points(second)
        assert one is not None and other is not None
        pairs = match(one, other)
        found = verify_matches(one, other, pairs)
        if found is None:
            return None
        sizes = self._known.sizes
        start = map_of(found.quad, found.reverse_quad, sizes[first], sizes[second])
        return Proof(
            found.inliers,
            len(pairs),
            _is_flat(found),
            found.label,
            float(found.visible),
            float(found.covered),
            float(found.misfit) if found.support >= LITTLE else None,
            tuple(start.reshape(-1).tolist()),
        )


def _proof(*values: Any) -> Proof:
    proof = Proof(*values)
    return replace(proof, start=tuple(proof.start))


def _is_proof(verdict: Verdict) -> bool:
    """Whether a verdict that was read is one of these: a file can be made by anybody."""
    types: list[tuple[type, ...]] = [(int,), (int,), (bool,), (str,), (float,), (float,), (float, type(None)), (list,)]
    return not verdict or (
        len(verdict) == len(types)
        and all(type(one) in allowed for one, allowed in zip(verdict, types, strict=True))
        and len(verdict[-1]) == 9
        and all(type(one) is float for one in verdict[-1])
    )


def _is_flat(found: Verified) -> bool:
    """Whether a picture lies in the other without perspective, as edits do and new photographs of a thing do not."""
    quad = found.quad if found.quad is not None else found.reverse_quad
    assert quad is not None  # geometry says one of them at least
    diagonal = float(np.linalg.norm(quad[2] - quad[0]))
    return float(np.linalg.norm(quad[0] + quad[2] - quad[1] - quad[3])) <= FLAT * diagonal
