"""What hits are called once their pixels were looked at: versions of the query, or other photographs of its scene."""

from __future__ import annotations

import os
from dataclasses import replace

import PIL.Image
import pytest

from lookalike import Collection
from lookalike.search import look
from lookalike.search.compare import compare
from lookalike.search.labels import CONTAINS, CROP_OF, EDITED_COPY, SAME_PICTURE, SAME_SCENE, SIMILAR
from lookalike.search.look import ANOTHER, MOST, VERSION, settled
from samples import HERE, photo, skimage_file


@pytest.fixture
def shots(tmp_path):
    """One of two photographs of a motorcycle, and some others."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("motorcycle_left.png", "astronaut.png", "coffee.png"):
        photo(name).save(folder / name)
    with Collection(tmp_path / "album") as album:
        album.index([folder], methods=["phash", "color", "local"], options=HERE)
        yield album


def best(album: Collection, question, methods="auto"):
    found = album.search(question, k=1, methods=methods)[0]
    return os.path.basename(found.path), found.label


def turned(name: str, degrees: float) -> PIL.Image.Image:
    return photo(name).convert("RGB").rotate(degrees, PIL.Image.Resampling.BICUBIC)


@pytest.mark.parametrize("methods", ["auto", "local"])
def test_another_photograph_is_no_copy(shots, methods):
    assert best(shots, skimage_file("motorcycle_right.png"), methods) == ("motorcycle_left.png", SAME_SCENE)


@pytest.mark.parametrize("degrees", [12, -20])
def test_a_turned_copy_that_lost_its_corners_is_a_copy(shots, degrees):
    assert best(shots, turned("astronaut.png", degrees)) == ("astronaut.png", EDITED_COPY)


def test_compare_says_the_same():
    left, right = (skimage_file(f"motorcycle_{side}.png") for side in ("left", "right"))
    (of_shots,) = compare(left, right, ["local"])
    (of_copies,) = compare(turned("astronaut.png", 12), photo("astronaut.png"), ["local"])
    assert (of_shots.detail["label"], of_copies.detail["label"]) == (SAME_SCENE, SAME_PICTURE)


def test_where_the_file_is_away_keypoints_are_believed(shots):
    os.remove(shots.search(skimage_file("motorcycle_right.png"), k=1)[0].path)
    assert best(shots, skimage_file("motorcycle_right.png")) == ("motorcycle_left.png", EDITED_COPY)


def test_no_more_than_the_first_hits_are_looked_at_and_none_of_a_certain_copy(shots, tmp_path, monkeypatch):
    looks = []
    monkeypatch.setattr(look, "version_odds", lambda *pair: looks.append(pair))
    monkeypatch.setattr(look, "EXACT", 0.0)  # keypoints of these copies leave no doubt
    more = tmp_path / "more"
    more.mkdir()
    for number in range(MOST + 2):
        turned("astronaut.png", 8 + 2 * number).save(more / f"{number}.png")
    shots.index([more], options=HERE)
    assert len(shots.search(turned("astronaut.png", -12), k=10)) > MOST
    assert len(looks) == MOST
    assert best(shots, photo("coffee.png").resize((300, 200))) == ("coffee.png", SAME_PICTURE)
    assert len(looks) == MOST


def test_where_keypoints_leave_no_doubt_no_picture_is_opened(shots, monkeypatch):
    matches = [one for one in shots.search(skimage_file("motorcycle_right.png")) if one.label != SIMILAR]
    assert matches
    monkeypatch.setattr(look, "version_odds", lambda *_: pytest.fail("a picture was looked at"))
    monkeypatch.setattr(look, "EXACT", 0.3)
    assert best(shots, turned("astronaut.png", 12)) == ("astronaut.png", EDITED_COPY)
    monkeypatch.setattr(look, "BENT", 0.0)
    scene = [replace(one, label=SAME_SCENE) for one in matches]
    assert look.looked_at(scene, lambda: pytest.fail("the query was opened")) == scene


def test_between_the_limits_geometry_is_believed():
    for name in (EDITED_COPY, CROP_OF, CONTAINS, SAME_SCENE, SIMILAR):
        assert {settled(name, said) for said in (None, ANOTHER, 0.0, VERSION)} == {name}


@pytest.mark.parametrize("name", [EDITED_COPY, CROP_OF, CONTAINS, SAME_SCENE])
def test_beyond_the_limits_pixels_are_believed(name):
    assert settled(name, ANOTHER - 1) == SAME_SCENE
    assert settled(name, VERSION + 1) == (EDITED_COPY if name == SAME_SCENE else name)
