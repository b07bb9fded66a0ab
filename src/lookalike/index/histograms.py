"""Sparse histograms by intersection, or by L1, L2 or Hellinger distance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lookalike.arrays.rows import Ragged
from lookalike.index.base import Distances, Sealed, Segment
from lookalike.index.graph import load_graph, seal_graph
from lookalike.index.hellinger import POINTS, histogram_points, histogram_signs
from lookalike.index.items import Items, Mask
from lookalike.index.rerank import RerankedIndex, Shortlist
from lookalike.index.signs import SignCodes, load_signs, merge_signs, seal_signs
from lookalike.index.sparse import Metric, histogram_distances

KINDS = {"auto": "codes", "hnsw": "hnsw", "exact": "exact", "l1": "exact", "l2": "exact", "hellinger": "exact"}
TAILS = {"codes": 512, "exact": None, "hnsw": 512}
METRICS: dict[str, Metric] = {"l2": "l2", "hellinger": "hellinger"}
BREADTH = 400

_ENCODED = 512  # histograms made dense at once


@dataclass(frozen=True, slots=True)
class HistogramKind:
    """Nearest histograms; item i is (nnz, 2) uint16 [bin, count], each bin once, read as count / sum.

    kind: "auto" ranks a shortlist of compact Hellinger codes by intersection (recall@10 above 0.99); "hnsw" finds the
    shortlist by a graph; "exact" compares everything. Their distance is 1 - intersection. "l1", "l2", "hellinger"
    compare everything by that distance; on histograms of sum 1, 1 - intersection is half the L1 distance, so "l1" is
    "exact" by another name.
    """

    bins: int
    kind: str = "auto"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {self.kind!r}")

    @property
    def name(self) -> str:
        return KINDS[self.kind]

    @property
    def tail(self) -> int | None:
        return TAILS[self.name]

    def seal(self, rows: Ragged, like: Sealed | None = None) -> Sealed:
        rows = checked(rows)
        blocks = (rows.slice(at, min(at + _ENCODED, len(rows))) for at in range(0, len(rows), _ENCODED))
        if self.name == "hnsw":
            return seal_graph(np.concatenate([histogram_points(block, self.bins) for block in blocks]))
        return seal_signs((histogram_signs(block, self.bins) for block in blocks), len(rows))

    def merge(self, seals: Sequence[Sealed], kept: Sequence[Mask]) -> Sealed | None:
        return None if self.name == "hnsw" else merge_signs(seals, kept)

    def load(self, sealed: Sealed, items: int) -> Shortlist[Ragged]:
        if self.name == "hnsw":
            return load_graph(sealed, items, min(POINTS, self.bins), lambda rows: histogram_points(rows, self.bins))
        return SignCodes(load_signs(sealed, items), lambda rows: histogram_signs(rows, self.bins))

    def open(self, items: Items[Ragged], segments: Sequence[Segment[Shortlist[Ragged]]] = ()) -> HistogramIndex:
        return HistogramIndex(self, items, segments)


class HistogramIndex(RerankedIndex[Ragged]):
    """See HistogramKind."""

    def __init__(
        self, kind: HistogramKind, items: Items[Ragged], segments: Sequence[Segment[Shortlist[Ragged]]]
    ) -> None:
        self._bins, self._metric = kind.bins, METRICS.get(kind.kind, "intersection")
        super().__init__(items, segments, BREADTH)

    def _checked(self, rows: Ragged) -> Ragged:
        return checked(rows)

    def _distances(self, rows: Ragged, queries: Ragged) -> Distances:
        found = [histogram_distances(rows, queries[i], self._bins, self._metric) for i in range(len(queries))]
        return np.stack(found) if found else np.zeros((0, len(rows)), np.float32)


def checked(rows: Ragged) -> Ragged:
    """ValueError unless the rows are sparse histograms."""
    if rows.values.dtype != np.uint16 or rows.values.shape[1:] != (2,):
        raise ValueError(f"histograms must be (m, 2) uint16, not {rows.values.shape} {rows.values.dtype}")
    return rows
