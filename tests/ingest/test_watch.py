"""Following folders: changes are reported by folder, once they have come to rest."""

from __future__ import annotations

import os
import shutil
import threading
import time

import pytest

import lookalike.ingest.watch as watching
from lookalike import CollectionError
from lookalike.ingest.watch import Settling, follow_folders, watch


def test_a_file_that_still_grows_is_waited_for(tmp_path):
    path, settling = tmp_path / "a.jpg", Settling()
    path.write_bytes(b"1")
    settling.change(str(path))
    assert settling.settled() == []
    path.write_bytes(b"12")
    assert settling.settled() == []
    assert settling.settled() == [str(path)]
    assert settling.settled() == []


def test_a_growing_file_does_not_hold_up_others(tmp_path):
    whole, growing, settling = tmp_path / "whole.jpg", tmp_path / "growing.jpg", Settling()
    for path in (whole, growing):
        path.write_bytes(b"1")
        settling.change(str(path))
    settling.settled()
    growing.write_bytes(b"12")
    assert settling.settled() == [str(whole)]


def test_a_deleted_file_settles_as_absent(tmp_path):
    settling = Settling()
    settling.change(str(tmp_path / "gone.jpg"))
    settling.settled()
    assert settling.settled() == [str(tmp_path / "gone.jpg")]


def test_what_happens_below_a_root_names_the_folder_to_look_at(tmp_path):
    root = tmp_path.resolve()
    (root / "new").mkdir()
    stop = threading.Event()
    seen: list[list[str]] = []

    def follow() -> None:
        for folders in filter(None, watch([str(root)], stop)):
            seen.append(folders)
            stop.set()

    thread = threading.Thread(target=follow)
    thread.start()
    for attempt in range(300):
        (root / "new" / "half.tmp").write_bytes(b"x" * attempt)
        (root / "new" / "half.tmp").rename(root / "new" / "done.jpg")
        if stop.wait(0.05 if attempt < 40 else 2.0):
            break
    thread.join(timeout=30)
    assert seen == [[str(root / "new")]]


def test_many_changes_settle_in_one_look_each():
    """Counted, not timed: a list of settled paths that is searched for each one would compare millions of times."""

    class Path(str):
        compared = 0

        def __eq__(self, other):
            Path.compared += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    settling = Settling()
    for number in range(2000):
        settling.change(Path(f"/nowhere/{number}"))
    settling.settled()
    Path.compared = 0
    assert len(settling.settled()) == 2000
    assert Path.compared < 20_000


@pytest.fixture
def following(tmp_path, monkeypatch):
    """Starts to follow folders in a thread; what was looked at and told is collected."""
    monkeypatch.setattr(watching, "TICK_SECONDS", 0.1)
    monkeypatch.setattr(watching, "RETRY_SECONDS", 0.3)
    stop, looked, told, threads = threading.Event(), [], [], []

    def start(roots, look=lambda folders: None):
        def both(folders):
            looked.append(folders)
            look(folders)

        arguments = ([str(root) for root in roots], both, told.append, stop)
        threads.append(threading.Thread(target=follow_folders, args=arguments))
        threads[0].start()
        return looked, told

    yield start
    stop.set()
    threads[0].join(20)
    assert not threads[0].is_alive()


def until(condition, again=lambda: None):
    for attempt in range(300):
        if condition():
            return
        if attempt % 20 == 0:  # what changes all the time never settles
            again()
        time.sleep(0.1)
    raise AssertionError("nothing happened")


def test_a_busy_collection_is_told_once_and_tried_again(tmp_path, following):
    busy = []

    def look(folders):
        busy.append(folders)
        if len(busy) < 4:
            raise CollectionError("the collection is busy")

    looked, told = following([tmp_path], look)
    until(lambda: len(looked) >= 4, lambda: len(looked) or (tmp_path / "new.jpg").write_bytes(os.urandom(3)))
    assert looked[:4] == [[str(tmp_path)]] * 4
    assert told == ["the collection is busy; trying again every 0 seconds"]


def test_a_folder_that_vanishes_and_comes_back_is_followed_on(tmp_path, following):
    drive, other = tmp_path / "drive", tmp_path / "other"
    drive.mkdir()
    other.mkdir()
    looked, _ = following([drive, other])
    until(lambda: [str(drive)] in looked, lambda: (drive / "a.jpg").write_bytes(os.urandom(3)))
    shutil.rmtree(drive)
    until(lambda: [str(other)] in looked, lambda: (other / "b.jpg").write_bytes(os.urandom(3)))
    time.sleep(0.5)
    looked.clear()
    drive.mkdir()
    until(lambda: any(str(drive) in folders for folders in looked))
    time.sleep(0.5)
    looked.clear()
    until(lambda: [str(drive)] in looked, lambda: (drive / "c.jpg").write_bytes(os.urandom(3)))


def test_a_folder_below_a_root_that_vanishes_has_the_one_above_looked_at(tmp_path, following):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    looked, _ = following([tmp_path])
    until(lambda: looked, lambda: (tmp_path / "deep" / "er" / "a.jpg").write_bytes(os.urandom(3)))
    shutil.rmtree(tmp_path / "deep")
    until(lambda: [str(tmp_path)] in looked)
