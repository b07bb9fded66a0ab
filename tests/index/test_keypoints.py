"""The inverted index votes for the pictures that share keypoints with a query; the exhaustive one counts matches."""

from functools import cache

import numpy as np
import pytest

from lookalike.arrays.rows import Ragged
from lookalike.index import keypoints, lists
from lookalike.index.base import Sealed, Segment
from lookalike.index.codebook import shipped
from lookalike.index.exhaustive import ExhaustiveKind, good_matches, nearest_rows
from lookalike.index.items import Items
from lookalike.index.keypoint_rows import Form, pack_places, pack_rows, places, unpack_places
from lookalike.index.keypoints import VOTERS, KeypointKind
from lookalike.index.lists import Chosen
from lookalike.index.votes import Votes, Voting

WIDTH = 32
KIND = KeypointKind(Form(WIDTH))
FEW, MANY = 20, 150  # pictures of 100 keypoints: below and above what is compared exactly


def rows(random: np.random.Generator, n: int = 100) -> np.ndarray:
    return pack_rows(
        random.integers(0, 256, (n, WIDTH), np.uint8),
        random.uniform(0, 600, (n, 2)).astype(np.float32),
        random.uniform(2, 30, n).astype(np.float32),
        random.uniform(0, 360, n).astype(np.float32),
        (640, 480),
    )


def seen_again(packed: np.ndarray, random: np.random.Generator, kept: int = 30) -> np.ndarray:
    """Some keypoints of a picture with a little noise, among as many of nothing."""
    again = packed[random.permutation(len(packed))[:kept]].copy()
    noisy = again[:, :WIDTH].astype(int) + random.integers(-12, 13, (kept, WIDTH))
    again[:, :WIDTH] = noisy.clip(0, 255)
    return np.concatenate([again, rows(random, kept)])


def collection(n: int, seed: int = 0):
    random = np.random.default_rng(seed)
    return np.arange(n) * 10, Ragged.of([rows(random) for _ in range(n)], WIDTH + 14, np.uint8)


def queries(stored: Ragged, positions, seed: int = 1) -> Ragged:
    random = np.random.default_rng(seed)
    return Ragged.of([seen_again(stored[i], random) for i in positions], WIDTH + 14, np.uint8)


def kept(*items: int) -> list[np.ndarray]:
    """All items of so many runs."""
    return [np.ones(count, np.bool_) for count in items]


@cache
def book() -> Sealed:
    """A segment whose codebook the others are sealed by."""
    return KIND.seal(collection(40, seed=8)[1])


def segments(stored: Ragged, *ends: int) -> list[Segment]:
    """Sealed one after another; what comes after the last end is the tail."""
    runs = zip((0, *ends), ends, strict=False)
    return [
        Segment(first, end, KIND.load(KIND.seal(stored.slice(first, end), book()), end - first)) for first, end in runs
    ]


def filled(n: int, kind=KIND, dead=()):
    """All sealed but for the last three pictures, when there are many."""
    ids, stored = collection(n)
    items = Items.of(ids, stored, np.array(dead, np.int64))
    sealed = segments(stored, n - 3) if kind is KIND and n == MANY else []
    return kind.open(items, sealed), ids, stored


@pytest.mark.parametrize("kind", [KIND, ExhaustiveKind(Form(WIDTH))], ids=["inverted", "exhaustive"])
@pytest.mark.parametrize("n", [1, FEW, MANY])
def test_a_picture_is_found_by_a_third_of_its_keypoints_among_as_many_others(kind, n):
    index, ids, stored = filled(n, kind)
    asked = list(range(0, n, 1 + n // 10))
    found = index.search(queries(stored, asked), 1)

    assert isinstance(index, Voting)
    assert found.ids[:, 0].tolist() == ids[asked].tolist()
    assert (found.distances[:, 0] < 0.1).all()


def test_however_the_pictures_are_cut_into_segments_the_same_are_found():
    ids, stored = collection(MANY)
    asked = list(range(0, MANY, 15))
    for ends in ((), (MANY,), (40, 90, 120), (1, 2, 149)):
        index = KIND.open(Items.of(ids, stored), segments(stored, *ends))
        assert index.search(queries(stored, asked), 1).ids[:, 0].tolist() == ids[asked].tolist()


@pytest.mark.parametrize("gone", [[], [60]])
def test_a_query_looks_into_as_many_lists_however_the_pictures_are_cut_into_segments(monkeypatch, gone):
    ids, stored = collection(MANY)
    removed = ids[gone]
    entries = sum(min(VOTERS, len(stored[at])) for at in range(MANY))
    monkeypatch.setattr(lists, "_LOOK", 6 * entries / len(shipped().lists))  # 6 lists for all, 8 for a third of them
    cast = []
    for ends in ((MANY,), (50, 100, MANY), (1, 2, MANY)):
        votes = KIND.open(Items.of(ids, stored, removed), segments(stored, *ends)).votes(queries(stored, [7])[0])
        cast.append(sorted(zip(votes.query.tolist(), votes.picture.tolist(), votes.weight.tolist(), strict=True)))
    assert cast[0] == cast[1] == cast[2]


def test_merged_segments_are_the_segment_that_their_rows_would_make():
    _, stored = collection(MANY)
    whole = KIND.seal(stored, book())
    parts = [KIND.seal(stored.slice(first, last), whole) for first, last in ((0, 40), (40, 41), (41, MANY))]
    merged = KIND.merge(parts, kept(40, 1, MANY - 41))

    assert merged is not None and merged.params == whole.params
    for name, array in whole.arrays.items():
        np.testing.assert_array_equal(merged.arrays[name], array)


@pytest.mark.parametrize("at_once", [1 << 20, 64])
def test_without_some_pictures_a_segment_is_the_one_that_the_others_would_make(monkeypatch, at_once):
    monkeypatch.setattr(lists, "_MERGED", at_once)
    _, stored = collection(MANY)
    left = np.random.default_rng(5).random(MANY) < 0.5
    parts = [KIND.seal(stored.slice(first, last), book()) for first, last in ((0, 40), (40, MANY))]
    merged, others = KIND.merge(parts, [left[:40], left[40:]]), KIND.seal(stored.take(np.flatnonzero(left)), book())
    nothing = KIND.merge(parts[:1], [np.zeros(40, np.bool_)])

    assert merged is not None and nothing is not None
    for name, array in others.arrays.items():
        np.testing.assert_array_equal(merged.arrays[name], array)
    assert KIND.load(nothing, 0).lists.total == 0


def test_segments_of_different_codebooks_are_not_merged_and_not_taken_for_each_other():
    one, other = book(), KIND.seal(collection(FEW)[1])
    mixed = Sealed(one.params, dict(one.arrays) | {"codebook.lists": other.arrays["codebook.lists"]})

    assert KIND.merge([one, other], kept(40, FEW)) is None
    with pytest.raises(ValueError, match="codebook"):
        KIND.load(mixed, 40)


@pytest.mark.parametrize("name", ["counts", "places", "sizes", "entries"])
def test_a_segment_whose_arrays_contradict_each_other_is_refused(name):
    sealed = book()
    short = Sealed(sealed.params, dict(sealed.arrays) | {name: sealed.arrays[name][1:]})
    without = Sealed(sealed.params, {key: value for key, value in sealed.arrays.items() if key != name})

    for broken, items in ((sealed, 41), (short, 40), (without, 40)):
        with pytest.raises(ValueError):
            KIND.load(broken, items)


def test_labels_and_codes_of_a_damaged_segment_lead_nowhere():
    ids, stored = collection(MANY)
    random = np.random.default_rng(0)

    def damaged(first, last):
        sealed = KIND.seal(stored.slice(first, last), book())
        noise = random.integers(-(2**62), 2**62, len(sealed.arrays["entries"]))
        return Segment(
            first, last, KIND.load(Sealed(sealed.params, dict(sealed.arrays) | {"entries": noise}), last - first)
        )

    for among in ([damaged(0, MANY)], [damaged(0, 50), damaged(50, MANY)], [*segments(stored, 50), damaged(50, MANY)]):
        index = KIND.open(Items.of(ids, stored), among)
        assert set(index.search(queries(stored, [3, 4]), 5).ids.ravel().tolist()) <= {-1, *ids.tolist()}


def test_a_picture_is_voted_for_by_its_strongest_keypoints_only():
    random = np.random.default_rng(6)
    many = [rows(random, VOTERS + 50) for _ in range(5)]
    index = KIND.open(Items.of(np.arange(5), Ragged.of(many, WIDTH + 14, np.uint8)), ())
    asked = Ragged.of([many[3][VOTERS:], many[3][:50]], WIDTH + 14, np.uint8)

    assert index.search(asked, 1).distances[0, 0] > 0.3
    assert index.search(asked, 1).distances[1, 0] < 0.05


def test_rootsift_has_a_codebook_that_comes_with_the_package_and_others_carry_their_own():
    random = np.random.default_rng(0)
    form = Form(128, coded=True)
    stored = form.stored(np.concatenate([random.integers(0, 90, (5, 128), np.uint8), rows(random, 5)[:, -14:]], axis=1))
    sealed = KeypointKind(form).seal(Ragged.of([stored] * 3, form.row, np.uint8))

    assert sealed.params == {"codebook": shipped().name}
    assert set(sealed.arrays) == {"counts", "places", "sizes", "entries"}
    assert "codebook.lists" in book().arrays


def test_places_survive_packing_to_four_bytes():
    packed = rows(np.random.default_rng(1), 50)
    (xy, octaves, angle), again = places(packed), unpack_places(pack_places(packed))

    assert pack_places(packed).shape == (50, 4)
    np.testing.assert_allclose(again[0], xy, atol=1 / 500)
    np.testing.assert_allclose(again[1], octaves, atol=1 / 20)
    np.testing.assert_allclose(again[2], angle)


@pytest.mark.parametrize("n", [FEW, MANY])
def test_removed_pictures_and_those_not_allowed_are_not_found(n):
    index, ids, stored = filled(n, dead=[30, 7])

    assert len(index) == n - 1
    assert 30 not in index.search(queries(stored, [3]), n).ids
    found = index.search(queries(stored, [4, 5]), n, allowed=ids[5:])
    assert ids[4] not in found.ids
    assert found.ids[1, 0] == ids[5]


def test_which_pictures_were_removed_is_laid_out_once_whatever_is_asked(monkeypatch):
    made = []

    class Counted(Chosen):
        def __init__(self, keep: np.ndarray) -> None:
            made.append(len(keep))
            super().__init__(keep)

    monkeypatch.setattr(keypoints, "Chosen", Counted)
    index, ids, stored = filled(MANY, dead=[30])
    asked = queries(stored, [3, 4, 5])
    found = index.search(asked, 1).ids[:, 0].tolist()
    assert made == [MANY - 3]
    assert found[1:] == ids[4:6].tolist()

    assert ids[4] not in index.search(asked, 1, allowed=ids[5:]).ids  # a filter is not taken for what was removed
    made.clear()
    assert index.search(asked, 1).ids[:, 0].tolist() == found
    assert made == []


def test_a_filter_that_leaves_few_pictures_is_answered_exactly():
    index, ids, stored = filled(MANY)
    found = index.search(queries(stored, [40]), 3, allowed=ids[[40, 41]])
    assert found.ids[0, 0] == ids[40]
    assert set(found.ids[0].tolist()) <= {ids[40], ids[41], -1}


@pytest.mark.parametrize("n", [FEW, MANY])
def test_many_copies_of_a_picture_do_not_silence_each_other(n):
    random = np.random.default_rng(2)
    copied = rows(random)
    ids = np.arange(n)
    copies = Ragged.of([copied if i < 15 else rows(random) for i in ids], WIDTH + 14, np.uint8)
    index = KIND.open(Items.of(ids, copies), segments(copies, n) if n == MANY else [])
    found = index.search(queries(copies, [0]), 8)

    assert (found.ids < 15).all()
    assert (found.distances < 0.3).all()


def test_within_a_radius_are_the_pictures_with_enough_votes():
    index, ids, stored = filled(MANY)
    asked = queries(stored, [8])
    (near,) = index.within(asked, 0.1)
    everything = index.search(asked, MANY)

    assert near.ids.tolist() == [ids[8]]
    assert (near.distances <= 0.1).all()
    assert (everything.distances[0, 1:] > 0.1).all()


@pytest.mark.parametrize("n", [0, 1, FEW])
def test_identical_and_missing_descriptors_have_defined_answers(n):
    same = rows(np.random.default_rng(3), 1).repeat(40, axis=0)
    stored = Ragged.of([same] * n, WIDTH + 14, np.uint8)
    index = KIND.open(Items.of(np.arange(n), stored), segments(stored, n) if n == FEW else [])

    found = index.search(Ragged.of([same, same[:0]], WIDTH + 14, np.uint8), 3)
    assert found.ids.shape == (2, 3)
    assert (found.ids[1] == -1).all()


def votes(here, there, turns, zooms, picture: int = 7) -> Votes:
    n, places_ = len(turns), [np.array(one, np.float32).reshape(-1, 2) for one in (here, there)]
    weights = np.ones(n, np.float32)
    return Votes(np.arange(n), np.full(n, picture), weights, *places_, np.array(turns), np.array(zooms))


CORNERS = [[0.1, 0.1], [0.9, 0.1], [0.1, 0.7], [0.9, 0.7]]


def test_votes_that_agree_on_place_turn_and_zoom_count_together():
    quarter = [[0.05, 0.05], [0.45, 0.05], [0.05, 0.35], [0.45, 0.35]]
    ids, agreed = votes(CORNERS, quarter, [350.0, 5.0, 355.0, 10.0], [-1.1, -0.9, -1.2, -0.8]).count(5)

    assert (ids.tolist(), agreed.tolist()) == ([7], [4])


@pytest.mark.parametrize(
    ("there", "turns", "zooms"),
    [
        (CORNERS, [0.0, 90.0, 180.0, 270.0], [0.0] * 4),
        (CORNERS, [0.0] * 4, [0.0, 3.0, -3.0, 6.0]),
        ([[0.1, 0.1], [0.1, 0.7], [0.9, 0.1], [0.5, 0.2]], [0.0] * 4, [0.0] * 4),
    ],
    ids=["turn", "zoom", "place"],
)
def test_votes_that_disagree_count_one_by_one(there, turns, zooms):
    assert votes(CORNERS, there, turns, zooms).count(5)[1].tolist() == [1]


def test_only_the_pictures_with_most_votes_are_counted_and_equals_come_by_their_id():
    one = [votes([[0.1, 0.1]], [[0.1, 0.1]], [0.0], [0.0], picture) for picture in (9, 3, 5)]
    more = votes(CORNERS, CORNERS, [0.0] * 4, [0.0] * 4, 8)
    joined = Votes.joined([*one, more])

    assert joined.count(3)[0].tolist() == [8, 3, 5]
    assert joined.count(9)[0].tolist() == [8, 3, 5, 9]
    assert Votes.none().count(3)[0].tolist() == []


def test_votes_of_explained_keypoints_are_not_counted():
    both = votes([[0.1, 0.1]] * 2, [[0.1, 0.1]] * 2, [0.0] * 2, [0.0] * 2)
    assert both.count(5, np.array([False, True]))[1].tolist() == [1]


def test_the_exhaustive_index_needs_five_matches_and_its_distance_counts_them():
    index, ids, stored = filled(FEW, ExhaustiveKind(Form(WIDTH)))
    random = np.random.default_rng(4)
    four, nine = (np.concatenate([stored[2][:n], rows(random, 5)]) for n in (4, 9))
    found = index.search(Ragged.of([four, nine], WIDTH + 14, np.uint8), 2)

    assert found.ids[0].tolist() == [-1, -1]
    assert found.ids[1].tolist() == [ids[2], -1]
    assert found.distances[1, 0] == pytest.approx(1 / 10)


def test_good_matches_pass_the_ratio_test_at_three_quarters():
    stored = np.array([[0, 0], [100, 0]], np.float32)
    inside, outside = np.array([[42, 0]], np.float32), np.array([[44, 0]], np.float32)
    assert [part.tolist() for part in good_matches(inside, stored)] == [[0], [0]]
    assert [part.tolist() for part in good_matches(outside, stored)] == [[], []]
    assert [part.tolist() for part in good_matches(inside, stored[:1])] == [[], []]


@pytest.mark.parametrize("rows", [5, 511, 512, 640, 1001])
def test_nearest_rows_are_those_that_sorting_all_finds(rows):
    random = np.random.default_rng(rows)
    asked, there = (random.normal(size=(n, 8)).astype(np.float32) for n in (30, rows))
    there[rows // 2] = there[0]
    squares, at = nearest_rows(asked, there, 5)
    exact = ((asked[:, None] - there[None]) ** 2).sum(axis=2)
    assert np.allclose(squares, np.sort(exact, axis=1)[:, :5], atol=1e-4)
    assert np.allclose(np.take_along_axis(exact, at, axis=1), squares, atol=1e-4)
    assert all(len(set(row)) == 5 for row in at.tolist())


def test_nearest_rows_pads_what_is_missing():
    squares, at = nearest_rows(np.array([[0.0, 1.0]], np.float32), np.array([[0, 0], [0, 1]], np.float32), 3)
    assert at.tolist() == [[1, 0, -1]]
    assert squares.tolist() == [[0, 1, np.inf]]
