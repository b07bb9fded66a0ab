"""faiss, imported when it is first needed: the import takes as long as scanning 200 MB without it."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LINKS = 32  # per row of an HNSW graph


def load_faiss() -> Any:
    """The faiss module."""
    return importlib.import_module("faiss")


def faiss_loaded() -> bool:
    return "faiss" in sys.modules


class RowFilter:
    """A faiss id filter over rows 0..n-1, with the memory that it points into."""

    def __init__(self, keep: NDArray[np.bool_]) -> None:
        faiss = load_faiss()
        self._bitmap = np.packbits(keep, bitorder="little")
        self.selector: Any = faiss.IDSelectorBitmap(len(keep), faiss.swig_ptr(self._bitmap))


class PointCodes:
    """Compact codes of (n, d) float32 points, numbered as added, for finding about the nearest (Euclidean)."""

    def __init__(self, index: Any) -> None:
        """index: a trained faiss index: scalar quantizer, HNSW or RaBitQ fast-scan."""
        self._index = index

    @classmethod
    def bytes_and_scan(cls, sample: NDArray[np.float32]) -> PointCodes:
        """One byte a dimension, all scanned."""
        faiss = load_faiss()
        return cls._trained(faiss.IndexScalarQuantizer(sample.shape[1], faiss.ScalarQuantizer.QT_8bit), sample)

    @classmethod
    def bytes_and_graph(cls, sample: NDArray[np.float32]) -> PointCodes:
        """One byte a dimension and an HNSW graph (Malkov and Yashunin 2016), 272 bytes a row."""
        faiss = load_faiss()
        index = faiss.IndexHNSWSQ(sample.shape[1], faiss.ScalarQuantizer.QT_8bit, _LINKS)
        return cls._trained(index, sample)

    @classmethod
    def bits_and_scan(cls, sample: NDArray[np.float32]) -> PointCodes:
        """RaBitQ (Gao and Long 2024): one bit a dimension and two numbers a row, all scanned."""
        return cls._trained(load_faiss().IndexRaBitQFastScan(sample.shape[1], load_faiss().METRIC_L2), sample)

    @classmethod
    def from_state(cls, state: NDArray[np.uint8]) -> PointCodes:
        return cls(load_faiss().deserialize_index(state))

    @classmethod
    def _trained(cls, index: Any, sample: NDArray[np.float32]) -> PointCodes:
        index.train(sample)
        return cls(index)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, points: NDArray[np.float32]) -> None:
        self._index.add(points)

    def nearest(self, points: NDArray[np.float32], m: int, keep: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        """(q, m) numbers of about the nearest rows, of those kept if given; -1 where it finds fewer."""
        faiss = load_faiss()
        chosen = None if keep is None else RowFilter(keep)
        if isinstance(self._index, faiss.IndexHNSW):
            params = faiss.SearchParametersHNSW(efSearch=2 * m, sel=chosen and chosen.selector)
            return np.asarray(self._index.search(points, m, params=params)[1])
        if keep is None or chosen is None:
            return np.asarray(self._index.search(points, m)[1])
        if not isinstance(self._index, faiss.IndexRaBitQFastScan):
            params = faiss.SearchParameters(sel=chosen.selector)
            return np.asarray(self._index.search(points, m, params=params)[1])
        # Fast-scan takes no filter: ask for as many more as are likely to be dropped.
        share = max(float(keep.mean()), 1e-9)
        wide = np.asarray(self._index.search(points, min(len(keep), int(1.25 * m / share) + 32))[1])
        wide = np.where((wide >= 0) & keep[wide], wide, -1)
        order = np.argsort(wide < 0, axis=1, kind="stable")[:, :m]
        return np.take_along_axis(wide, order, axis=1)

    def state(self) -> NDArray[np.uint8]:
        return np.asarray(load_faiss().serialize_index(self._index))
