"""Which pictures share keypoints with a query: compact codes in inverted lists, votes weighted and counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.files import read_snapshot, write_snapshot
from lookalike.arrays.rows import Ids, Ragged
from lookalike.index.base import Neighbours, Within
from lookalike.index.exhaustive import nearest_rows
from lookalike.index.keypoint_rows import GEOMETRY, Bytes, Floats, angles, geometry_of, scales, vectors
from lookalike.index.simd import RowFilter, load_faiss
from lookalike.index.table import RowTable, inside, nearest, neighbours
from lookalike.index.votes import Votes

_NAME = "keypoints"
_EXACT = 8192  # rows compared exactly: about 27 pictures, or what a filter leaves
_GROWTH = 8  # codes are trained anew when the rows are so many times those that they were trained for
_BLOCK = 65536  # rows encoded at once
_TRAINING_ROWS = 40  # per inverted list
_NEIGHBOURS = 8  # rows that each descriptor of the query votes for
_PROBES = 8  # inverted lists that each descriptor looks into
_NOTHING = np.float32(1)  # the least squared distance between different descriptors
_FAR = 0.25  # squared distance, of that between random descriptors, beyond which nothing is a match


class KeypointIndex:
    """Packed keypoint rows (`keypoint_rows`); the distance of a picture is 1 / (1 + votes).

    Every descriptor of a query votes for the pictures of its 8 nearest rows with 1 - d / d8 (squared distances; d8
    at least a quarter of that between random rows, so that many copies of a picture do not silence each other):
    what is common is equally near to all and weighs nothing. A picture gets one vote a descriptor, and the votes
    that go to one and the same row share the weight of sqrt(their number) (burstiness, Jegou et al. 2009).

    The nearest rows come from inverted lists of 4-bit product-quantised codes (a quarter of a byte a value), trained
    on a sample of the rows as soon as there are 8,192 of them and again whenever they have grown eightfold. Below
    that, and where a filter leaves fewer, they are found exactly.
    """

    def __init__(self, width: int, binary: bool = False) -> None:
        self.width, self.binary = width, binary
        self._table: RowTable[Ragged] = RowTable(Ragged.of([], width + GEOMETRY.itemsize, np.uint8))
        self._starts = np.zeros(1, np.int64)  # of each position's rows
        self._geometry = np.zeros((0, 2), np.uint8)  # scale and angle codes of each row
        self._codes: Any = None
        self._trained_rows = 0
        self._far = np.float32(0)

    def __len__(self) -> int:
        return len(self._table)

    @property
    def worth_saving(self) -> bool:
        return self._codes is not None

    def add(self, ids: Ids, rows: Ragged) -> None:
        first = self._table.size
        self._table.append(ids, rows)
        counts = np.diff(rows.offsets)
        self._starts = np.concatenate([self._starts, self._starts[-1] + np.cumsum(counts)])
        values = rows.values[rows.offsets[0] : rows.offsets[-1]]
        columns = [self.width + GEOMETRY.fields[name][1] for name in ("scale", "angle")] if GEOMETRY.fields else []
        self._geometry = np.concatenate([self._geometry, values[:, columns]])
        total = int(self._starts[-1])
        if total < _EXACT:
            return
        if self._codes is None or total >= _GROWTH * self._trained_rows:
            self._train(total)
            first = 0
        self._encode(first)

    def remove(self, ids: Ids) -> int:
        return self._table.remove(ids)

    def search(self, queries: Ragged, k: int, allowed: Ids | None = None) -> Neighbours:
        return neighbours([nearest(*self._ranked(queries[i], allowed), k) for i in range(len(queries))], k)

    def within(self, queries: Ragged, radius: float, allowed: Ids | None = None) -> list[Within]:
        return [inside(*self._ranked(queries[i], allowed), radius) for i in range(len(queries))]

    def votes(self, query: Bytes, allowed: Ids | None = None) -> Votes:
        """The votes of one query's packed rows (n, w)."""
        keep = None
        if allowed is not None or not self._table.all_live:
            keep = self._table.live.copy()
            if allowed is not None:
                keep[:] = False
                keep[self._table.positions(allowed)] = True
        squares, rows = self._nearest(vectors(query[:, : self.width], self.binary), keep)
        last = np.where(np.isfinite(squares[:, -1:]), squares[:, -1:], 0)
        weight = np.maximum(0, 1 - squares / np.maximum(last, max(self._far, _NOTHING)))
        voter, rank = np.nonzero((rows >= 0) & (weight > 0))
        row, weights = rows[voter, rank], weight[voter, rank]
        position = np.searchsorted(self._starts, row, side="right") - 1
        _, first = np.unique(voter * max(1, self._table.size) + position, return_index=True)
        voter, row, position = voter[first], row[first], position[first]
        _, at, crowd = np.unique(row, return_inverse=True, return_counts=True)
        asked = geometry_of(query)
        there = np.zeros(len(row), GEOMETRY)
        there["scale"], there["angle"] = self._geometry[row].T
        return Votes(
            voter,
            self._table.ids[position],
            (weights[first] / np.sqrt(crowd[at])).astype(np.float32),
            angles(asked)[voter] - angles(there),
            np.log2(scales(asked)[voter] / scales(there)),
        )

    def save(self, path: Path) -> None:
        params = {"width": self.width, "binary": self.binary, "trained": self._trained_rows, "far": float(self._far)}
        arrays = {
            "ids": self._table.ids,
            "starts": self._starts,
            "geometry": self._geometry,
            "probe": self._table.probe(),
            "codes": load_faiss().serialize_index(self._codes) if self._codes else np.zeros(0, np.uint8),
        }
        write_snapshot(path, _NAME, params, arrays)

    @classmethod
    def load(cls, path: Path, ids: Ids, rows: Ragged) -> Self:
        params, arrays = read_snapshot(path, _NAME)
        index = cls(params["width"], params["binary"])
        starts = rows.offsets - rows.offsets[0]
        if not (np.array_equal(arrays["ids"], ids) and np.array_equal(arrays["starts"], starts)):
            raise ValueError(f"{path.name} is of other ids")
        index._table.append(ids, rows)
        index._table.fits(arrays["ids"], arrays["probe"])
        index._starts, index._geometry = arrays["starts"], arrays["geometry"]
        index._trained_rows, index._far = params["trained"], np.float32(params["far"])
        if len(arrays["codes"]):
            index._codes = load_faiss().deserialize_index(arrays["codes"])
        return index

    def _ranked(self, query: Bytes, allowed: Ids | None) -> tuple[Ids, Floats]:
        pictures, votes = self.votes(query, allowed).count()
        return pictures, (1 / (1 + votes)).astype(np.float32)

    def _nearest(self, asked: Floats, keep: NDArray[np.bool_] | None) -> tuple[Floats, NDArray[np.int64]]:
        """Squared distances and numbers of the nearest rows, of the positions kept only."""
        counts = np.diff(self._starts)
        left = int(self._starts[-1] if keep is None else counts[keep].sum())
        if self._codes is None or left < _EXACT:
            positions = np.arange(self._table.size) if keep is None else np.flatnonzero(keep)
            lengths = counts[positions]
            ends = np.cumsum(lengths)
            number = np.repeat(self._starts[positions] - (ends - lengths), lengths) + np.arange(left)
            rows = self._descriptors(self._table.take(positions))
            if self._codes is None:
                self._far = np.float32(_FAR * _typical_square(rows))
            squares, at = nearest_rows(asked, rows, _NEIGHBOURS)
            return squares, np.where(at >= 0, np.append(number, -1)[at], -1)
        faiss = load_faiss()
        rows_kept = None if keep is None else RowFilter(np.repeat(keep, counts))
        params = faiss.SearchParametersIVF(nprobe=_PROBES, sel=rows_kept and rows_kept.selector)
        found: tuple[Floats, NDArray[np.int64]] = self._codes.search(asked, _NEIGHBOURS, params=params)
        return found

    def _train(self, total: int) -> None:
        faiss = load_faiss()
        lists = int(2 ** np.clip(np.round(np.log2(1.5 * total**0.5)), 5, 13))
        sample = self._sample(_TRAINING_ROWS * lists)
        self._far = np.float32(_FAR * _typical_square(sample))
        dimensions = sample.shape[1]
        codes = faiss.index_factory(dimensions, f"IVF{lists},PQ{max(32, dimensions // 4)}x4fs")
        codes.cp.niter = 8
        codes.cp.min_points_per_centroid = 1
        codes.train(sample)
        self._codes, self._trained_rows = codes, total

    def _sample(self, most: int) -> Floats:
        """Rows of random pictures, about `most` of them, the same for the same rows."""
        positions = np.random.default_rng(0).permutation(self._table.size)
        enough = int(np.searchsorted(np.cumsum(np.diff(self._starts)[positions]), most)) + 1
        return self._descriptors(self._table.take(np.sort(positions[:enough])))

    def _encode(self, first: int) -> None:
        """Codes for the rows from position `first` on."""
        for start, rows in self._table.segments():
            skip = max(0, first - start)
            if skip < len(rows):
                values = rows.values[rows.offsets[skip] : rows.offsets[-1]]
                for block in range(0, len(values), _BLOCK):
                    self._codes.add(vectors(values[block : block + _BLOCK, : self.width], self.binary))

    def _descriptors(self, rows: Ragged) -> Floats:
        return vectors(rows.values[rows.offsets[0] : rows.offsets[-1], : self.width], self.binary)


def _typical_square(rows: Floats) -> float:
    """The median squared distance between random rows."""
    if len(rows) < 2:
        return 0.0
    one, other = np.random.default_rng(0).integers(len(rows), size=(2, 2000))
    return float(np.median(((rows[one] - rows[other]) ** 2).sum(axis=1)[one != other]))
