"""What a damaged collection says, and what `check` repairs: SQLite is the truth, everything else can be made again."""

from __future__ import annotations

import os
import sqlite3
import stat

import pytest

from lookalike import Collection, CollectionError
from lookalike.store.schema import FORMAT
from samples import HERE, consistent, drawing, fill, living

MATRICES = ("phash.0.rows", "phash.0.ids", "color.0.rows", "color.0.ids", "color.0.ends")


def cut(file):
    os.truncate(file, file.stat().st_size - 5)


def delete(file):
    file.unlink()


@pytest.mark.parametrize("harm", [cut, delete])
@pytest.mark.parametrize("name", MATRICES)
def test_a_matrix_cut_short_is_noticed_and_described_again(path, folder, name, harm):
    harm(path / "matrices" / name)
    method = name.partition(".")[0]
    with Collection(path) as album:
        before = living(album)
        with pytest.raises(CollectionError, match="lookalike check"):
            album.search(drawing(0), methods=method)
        report = album.check()
        assert report.problems == [] and any(name in line for line in report.repaired)
        album.index([folder], options=HERE)
        assert living(album) == before
        assert album.search(drawing(0), k=1, methods=method)[0].id == before["000.png"]
        consistent(album)


def test_rows_beyond_the_committed_ones_are_left_over_and_overwritten(path, folder, tmp_path):
    for name in MATRICES:
        with (path / "matrices" / name).open("ab") as file:
            file.write(b"\xff" * 1001)
    more = fill(tmp_path / "more", 10)
    with Collection(path) as album:
        album.index([more], options=HERE)
        assert album.search(drawing(9), k=1)[0].path == str(more / "009.png")
        consistent(album)


def test_a_damaged_cache_is_thrown_away_and_answers_stay_right(path, monkeypatch):
    with Collection(path) as album:
        right = album.search(drawing(2), k=8, methods="phash")
    for kind in ("auto", "other"):
        (path / "caches" / f"phash.{kind}.0.8").write_bytes(b"nonsense")
    with Collection(path) as album:
        assert album.search(drawing(2), k=8, methods="phash") == right
        assert len(album.check().repaired) >= 1
        assert album.check().repaired == []
    assert not (path / "caches" / "phash.auto.0.8").exists()


@pytest.mark.parametrize("size", [0, 50, 3000])
def test_a_catalogue_cut_short_is_one_clear_error(path, size):
    os.truncate(path / "catalogue.sqlite", size)
    with Collection(path) as album, pytest.raises(CollectionError, match=r"damaged|not a lookalike catalogue"):
        album.search(drawing(0))


def test_a_catalogue_overwritten_in_its_middle_is_one_clear_error(path):
    with (path / "catalogue.sqlite").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 60000)
    for use in (lambda album: album.search(drawing(0)), lambda album: album.failures(), lambda album: album.info()):
        with Collection(path) as album, pytest.raises(CollectionError, match="damaged"):
            use(album)
    with Collection(path) as album:
        assert album.check().problems != []


@pytest.mark.parametrize("text", [b"CREATE TABLE state", b"images_path", b"caption TEXT"])
def test_damaged_names_of_tables_are_one_clear_error(path, text):
    file = path / "catalogue.sqlite"
    content = file.read_bytes()
    assert text in content
    file.write_bytes(content.replace(text, text[:3] + b"\xa0" + text[4:], 1))
    with Collection(path) as album:
        for use in (album.info, lambda: album.search(drawing(0))):
            with pytest.raises(CollectionError, match=r"damaged|catalogue"):
                use()


def test_a_newer_format_is_refused_with_what_to_do(path):
    with sqlite3.connect(path / "catalogue.sqlite") as sql:
        sql.execute(f"PRAGMA user_version = {FORMAT + 1}")
    sql.close()
    with Collection(path) as album, pytest.raises(CollectionError, match=r"newer lookalike.*upgrade"):
        album.search(drawing(0))


def test_another_programs_database_is_refused(tmp_path):
    (tmp_path / "album").mkdir()
    with sqlite3.connect(tmp_path / "album" / "catalogue.sqlite") as sql:
        sql.execute("CREATE TABLE theirs (x)")
    sql.close()
    with Collection(tmp_path / "album") as album, pytest.raises(CollectionError, match="not a lookalike catalogue"):
        album.search(drawing(0))


def test_a_folder_with_other_things_in_it_is_not_made_a_collection(tmp_path, folder):
    (tmp_path / "mine.txt").write_text("mine")
    with Collection(tmp_path) as album, pytest.raises(CollectionError, match="other things in it"):
        album.index([folder], options=HERE)
    assert os.listdir(tmp_path) == ["mine.txt"]


def test_a_collection_that_is_not_there_is_an_error_for_all_but_index(tmp_path):
    with Collection(tmp_path / "none") as album:
        assert len(album) == 0
        uses = (album.info, album.check, album.compact, album.failures, lambda: album.remove(["x"]))
        for use in (*uses, lambda: album.search(drawing(0))):
            with pytest.raises(CollectionError, match=r"no collection at .*lookalike index FOLDER"):
                use()
    assert not (tmp_path / "none").exists()


def test_a_file_where_the_collection_should_be_is_one_clear_error(tmp_path, folder):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with Collection(path) as album, pytest.raises(CollectionError, match="is a file, not a directory"):
            album.index([folder], options=HERE)


def test_a_directory_that_cannot_be_written_is_one_clear_error(tmp_path, folder, monkeypatch):
    from pathlib import Path

    def mkdir(self, *args, **options):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with Collection(tmp_path / "album") as album, pytest.raises(CollectionError, match="cannot be written"):
        album.index([folder], options=HERE)


def test_the_same_method_with_other_parameters_is_refused(path, folder):
    from lookalike.arrays.rows import Layout
    from lookalike.methods.phash import PHashParams
    from lookalike.store.directory import Store

    store = Store(path)
    with pytest.raises(CollectionError, match="another --collection"), store.writing():
        store.add_method("phash", PHashParams(hash_size=8), Layout("uint8", 8))
    store.close()


def test_searching_leaves_pictures_and_collection_as_they_were(path, folder):
    def state(where):
        return {
            file.name: (file.read_bytes(), stat.S_IMODE(file.stat().st_mode))
            for file in where.rglob("*")
            if file.is_file() and not file.name.endswith(("-wal", "-shm"))
        }

    before = state(path), state(folder)
    with Collection(path) as album:
        album.search(drawing(1))
        album.info()
    assert (state(path), state(folder)) == before
