"""Inverted lists of product codes as plain arrays, searched where they lie (memory-mapped, say) by faiss."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lookalike.index.codebook import CODE, Codebook
from lookalike.index.simd import load_faiss

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Words = NDArray[np.int64]

LABELS = 512  # labels of an item: item * LABELS + number of the row in it
_CODE_WORDS = CODE // 8
_WORDS = _CODE_WORDS + 1  # of an entry: its code and its label
_LOOK = 2000  # entries that a row of a query is compared with, about
_FEWEST, _MOST = 4, 8  # lists that it looks into


def pack(assigned: NDArray[np.int64], codes: Bytes, labels: Words, lists: int) -> tuple[NDArray[np.uint32], Words]:
    """Sizes (lists,) of the lists, and their entries end to end: of each list all codes, then all labels."""
    order = np.argsort(assigned, kind="stable")
    sizes = np.bincount(assigned, minlength=lists).astype(np.uint32)
    entries = np.empty(_WORDS * len(order), np.int64)
    at, label_at = _places(sizes)
    words = np.ascontiguousarray(codes[order]).view(np.int64)
    for word in range(_CODE_WORDS):
        entries[at + word] = words[:, word]
    entries[label_at] = labels[order]
    return sizes, entries


def unpack(sizes: NDArray[np.uint32], entries: Words) -> tuple[NDArray[np.int64], Bytes, Words]:
    """The inverse of `pack`, in the order of the lists: list, code and label of each entry."""
    at, label_at = _places(sizes)
    words = np.stack([entries[at + word] for word in range(_CODE_WORDS)], axis=1)
    return np.repeat(np.arange(len(sizes)), sizes), words.view(np.uint8).reshape(len(at), CODE), entries[label_at]


def _places(sizes: NDArray[np.uint32]) -> tuple[Words, Words]:
    """Where the codes and the labels of entries lie, in words."""
    size = sizes.astype(np.int64)
    start = np.cumsum(size) - size
    number = np.arange(int(size.sum())) - np.repeat(start, size)
    base = _WORDS * np.repeat(start, size)
    return base + _CODE_WORDS * number, base + _CODE_WORDS * np.repeat(size, size) + number


class Chosen:
    """The labels of the items of a segment that may be found, 64 bytes an item; for any number of searches."""

    def __init__(self, keep: NDArray[np.bool_]) -> None:
        faiss = load_faiss()
        self._bitmap = np.repeat(np.where(keep, np.uint8(255), np.uint8(0)), LABELS // 8)
        self.selector = faiss.IDSelectorBitmap(len(self._bitmap), faiss.swig_ptr(self._bitmap))


class Lists:
    """The lists of one segment, for any number of threads. ValueError when sizes and entries contradict each other."""

    def __init__(self, codebook: Codebook, sizes: NDArray[np.uint32], entries: Words) -> None:
        self.codebook, self._sizes, self._entries = codebook, sizes, entries
        if sizes.dtype != np.uint32 or entries.dtype != np.int64:  # their memory is handed to faiss as it is
            raise ValueError("the lists are of other numbers")
        self.total = int(sizes.sum(dtype=np.int64))
        if len(sizes) != len(codebook.lists) or entries.shape != (_WORDS * self.total,):
            raise ValueError("the lists are not as long as they should be")

    @property
    def probes(self) -> int:
        """How many lists a row of a query has to look into."""
        return int(np.clip(_LOOK * len(self._sizes) / max(1, self.total), _FEWEST, _MOST))

    def search(
        self, rows: Floats, near: tuple[Floats, NDArray[np.int64]], k: int, chosen: Chosen | None
    ) -> tuple[Floats, Words]:
        """(n, k) squared distances and labels of the nearest entries, inf and -1 where there are fewer.

        near: distances and numbers of lists, nearest first, as many as there are `probes` or more. chosen: what may
        be found, None for all.
        """
        faiss = load_faiss()
        probes = min(self.probes, near[0].shape[1])
        far, lists = (np.ascontiguousarray(part[:, :probes]) for part in near)
        params = faiss.SearchParametersIVF(nprobe=probes)
        if chosen is not None:
            params = faiss.SearchParametersIVF(nprobe=probes, sel=chosen.selector)
        squares, labels = np.empty((len(rows), k), np.float32), np.empty((len(rows), k), np.int64)
        given = (np.ascontiguousarray(rows, np.float32), lists, far, squares, labels)
        asked, where, away, found, named = map(faiss.swig_ptr, given)
        # faiss' wrapper for Python takes no parameters
        search = self._scanner.index.search_preassigned_c
        search(len(rows), asked, k, where, away, found, named, False, params)
        return np.where(labels < 0, np.float32(np.inf), squares), labels

    @cached_property
    def _scanner(self) -> _Scanner:
        return _Scanner(self.codebook, self._sizes, self._entries)


class _Scanner:
    """faiss' inverted index over entries that it does not own."""

    def __init__(self, codebook: Codebook, sizes: NDArray[np.uint32], entries: Words) -> None:
        faiss = load_faiss()
        size = sizes.astype(np.uint64)
        # what faiss keeps of a list on disk: size, capacity, offset in bytes
        table = np.stack([size, size, (np.cumsum(size) - size) * np.uint64(8 * _WORDS)], axis=1)
        self._kept = (codebook, np.ascontiguousarray(entries))
        lists = faiss.OnDiskInvertedLists()
        lists.nlist, lists.code_size, lists.read_only, lists.prefetch_nthread = len(sizes), CODE, True, 0
        lists.lists.resize(len(sizes))
        ctypes.memmove(int(lists.lists.data().this), table.ctypes.data, table.nbytes)
        lists.ptr = faiss.swig_ptr(self._kept[1].view(np.uint8))
        lists.totsize = entries.nbytes
        index = faiss.IndexIVFPQ(codebook.nearest_lists, codebook.width, len(sizes), CODE, 8)
        index.pq = codebook.coder
        index.by_residual, index.is_trained, index.ntotal = False, True, int(size.sum())
        index.parallel_mode = 0
        index.replace_invlists(lists, False)
        self.index, self._lists = index, lists

    def __del__(self) -> None:
        # faiss would unmap what numpy has mapped
        if hasattr(self, "_lists"):
            self._lists.ptr = None


def merged(parts: Sequence[tuple[int, NDArray[np.uint32], Words]], lists: int) -> tuple[NDArray[np.uint32], Words]:
    """The lists of neighbouring runs together. parts: (items, sizes, entries) of each."""
    first, assigned, codes, labels = 0, [], [], []
    for items, sizes, entries in parts:
        list_, code, label = unpack(sizes, entries)
        assigned.append(list_)
        codes.append(code)
        labels.append(label + first * LABELS)
        first += items
    return pack(np.concatenate(assigned), np.concatenate(codes), np.concatenate(labels), lists)
