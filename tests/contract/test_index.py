"""What holds for every index: it answers as a plain loop over all rows would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lookalike.arrays.rows import Ragged
from lookalike.index.growing import GrowingIndex
from lookalike.index.hamming import HammingIndex
from lookalike.index.histograms import HistogramIndex
from lookalike.index.vectors import VectorIndex
from lookalike.index.vptree import VPTreeIndex

BINS, BYTES, WIDTH = 12, 2, 24


@dataclass(frozen=True)
class Case:
    """An index and its twin.

    rows(seed, n): n rows, with many ties and duplicates. distances(rows, query): the plain way, from one item to
    all. recall: the least share of the true neighbours found; 1 is exact. `large`: enough rows for codes to be
    used. radius: one that includes some rows.
    """

    name: str
    new: Callable[[], GrowingIndex[Any]]
    rows: Callable[[int, int], Any]
    distances: Callable[[Any, Any], NDArray[np.float64]]
    radius: float
    recall: float = 1.0
    large: int = 300


def codes(seed: int, n: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).choice(np.array([0, 1, 3, 7, 255], np.uint8), (n, BYTES))


def hamming(rows: NDArray[np.uint8], query: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.unpackbits(rows ^ query, axis=1).sum(axis=1).astype(float)


def histograms(seed: int, n: int) -> Ragged:
    """A few filled bins of twelve, small counts; every tenth histogram is empty."""
    random = np.random.default_rng(seed)
    items = []
    for i in range(n):
        bins = np.sort(random.choice(BINS, random.integers(1, 6), replace=False))
        items.append(np.stack([bins, random.integers(1, 4, len(bins))], axis=1)[: 0 if i % 10 == 9 else None])
    return Ragged.of(items, 2, np.uint16)


def dense(rows: Ragged) -> NDArray[np.float64]:
    out = np.zeros((len(rows), BINS))
    for i in range(len(rows)):
        out[i, rows[i][:, 0]] = rows[i][:, 1]
    return out / np.maximum(out.sum(axis=1, keepdims=True), 1)


def intersection(rows: Ragged, query: Ragged) -> NDArray[np.float64]:
    return 1 - np.minimum(dense(rows), dense(query)).sum(axis=1)


def l2(rows: Ragged, query: Ragged) -> NDArray[np.float64]:
    return np.linalg.norm(dense(rows) - dense(query), axis=1)


def hellinger(rows: Ragged, query: Ragged) -> NDArray[np.float64]:
    return np.sqrt(np.maximum(1 - np.sqrt(dense(rows) * dense(query)).sum(axis=1), 0))


def vectors(seed: int, n: int) -> NDArray[np.float16]:
    """Unit vectors; every fifth repeats the one before."""
    points = np.random.default_rng(seed).standard_normal((n, WIDTH))
    points[4::5] = points[3::5][: len(points[4::5])]
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float16)


def cosine(rows: NDArray[np.float16], query: NDArray[np.float16]) -> NDArray[np.float64]:
    return np.maximum(1 - rows.astype(float) @ query[0].astype(float), 0)


CASES = [
    Case("hamming numpy", lambda: HammingIndex(BYTES, "numpy"), codes, hamming, radius=3),
    Case("hamming faiss", lambda: HammingIndex(BYTES, "faiss"), codes, hamming, radius=3),
    Case("vptree", lambda: VPTreeIndex(BYTES), codes, hamming, radius=3, large=3000),
    Case("histograms auto", lambda: HistogramIndex(BINS), histograms, intersection, 0.4, 0.99, large=2000),
    Case("histograms exact", lambda: HistogramIndex(BINS, "exact"), histograms, intersection, radius=0.4),
    Case("histograms l1", lambda: HistogramIndex(BINS, "l1"), histograms, intersection, radius=0.4),
    Case("histograms l2", lambda: HistogramIndex(BINS, "l2"), histograms, l2, radius=0.4),
    Case("histograms hellinger", lambda: HistogramIndex(BINS, "hellinger"), histograms, hellinger, radius=0.4),
    Case("histograms hnsw", lambda: HistogramIndex(BINS, "hnsw"), histograms, intersection, 0.4, 0.95, large=2000),
    Case("vectors auto", lambda: VectorIndex(WIDTH), vectors, cosine, 0.8, 0.95, large=4000),
    Case("vectors exact", lambda: VectorIndex(WIDTH, "exact"), vectors, cosine, radius=0.8),
    Case("vectors codes", lambda: VectorIndex(WIDTH, "codes"), vectors, cosine, 0.8, 0.95, large=4000),
    Case("vectors hnsw", lambda: VectorIndex(WIDTH, "hnsw"), vectors, cosine, 0.8, 0.95, large=2000),
]

every_index = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def some(rows: Any, positions: NDArray[np.int64]) -> Any:
    """The rows at these positions, of either form."""
    if isinstance(rows, Ragged):
        items = [rows[int(i)] for i in positions]
        return Ragged.of(items, rows.values.shape[1], rows.values.dtype)
    return rows[positions]


class Twin:
    """What is findable, as a dictionary; answers by sorting everything."""

    def __init__(self, case: Case, rows: Any) -> None:
        self.case, self.rows = case, rows
        self.position: dict[int, int] = {}

    def answer(self, query: Any, allowed: NDArray[np.int64] | None) -> list[tuple[float, int]]:
        """(distance, id) of all that may be found, nearest first, ties by id."""
        ids = list(self.position if allowed is None else self.position.keys() & set(allowed.tolist()))
        if not ids:
            return []
        rows = some(self.rows, np.array([self.position[i] for i in ids]))
        far = self.case.distances(rows, query).astype(np.float32)
        return sorted(zip(far.tolist(), ids, strict=True))


def check(case: Case, index: GrowingIndex[Any], twin: Twin, queries: Any, k: int, allowed: Any = None) -> None:
    """The index finds what its twin finds, at the right distances and in the right order."""
    near, inside = index.search(queries, k, allowed), index.within(queries, case.radius, allowed)
    assert near.ids.shape == near.distances.shape == (len(queries), k)
    assert len(inside) == len(queries)
    hits = wanted = 0
    for q in range(len(queries)):
        expected = twin.answer(some(queries, np.array([q])), allowed)
        true = {i: distance for distance, i in expected}
        found = near.ids[q][near.ids[q] >= 0].tolist()
        distances = near.distances[q][: len(found)].tolist()
        assert len(found) == len(set(found)) == min(k, len(expected)), "as many as there are, each once"
        assert set(found) <= set(true)
        assert distances == pytest.approx([true[i] for i in found], abs=2e-6)
        assert list(zip(distances, found, strict=True)) == sorted(zip(distances, found, strict=True))
        assert np.all(np.isinf(near.distances[q][len(found) :])) and np.all(near.ids[q][len(found) :] == -1)
        last = expected[len(found) - 1][0] if found else 0.0
        hits += sum(distance <= last + 2e-6 for distance in distances)
        wanted += len(found)

        sure = {i for distance, i in expected if distance < case.radius - 2e-6}
        perhaps = {i for distance, i in expected if distance <= case.radius + 2e-6}
        assert sure <= set(inside[q].ids.tolist()) <= perhaps
        pairs = list(zip(inside[q].distances.tolist(), inside[q].ids.tolist(), strict=True))
        assert pairs == sorted(pairs) and all(true[i] == pytest.approx(d, abs=2e-6) for d, i in pairs)
    assert hits >= case.recall * wanted


@every_index
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_history_of_adds_and_removes_answers_like_the_plain_way(case: Case, data: st.DataObject) -> None:
    rows = case.rows(data.draw(st.integers(0, 99), "seed"), 60)
    index, twin, used = case.new(), Twin(case, rows), 0
    for _ in range(data.draw(st.integers(0, 6), "steps")):
        step = data.draw(st.sampled_from(["add", "remove", "ask"]), "step")
        if step == "add" and used < 60:
            count = data.draw(st.integers(0, min(20, 60 - used)), "count")
            free = [i for i in range(90) if i not in twin.position]
            new = data.draw(st.lists(st.sampled_from(free), min_size=count, max_size=count, unique=True), "new ids")
            at = np.arange(used, used + count)
            index.add(np.array(new, np.int64), some(rows, at))
            twin.position |= dict(zip(new, at.tolist(), strict=True))
            used += count
        elif step == "remove":
            gone = data.draw(st.lists(st.integers(0, 99), max_size=30), "removed ids")
            known = twin.position.keys() & set(gone)
            assert index.remove(np.array(gone, np.int64)) == len(known)
            for i in known:
                del twin.position[i]
        assert len(index) == len(twin.position)
        allowed = data.draw(st.none() | st.lists(st.integers(0, 99), max_size=99), "allowed")
        asked = case.rows(data.draw(st.integers(0, 99), "query seed"), 2)
        k = data.draw(st.sampled_from([0, 1, 3, 10, 200]), "k")
        check(case, index, twin, asked, k, None if allowed is None else np.array(allowed, np.int64))


def filled(case: Case, n: int) -> tuple[GrowingIndex[Any], Twin]:
    """n rows under ids in no order, ready for the fastest way of searching."""
    rows = case.rows(7, n)
    ids = np.random.default_rng(7).permutation(3 * n)[:n].astype(np.int64)
    index, twin = case.new(), Twin(case, rows)
    index.add(ids, rows)
    twin.position = dict(zip(ids.tolist(), range(n), strict=True))
    getattr(index, "prepare", lambda: None)()
    return index, twin


@every_index
@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.9, 1.0])
def test_filters_of_any_selectivity_leave_as_many_answers_as_there_are(case: Case, share: float) -> None:
    index, twin = filled(case, case.large)
    ids = np.array(sorted(twin.position), np.int64)
    allowed = np.random.default_rng(3).permutation(ids)[: round(share * len(ids))]
    unknown = np.array([-5, 10**12], np.int64)
    check(case, index, twin, case.rows(8, 5), 10, np.concatenate([allowed, unknown, allowed]))


@every_index
def test_after_many_removals_the_rest_is_found(case: Case) -> None:
    index, twin = filled(case, case.large)
    gone = np.array(sorted(twin.position), np.int64)[::3]
    assert index.remove(gone) == len(gone)
    for i in gone.tolist():
        del twin.position[i]
    check(case, index, twin, case.rows(8, 5), 10)
    assert index.remove(gone) == 0


@every_index
def test_ids_can_come_back_with_other_rows(case: Case) -> None:
    index, twin = filled(case, case.large)
    back = np.array(sorted(twin.position), np.int64)[: case.large // 4]
    index.remove(back)
    others = case.rows(99, len(back))
    index.add(back, others)
    rows = [twin.rows[i] for i in range(case.large)] + [others[i] for i in range(len(back))]
    width, dtype = rows[0].shape[-1], rows[0].dtype
    twin.rows = Ragged.of(rows, width, dtype) if isinstance(others, Ragged) else np.stack(rows)
    twin.position |= {int(i): case.large + n for n, i in enumerate(back)}
    check(case, index, twin, case.rows(8, 5), 10)


@every_index
@pytest.mark.parametrize("radius", [-1.0, 0.0, 1e9, float("inf")])
def test_a_radius_may_be_nothing_or_everything(case: Case, radius: float) -> None:
    index, twin = filled(case, case.large)
    query = some(twin.rows, np.array([0]))
    expected = [pair for pair in twin.answer(query, None) if pair[0] <= radius + 2e-6]
    found = index.within(query, radius)[0]
    assert sorted(found.ids.tolist()) == sorted(i for _, i in expected)


@every_index
def test_a_saved_index_loads_and_goes_on(case: Case, tmp_path: Path) -> None:
    index, twin = filled(case, case.large)
    position = sorted(twin.position.items(), key=lambda pair: pair[1])
    ids = np.array([i for i, _ in position], np.int64)
    index.save(tmp_path / "cache")
    index.save(tmp_path / "cache")
    assert [file.name for file in tmp_path.iterdir()] == ["cache"]
    again = type(index).load(tmp_path / "cache", ids, twin.rows)
    check(case, again, twin, case.rows(8, 5), 10)
    before, after = index.search(case.rows(8, 5), 10), again.search(case.rows(8, 5), 10)
    assert np.array_equal(before.ids, after.ids) and np.array_equal(before.distances, after.distances)

    more = case.rows(11, 20)
    new = np.arange(10**6, 10**6 + 20)
    again.add(new, more)
    again.remove(ids[:50])
    assert set(new.tolist()) <= set(again.within(more, 1e9)[0].ids.tolist())
    assert len(again) == case.large + 20 - 50
    assert not set(ids[:50].tolist()) & set(again.search(more, case.large).ids.ravel().tolist())


@every_index
def test_a_file_that_does_not_fit_is_refused(case: Case, tmp_path: Path) -> None:
    index, twin = filled(case, case.large)
    ids = np.array([i for i, _ in sorted(twin.position.items(), key=lambda pair: pair[1])], np.int64)
    good = tmp_path / "good"
    index.save(good)
    whole = good.read_bytes()
    bad = tmp_path / "bad"
    for content in (b"", b"something else", whole[: len(whole) // 2], whole[:-1], whole[:-1] + b"\xff\xff"[:1]):
        if content == whole:
            continue
        bad.write_bytes(content)
        with pytest.raises(ValueError):
            type(index).load(bad, ids, twin.rows)
    with pytest.raises(ValueError):
        type(index).load(good, ids + 10**6, twin.rows)
    with pytest.raises(ValueError):
        type(index).load(good, ids, case.rows(12345, case.large))


@every_index
def test_an_id_is_added_once(case: Case) -> None:
    index, rows = case.new(), case.rows(1, 3)
    index.add(np.array([4, 2, 9]), rows)
    for ids in ([1, 2, 3], [7, 7, 8], [1, 3], [-1, 5, 6]):
        with pytest.raises(ValueError):
            index.add(np.array(ids), rows)
    assert len(index) == 3


@every_index
def test_an_empty_index_answers_nothing(case: Case, tmp_path: Path) -> None:
    index, nothing, query = case.new(), case.rows(1, 0), case.rows(1, 2)
    index.add(np.zeros(0, np.int64), nothing)
    index.save(tmp_path / "cache")
    for empty in (index, type(index).load(tmp_path / "cache", np.zeros(0, np.int64), nothing)):
        assert np.all(empty.search(query, 3).ids == -1)
        assert [len(hits.ids) for hits in empty.within(query, 1e9)] == [0, 0]
        assert empty.search(nothing, 3).ids.shape == (0, 3)


@every_index
def test_many_small_adds_equal_one_large(case: Case) -> None:
    rows = case.rows(5, 100)
    whole, pieces = case.new(), case.new()
    whole.add(np.arange(100), rows)
    for i in range(100):
        pieces.add(np.array([i]), some(rows, np.array([i])))
    a, b = whole.search(case.rows(6, 4), 10), pieces.search(case.rows(6, 4), 10)
    assert np.array_equal(a.distances, b.distances)
