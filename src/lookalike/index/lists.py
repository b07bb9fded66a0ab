"""Inverted lists of product codes as plain arrays, searched where they lie (memory-mapped, say) by faiss."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.index.codebook import CODE, Codebook
from lookalike.index.items import Mask
from lookalike.index.simd import load_faiss

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Words = NDArray[np.int64]

LABELS = 512  # labels of an item: item * LABELS + number of the row in it
_CODE_WORDS = CODE // 8
_WORDS = _CODE_WORDS + 1  # of an entry: its code and its label
_LOOK = 2000  # entries that a row of a query is compared with, about
_MERGED = 1 << 20  # entries unpacked at once
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


def probes(lists: int, entries: int) -> int:
    """How many of so many lists, which hold so many entries together, a row of a query looks into."""
    return int(np.clip(_LOOK * lists / max(1, entries), _FEWEST, _MOST))


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

    def search(
        self, rows: Floats, near: tuple[Floats, NDArray[np.int64]], k: int, chosen: Chosen | None
    ) -> tuple[Floats, Words]:
        """(n, k) squared distances and labels of the nearest entries, inf and -1 where there are fewer.

        near: (n, p) distances and numbers of the lists that each row looks into, see `probes`. chosen: what may be
        found, None for all.
        """
        return _scan(self.scanner.index, rows, near, k, chosen, False)

    @cached_property
    def scanner(self) -> _Scanner:
        """What faiss needs to search them."""
        return _Scanner(self.codebook, self._sizes, self._entries)

    def labels(self, lists: Words, numbers: Words) -> Words:
        """The labels of the entries that have these numbers in these lists."""
        size = self._sizes.astype(np.int64)
        found: Words = self._entries[_WORDS * (np.cumsum(size) - size)[lists] + _CODE_WORDS * size[lists] + numbers]
        return found


class Stack:
    """The lists of several segments of one codebook searched at once, for any number of threads: what a row of a query
    is compared by is computed once for all."""

    def __init__(self, parts: Sequence[Lists]) -> None:
        faiss = load_faiss()
        self._parts = parts
        self._lists = len(parts[0].codebook.lists)
        pointers = faiss.InvertedListsPtrVector()
        for part in parts:
            pointers.push_back(part.scanner.lists)
        self._stacked = faiss.VStackInvertedLists(pointers.size(), pointers.data())
        self._index = _index_of(parts[0].codebook, self._stacked, sum(part.total for part in parts))

    def search(
        self, rows: Floats, near: tuple[Floats, NDArray[np.int64]], k: int
    ) -> tuple[Floats, list[tuple[NDArray[np.bool_], Words]]]:
        """(n, k) squared distances of the nearest entries, as `Lists.search`; for each part which of them are its own,
        and the labels of these."""
        shifted = [near[1] + self._lists * number for number in range(len(self._parts))]
        everywhere = np.tile(near[0], len(self._parts)), np.concatenate(shifted, axis=1)
        squares, pairs = _scan(self._index, rows, everywhere, k, None, True)
        lists, numbers = pairs >> 32, pairs & 0xFFFFFFFF
        own = []
        for number, part in enumerate(self._parts):
            mask = (pairs >= 0) & (lists // self._lists == number)
            own.append((mask, part.labels(lists[mask] % self._lists, numbers[mask])))
        return squares, own


def _scan(
    index: Any, rows: Floats, near: tuple[Floats, NDArray[np.int64]], k: int, chosen: Chosen | None, as_pairs: bool
) -> tuple[Floats, Words]:
    """as_pairs: numbers of lists and of entries in them, in the upper and the lower half of a word, not labels."""
    faiss = load_faiss()
    far, lists = (np.ascontiguousarray(part) for part in near)
    params = faiss.SearchParametersIVF(nprobe=lists.shape[1])
    if chosen is not None:
        params = faiss.SearchParametersIVF(nprobe=lists.shape[1], sel=chosen.selector)
    squares, labels = np.empty((len(rows), k), np.float32), np.empty((len(rows), k), np.int64)
    given = (np.ascontiguousarray(rows, np.float32), lists, far, squares, labels)
    asked, where, away, found, named = map(faiss.swig_ptr, given)
    # faiss' wrapper for Python takes no parameters
    index.search_preassigned_c(len(rows), asked, k, where, away, found, named, as_pairs, params)
    return np.where(labels < 0, np.float32(np.inf), squares), labels


def _index_of(codebook: Codebook, lists: Any, total: int) -> Any:
    """faiss' index of inverted lists that it does not own."""
    index = load_faiss().IndexIVFPQ(codebook.nearest_lists, codebook.width, lists.nlist, CODE, 8)
    index.pq = codebook.coder
    index.by_residual, index.is_trained, index.ntotal = False, True, total
    index.parallel_mode = 0
    index.replace_invlists(lists, False)
    return index


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
        self.index, self.lists = _index_of(codebook, lists, int(size.sum())), lists

    def __del__(self) -> None:
        # faiss would unmap what numpy has mapped
        if hasattr(self, "lists"):
            self.lists.ptr = None


@dataclass(frozen=True, slots=True)
class Run:
    """The lists of a run of items, and which of these are kept."""

    kept: Mask
    sizes: NDArray[np.uint32]
    entries: Words


def merged(runs: Sequence[Run]) -> tuple[NDArray[np.uint32], Words]:
    """The lists of neighbouring runs together, of the items that are kept, a few lists at a time."""
    total: Words = np.stack([run.sizes for run in runs]).sum(axis=0, dtype=np.int64)
    numbers, first = [], 0
    for run in runs:
        numbers.append(np.where(run.kept, np.cumsum(run.kept) - 1 + first, -1))
        first += int(np.count_nonzero(run.kept))
    sizes, entries, end = [], np.empty(_WORDS * int(total.sum()), np.int64), 0
    for low, high in _blocks(total):
        parts = [_renumbered(run, low, high, number) for run, number in zip(runs, numbers, strict=True)]
        list_, code, label = (np.concatenate(part) for part in zip(*parts, strict=True))
        size, packed = pack(list_, code, label, high - low)
        sizes.append(size)
        entries[end : end + len(packed)] = packed
        end += len(packed)
    return np.concatenate(sizes), entries[:end]


def _blocks(sizes: Words) -> Iterator[tuple[int, int]]:
    """Lists low to high - 1 that hold about _MERGED entries together."""
    of = np.cumsum(sizes) // _MERGED
    cuts = np.flatnonzero(np.diff(of)) + 1
    yield from pairwise([0, *cuts.tolist(), len(sizes)])


def _renumbered(run: Run, low: int, high: int, numbers: Words) -> tuple[Words, Bytes, Words]:
    """List, code and label of the entries kept in lists low to high - 1; numbers: what an item becomes, -1: nothing."""
    start, end = (_WORDS * int(run.sizes[:at].sum(dtype=np.int64)) for at in (low, high))
    list_, code, label = unpack(run.sizes[low:high], run.entries[start:end])
    item = label // LABELS
    there = (item >= 0) & (item < len(numbers))  # whatever the file says
    number = np.where(there, numbers[np.where(there, item, 0)], -1) if len(numbers) else np.full(len(item), -1)
    kept = number >= 0
    return list_[kept], code[kept], number[kept] * LABELS + label[kept] % LABELS
