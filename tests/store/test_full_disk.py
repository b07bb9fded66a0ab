"""A full disk: nothing half under the final name, one line that says so, and the same command works later."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from lookalike import Collection, CollectionError
from samples import HERE, METHODS, consistent

SRC = Path(__file__).parents[2] / "src"

LIMITED = """
    import resource, signal, sys
    from lookalike import Collection, CollectionError
    from lookalike.ingest.run import Options
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
    try:
        Collection(sys.argv[2]).index([sys.argv[3]], methods=["phash", "color"], options=Options(workers=0))
    except CollectionError as error:
        print(error)
"""


@pytest.mark.parametrize("size", [0, 1, 5, 4096, 20_000, 50_000, 90_000, 110_000, 120_000, 130_000, 140_000, 200_000])
def test_a_collection_is_made_when_there_is_space_again(tmp_path, folder, size):
    """No file may be larger than `size`: to a program it is as if the disk were full there."""
    path = tmp_path / "album"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LIMITED), str(size), str(path), str(folder)],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") <= 1
    with Collection(path) as album:
        album.index([folder], methods=METHODS, options=HERE)
        assert len(album) == 8
        consistent(album)
    assert not list(path.glob("catalogue.new*"))


def test_the_message_says_full(tmp_path, folder, monkeypatch):
    import lookalike.store.directory as directory

    def full(path):
        raise sqlite3.OperationalError("database or disk is full")

    from lookalike.store.connection import plain_errors

    def create(path):
        with plain_errors(path):
            full(path)

    monkeypatch.setattr(directory, "create_catalogue", create)
    with Collection(tmp_path / "album") as album:
        with pytest.raises(CollectionError, match=r"disk of .* is full: free some space and run"):
            album.index([folder], options=HERE)
        monkeypatch.undo()
        album.index([folder], methods=METHODS, options=HERE)
        assert len(album) == 8


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="only root makes small disks")
@pytest.mark.parametrize("kilobytes", [8, 64, 100, 112, 120, 128, 136, 144, 152, 160, 180, 220, 400])
def test_on_a_small_disk_nothing_half_is_left(tmp_path, folder, kilobytes):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no small disks here")
    try:
        with Collection(disk / "album") as album:
            try:
                album.index([folder], methods=METHODS, options=HERE)
            except CollectionError as error:
                assert "full" in str(error)
            subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
            album.index([folder], methods=METHODS, options=HERE)
            assert len(album) == 8
            consistent(album)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)
