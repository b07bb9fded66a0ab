"""Pairs for `duplicates`: copies and other photographs of pictures, planted where nothing of the user's is."""

from __future__ import annotations

import io
import tempfile

import numpy as np
import PIL.Image
import pytest

from lookalike import Collection
from lookalike.evaluate import evaluate
from lookalike.evaluate.remade import KINDS, remade
from lookalike.evaluate.result import Pairs, PlantedOutcome
from lookalike.evaluate.shots import KINDS as SHOTS
from samples import HERE, METHODS, PHOTOS, photo


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("photos")
    for name in PHOTOS:
        photo(name).save(made / f"{name.split('.')[0]}.jpg", quality=90)
    return made


@pytest.fixture
def found(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    with Collection(tmp_path / "album") as album:
        album.index([folder], methods=METHODS, options=HERE)
        yield evaluate(album, len(PHOTOS), only=["duplicates"])
        assert len(album) == len(PHOTOS)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before
    assert list((tmp_path / "temporary").iterdir()) == []


def test_every_picture_gets_a_copy_and_another_photograph(found):
    copies = [one for one in found.planted if not one.is_shot]
    shots = [one for one in found.planted if one.is_shot]
    assert {one.picture for one in copies} == {one.picture for one in shots} == set(range(1, len(PHOTOS) + 1))
    assert [one.kind for one in copies] == list(KINDS)[: len(PHOTOS)]
    assert {one.kind for one in shots} == set(SHOTS)
    grouped = [one for one in copies if one.grouped]
    assert len(grouped) >= 4 and sum(bool(one.kept) for one in grouped) >= len(grouped) - 1
    assert all(one.reason for one in grouped) and found.outcomes == ()
    assert found.to_json()["copies"]["WebP, quality 90"]["pairs"] == 1


def test_the_counts_are_by_kind():
    made = [PlantedOutcome(1, "grey", False, *one, "") for one in ((True, True), (True, False), (False, None))]
    assert Pairs.of(made) == Pairs(3, 2, 1)


def test_what_is_made_of_a_picture_is_a_readable_file():
    picture = photo("coffee.png")
    seen = set()
    for kind in KINDS:
        content, suffix = remade(picture, kind)
        assert suffix in (".jpg", ".png", ".webp")
        with PIL.Image.open(io.BytesIO(content)) as opened:
            seen.add(np.asarray(opened.convert("RGB")).tobytes())
    assert len(seen) == len(KINDS)
