"""Sparse histograms by intersection, or by L1, L2 or Hellinger distance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.files import Params
from lookalike.arrays.rows import Ragged
from lookalike.index.base import Distances
from lookalike.index.rerank import RerankedIndex, Shortlist
from lookalike.index.sparse import Metric, histogram_distances

_METRICS: dict[str, Metric] = {"l2": "l2", "hellinger": "hellinger"}


class HistogramIndex(RerankedIndex[Ragged]):
    """Nearest histograms; item i is (nnz, 2) uint16 [bin, count], each bin once, read as count / sum.

    kind: "auto" ranks by intersection, exactly while that is fast, then through a shortlist of compact Hellinger
    codes (recall@10 above 0.99); "hnsw" finds the shortlist by a graph; "exact" compares everything. Their
    distance is 1 - intersection. "l1", "l2", "hellinger" compare everything by that distance; on histograms of
    sum 1, 1 - intersection is half the L1 distance, so "l1" is "exact" by another name.
    """

    _name = "histograms"
    _kinds = {  # noqa: RUF012
        "auto": "auto",
        "hnsw": "codes",
        "exact": "exact",
        "l1": "exact",
        "l2": "exact",
        "hellinger": "exact",
    }
    _breadth = 128

    def __init__(self, bins: int, kind: str = "auto") -> None:
        super().__init__(kind, Ragged(np.zeros((0, 2), np.uint16), np.zeros(1, np.int64)))
        self.bins = bins

    def _params(self) -> Params:
        return {"bins": self.bins, "kind": self.kind}

    def _checked(self, rows: Ragged) -> Ragged:
        if rows.values.dtype != np.uint16 or rows.values.shape[1:] != (2,):
            raise ValueError(f"histograms must be (m, 2) uint16, not {rows.values.shape} {rows.values.dtype}")
        return rows

    def _numbers(self, rows: Ragged) -> int:
        return int(rows.offsets[-1] - rows.offsets[0])

    def _distances(self, rows: Ragged, queries: Ragged) -> Distances:
        metric = _METRICS.get(self.kind, "intersection")
        found = [histogram_distances(rows, queries[i], self.bins, metric) for i in range(len(queries))]
        return np.stack(found) if found else np.zeros((0, len(rows)), np.float32)

    def _new_codes(self, sample: Ragged) -> Shortlist[Ragged]:
        from lookalike.index.hellinger import HellingerCodes

        return HellingerCodes.trained(sample, self.bins, graph=self.kind == "hnsw")

    def _old_codes(self, state: dict[str, NDArray[Any]]) -> Shortlist[Ragged]:
        from lookalike.index.hellinger import HellingerCodes

        return HellingerCodes.from_state(state)
