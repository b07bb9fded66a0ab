"""What holds for every kind of index: it answers as a plain loop over all rows would, however they are sealed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lookalike.arrays.rows import Ragged
from lookalike.index.base import Index, IndexKind, Neighbours, Sealed, Segment, Within
from lookalike.index.exhaustive import FEWEST_MATCHES, RATIO, ExhaustiveKind
from lookalike.index.hamming import HammingKind
from lookalike.index.histograms import HistogramKind
from lookalike.index.items import Items
from lookalike.index.keypoint_rows import Form, pack_rows
from lookalike.index.keypoints import KeypointKind
from lookalike.index.vectors import VectorKind
from lookalike.index.vptree import VPTreeKind

BINS, BYTES, WIDTH = 12, 2, 24
ROOTSIFT = 128
CODED = Form(ROOTSIFT, coded=True)


@dataclass(frozen=True)
class Case:
    """A kind of index and its twin.

    rows(seed, n): n rows, with many ties and duplicates. distances(rows, query): the plain way, from one item to
    all, inf for what is no answer; None where there is no plain way: then what holds of any answer is checked.
    recall: the least share of the true neighbours found; 1 is exact. `large`: enough rows for codes to be used.
    radius: one that includes some rows.
    """

    name: str
    kind: IndexKind[Any, Any]
    rows: Callable[[int, int], Any]
    distances: Callable[[Any, Any], NDArray[np.float64]] | None
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


def keypoints(seed: int, n: int) -> Ragged:
    """Pictures of ten of forty keypoints, each at its place; every tenth picture has none."""
    pool, random = np.random.default_rng(0), np.random.default_rng(seed)
    known = pack_rows(
        pool.integers(0, 256, (40, ROOTSIFT), np.uint8),
        pool.uniform(0, 600, (40, 2)).astype(np.float32),
        pool.uniform(2, 30, 40).astype(np.float32),
        pool.uniform(0, 360, 40).astype(np.float32),
        (640, 480),
    )
    items = [known[random.permutation(40)[: 0 if i % 10 == 9 else 10]] for i in range(n)]
    return Ragged.of(items, known.shape[1], np.uint8)


def coded(seed: int, n: int) -> Ragged:
    """The same as they are stored where a codebook comes with the package."""
    rows = keypoints(seed, n)
    return Ragged(CODED.stored(rows.values), rows.offsets)


def matches(rows: Ragged, query: Ragged) -> NDArray[np.float64]:
    """1 / (1 + keypoints of the query that pass the ratio test), one keypoint at a time."""
    distances = np.full(len(rows), np.inf)
    for i in range(len(rows)):
        stored, good = rows[i][:, :ROOTSIFT].astype(float), 0
        for one in query[0][:, :ROOTSIFT].astype(float):
            first, second = np.sort(np.linalg.norm(stored - one, axis=1))[:2] if len(stored) else (1.0, 1.0)
            good += first < RATIO * second
        if good >= FEWEST_MATCHES:
            distances[i] = 1 / (1 + good)
    return distances


CASES = [
    Case("hamming numpy", HammingKind(BYTES, "numpy"), codes, hamming, radius=3),
    Case("hamming faiss", HammingKind(BYTES, "faiss"), codes, hamming, radius=3),
    Case("vptree", VPTreeKind(BYTES), codes, hamming, radius=3, large=3000),
    Case("histograms auto", HistogramKind(BINS), histograms, intersection, 0.4, 0.99, large=4000),
    Case("histograms exact", HistogramKind(BINS, "exact"), histograms, intersection, radius=0.4),
    Case("histograms l1", HistogramKind(BINS, "l1"), histograms, intersection, radius=0.4),
    Case("histograms l2", HistogramKind(BINS, "l2"), histograms, l2, radius=0.4),
    Case("histograms hellinger", HistogramKind(BINS, "hellinger"), histograms, hellinger, radius=0.4),
    Case("histograms hnsw", HistogramKind(BINS, "hnsw"), histograms, intersection, 0.4, 0.95, large=4000),
    Case("vectors auto", VectorKind(WIDTH), vectors, cosine, 0.8, 0.95, large=6000),
    Case("vectors exact", VectorKind(WIDTH, "exact"), vectors, cosine, radius=0.8),
    Case("vectors hnsw", VectorKind(WIDTH, "hnsw"), vectors, cosine, 0.8, 0.95, large=2000),
    Case("keypoints exhaustive", ExhaustiveKind(Form(ROOTSIFT)), keypoints, matches, radius=0.15, large=60),
    Case("keypoints inverted", KeypointKind(Form(ROOTSIFT)), keypoints, None, radius=0.15, large=120),
    Case("keypoints coded", KeypointKind(CODED), coded, None, radius=0.15, large=120),
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
        assert self.case.distances is not None
        far = self.case.distances(rows, query).astype(np.float32)
        return sorted((distance, id_) for distance, id_ in zip(far.tolist(), ids, strict=True) if distance < np.inf)


def check(case: Case, index: Index[Any], twin: Twin, queries: Any, k: int, allowed: Any = None) -> None:
    """The index finds what its twin finds, at the right distances and in the right order."""
    near, inside = index.search(queries, k, allowed), index.within(queries, case.radius, allowed)
    assert near.ids.shape == near.distances.shape == (len(queries), k)
    assert len(inside) == len(queries)
    if case.distances is None:
        check_form(case, near, inside, set(twin.position) & set(twin.position if allowed is None else allowed.tolist()))
        return
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


def check_form(case: Case, near: Neighbours, inside: Sequence[Within], findable: set[int]) -> None:
    """Nothing but what may be found, each once, nearest first, and the nearest within a radius are the same."""
    for ids, distances, within in zip(near.ids, near.distances, inside, strict=True):
        found = ids[ids >= 0].tolist()
        pairs = list(zip(distances[: len(found)].tolist(), found, strict=True))
        assert set(found) <= findable and len(found) == len(set(found)) and pairs == sorted(pairs)
        assert np.all(np.isinf(distances[len(found) :])) and np.all(ids[len(found) :] == -1)
        all_near = list(zip(within.distances.tolist(), within.ids.tolist(), strict=True))
        assert all_near == sorted(all_near) and {id_ for _, id_ in all_near} <= findable
        nearest = [pair for pair in pairs if pair[0] <= case.radius]
        assert all_near[: len(nearest)] == nearest


def sealed(case: Case, rows: Any, first: int, last: int, like: Sealed | None = None) -> Sealed:
    return case.kind.seal(some(rows, np.arange(first, last)), like)


def opened(case: Case, ids: Any, rows: Any, dead: Any = (), cuts: Sequence[int] = ()) -> Index[Any]:
    """An index whose segments end at each of the cuts; after the last one comes the tail."""
    bounds = [0, *cuts] if case.kind.tail is not None else [0]
    seals: list[Sealed] = []
    for first, last in pairwise(bounds):
        seals.append(sealed(case, rows, first, last, seals[-1] if seals else None))
    segments = [
        Segment(first, last, case.kind.load(seal, last - first))
        for seal, (first, last) in zip(seals, pairwise(bounds), strict=True)
    ]
    return case.kind.open(Items.of(np.array(ids, np.int64), rows, np.array(sorted(dead), np.int64)), segments)


@every_index
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_items_dead_or_allowed_in_any_segments_answer_like_the_plain_way(case: Case, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 60), "items")
    rows = case.rows(data.draw(st.integers(0, 99), "seed"), count)
    ids = data.draw(st.lists(st.integers(0, 90), min_size=count, max_size=count, unique=True), "ids")
    ids = sorted(ids) if data.draw(st.booleans(), "ascending") else ids
    dead = data.draw(st.lists(st.integers(0, 99), max_size=30), "dead")
    cuts = sorted(data.draw(st.sets(st.integers(1, 60), max_size=3), "cuts") & set(range(1, count + 1)))
    index, twin = opened(case, ids, rows, set(dead), cuts), Twin(case, rows)
    twin.position = {id_: at for at, id_ in enumerate(ids) if id_ not in dead}
    assert len(index) == len(twin.position)
    for _ in range(2):
        allowed = data.draw(st.none() | st.lists(st.integers(-9, 99), max_size=99), "allowed")
        asked = case.rows(data.draw(st.integers(0, 99), "query seed"), 2)
        k = data.draw(st.sampled_from([0, 1, 3, 10, 200]), "k")
        check(case, index, twin, asked, k, None if allowed is None else np.array(allowed, np.int64))


def large(case: Case, dead_share: float = 0.0) -> tuple[Index[Any], Twin]:
    """Rows under ids in no order, in three segments and a tail."""
    n = case.large
    rows = case.rows(7, n)
    ids = np.random.default_rng(7).permutation(3 * n)[:n]
    dead = np.sort(ids)[: round(dead_share * n)]
    twin = Twin(case, rows)
    twin.position = {int(i): at for at, i in enumerate(ids) if i not in dead}
    return opened(case, ids, rows, dead.tolist(), (n // 2, 3 * n // 4, n - n // 20)), twin


@every_index
@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.9, 1.0])
def test_filters_of_any_selectivity_leave_as_many_answers_as_there_are(case: Case, share: float) -> None:
    index, twin = large(case)
    ids = np.array(sorted(twin.position), np.int64)
    allowed = np.random.default_rng(3).permutation(ids)[: round(share * len(ids))]
    unknown = np.array([-5, 10**12], np.int64)
    check(case, index, twin, case.rows(8, 5), 10, np.concatenate([allowed, unknown, allowed]))


@every_index
@pytest.mark.parametrize("share", [0.0, 0.3, 0.97, 1.0])
def test_what_is_dead_is_not_found_and_the_rest_is(case: Case, share: float) -> None:
    index, twin = large(case, share)
    check(case, index, twin, case.rows(8, 5), 10)


@every_index
@pytest.mark.parametrize("radius", [-1.0, 0.0, 1e9, float("inf")])
def test_a_radius_may_be_nothing_or_everything(case: Case, radius: float) -> None:
    index, twin = large(case)
    query = some(twin.rows, np.array([0]))
    if case.distances is None:
        check_form(case, index.search(query, 10), index.within(query, case.radius), set(twin.position))
        return
    expected = [pair for pair in twin.answer(query, None) if pair[0] <= radius + 2e-6]
    found = index.within(query, radius)[0]
    assert sorted(found.ids.tolist()) == sorted(i for _, i in expected)


@every_index
def test_merged_segments_answer_like_those_they_are_made_of(case: Case) -> None:
    if case.kind.tail is None:
        return
    n = case.large
    rows, ids = case.rows(7, n), np.arange(n)
    first = sealed(case, rows, 0, n // 2)
    second = sealed(case, rows, n // 2, n, first)
    everything, some_of_them = np.ones(n, np.bool_), np.random.default_rng(3).random(n) < 0.6
    for kept in (everything, some_of_them):
        left = some(rows, np.flatnonzero(kept))
        merged = case.kind.merge([first, second], [kept[: n // 2], kept[n // 2 :]]) or case.kind.seal(left)
        index = case.kind.open(Items.of(ids[kept], left), [Segment(0, len(left), case.kind.load(merged, len(left)))])
        twin = Twin(case, left)
        twin.position = {int(id_): at for at, id_ in enumerate(ids[kept])}
        check(case, index, twin, case.rows(8, 5), 10)


@every_index
def test_arrays_that_do_not_fit_are_refused(case: Case) -> None:
    if case.kind.tail is None:
        return
    good = sealed(case, case.rows(7, 300), 0, 300)
    case.kind.load(good, 300)
    with pytest.raises(ValueError):
        case.kind.load(good, 299)
    for name, array in good.arrays.items():
        for bad in (array[:-1], array.astype(np.float64), None):
            arrays = (
                {**good.arrays, name: bad} if bad is not None else {n: a for n, a in good.arrays.items() if n != name}
            )
            with pytest.raises(ValueError):
                case.kind.load(Sealed(good.params, arrays), 300)


@every_index
def test_nonsense_in_the_arrays_is_refused_or_harmless(case: Case) -> None:
    """Whatever a damaged file holds: no crash, no ids that do not exist."""
    if case.kind.tail is None:
        return
    n = 300
    rows, random = case.rows(7, n), np.random.default_rng(0)
    good = sealed(case, rows, 0, n)
    for name, array in good.arrays.items():
        for _ in range(5):
            raw = np.frombuffer(random.bytes(array.nbytes), np.uint8).copy()
            bad = raw.view(array.dtype).reshape(array.shape) if random.random() < 0.5 else array.copy()
            bad.reshape(-1).view(np.uint8)[random.integers(0, array.nbytes, 3)] ^= 0x80
            try:
                part = case.kind.load(Sealed(good.params, {**good.arrays, name: bad}), n)
            except ValueError:
                continue
            index = case.kind.open(Items.of(np.arange(n), rows), [Segment(0, n, part)])
            assert set(index.search(case.rows(8, 3), 5).ids.ravel().tolist()) <= {-1, *range(n)}


@every_index
def test_an_empty_index_answers_nothing(case: Case) -> None:
    query = case.rows(1, 2)
    empty = opened(case, [], case.rows(1, 0))
    assert len(empty) == 0
    assert np.all(empty.search(query, 3).ids == -1)
    assert [len(hits.ids) for hits in empty.within(query, 1e9)] == [0, 0]
    assert empty.search(case.rows(1, 0), 3).ids.shape == (0, 3)


@every_index
def test_threads_share_an_index_and_get_the_answers_of_one(case: Case) -> None:
    index, _ = large(case)
    asked = [case.rows(seed, 3) for seed in range(8)]
    alone = [index.search(queries, 10) for queries in asked]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda queries: index.search(queries, 10), asked * 4))
    for one, other in zip(alone * 4, together, strict=True):
        assert np.array_equal(one.ids, other.ids) and np.array_equal(one.distances, other.distances)
