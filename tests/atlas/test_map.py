"""Collection.map: what is on it, what is kept, what moves."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from maps import index

from lookalike import Collection, QueryError
from lookalike.atlas import layout, make
from lookalike.atlas.kept import KeptMap, load, save
from lookalike.atlas.layout import lay_out
from lookalike.atlas.shown import Shown
from lookalike.methods.embedding import Embedding
from lookalike.store.directory import Store
from samples import HERE, draw, drawing, fill


def map_file(album, method="embedding"):
    return album._store.map_file(album._store.catalogue.methods()[method])


def names(atlas):
    return [os.path.basename(path) for path in atlas.paths]


@pytest.fixture
def growing(tmp_path):
    """An album of twelve drawings, and the folder they are in."""
    folder = fill(tmp_path / "pictures", 12)
    index(tmp_path / "album", folder)
    with Collection(tmp_path / "album") as album:
        yield album, folder


def test_a_map_has_a_place_and_neighbours_for_every_picture(mapped):
    with Collection(mapped) as album:
        atlas = album.map()
        assert np.array_equal(atlas.ids, album.ids())
    assert (atlas.coordinates.shape, atlas.coordinates.dtype) == ((27, 2), np.float32)
    assert atlas.ids.dtype == np.int64
    assert atlas.neighbours.shape == (27, 12)
    assert np.isin(atlas.neighbours, atlas.ids).all()
    assert len(atlas) == len(atlas.paths) == len(atlas.shapes) == 27
    assert len(atlas.missing) == 0


def test_of_more_pictures_than_are_arranged_all_have_a_place(tmp_path, monkeypatch):
    index(tmp_path / "album", fill(tmp_path / "pictures", 24))
    monkeypatch.setattr(make, "WHOLE", 20)
    monkeypatch.setattr(make, "SAMPLED", 16)
    sizes = []
    monkeypatch.setattr(layout, "lay_out", lambda some, *rest: sizes.append(len(some)) or lay_out(some, *rest))
    with Collection(tmp_path / "album") as album:
        atlas = album.map()
    assert sizes == [16]
    assert len(atlas) == 24
    assert np.isfinite(atlas.coordinates).all()
    assert atlas.neighbours.shape == (24, 12)


def test_regions_hold_pictures_of_the_map_each_once_and_have_names(mapped):
    with Collection(mapped) as album:
        atlas = album.map()
    ids = np.concatenate([region.ids for region in atlas.regions])
    assert len(np.unique(ids)) == len(ids) > 0
    assert np.isin(ids, atlas.ids).all()
    assert all(region.name for region in atlas.regions)


def test_without_concepts_regions_are_numbered(tmp_path):
    index(tmp_path / "album", fill(tmp_path / "pictures", 12), methods=("embedding",))
    with Collection(tmp_path / "album") as album:
        assert [region.name for region in album.map().regions][:1] == ["region 1"]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_few_pictures_have_a_map(tmp_path, count):
    (tmp_path / "pictures").mkdir()
    index(tmp_path / "album", fill(tmp_path / "pictures", count))
    with Collection(tmp_path / "album") as album:
        for grid in (False, True):
            atlas = album.map(grid=grid)
            assert atlas.coordinates.shape == (count, 2)
            assert atlas.neighbours.shape == (count, max(count - 1, 0))
            assert np.isfinite(atlas.coordinates).all()


def test_identical_pictures_have_places_of_their_own(tmp_path):
    content = draw(tmp_path / "pictures" / "0.png", 5).read_bytes()
    for number in range(1, 12):
        (tmp_path / "pictures" / f"{number}.png").write_bytes(content)
    index(tmp_path / "album", tmp_path / "pictures")
    with Collection(tmp_path / "album") as album:
        assert len(np.unique(album.map().coordinates, axis=0)) == 12


def test_a_picture_without_a_vector_is_left_out_and_named(tmp_path, monkeypatch):
    describe = Embedding.describe
    monkeypatch.setattr(Embedding, "describe", lambda self, image: None if image.width == 50 else describe(self, image))
    folder = fill(tmp_path / "pictures", 5)
    drawing(9, 50, 40).save(folder / "blank.png")
    index(tmp_path / "album", folder)
    with Collection(tmp_path / "album") as album:
        atlas = album.map()
        assert len(atlas) == 5
        assert [os.path.basename(album.record(int(id_)).path) for id_ in atlas.missing] == ["blank.png"]


def test_the_layout_is_kept(growing):
    album, _ = growing
    before = album.map()
    kept = map_file(album).read_bytes()
    assert np.array_equal(album.map().coordinates, before.coordinates)
    assert map_file(album).read_bytes() == kept


def test_a_new_picture_finds_its_place_without_moving_the_others(growing):
    album, folder = growing
    before = album.map()
    (folder / "copy.png").write_bytes((folder / "003.png").read_bytes())
    draw(folder / "other.png", 77)
    album.index([folder], options=HERE)
    after = album.map()
    assert np.array_equal(after.coordinates[np.isin(after.ids, before.ids)], before.coordinates)
    place = dict(zip(names(after), after.coordinates, strict=True))
    assert np.linalg.norm(place["copy.png"] - place["003.png"]) < 0.2
    assert len(after) == 14
    assert np.array_equal(album.map().coordinates, after.coordinates)


def test_a_removed_picture_leaves_without_moving_the_others(growing):
    album, folder = growing
    before = album.map()
    (folder / "003.png").unlink()
    album.index([folder], options=HERE)
    after = album.map()
    assert "003.png" not in names(after)
    assert np.array_equal(after.coordinates, before.coordinates[np.isin(before.ids, after.ids)])
    assert np.isin(after.neighbours, after.ids).all()


def test_when_most_pictures_are_new_all_are_laid_out_anew(growing):
    album, folder = growing
    before = album.map()
    fill(folder, 30)
    album.index([folder], options=HERE)
    after = album.map()
    assert not np.array_equal(after.coordinates[np.isin(after.ids, before.ids)], before.coordinates)


def keep_wrong_layout(album, **made_from):
    """Keep a layout, stamped as made from something, in which everything lies at (9, 9)."""
    ids = album.ids()
    stored = album._store.catalogue.methods()["embedding"]
    stamp = {"method": "embedding", "params": stored.params, "seed": 0, **made_from}
    wrong = KeptMap(
        ids,
        np.full((len(ids), 2), 9, np.float32),
        ids[:, None],
        np.full(len(ids), -1),
        (),
        True,
        Shown.nothing(len(ids)),
    )
    save(map_file(album), stamp, wrong)
    return stamp


def test_refresh_lays_out_anew(growing):
    album, _ = growing
    keep_wrong_layout(album)
    assert (album.map().coordinates == 9).all()
    assert (album.map(refresh=True).coordinates <= 1).all()
    assert (album.map().coordinates <= 1).all()


def test_a_layout_of_other_weights_or_another_seed_is_not_used(growing):
    album, _ = growing
    for made_from in ({"params": {"weights": "others"}}, {"seed": 5}, {"method": "embedding:clip"}):
        keep_wrong_layout(album, **made_from)
        assert (album.map().coordinates <= 1).all()


def test_a_damaged_layout_is_made_anew(growing):
    album, _ = growing
    stamp = keep_wrong_layout(album)
    content = bytearray(map_file(album).read_bytes())
    content[-3] ^= 255
    map_file(album).write_bytes(content)
    assert load(map_file(album), stamp) is None
    assert (album.map().coordinates <= 1).all()


def test_concepts_added_later_name_the_regions_without_moving_anything(tmp_path):
    folder = fill(tmp_path / "pictures", 12)
    index(tmp_path / "album", folder, methods=("embedding",))
    with Collection(tmp_path / "album") as album:
        before = album.map()
        album.index([folder], methods=("text",), options=HERE)
        after = album.map()
    assert np.array_equal(after.coordinates, before.coordinates)
    assert not any(region.name.startswith("region") for region in after.regions)


def test_a_grid_gives_every_picture_a_cell(mapped):
    with Collection(mapped) as album:
        atlas = album.map(grid=True)
    columns, rows = atlas.grid
    assert len(np.unique(atlas.coordinates, axis=0)) == 27
    assert (atlas.coordinates < (columns, rows)).all()


def test_a_method_without_vectors_is_refused(album):
    with Collection(album) as opened, pytest.raises(QueryError, match="made from vectors, which 'phash' has none of"):
        opened.map("phash")


def test_a_method_that_is_not_there_is_refused(album):
    with Collection(album) as opened, pytest.raises(QueryError, match="has no 'embedding'"):
        opened.map()


def test_progress_names_what_is_done(growing):
    album, _ = growing
    told = []
    album.map(progress=told.append)
    assert {step.doing for step in told} == {"comparing", "arranging", "naming"}
    assert all(0 <= step.done <= step.total for step in told)


@pytest.mark.parametrize(
    "wrong",
    [
        {"positions": np.full((1, 2), np.nan, np.float32)},
        {"neighbours": np.array([[10**12]])},
        {"region": np.zeros(1, np.float32)},
        {"positions": np.zeros((1, 3), np.float32)},
        {"shown": Shown.nothing(2)},
        {"shown": Shown(np.full((1, 6), 999, np.int16), np.zeros((1, 6), np.uint8))},
        {"shown": Shown(np.zeros((1, 6), np.int16), np.zeros((1, 5), np.uint8))},
    ],
)
def test_a_layout_that_makes_no_sense_is_not_used(tmp_path, wrong):
    ids = np.array([7])
    right = KeptMap(ids, np.zeros((1, 2), np.float32), ids[:, None], np.array([-1]), (), False, Shown.nothing(1))
    save(tmp_path / "map", {}, right)
    assert load(tmp_path / "map", {}) is not None
    save(tmp_path / "map", {}, replace(right, **wrong))
    assert load(tmp_path / "map", {}) is None


def test_a_layout_is_kept_by_whoever_may_write_and_made_all_the_same(growing):
    album, _ = growing
    with Store(album.path).writing():
        assert len(album.map().ids) == len(album)
        assert not map_file(album).exists()
    assert len(album.map().ids) == len(album)
    assert map_file(album).exists()
