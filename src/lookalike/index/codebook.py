"""What keypoint descriptors are quantised by: centroids of the inverted lists and of the product codes in them.

That of RootSIFT is shipped: it was trained once on photographs (`tools/train_codebook.py`), so no collection trains one
and segments made anywhere can be merged. For other features it is trained on the first rows that are sealed.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lookalike.index.simd import load_faiss

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

CODE = 16  # bytes of a code, each of them for a sixteenth of the values
SHIPPED = Path(__file__).with_name("rootsift.codebook.npz")
_ROUNDS = 10
_TOPS = 12  # of 64, whose lists are compared: they hold 99 of 100 of the 8 nearest lists
_ROWS, _FEWEST = 100, 40  # rows for each centroid of a list
FAR = 0.25  # of the squared distance between random descriptors, beyond which nothing is a match


@dataclass(frozen=True)
class Codebook:
    """lists: (n, d) uint8, centroids of the inverted lists; tops: (t, d) uint8, centroids of these, about the root of
    their number. codes: (CODE, 256, d / CODE) uint8, those of the parts of a descriptor. far: squared distance beyond
    which two descriptors do not match."""

    tops: Bytes
    lists: Bytes
    codes: Bytes
    far: float

    @property
    def width(self) -> int:
        return int(self.lists.shape[1])

    @cached_property
    def name(self) -> str:
        """What tells it from every other."""
        parts = (self.tops, self.lists, self.codes)
        return f"{zlib.crc32(b''.join(part.tobytes() for part in parts)):08x}"

    @cached_property
    def nearest_lists(self) -> Any:
        """faiss' index of the lists' centroids: only those of the nearest tops are compared."""
        faiss = load_faiss()
        tops = faiss.IndexFlatL2(self.width)
        tops.add(self.tops.astype(np.float32))
        index = faiss.IndexIVFFlat(tops, self.width, len(self.tops))
        index.is_trained, index.nprobe = True, min(_TOPS, len(self.tops))
        index.add(self.lists.astype(np.float32))
        return index

    @cached_property
    def coder(self) -> Any:
        """faiss' product quantizer."""
        faiss = load_faiss()
        coder = faiss.ProductQuantizer(self.width, CODE, 8)
        faiss.copy_array_to_vector(self.codes.astype(np.float32).ravel(), coder.centroids)
        return coder

    def assign(self, rows: Floats, probes: int) -> tuple[Floats, NDArray[np.int64]]:
        """(n, probes) squared distances and numbers of about the nearest lists, -1 where there are fewer."""
        found: tuple[Floats, NDArray[np.int64]] = self.nearest_lists.search(rows, min(probes, len(self.lists)))
        return found

    def encode(self, rows: Floats) -> Bytes:
        """(n, CODE) codes."""
        return np.asarray(self.coder.compute_codes(rows), np.uint8)

    def decode(self, codes: Bytes) -> Bytes:
        """(n, width) descriptors that (n, CODE) codes stand for."""
        parts: Bytes = self.codes[np.arange(CODE), codes]
        return parts.reshape(len(codes), self.width)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"tops": self.tops, "lists": self.lists, "codes": self.codes, "far": np.array([self.far], np.float32)}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`; ValueError when they do not fit each other."""
        tops, lists, codes, far = (np.asarray(arrays[name]) for name in ("tops", "lists", "codes", "far"))
        if {tops.dtype, lists.dtype, codes.dtype} != {np.dtype(np.uint8)} or lists.ndim != 2:
            raise ValueError("these are no codebook's arrays")
        if far.shape != (1,) or far.dtype != np.float32:
            raise ValueError("these are no codebook's arrays")
        if not len(lists) or not len(tops) or tops.shape[1:] != lists.shape[1:]:
            raise ValueError("the codebook's arrays contradict each other")
        if codes.shape != (CODE, 256, lists.shape[1] // CODE) or lists.shape[1] % CODE:
            raise ValueError("the codebook's arrays contradict each other")
        return cls(tops, lists, codes, float(far[0]))

    @classmethod
    def trained(cls, rows: Floats, lists: int) -> Self:
        """By k-means on (n, d) rows, the same for the same rows; fewer lists where there are few rows for each."""
        faiss = load_faiss()
        sample = np.random.default_rng(0).permutation(len(rows))[: max(256, lists) * _ROWS]
        rows = np.ascontiguousarray(rows[sample])
        centroids = _means(rows, max(1, min(lists, len(rows) // _FEWEST)))
        coder = faiss.ProductQuantizer(rows.shape[1], CODE, 8)
        coder.cp.min_points_per_centroid, coder.cp.niter = 1, _ROUNDS
        coder.train(np.resize(rows, (max(256, len(rows)), rows.shape[1])))
        codes = faiss.vector_to_array(coder.centroids).reshape(CODE, 256, -1)
        tops = _means(centroids, round(len(centroids) ** 0.5))
        return cls(_bytes(tops), _bytes(centroids), _bytes(codes), FAR * typical_square(rows))


@lru_cache(maxsize=1)
def shipped() -> Codebook:
    """That of RootSIFT."""
    with np.load(SHIPPED, allow_pickle=False) as arrays:
        return Codebook.of(arrays)


def typical_square(rows: Floats) -> float:
    """The median squared distance between random rows."""
    if len(rows) < 2:
        return 0.0
    one, other = np.random.default_rng(0).integers(len(rows), size=(2, 2000))
    return float(np.median(((rows[one] - rows[other]) ** 2).sum(axis=1)[one != other]))


def _bytes(centroids: Floats) -> Bytes:
    return np.asarray(centroids.round().clip(0, 255), np.uint8)


def _means(rows: Floats, count: int) -> Floats:
    means = load_faiss().Kmeans(rows.shape[1], count, niter=_ROUNDS, seed=1, min_points_per_centroid=1)
    means.train(rows)
    centroids: Floats = means.centroids
    return centroids
