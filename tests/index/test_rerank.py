"""Codes find nearly all true neighbours, cover what is sealed, and never change what a distance is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from lookalike.arrays.rows import Ragged
from lookalike.index.base import Index, Segment
from lookalike.index.histograms import HistogramKind
from lookalike.index.items import Items
from lookalike.index.signs import BITS
from lookalike.index.vectors import VectorKind
from lookalike.index.whole import index_of

DIM = 64


def grouped(n: int, seed: int = 0) -> NDArray[np.float16]:
    """Unit vectors in groups of about twenty."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((n // 20, DIM))
    rows = centres[random.integers(0, len(centres), n)] + 0.5 * random.standard_normal((n, DIM))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)


def recall(index: Index, exact: Index, queries: NDArray[np.float16], **kinds: NDArray[np.int64]) -> float:
    found, true = (each.search(queries, 10, **kinds).ids for each in (index, exact))
    return float(np.mean([np.isin(t, f).mean() for t, f in zip(true, found, strict=True)]))


def both(kind: str, rows: NDArray[np.float16]) -> tuple[Index, Index]:
    return index_of(VectorKind(DIM, kind), rows, sealed=True), index_of(VectorKind(DIM, "exact"), rows)


@pytest.mark.parametrize("kind", ["codes", "hnsw"])
def test_codes_find_nearly_all_true_neighbours_at_exact_distances(kind: str) -> None:
    rows = grouped(8000)
    index, exact = both(kind, rows)
    assert recall(index, exact, rows[:100]) >= 0.99
    found = index.search(rows[:5], 10)
    for ids, distances, query in zip(found.ids, found.distances, rows[:5], strict=True):
        assert distances == pytest.approx(1 - rows[ids].astype(float) @ query.astype(float), abs=2e-6)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.8])
def test_a_filter_that_excludes_the_nearest_still_finds_the_others(share: float) -> None:
    rows = grouped(8000)
    index, exact = both("codes", rows)
    query = rows[:1]
    order = exact.search(query, len(rows)).ids[0]
    far = np.sort(order[-round(share * len(rows)) :])
    assert np.all(index.search(query, 10, far).ids >= 0)
    assert recall(index, exact, query, allowed=far) >= 0.9


def test_only_the_shortlist_is_read_of_the_rows() -> None:
    rows = grouped(20000)
    read: list[int] = []

    class Counting:
        def __len__(self) -> int:
            return len(rows)

        def slice(self, start: int, stop: int) -> NDArray[np.float16]:
            read.append(stop - start)
            return rows[start:stop]

        def take(self, places: NDArray[np.int64]) -> NDArray[np.float16]:
            read.append(len(places))
            return rows[places]

    kind = VectorKind(DIM)
    part = kind.load(kind.seal(rows), len(rows))
    index = kind.open(Items.of(np.arange(len(rows)), Counting()), [Segment(0, len(rows), part)])
    read.clear()
    index.search(rows[:1], 10)
    assert sum(read) <= 1000


def test_codes_take_little_room_and_are_the_same_wherever_they_are_made() -> None:
    rows = grouped(5000)
    kind = VectorKind(DIM)
    whole, half = kind.seal(rows), kind.seal(rows[2500:])
    assert sum(array.nbytes for array in whole.arrays.values()) == len(rows) * BITS // 8
    assert np.array_equal(whole.arrays["codes"][2500:], half.arrays["codes"])


def test_equal_histograms_are_at_distance_zero_whatever_their_size() -> None:
    """A picture and its half-size copy count in different units."""
    one = np.array([[3, 7], [5, 11], [9, 1]], np.uint16)
    other = one * np.array([1, 37], np.uint16)
    index = index_of(HistogramKind(16), Ragged.of([one, other], 2, np.uint16), np.array([8, 4]))
    found = index.search(Ragged.of([one], 2, np.uint16), 2)
    assert found.ids.tolist() == [[4, 8]] and found.distances.tolist() == [[0.0, 0.0]]


def test_unknown_kinds_and_rows_of_another_form_are_refused() -> None:
    with pytest.raises(ValueError, match="auto, exact, codes, hnsw"):
        VectorKind(DIM, "fast")
    with pytest.raises(ValueError, match="64"):
        index_of(VectorKind(DIM), np.zeros((2, 32), np.float16))
    with pytest.raises(ValueError, match="uint16"):
        index_of(HistogramKind(8), Ragged.of([np.zeros((1, 2))], 2, np.float32))
