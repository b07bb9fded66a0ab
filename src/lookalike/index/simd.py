"""faiss, imported when it is first needed: the import takes as long as scanning 64 MB without it."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray


def load_faiss() -> Any:
    """The faiss module."""
    return importlib.import_module("faiss")


def faiss_loaded() -> bool:
    """Whether using it costs nothing more."""
    return hasattr(sys.modules.get("faiss"), "hammings_knn_hc")  # not while another thread is importing it


class RowFilter:
    """A faiss id filter over rows 0..n-1, with the memory that it points into."""

    def __init__(self, keep: NDArray[np.bool_]) -> None:
        faiss = load_faiss()
        self._bitmap = np.packbits(keep, bitorder="little")
        self.selector: Any = faiss.IDSelectorBitmap(len(keep), faiss.swig_ptr(self._bitmap))
