"""Following folders: changes are reported by folder, once they have come to rest."""

from __future__ import annotations

import threading

from lookalike.ingest.watch import Settling, watch


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
        for folders in watch([str(root)], stop):
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
