"""Stopping an indexing run at any moment loses nothing that was done and leaves nothing double."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from lookalike import Collection, CollectionError
from samples import HERE, consistent, fill, living

COUNT = 40

# Indexes slowly: commits every 4 files, and leaves a mark when it has begun with file 14.
SLOW = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background inherits that it is ignored
from pathlib import Path
import lookalike.ingest.run as run
folder, mark, how = sys.argv[1:4]
real, seen = run.describe_file, []
def describe_file(task, methods):
    seen.append(task)
    if len(seen) == 14:
        Path(mark).touch()
        time.sleep(60)
    return real(task, methods)
run.describe_file, run.BATCH = describe_file, 4
sys.argv = ["lookalike", "-c", how, "index", folder, "--workers", "0", "--method", "phash", "--method", "color"]
from lookalike.cli import main
main()
"""


def start(folder, mark, album):
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, str(folder), str(mark), str(album)], stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not mark.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert mark.exists()
    return process


@pytest.fixture
def folder(tmp_path):
    return fill(tmp_path / "pictures", COUNT)


def goes_on(folder, path, kept):
    """The second run finishes, keeping what the first one had done."""
    with Collection(path) as album:
        before = living(album)
        assert len(before) == kept
        report = album.index([folder], options=HERE)
        assert (report.added, report.unchanged) == (COUNT - kept, kept)
        after = living(album)
        assert len(after) == len(set(after.values())) == COUNT
        assert {name: after[name] for name in before} == before
        consistent(album)


def test_a_killed_run_goes_on_from_its_last_commit(tmp_path, folder):
    process = start(folder, tmp_path / "mark", tmp_path / "album")
    process.kill()
    process.communicate()
    goes_on(folder, tmp_path / "album", kept=12)


def test_ctrl_c_keeps_everything_described_and_says_so(tmp_path, folder):
    process = start(folder, tmp_path / "mark", tmp_path / "album")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.count("\n") == 1
    assert "interrupted; 13 pictures can be found already" in errors
    goes_on(folder, tmp_path / "album", kept=13)


def test_there_is_one_writer_at_a_time_and_the_other_is_told_who_it_is(tmp_path, folder):
    process = start(folder, tmp_path / "mark", tmp_path / "album")
    try:
        with Collection(tmp_path / "album") as album, pytest.raises(CollectionError) as error:
            album.index([folder], options=HERE)
        assert f"process {process.pid}" in str(error.value)
    finally:
        process.kill()
        process.communicate()


def test_readers_are_served_while_another_process_writes(tmp_path, folder):
    process = start(folder, tmp_path / "mark", tmp_path / "album")
    try:
        with Collection(tmp_path / "album") as album:
            assert len(album) == 12
            assert len(album.search(folder / "003.png", k=20, methods="phash")) == 12
    finally:
        process.kill()
        process.communicate()


def test_an_open_reader_sees_what_a_writer_commits(tmp_path, folder):
    with Collection(tmp_path / "album") as writer, Collection(tmp_path / "album") as reader:
        writer.index([folder / "000.png"], methods=["phash"], options=HERE)
        assert len(reader.search(folder / "000.png")) == 1
        writer.index([folder], options=HERE)
        assert len(reader.search(folder / "000.png", k=100)) == COUNT
        writer.remove([folder / "000.png"])
        assert len(reader.search(folder / "000.png", k=100)) == COUNT - 1


def test_a_full_disk_is_one_clear_line_and_nothing_is_lost(tmp_path, folder, monkeypatch):
    import errno

    import lookalike.ingest.run as run

    monkeypatch.setattr(run, "BATCH", 8)
    real, syncs = os.fsync, []

    def fsync(descriptor):
        syncs.append(descriptor)
        if len(syncs) > 5 * 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    with Collection(tmp_path / "album") as album:
        monkeypatch.setattr(os, "fsync", fsync)
        with pytest.raises(CollectionError, match=r"disk of .* is full.*nothing is lost"):
            album.index([folder], methods=["phash", "color"], options=HERE)
        monkeypatch.setattr(os, "fsync", real)
        kept = len(album)
    assert 0 < kept < COUNT and kept % 8 == 0
    goes_on(folder, tmp_path / "album", kept)
