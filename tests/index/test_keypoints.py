"""The inverted index votes for the pictures that share keypoints with a query; the exhaustive one counts matches."""

import numpy as np
import pytest

from lookalike.arrays.rows import Ragged
from lookalike.index.exhaustive import ExhaustiveIndex, good_matches, nearest_rows
from lookalike.index.keypoint_rows import pack_rows
from lookalike.index.keypoints import KeypointIndex
from lookalike.index.votes import Votes

WIDTH = 32
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


def filled(n: int, new=KeypointIndex):
    ids, stored = collection(n)
    index = new(WIDTH)
    index.add(ids, stored)
    return index, ids, stored


@pytest.mark.parametrize("new", [KeypointIndex, ExhaustiveIndex])
@pytest.mark.parametrize("n", [1, FEW, MANY])
def test_a_picture_is_found_by_a_third_of_its_keypoints_among_as_many_others(new, n):
    index, ids, stored = filled(n, new)
    asked = list(range(0, n, 1 + n // 10))
    found = index.search(queries(stored, asked), 1)

    assert found.ids[:, 0].tolist() == ids[asked].tolist()
    assert (found.distances[:, 0] < 0.1).all()


def test_codes_are_made_only_when_there_are_rows_enough():
    assert not filled(FEW)[0].worth_saving
    assert filled(MANY)[0].worth_saving


def test_adding_one_by_one_finds_what_adding_at_once_finds():
    ids, stored = collection(MANY)
    index = KeypointIndex(WIDTH)
    for i in range(MANY):
        index.add(ids[i : i + 1], stored.slice(i, i + 1))

    asked = list(range(0, MANY, 15))
    assert len(index) == MANY
    assert index.search(queries(stored, asked), 1).ids[:, 0].tolist() == ids[asked].tolist()


@pytest.mark.parametrize("n", [FEW, MANY])
def test_removed_pictures_and_those_not_allowed_are_not_found(n):
    index, ids, stored = filled(n)
    assert index.remove(np.array([ids[3], 7])) == 1

    assert ids[3] not in index.search(queries(stored, [3]), n).ids
    found = index.search(queries(stored, [4, 5]), n, allowed=ids[5:])
    assert ids[4] not in found.ids
    assert found.ids[1, 0] == ids[5]


def test_a_filter_that_leaves_few_pictures_is_answered_exactly():
    index, ids, stored = filled(MANY)
    found = index.search(queries(stored, [40]), 3, allowed=ids[[40, 41]])
    assert found.ids[0, 0] == ids[40]
    assert set(found.ids[0].tolist()) <= {ids[40], ids[41], -1}


def test_a_saved_index_answers_as_before_and_refuses_other_rows(tmp_path):
    index, ids, stored = filled(MANY)
    index.save(tmp_path / "codes")
    asked = queries(stored, [1, 20, 99])
    before, after = index.search(asked, 5), KeypointIndex.load(tmp_path / "codes", ids, stored).search(asked, 5)

    np.testing.assert_array_equal(before.ids, after.ids)
    np.testing.assert_array_equal(before.distances, after.distances)
    with pytest.raises(ValueError):
        KeypointIndex.load(tmp_path / "codes", ids[1:], stored.slice(1, MANY))
    with pytest.raises(ValueError):
        KeypointIndex.load(tmp_path / "codes", ids, collection(MANY, seed=5)[1])


@pytest.mark.parametrize("n", [FEW, MANY])
def test_many_copies_of_a_picture_do_not_silence_each_other(n):
    random = np.random.default_rng(2)
    copied = rows(random)
    ids = np.arange(n)
    copies = Ragged.of([copied if i < 15 else rows(random) for i in ids], WIDTH + 14, np.uint8)
    index = KeypointIndex(WIDTH)
    index.add(ids, copies)
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
    index = KeypointIndex(WIDTH)
    index.add(np.arange(n), Ragged.of([same] * n, WIDTH + 14, np.uint8))

    found = index.search(Ragged.of([same, same[:0]], WIDTH + 14, np.uint8), 3)
    assert found.ids.shape == (2, 3)
    assert (found.ids[1] == -1).all()


def test_votes_that_disagree_on_turn_and_zoom_count_less_than_votes_that_agree():
    def votes(turns, zooms):
        n = len(turns)
        return Votes(np.arange(n), np.full(n, 7), np.ones(n, np.float32), np.array(turns), np.array(zooms))

    ids, agreed = votes([350.0, 5.0, 355.0, 10.0], [0.1, -0.1, 0.2, -0.2]).count()
    _, scattered = votes([0.0, 90.0, 180.0, 270.0], [0.0, 3.0, -3.0, 6.0]).count()
    assert ids.tolist() == [7]
    assert agreed.tolist() == [4]
    assert scattered.tolist() == [1]


def test_votes_of_explained_keypoints_are_not_counted():
    votes = Votes(np.array([0, 1]), np.array([5, 6]), np.ones(2, np.float32), np.zeros(2), np.zeros(2))
    ids, _ = votes.count(np.array([False, True]))
    assert ids.tolist() == [6]


def test_the_exhaustive_index_needs_five_matches_and_its_distance_counts_them():
    index, ids, stored = filled(FEW, ExhaustiveIndex)
    random = np.random.default_rng(4)
    four, nine = (np.concatenate([stored[2][:n], rows(random, 5)]) for n in (4, 9))
    found = index.search(Ragged.of([four, nine], WIDTH + 14, np.uint8), 2)

    assert found.ids[0].tolist() == [-1, -1]
    assert found.ids[1].tolist() == [ids[2], -1]
    assert found.distances[1, 0] == pytest.approx(1 / 10)


def test_good_matches_pass_the_ratio_test_at_three_quarters():
    stored = np.array([[0, 0], [100, 0]], np.float32)
    inside, outside = np.array([[42, 0]], np.float32), np.array([[44, 0]], np.float32)
    assert (good_matches(inside, stored), good_matches(outside, stored)) == (1, 0)
    assert good_matches(inside, stored[:1]) == 0


def test_nearest_rows_pads_what_is_missing():
    squares, at = nearest_rows(np.array([[0.0, 1.0]], np.float32), np.array([[0, 0], [0, 1]], np.float32), 3)
    assert at.tolist() == [[1, 0, -1]]
    assert squares.tolist() == [[0, 1, np.inf]]
