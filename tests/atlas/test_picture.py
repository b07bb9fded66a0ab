"""The map as a picture: what is where, and how it is written."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest
from maps import index

from lookalike import Collection, CollectionError
from lookalike.atlas.png import write_png
from lookalike.atlas.spread import Tiles, grid_tiles, spread
from samples import fill


def overlaps(tiles):
    """The area that each two frames share, as a share of the area of all frames."""
    low, high = tiles.centres - tiles.sizes / 2, tiles.centres + tiles.sizes / 2
    sides = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    shared = np.clip(sides, 0, None).prod(axis=2)
    return np.triu(shared, 1).sum() / tiles.sizes.prod(axis=1).sum()


def inside(tiles):
    low, high = tiles.centres - tiles.sizes / 2, tiles.centres + tiles.sizes / 2
    return (low >= -1e-6).all() and (high <= (tiles.width + 1e-6, tiles.height + 1e-6)).all()


def points(count):
    return np.random.default_rng(0).random((count, 2)).astype(np.float32)


def shapes(count):
    return np.random.default_rng(1).integers(100, 400, (count, 2))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 300])
def test_frames_lie_on_the_map_and_hide_each_other_little(count):
    tiles = spread(points(count), shapes(count))
    assert tiles.sizes.shape == (count, 2)
    assert inside(tiles)
    assert max(tiles.width, tiles.height) == pytest.approx(1, abs=0.05) or not count
    assert not count or overlaps(tiles) < 0.12
    assert sorted(tiles.order) == list(range(count))


def test_crowded_pictures_are_smaller():
    crowd, rest = 0.2 * points(100), np.array([0.5, 0.5]) + 0.5 * points(100)
    tiles = spread(np.vstack([crowd, rest]).astype(np.float32), np.full((200, 2), 100))
    assert np.median(tiles.sizes[:100]) < 0.8 * np.median(tiles.sizes[100:])


def test_pictures_at_one_point_step_aside():
    tiles = spread(np.full((40, 2), 0.5, np.float32), shapes(40))
    assert overlaps(tiles) < 0.3


def test_a_grid_has_no_overlaps():
    cells = np.stack(np.meshgrid(np.arange(7), np.arange(5)), axis=-1).reshape(-1, 2).astype(np.float32)
    tiles = grid_tiles(cells, 7, 5, shapes(35))
    assert overlaps(tiles) == 0
    assert inside(tiles)
    assert (tiles.width, tiles.height) == pytest.approx((1, 5 / 7))


def test_a_png_written_in_bands_is_the_picture():
    pixels = np.random.default_rng(0).integers(0, 256, (300, 70, 3), np.uint8)
    file = io.BytesIO()
    write_png(file, 70, 300, (pixels[top : top + 64] for top in range(0, 300, 64)))
    read = PIL.Image.open(io.BytesIO(file.getvalue()))
    read.load()
    assert read.mode == "RGB"
    assert np.array_equal(np.asarray(read), pixels)


def test_bands_are_asked_for_one_after_the_other_not_all_at_once():
    asked, written = [], io.BytesIO()

    def bands():
        for number in range(40):
            asked.append(written.tell())
            yield np.full((10, 2000, 3), number, np.uint8)

    write_png(written, 2000, 400, bands())
    assert asked[20] > asked[0]
    assert len(set(asked)) > 20


def test_the_picture_has_the_size_asked_for_and_shows_the_pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, color in (("red", "#e01010"), ("green", "#10e010"), ("blue", "#1010e0")):
        PIL.Image.new("RGB", (60, 60), color).save(folder / f"{name}.png")
    index(tmp_path / "album", folder)
    with Collection(tmp_path / "album") as album:
        for grid in (False, True):
            atlas = album.map(grid=grid)
            assert atlas.save_picture(tmp_path / "map.png", 700) == []
            picture = PIL.Image.open(tmp_path / "map.png")
            assert max(picture.size) == pytest.approx(700, abs=1)
            assert {(0xE0, 0x10, 0x10), (0x10, 0xE0, 0x10), (0x10, 0x10, 0xE0)} <= {
                color for _, color in picture.getcolors(1 << 20)
            }


def test_what_is_nearest_to_its_place_is_on_top(tmp_path):
    paths = []
    for name in ("under", "over"):
        paths.append(str(tmp_path / f"{name}.png"))
        PIL.Image.new("RGB", (40, 40), "red" if name == "under" else "lime").save(paths[-1])
    from lookalike.atlas.picture import paint

    centres, sizes = np.array([[0.4, 0.5], [0.6, 0.5]], np.float32), np.full((2, 2), 0.5, np.float32)
    tiles = Tiles(centres, sizes, 1.0, 1.0, np.array([0, 1]))
    picture = np.concatenate(list(paint(paths, tiles, 600, [])))
    assert tuple(picture[300, 300]) == (0, 255, 0)
    assert tuple(picture[300, 150]) == (255, 0, 0)


def test_names_are_written_over_the_pictures_none_over_another_and_whole_across_bands(tmp_path):
    from lookalike.atlas.atlas import MapRegion
    from lookalike.atlas.names import draw_names
    from lookalike.atlas.picture import BAND, paint

    path = str(tmp_path / "white.png")
    PIL.Image.new("RGB", (40, 40), "white").save(path)
    size, ids = 2000, np.arange(1, 10)
    centres = np.array([[0.5, BAND / size]] * 6 + [[0.52, BAND / size]] * 3, np.float32)
    tiles = Tiles(centres, np.full((9, 2), 4.0, np.float32), 1.0, 1.0, np.arange(9))
    regions = [MapRegion("море, sea", (0, 0), ids[:6]), MapRegion("beach", (0, 0), ids[6:])]
    (label,) = draw_names(regions, ids, tiles, size)
    assert label.top < BAND < label.bottom, "it lies across two bands"
    painted = np.concatenate(list(paint([path] * 9, tiles, size, [], names=[label])))
    dark = np.argwhere(painted[:, :, 0] < 128)
    assert dark.min(0) == pytest.approx([label.top, label.left], abs=3)
    assert dark.max(0) == pytest.approx([label.bottom - 1, label.right - 1], abs=3)
    inside = painted[label.top + 2 : label.bottom - 2, 1000, 0]
    assert (inside < 255).all()
    edge = Tiles(np.full((9, 2), (0.999, 0.5), np.float32), tiles.sizes, 1.0, 1.0, tiles.order)
    assert draw_names(regions, ids, edge, size)[0].right == size, "nothing is cut off"
    for small in (500, 10):
        assert draw_names(regions, ids, tiles, small) == [], "no letters that nobody can read"


def test_vanished_and_damaged_pictures_are_left_out_and_named(tmp_path):
    folder = fill(tmp_path / "pictures", 6)
    index(tmp_path / "album", folder)
    (folder / "002.png").unlink()
    (folder / "004.png").write_bytes(b"no longer a picture")
    with Collection(tmp_path / "album") as album:
        unread = album.map().save_picture(tmp_path / "map.png", 400)
    assert sorted(unread) == [str(folder / "002.png"), str(folder / "004.png")]


def test_a_picture_that_cannot_be_written_leaves_nothing_behind(tmp_path, mapped):
    with Collection(mapped) as album, pytest.raises(CollectionError, match="cannot be written"):
        album.map().save_picture(tmp_path / "missing" / "map.png", 200)
    (tmp_path / "taken.png").mkdir()
    with Collection(mapped) as album, pytest.raises(CollectionError, match="cannot be written"):
        album.map().save_picture(tmp_path / "taken.png", 200)
    assert [path.name for path in tmp_path.iterdir()] == ["taken.png"]


def test_a_notebook_shows_the_map(mapped):
    with Collection(mapped) as album:
        shown = PIL.Image.open(io.BytesIO(album.map()._repr_png_()))
    assert shown.format == "PNG"
    assert max(shown.size) == pytest.approx(1000, abs=1)
