"""Views: one committed state each; compaction takes nothing from those who read."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from lookalike import Collection, CollectionError
from lookalike.store.directory import Store, SupersededError
from samples import HERE, draw


@pytest.fixture
def store(path):
    opened = Store(path)
    yield opened
    opened.close()


def change(path, what):
    with Collection(path) as album:
        what(album)


def test_a_view_tells_what_is_committed(store, path, folder):
    view = store.view()
    assert list(view.methods) == ["phash", "color"] and view.pictures == 8 and len(view.tombstones) == 0
    change(path, lambda album: album.remove([folder / "003.png", folder / "005.png"]))
    newer = store.view()
    assert newer.pictures == 6 and newer.tombstones.tolist() == [4, 6] and newer.methods == view.methods
    assert view.pictures == 8 and view.generation < newer.generation == store.generation()


def test_the_generation_rises_with_every_change_and_with_nothing_else(store, path, folder, tmp_path):
    seen = [store.generation()]

    def rises(what):
        change(path, what)
        seen.append(store.generation())
        return seen[-1] > seen[-2]

    draw(tmp_path / "more" / "9.png", 9)
    assert not rises(lambda album: album.index(options=HERE))
    assert not rises(lambda album: album.check())
    assert not rises(lambda album: album.search(id=1))
    assert not rises(lambda album: album.info())
    assert rises(lambda album: album.index([tmp_path / "more"], options=HERE))
    assert rises(lambda album: album.remove([folder / "002.png"]))
    assert rises(lambda album: album.remove([folder / "005.png"]))
    assert rises(lambda album: album.index([folder], options=HERE))  # both come back
    assert rises(lambda album: album.remove([folder / "003.png"]))
    assert rises(lambda album: album.compact())
    assert not rises(lambda album: album.compact())


def test_what_was_opened_stays_valid_across_a_compaction(store, path, folder):
    view = store.view()
    matrix = store.matrix(view.methods["phash"])
    change(path, lambda album: (album.remove([folder / "000.png"]), album.compact()))
    rows = np.array(matrix.slice(0, 8))
    assert matrix.ids().tolist() == list(range(1, 9))
    assert np.array_equal(store.matrix(store.view().methods["phash"]).slice(0, 7), rows[1:])


def test_files_that_a_compaction_took_away_are_found_in_the_newer_view(store, path, folder):
    asked = []

    def open_all(view, _):
        asked.append(view.generation)
        if len(asked) == 1:
            change(path, lambda album: (album.remove([folder / "000.png"]), album.compact()))
        return [store.matrix(method) for method in view.methods.values()]

    assert [len(matrix) for matrix in store.reading(open_all)] == [7, 7]
    assert len(asked) == 2


def test_files_that_are_missing_without_a_compaction_are_an_error(store, path):
    (path / "matrices" / "phash.0.rows").unlink()
    with pytest.raises(SupersededError, match="lookalike check"):
        store.reading(lambda view, _: [store.matrix(method) for method in view.methods.values()])


def test_a_compaction_that_fails_half_way_changes_nothing(path, folder, monkeypatch):
    from lookalike.store.catalogue import Catalogue

    change(path, lambda album: album.remove([folder / "000.png", folder / "001.png"]))
    done = []
    commit = Catalogue.commit_extent

    def failing(self, *args):
        if done:
            raise OSError(28, "No space left on device")
        done.append(commit(self, *args))

    monkeypatch.setattr(Catalogue, "commit_extent", failing)
    with Collection(path) as album:
        with pytest.raises(CollectionError, match="full"):
            album.compact()
        monkeypatch.undo()
        assert album.info().removed == 2
        album.index([folder], options=HERE)
        assert len(album) == 8
        for id_ in range(1, 9):
            assert [e.distance < 0.001 for e in album.search(id=id_, k=1, methods="color")[0].evidence] == [True]
        assert album.check().repaired == []
    assert sorted(p.name for p in (path / "matrices").glob("phash*")) == [
        "phash.0.ids",
        "phash.0.rows",
    ], "leftovers of the compaction that failed are swept"


def test_what_earlier_writers_left_is_swept_and_nothing_else(path):
    ours = ["matrices/phash.7.rows", "matrices/gone.0.ids.sums", "caches/x.123.tmp", "segments/phash.auto.9.0-8"]
    for name in [*ours, "matrices/notes.txt", "caches/mine"]:
        (path / name).write_bytes(b"")
    with Collection(path) as album:
        album.compact()
    assert [name for name in ours if (path / name).exists()] == []
    assert (path / "matrices/notes.txt").exists() and (path / "caches/mine").exists()
    assert (path / "matrices/phash.0.rows").exists()


def test_nothing_is_left_in_the_write_ahead_log(path, tmp_path):
    draw(tmp_path / "more" / "9.png", 9)
    with Collection(path) as album, Collection(path) as reader:
        assert len(reader) == 8
        album.index([tmp_path / "more"], options=HERE)
        log = path / "catalogue.sqlite-wal"
        assert not log.exists() or log.stat().st_size == 0
        assert len(reader) == 9
    assert not log.exists()


def test_threads_read_while_one_of_them_writes(path, tmp_path):
    faults, stop = [], threading.Event()
    with Collection(path) as album:

        def read():
            try:
                while not stop.is_set():
                    view = album._store.view()
                    assert len(album.ids()) >= 8 and view.pictures >= 8
                    assert all(view.methods[name].extent.items >= view.pictures for name in view.methods)
            except CollectionError as error:
                faults.append(error)

        readers = [threading.Thread(target=read) for _ in range(4)]
        for reader in readers:
            reader.start()
        for number in range(6):
            draw(tmp_path / "more" / f"{number}.png", 20 + number)
            album.index([tmp_path / "more"], options=HERE)
        stop.set()
        for reader in readers:
            reader.join()
    assert faults == []
