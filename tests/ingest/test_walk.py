"""Finding files below folders."""

from __future__ import annotations

import os
import sys

import pytest

from lookalike import Collection, CollectionError
from lookalike.ingest.walk import Walk
from samples import HERE, METHODS, draw


def names(walk, folder):
    return sorted(os.path.relpath(seen.path, folder) for seen in walk)


def write(path, content=b"x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_files_of_all_depths_are_found_whatever_their_suffix(tmp_path):
    for name in ("a.jpg", "deep/er/b", "deep/c.txt"):
        write(tmp_path / name)
    assert names(Walk([str(tmp_path)]), tmp_path) == ["a.jpg", "deep/c.txt", "deep/er/b"]


def test_hidden_and_ignored_names_are_left_out_with_all_below_them(tmp_path):
    for name in (".hidden.jpg", ".git/a.jpg", "@eaDir/a.jpg", "Thumbs.db", "a.tmp", "a.jpg"):
        write(tmp_path / name)
    assert names(Walk([str(tmp_path)]), tmp_path) == ["a.jpg", "a.tmp"]
    assert names(Walk([str(tmp_path)], ignore=["*.tmp"]), tmp_path) == ["@eaDir/a.jpg", "Thumbs.db", "a.jpg"]


def test_a_hidden_folder_that_is_named_is_walked(tmp_path):
    write(tmp_path / ".hidden" / "a.jpg")
    assert names(Walk([str(tmp_path / ".hidden")]), tmp_path) == [".hidden/a.jpg"]


def test_loops_of_links_end_and_links_to_files_and_folders_are_followed(tmp_path):
    write(tmp_path / "real" / "a.jpg")
    write(tmp_path / "outside" / "b.jpg")
    folder = tmp_path / "real"
    (folder / "self").symlink_to(folder)
    (folder / "up").symlink_to("..")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "endless").symlink_to("endless")
    (folder / "to-file").symlink_to(folder / "a.jpg")
    found = names(Walk([str(folder)]), folder)
    assert "a.jpg" in found and "to-file" in found and "dangling" not in found
    assert sum(name.endswith("b.jpg") for name in found) == 1


def test_a_folder_that_is_linked_and_also_named_is_walked_under_both_names(tmp_path):
    write(tmp_path / "a" / "x.jpg")
    write(tmp_path / "b" / "y.jpg")
    (tmp_path / "a" / "link").symlink_to(tmp_path / "b")
    assert names(Walk([str(tmp_path / "a"), str(tmp_path / "b")]), tmp_path) == ["a/link/y.jpg", "a/x.jpg", "b/y.jpg"]


def test_pipes_and_sockets_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    write(tmp_path / "a.jpg")
    assert names(Walk([str(tmp_path)]), tmp_path) == ["a.jpg"]


def test_a_folder_that_cannot_be_listed_is_told_apart_from_an_empty_one(tmp_path, monkeypatch):
    write(tmp_path / "locked" / "a.jpg")
    write(tmp_path / "b.jpg")
    real = os.scandir

    def scandir(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    walk = Walk([str(tmp_path)])
    assert names(walk, tmp_path) == ["b.jpg"]
    assert walk.unreadable == [str(tmp_path / "locked")]


def test_a_root_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(CollectionError, match="nowhere: no such file or folder"):
        Walk([str(tmp_path / "nowhere")])


@pytest.mark.skipif(sys.platform != "linux", reason="other systems show themselves elsewhere")
@pytest.mark.parametrize("name", ["/proc", "/sys", "/dev", "/proc/self", "/proc/kmsg", "/sys/kernel", "/dev/null"])
def test_where_the_system_shows_itself_is_refused(name, tmp_path):
    with pytest.raises(CollectionError, match=f"^{name}: shows the system's own state"):
        Walk([name])
    (tmp_path / "link").symlink_to(name)
    with pytest.raises(CollectionError, match="link: shows the system's own state"):
        Walk([str(tmp_path / "link")])


@pytest.mark.skipif(sys.platform != "linux", reason="other systems show themselves elsewhere")
def test_links_to_where_the_system_shows_itself_are_not_followed(tmp_path):
    write(tmp_path / "a.jpg")
    for name in ("/proc", "/sys", "/dev"):
        (tmp_path / name[1:]).symlink_to(name)
    assert names(Walk([str(tmp_path)]), tmp_path) == ["a.jpg"]


def test_a_root_that_is_no_file_and_no_folder_is_an_error(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CollectionError, match="pipe: neither a file nor a folder"):
        Walk([str(tmp_path / "pipe")])
    with pytest.raises(CollectionError, match="not a valid path"):
        Walk(["a\0b"])


def test_a_collection_inside_the_folder_is_not_indexed_itself(tmp_path):
    draw(tmp_path / "a.png", 1)
    with Collection(tmp_path / "album") as album:
        report = album.index([tmp_path], methods=METHODS, options=HERE)
    assert (report.added, report.failed) == (1, [])


AWKWARD = [
    "with space.png",
    "line\nbreak.png",
    "tab\tand \x1b[31mred.png",
    "日本語.png",
    "e\N{COMBINING ACUTE ACCENT}.png",
    "🏖️.png",
    "[bold]not markup[/bold].png",
    "'quote\" and \\.png",
    "-dash.png",
    "%20.png",
    os.fsdecode(b"undecodable \xff\xfe.png"),
]


@pytest.mark.parametrize("name", AWKWARD, ids=ascii)
def test_awkward_names_are_indexed_found_moved_and_removed(tmp_path, name):
    folder = tmp_path / "pictures"
    path = draw(folder / name, 7)
    draw(folder / "other.png", 8)
    with Collection(tmp_path / "album") as album:
        assert album.index([folder], methods=METHODS, options=HERE).added == 2
        (match, *_) = album.search(path, k=1)
        assert match.path == str(path)
        match.to_json()["path"].encode()
        assert album.index([folder], options=HERE).unchanged == 2
        path.rename(folder / "plain.png")
        assert album.index([folder], options=HERE).moved == 1
        (folder / "plain.png").rename(path)
        assert album.index([folder], options=HERE).moved == 1
        assert album.remove([path]) == 1
        assert len(album) == 1
