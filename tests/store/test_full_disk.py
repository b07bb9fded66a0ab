"""A full disk: nothing half under the final name, one line that says so, and the same command works later."""

from __future__ import annotations

import contextlib
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


@pytest.fixture
def disk(tmp_path):
    """A function that mounts a small disk."""
    place = tmp_path / "disk"
    place.mkdir()

    def mounted(kilobytes):
        command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(place)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("no small disks here")
        return place

    yield mounted
    subprocess.run(["umount", "-l", str(place)], check=False)


SMALL_DISKS = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="only root makes small disks")


@SMALL_DISKS
@pytest.mark.parametrize("kilobytes", [8, 64, 100, 112, 120, 128, 136, 144, 152, 160, 180, 220, 400])
def test_on_a_small_disk_nothing_half_is_left(disk, folder, kilobytes):
    place = disk(kilobytes)
    with Collection(place / "album") as album:
        try:
            album.index([folder], methods=METHODS, options=HERE)
        except CollectionError as error:
            assert "full" in str(error)
        subprocess.run(["mount", "-o", "remount,size=8m", str(place)], check=True)
        album.index([folder], methods=METHODS, options=HERE)
        assert len(album) == 8
        consistent(album)


@SMALL_DISKS
def test_on_a_disk_without_a_free_byte_everything_is_found(disk, path, folder):
    place = disk(4096)
    shutil.copytree(path, place / "album")
    with contextlib.suppress(OSError), (place / "rest").open("wb", buffering=0) as rest:
        while True:
            rest.write(bytes(4096))
    with Collection(place / "album") as album:
        assert album.search(folder / "003.png", k=1, methods="phash")[0].id == 4
        with pytest.raises(CollectionError, match="full"):
            album.index([folder], options=HERE)
        (place / "rest").unlink()
        album.remove([folder / "003.png"])
        assert len(album) == 7
        consistent(album)
