"""A damaged catalogue: nothing writes to it, and what can still be read becomes a new collection."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest

from lookalike import Collection, CollectionError
from samples import HERE, METHODS, consistent, drawing, fill, living


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("many"), 60)


@pytest.fixture
def damaged(many, tmp_path):
    """A collection whose catalogue has a page of records overwritten, and some descriptors as well."""
    path = tmp_path / "album"
    with Collection(path) as album:
        album.index([many], methods=METHODS, options=HERE)
        album.remove([many / "059.png"])
    sql = sqlite3.connect(path / "catalogue.sqlite")
    (root,) = sql.execute("SELECT rootpage FROM sqlite_master WHERE name = 'images'").fetchone()
    size = sql.execute("PRAGMA page_size").fetchone()[0]
    sql.close()
    whole = bytearray((path / "catalogue.sqlite").read_bytes())
    leaf = next(
        page
        for page in range(len(whole) // size)
        if whole[page * size] == 13 and b"020.png" in whole[page * size : (page + 1) * size] and page + 1 != root
    )
    whole[leaf * size : leaf * size + 400] = b"\xa5" * 400
    (path / "catalogue.sqlite").write_bytes(whole)
    return path


def state(path):
    return {
        p.name: p.read_bytes() for p in path.rglob("*") if p.is_file() and p.name not in ("lock", "writer", "damaged")
    }


def test_once_found_damaged_nothing_writes_to_it(damaged, many):
    with Collection(damaged) as album:
        assert album.check().problems != []
    before = state(damaged)
    for use in (
        lambda album: album.index([many], options=HERE),
        lambda album: album.remove([many]),
        lambda album: album.compact(),
    ):
        with Collection(damaged) as album, pytest.raises(CollectionError, match=r"damaged.*--salvage NEW"):
            use(album)
    with Collection(damaged) as album:
        assert album.check().problems != []
    assert state(damaged) == before


def test_what_can_be_read_is_taken_over_and_the_rest_is_found_again(damaged, many, tmp_path):
    before = state(damaged)
    with Collection(damaged) as album:
        report = album.salvage(tmp_path / "new")
    assert state(damaged) == before
    assert 0 < report.records < 59
    assert report.descriptors == {"phash": report.descriptors["phash"], "color": report.descriptors["color"]}
    assert min(report.descriptors.values()) >= report.records
    with Collection(tmp_path / "new") as new:
        assert len(new) == report.records
        assert new.roots == [str(many)]
        consistent(new)
        indexed = new.index([many], options=HERE)  # named, so that the one that was removed comes back
        assert indexed.added + indexed.moved == 60 - report.records and len(new) == 60
        consistent(new)


def test_damaged_descriptors_are_not_taken_over(many, tmp_path):
    path = tmp_path / "album"
    with Collection(path) as album:
        album.index([many], methods=METHODS, options=HERE)
    rows = path / "matrices" / "phash.0.rows"
    rows.write_bytes(bytes([rows.read_bytes()[0] ^ 1]) + rows.read_bytes()[1:])
    with Collection(path) as album:
        assert album.salvage(tmp_path / "new").descriptors == {"phash": 0, "color": 60}
    with Collection(tmp_path / "new") as new:
        assert new.index(options=HERE).updated == 60
        assert new.search(drawing(3), k=1, methods="phash")[0].id == living(new)["003.png"]


def test_the_new_place_must_be_new(damaged, tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    with Collection(damaged) as album, pytest.raises(CollectionError, match="new or empty"):
        album.salvage(tmp_path / "taken")


def test_records_of_which_none_can_be_read_are_not_looked_for_for_ever(damaged, many, tmp_path):
    sql = sqlite3.connect(damaged / "catalogue.sqlite")
    roots = [
        page
        for (page,) in sql.execute("SELECT rootpage FROM sqlite_master WHERE name IN ('images', 'sqlite_sequence')")
    ]
    size = sql.execute("PRAGMA page_size").fetchone()[0]
    sql.close()
    whole = bytearray((damaged / "catalogue.sqlite").read_bytes())
    for page in roots:
        whole[(page - 1) * size : page * size] = b"\xa5" * size
    (damaged / "catalogue.sqlite").write_bytes(whole)
    with Collection(damaged) as album:
        assert album.salvage(tmp_path / "new").records == 0
    with Collection(tmp_path / "new") as new:
        assert new.index([many], options=HERE).added == 60
        consistent(new)


@pytest.mark.parametrize("place", [0, 100, 2000])
def test_a_catalogue_that_cannot_be_read_at_all_is_one_line(damaged, tmp_path, place):
    whole = bytearray((damaged / "catalogue.sqlite").read_bytes())
    whole[place : place + 2000] = b"\x5a" * 2000
    (damaged / "catalogue.sqlite").write_bytes(whole)
    with Collection(damaged) as album:
        try:
            album.salvage(tmp_path / "new")
        except CollectionError as error:
            assert "\n" not in str(error)


def test_a_catalogue_that_is_whole_again_is_written_to_again(damaged, many, tmp_path):
    whole = (damaged / "catalogue.sqlite").read_bytes()
    with Collection(damaged) as album:
        assert album.check().problems != []
    with Collection(tmp_path / "backup") as backup:
        backup.index([many], methods=METHODS, options=HERE)
    (damaged / "catalogue.sqlite").write_bytes((tmp_path / "backup" / "catalogue.sqlite").read_bytes())
    with Collection(damaged) as album:
        assert album.check().problems == []
        album.index([many], options=HERE)
    assert whole != (damaged / "catalogue.sqlite").read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE images SET path = x'2f746d702f78' WHERE id = 3",
        "UPDATE images SET width = 'wide' WHERE id = 3",
        "UPDATE images SET described = 0 WHERE id = 3",
        "UPDATE images SET sha256 = NULL WHERE id = 3",
        "UPDATE facts SET value = '{' ",
        "UPDATE roots SET path = x'2f'",
    ],
)
def test_records_that_are_not_as_they_were_written_are_found_and_mended(path, folder, change):
    sql = sqlite3.connect(path / "catalogue.sqlite", isolation_level=None)
    sql.create_function("row_sum", -1, lambda *values: 1)  # as if a bit had flipped: the sum does not fit
    sql.execute("INSERT INTO facts (key, value) VALUES ('null:phash', '{}')")
    sql.execute(change)
    sql.close()
    with Collection(path) as album:
        report = album.check()
        assert report.problems == [] and any("catalogue" in line for line in report.repaired)
        album.index([folder], options=HERE)
        assert len(album) == 8
        consistent(album)


def test_pictures_marked_as_described_without_descriptor_are_described_again(path, folder):
    with Collection(path) as album, album._store.writing(), album._store.catalogue.transaction() as sql:
        sql.execute("UPDATE images SET described = described & ~2 WHERE id = 2")
        sql.execute("DELETE FROM methods WHERE 0")
    from lookalike.store.matrix import Extent

    with Collection(path) as album:
        stored = album._store.catalogue.methods()["phash"]
        files = album._store.files(stored)
        matrix = files.open(stored.extent)
        with album._store.writing(), album._store.catalogue.transaction():
            fewer = album._store.files(stored, 1).append(Extent(), np.array(matrix.ids()[:5]), matrix.slice(0, 5))
            album._store.catalogue.commit_extent(stored, fewer, 1)
        report = album.check()
        assert any("3 pictures without a descriptor" in line for line in report.repaired)
        assert any("1 pictures that are described" in line for line in report.repaired)
        assert album.index([folder], options=HERE).updated == 3
        consistent(album)
