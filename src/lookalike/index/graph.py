"""Neighbours by a graph: hierarchical navigable small worlds over one byte a dimension.

Yu. Malkov and D. Yashunin, "Efficient and robust approximate nearest neighbor search using hierarchical navigable
small world graphs" (TPAMI 2020), as faiss builds and walks them. faiss' own files are not read: the graph is kept as
plain arrays, which are checked to lead nowhere but into each other, and faiss' objects are made from them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Rows
from lookalike.index.base import Distances, Sealed
from lookalike.index.items import Mask, Positions
from lookalike.index.simd import RowFilter, load_faiss

LINKS = 32  # per row, twice as many on the lowest level

Q = TypeVar("Q", bound=Rows)
Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Graph(Generic[Q]):
    """A segment's graph, as faiss has it. points: turns queries into points."""

    index: Any
    points: Callable[[Q], Points]

    def nearest(self, queries: Q, m: int, keep: Mask | None) -> list[tuple[Positions, Distances]]:
        """See `Shortlist`; far is the squared distance."""
        chosen = None if keep is None else RowFilter(keep)
        params = load_faiss().SearchParametersHNSW(efSearch=2 * m, sel=chosen and chosen.selector)
        distances, numbers = self.index.search(self.points(queries), min(m, self.index.ntotal), params=params)
        return [(at[at >= 0], far[at >= 0]) for at, far in zip(numbers, distances, strict=True)]


def seal_graph(points: Points) -> Sealed:
    """The graph of (n, d) points."""
    faiss = load_faiss()
    index = _empty(points.shape[1])
    index.train(points)
    index.add(points)
    storage = faiss.downcast_index(index.storage)
    arrays = {
        "scale": faiss.vector_to_array(storage.sq.trained),
        "codes": faiss.vector_to_array(storage.codes).reshape(points.shape),
        "levels": faiss.vector_to_array(index.hnsw.levels),
        "neighbours": faiss.vector_to_array(index.hnsw.neighbors),
    }
    return Sealed({"links": LINKS, "entry": int(index.hnsw.entry_point)}, arrays)


def load_graph(sealed: Sealed, items: int, dim: int, points: Callable[[Q], Points]) -> Graph[Q]:
    """ValueError unless this is a graph of so many points."""
    faiss = load_faiss()
    sealed = Sealed(sealed.params, {name: sealed.take(name) for name in sealed.arrays})
    offsets = _checked(sealed, items, dim)
    index = _empty(dim)
    storage = faiss.downcast_index(index.storage)
    faiss.copy_array_to_vector(np.ascontiguousarray(sealed.arrays["scale"]), storage.sq.trained)
    codes, levels = (np.ascontiguousarray(sealed.arrays[name]) for name in ("codes", "levels"))
    storage.add_sa_codes_c(items, faiss.swig_ptr(codes), None)
    faiss.copy_array_to_vector(levels, index.hnsw.levels)
    faiss.copy_array_to_vector(offsets, index.hnsw.offsets)
    neighbours = faiss.Int32Vector()
    faiss.copy_array_to_vector(np.ascontiguousarray(sealed.arrays["neighbours"]), neighbours)
    index.hnsw.neighbors = faiss.MaybeOwnedVectorInt32(neighbours)
    index.hnsw.entry_point = sealed.params["entry"]
    index.hnsw.max_level = int(levels.max()) - 1
    index.ntotal, index.is_trained, storage.is_trained = items, True, True
    return Graph(index, points)


def _empty(dim: int) -> Any:
    faiss = load_faiss()
    return faiss.IndexHNSWSQ(dim, faiss.ScalarQuantizer.QT_8bit, LINKS)


def _checked(sealed: Sealed, items: int, dim: int) -> NDArray[np.uint64]:
    """Where each point's neighbours begin; ValueError unless all of them exist on the level where they are named."""
    arrays, entry = sealed.arrays, sealed.params.get("entry")
    wanted = {"scale": (np.float32, (2 * dim,)), "codes": (np.uint8, (items, dim)), "levels": (np.int32, (items,))}
    for name, (dtype, shape) in wanted.items():
        if name not in arrays or arrays[name].dtype != dtype or arrays[name].shape != shape:
            raise ValueError(f"not a graph of {items} points of {dim} dimensions: {name} does not fit")
    levels, neighbours = np.asarray(arrays["levels"], np.int64), arrays.get("neighbours")
    if sealed.params.get("links") != LINKS or not items or not (levels.min() >= 1 and levels.max() <= 64):
        raise ValueError("a graph of other links or impossible levels")
    offsets = np.concatenate([[0], np.cumsum((levels + 1) * LINKS)])
    if neighbours is None or neighbours.dtype != np.int32 or neighbours.shape != (int(offsets[-1]),):
        raise ValueError("a graph of other neighbours than its levels have")
    place = np.arange(len(neighbours)) - np.repeat(offsets[:-1], np.diff(offsets))
    level = np.maximum(place // LINKS - 1, 0)  # twice as many on level 0
    named = neighbours >= 0
    if bool(np.any(neighbours >= items)) or bool(np.any(levels[neighbours[named]] <= level[named])):
        raise ValueError("a graph that leads outside of itself")
    if not isinstance(entry, int) or not 0 <= entry < items or levels[entry] != levels.max():
        raise ValueError("a graph without an entry")
    return offsets.astype(np.uint64)
