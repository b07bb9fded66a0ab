"""Codes are used when they pay, cover what is added later, and never change what a distance is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lookalike.arrays.rows import Ragged
from lookalike.index import rerank
from lookalike.index.histograms import HistogramIndex
from lookalike.index.vectors import VectorIndex

DIM = 64


def grouped(n: int, seed: int = 0) -> NDArray[np.float16]:
    """Unit vectors in groups of about twenty."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((n // 20, DIM))
    rows = centres[random.integers(0, len(centres), n)] + 0.5 * random.standard_normal((n, DIM))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)


def recall(index: VectorIndex, exact: VectorIndex, queries: NDArray[np.float16], **kinds: NDArray[np.int64]) -> float:
    found, true = (each.search(queries, 10, **kinds).ids for each in (index, exact))
    return float(np.mean([np.isin(t, f).mean() for t, f in zip(true, found, strict=True)]))


def both(kind: str, rows: NDArray[np.float16]) -> tuple[VectorIndex, VectorIndex]:
    index, exact = VectorIndex(DIM, kind), VectorIndex(DIM, "exact")
    for each in (index, exact):
        each.add(np.arange(len(rows)), rows)
    return index, exact


def test_a_few_questions_are_answered_exactly_and_many_by_codes() -> None:
    index, _ = both("auto", grouped(6000))
    queries = grouped(6000)[:50]
    index.search(queries[:1], 10)
    assert index.kind_in_use == "exact"
    while index.kind_in_use == "exact":
        index.search(queries, 10)
    assert index.kind_in_use == "codes"


def test_exact_stays_exact_and_forced_codes_start_at_once() -> None:
    index, exact = both("codes", grouped(3000))
    for each in (index, exact):
        each.prepare()
        each.search(grouped(3000)[:1], 10)
    assert (index.kind_in_use, exact.kind_in_use) == ("codes", "exact")
    assert not exact.worth_saving


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


def test_later_rows_get_codes_in_batches_without_training_again() -> None:
    rows = grouped(8000)
    index, exact = both("codes", rows[:4000])
    index.prepare()
    for start in range(4000, 8000, 100):
        for each in (index, exact):
            each.add(np.arange(start, start + 100), rows[start : start + 100])
        assert index.search(rows[start : start + 1], 1).ids[0, 0] == start
    assert recall(index, exact, rows[::80]) >= 0.99


def test_codes_take_less_memory_than_the_rows_and_rows_are_not_copied() -> None:
    rows = grouped(20000)
    index, _ = both("codes", rows)
    index.prepare()
    assert index.memory_bytes / len(rows) <= DIM / 8 + 30
    assert any(np.shares_memory(rows, segment) for _, segment in index._table.segments())


def test_a_small_collection_saves_no_codes_and_a_large_one_loads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = grouped(6000)
    index, _ = both("auto", rows)
    assert not index.worth_saving
    monkeypatch.setattr(rerank, "_IMPORT_PRICE", rows.size // 2)
    assert index.worth_saving
    index.save(tmp_path / "cache")
    again = VectorIndex.load(tmp_path / "cache", np.arange(6000), rows)
    assert again.kind_in_use == "codes"


def test_a_saved_index_loads_over_rows_that_came_and_went(tmp_path: Path) -> None:
    rows = grouped(6000)
    index, _ = both("codes", rows[:5000])
    index.save(tmp_path / "cache")
    ids = np.arange(1000, 6000)
    again = VectorIndex.load(tmp_path / "cache", ids, rows[1000:])
    exact = VectorIndex(DIM, "exact")
    exact.add(ids, rows[1000:])
    assert len(again) == 5000
    assert recall(again, exact, rows[::60]) >= 0.99


def test_equal_histograms_are_at_distance_zero_whatever_their_size() -> None:
    """A picture and its half-size copy count in different units."""
    one = np.array([[3, 7], [5, 11], [9, 1]], np.uint16)
    other = one * np.array([1, 37], np.uint16)
    index = HistogramIndex(16)
    index.add(np.array([8, 4]), Ragged.of([one, other], 2, np.uint16))
    found = index.search(Ragged.of([one], 2, np.uint16), 2)
    assert found.ids.tolist() == [[4, 8]] and found.distances.tolist() == [[0.0, 0.0]]


def test_unknown_kinds_and_rows_of_another_form_are_refused() -> None:
    with pytest.raises(ValueError, match="auto, exact, codes, hnsw"):
        VectorIndex(DIM, "fast")
    with pytest.raises(ValueError, match="64"):
        VectorIndex(DIM).add(np.arange(2), np.zeros((2, 32), np.float16))
    with pytest.raises(ValueError, match="uint16"):
        HistogramIndex(8).add(np.arange(1), Ragged.of([np.zeros((1, 2))], 2, np.float32))
