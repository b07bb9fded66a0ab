"""Layouts of vectors: what any set of them becomes, and where later ones go."""

from __future__ import annotations

import sys
import tracemalloc

import numpy as np
import pytest

from lookalike import LookalikeError
from lookalike.atlas import layout, reduce
from lookalike.atlas.grid import assign_grid
from lookalike.atlas.layout import GRAPH, lay_out, lay_out_by_sample, place
from lookalike.atlas.reduce import nearest, neighbours, neighbours_on_plane, principal_components
from lookalike.atlas.regions import find_regions, name_regions
from lookalike.models.concepts import shared_space


def clusters(count, of=20, dim=24, seed=0):
    """(count * of, dim) unit vectors around `count` directions, and which they are around."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((count, dim))
    label = np.repeat(np.arange(count), of)
    rows = centres[label] + 0.3 * random.standard_normal((count * of, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), label


def arranged(vectors, seed=0):
    return lay_out(vectors, neighbours(vectors, GRAPH), seed)


@pytest.fixture(scope="module")
def laid_out():
    vectors, label = clusters(4)
    return vectors, label, arranged(vectors)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 9])
def test_a_few_vectors_have_a_layout(count):
    positions = arranged(clusters(count, of=1)[0])
    assert positions.shape == (count, 2)
    assert positions.dtype == np.float32
    assert ((positions >= 0) & (positions <= 1)).all()
    assert len(np.unique(positions, axis=0)) == count


def test_identical_vectors_are_spread_over_a_disc():
    positions = arranged(np.tile(clusters(1, of=1)[0], (50, 1)))
    assert len(np.unique(positions, axis=0)) == 50
    assert np.linalg.norm(positions - 0.5, axis=1).max() < 0.6


def test_the_same_vectors_and_seed_give_the_same_layout_and_another_seed_another(laid_out):
    vectors, _, positions = laid_out
    assert np.array_equal(arranged(vectors), positions)
    assert not np.array_equal(arranged(vectors, seed=1), positions)


def test_what_is_alike_lies_together(laid_out):
    _, label, positions = laid_out
    near, _ = neighbours(positions, 5)
    assert (label[near] == label[:, None]).mean() > 0.95


def test_progress_goes_up_to_the_total():
    vectors, _ = clusters(2)
    told = []
    lay_out(vectors, neighbours(vectors, GRAPH), step=lambda *step: told.append(step))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert told[-1] == ("arranging", 750, 750)


def test_a_later_vector_is_placed_among_its_like(laid_out):
    vectors, label, positions = laid_out
    rest = np.arange(len(vectors)) % 5 > 0
    placed = place(vectors[~rest], vectors[rest], positions[rest])
    closest, _ = nearest(placed, positions[rest], 5)
    assert (label[rest][closest] == label[~rest][:, None]).mean() > 0.95


def test_a_layout_by_sample_keeps_together_what_is_alike_and_is_the_same_again():
    vectors, label = clusters(4, of=50)
    apart = neighbours(vectors, 5)[1][:, -1]
    positions = lay_out_by_sample(vectors, apart, 60)
    near, _ = neighbours(positions, 5)
    assert (label[near] == label[:, None]).mean() > 0.9
    assert np.array_equal(lay_out_by_sample(vectors, apart, 60), positions)


def test_a_sample_holds_what_is_alone_before_what_there_is_plenty_of(monkeypatch):
    crowd, alone = np.zeros((500, 8), np.float32), 10 * np.eye(8, dtype=np.float32)
    arranged = []
    monkeypatch.setattr(layout, "lay_out", lambda some, *_: arranged.append(some) or np.zeros((len(some), 2)))
    lay_out_by_sample(np.concatenate([crowd, alone]), np.repeat([1e-3, 5], [500, 8]).astype(np.float32), 20)
    assert (arranged[0].any(axis=1)).sum() == 8


def test_without_opentsne_the_error_names_the_extra(monkeypatch):
    vectors, _ = clusters(2)
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(LookalikeError, match=r"pip install '\.\[map\]'"):
        arranged(vectors)


def test_principal_components_keep_the_distances_of_flat_data():
    random = np.random.default_rng(0)
    flat = random.standard_normal((60, 3)).astype(np.float32)
    axes = np.linalg.qr(random.standard_normal((40, 3)))[0].astype(np.float32)
    reduced = principal_components((flat @ axes.T).astype(np.float32), 3)
    expected = np.linalg.norm(flat[:, None] - flat, axis=2)
    assert np.linalg.norm(reduced[:, None] - reduced, axis=2) == pytest.approx(expected, abs=1e-3)


def test_neighbours_are_those_of_brute_force_and_never_oneself():
    vectors, _ = clusters(40)  # more than are compared at once
    apart = np.linalg.norm(vectors[:, None] - vectors, axis=2)
    np.fill_diagonal(apart, np.inf)
    places, distances = neighbours(vectors, 7)
    assert distances == pytest.approx(np.sort(apart, axis=1)[:, :7], abs=1e-3)
    assert np.take_along_axis(apart, places, 1) == pytest.approx(distances, abs=1e-3)


def test_nearest_finds_the_same_rows_when_they_are_compared_in_parts(monkeypatch):
    vectors, _ = clusters(40)
    whole = nearest(vectors, vectors, 7)
    monkeypatch.setattr(reduce, "_COMPARED", 5)  # parts with fewer rows than are asked for
    places, distances = nearest(vectors, vectors, 7)
    assert np.array_equal(places, whole[0])
    assert distances == pytest.approx(whole[1], abs=1e-3)


def test_nearest_never_holds_the_distances_of_all_rows():
    queries, rows = np.zeros((8, 2), np.float32), np.zeros((400_000, 2), np.float32)
    tracemalloc.start()
    nearest(queries, rows, 3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * len(rows) * 4


def test_neighbours_on_a_plane_are_the_neighbours():
    positions = np.random.default_rng(0).random((200, 2)).astype(np.float32)
    places, distances = neighbours_on_plane(positions, 7)
    expected = neighbours(positions, 7)
    assert np.array_equal(places, expected[0])
    assert distances == pytest.approx(expected[1], abs=1e-3)
    assert neighbours_on_plane(np.ones((9, 2), np.float32), 3)[0].shape == (9, 3)


def test_equal_vectors_are_each_others_neighbours_but_not_their_own():
    places, _ = neighbours(np.ones((9, 4), np.float32), 3)
    assert places.shape == (9, 3)
    assert (places != np.arange(9)[:, None]).all()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 10, 137])
def test_every_picture_gets_a_cell_of_its_own(count):
    cells, columns, rows = assign_grid(np.random.default_rng(0).random((count, 2)).astype(np.float32))
    assert len(np.unique(cells, axis=0)) == count
    assert columns * rows >= count
    assert not count or ((cells >= 0).all() and (cells.max(axis=0) < (columns, rows)).all())
    assert (columns - 1) * rows < max(count, 1) or columns == rows


def test_the_grid_keeps_neighbours_together(laid_out):
    _, label, positions = laid_out
    near, _ = neighbours(assign_grid(positions)[0].astype(np.float32), 4)
    assert (label[near] == label[:, None]).mean() > 0.7


def test_a_grid_of_a_grid_is_that_grid():
    square = np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2)
    shuffled = square[np.random.default_rng(0).permutation(36)]
    cells, _, _ = assign_grid(((shuffled + 0.5) / 6).astype(np.float32))
    assert np.array_equal(cells, shuffled)


def test_regions_are_the_clusters(laid_out):
    _, label, positions = laid_out
    groups = find_regions(positions)
    assert len(groups) == 4
    assert all(len(set(label[group])) == 1 for group in groups)


@pytest.mark.parametrize("count", [0, 1, 4])
def test_too_few_pictures_have_no_regions(count):
    assert find_regions(arranged(clusters(1, of=count)[0])) == []


def test_regions_are_named_by_what_they_show():
    space = shared_space()
    rows = np.stack([space.query([word]).vector for word in ("dog", "dog", "pizza", "pizza")])
    dogs, food = name_regions(rows, [np.array([0, 1]), np.array([2, 3])], space)
    assert dogs.startswith("dog")
    assert food.startswith("pizza")


def test_a_region_that_no_word_fits_has_no_name():
    space = shared_space()
    rows = np.random.default_rng(0).standard_normal((60, space.query(["dog"]).vector.shape[0])).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert name_regions(rows, [np.arange(60)], space) == [""]
