"""One file to its description: opened once, read only when it is a regular file, recognised before it is hashed."""

from __future__ import annotations

import hashlib
import io
import os
import socket

import PIL.Image
import pytest

import lookalike.ingest.describe as describe
from lookalike.ingest.describe import Opened, Skipped, Task, Unreadable, describe_file, read_file
from lookalike.methods import PHash
from lookalike.pictures.files import open_regular
from lookalike.pictures.formats import UnreadableError
from samples import draw, drawing, photo

FILM = b"\0\0\0\x20ftypisom" + bytes(40)


def test_what_is_described_is_what_was_hashed_even_if_the_path_is_another_file_by_then(tmp_path, monkeypatch):
    path = draw(tmp_path / "a.png", 1)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    expected = PHash().describe(describe.open_image(str(path)))
    real = hashlib.file_digest

    def file_digest(file, name):
        draw(tmp_path / "other.png", 2).replace(path)
        return real(file, name)

    monkeypatch.setattr(hashlib, "file_digest", file_digest)
    found = read_file(Task(str(path)))
    assert isinstance(found, Opened) and found.sha256 == digest
    assert PHash().describe(found.image) == expected


@pytest.mark.parametrize("in_memory", [0, 1 << 20])
def test_a_file_that_changes_while_it_is_read_is_tried_again_later(tmp_path, monkeypatch, in_memory):
    monkeypatch.setattr(describe, "IN_MEMORY", in_memory)
    path = draw(tmp_path / "a.png", 1)
    real = describe.open_image

    def open_image(*arguments, **options):
        image = real(*arguments, **options)
        os.utime(path, (7, 7))
        return image

    monkeypatch.setattr(describe, "open_image", open_image)
    assert read_file(Task(str(path))) == Unreadable("it was changed while it was read", temporary=True)


@pytest.mark.parametrize("in_memory", [0, 1 << 20])
def test_large_files_and_small_ones_are_described_alike(tmp_path, monkeypatch, in_memory):
    monkeypatch.setattr(describe, "IN_MEMORY", in_memory)
    path = draw(tmp_path / "a.png", 1)
    found = describe_file(Task(str(path)), [PHash()])
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (found.format, found.width, list(found.rows)) == ("PNG", 96, ["phash"])


@pytest.fixture(params=["pipe", "socket", "device", "folder"])
def no_file(request, tmp_path):
    """Something that takes for ever to open, has an effect when opened, or cannot be read."""
    path = tmp_path / "a.jpg"
    match request.param:
        case "pipe":
            os.mkfifo(path)
            yield path
        case "socket":
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(str(path))
                yield path
        case "device":
            path.symlink_to("/dev/zero")
            yield path
        case "folder":
            path.mkdir()
            yield path


def test_what_is_no_regular_file_is_not_opened(no_file, monkeypatch):
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("opened"))
    with pytest.raises(UnreadableError, match=r"not a regular file|folder"):
        open_regular(no_file)
    assert isinstance(read_file(Task(str(no_file))), Unreadable)


def test_a_pipe_that_takes_the_place_of_a_file_is_left_without_waiting(tmp_path, monkeypatch):
    path = draw(tmp_path / "a.png", 1)
    real = os.stat

    def stat(*arguments, **options):
        found = real(*arguments, **options)
        monkeypatch.undo()
        path.unlink()
        os.mkfifo(path)
        return found

    monkeypatch.setattr(os, "stat", stat)
    with pytest.raises(UnreadableError, match="not a regular file"):
        open_regular(path)


def test_a_file_without_a_size_is_not_read(monkeypatch):
    if not os.path.exists("/proc/kmsg"):
        pytest.skip("only Linux has such files")
    assert read_file(Task("/proc/kmsg")) == Skipped("empty files", "the file is empty")


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.mp4", FILM, "films"),
        ("a.jpg", FILM, "films"),
        ("a.mov", b"\0\0\0\x14wide" + bytes(40), "films"),
        ("a.avi", b"RIFF\0\0\0\0AVI LIST" + bytes(40), "films"),
        ("a.mkv", b"\x1aE\xdf\xa3" + bytes(40), "films"),
        ("a.wmv", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + bytes(40), "films"),
        ("a.mts", b"\0\0\0\0" + (b"\x47" + bytes(191)) * 6, "films"),
        ("a.ts", (b"\x47" + bytes(187)) * 6, "films"),
        ("a.mp3", b"ID3\4" + bytes(40), "sounds"),
        ("a.m4a", b"\0\0\0\x20ftypM4A " + bytes(40), "sounds"),
        ("a.pdf", b"%PDF-1.7", "documents"),
        ("a.zip", b"PK\3\4" + bytes(40), "archives"),
        ("a.tar", bytes(257) + b"ustar\0" + bytes(250), "archives"),
        ("a.exe", b"MZ\x90\0" + bytes(60), "programs"),
        ("a.db", b"SQLite format 3\0" + bytes(40), "data files"),
        ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "drawings"),
        ("a.xmp", b"<?xpacket begin='' id=''?>", "texts"),
        ("a.txt", b"just a note", "texts"),
        ("a.html", b"<!DOCTYPE html><html>", "texts"),
        ("a", b"", "empty files"),
        ("a.bin", bytes(100), "other files"),
        ("a.bin", b"\x8a\xf0\x91" * 40, "other files"),
    ],
)
def test_films_and_other_non_pictures_are_skipped_by_kind_before_they_are_hashed(
    tmp_path, monkeypatch, name, content, kind
):
    if content[:1] != b"\x8a":  # what no signature tells is hashed
        monkeypatch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("hashed"))
    (tmp_path / name).write_bytes(content)
    found = read_file(Task(str(tmp_path / name)))
    assert isinstance(found, Skipped) and found.kind == kind


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", bytes(100), b"\x8a\xf0\x91" * 40, b"\xff\xd8\xff"])
def test_what_is_named_like_a_picture_and_is_none_has_failed(tmp_path, content):
    (tmp_path / "a.JPG").write_bytes(content)
    assert isinstance(read_file(Task(str(tmp_path / "a.JPG"))), Unreadable)


def test_a_jpeg_of_which_most_is_there_is_described_by_it_unless_asked_to_be_strict(tmp_path):
    file = io.BytesIO()
    photo("coffee.png").save(file, "JPEG", quality=92)
    path = tmp_path / "a.jpg"
    path.write_bytes(file.getvalue()[: len(file.getvalue()) * 95 // 100])
    found = describe_file(Task(str(path)), [PHash()])
    assert found.damage.startswith("cut short: 9")
    whole = PHash().describe(describe.open_image(file.getvalue()))
    assert PHash().unpack(found.rows["phash"]) - whole < 30
    assert isinstance(read_file(Task(str(path), strict=True)), Unreadable)


def test_a_temporary_problem_is_told_from_a_bad_file(tmp_path, monkeypatch):
    path = draw(tmp_path / "a.png", 1)
    assert read_file(Task(str(tmp_path / "gone.png"))) == Unreadable("no such file", temporary=True)

    def short_of_memory(*_, **__):
        raise MemoryError

    monkeypatch.setattr(PIL.Image.Image, "load", short_of_memory)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", short_of_memory)
    assert read_file(Task(str(path))).temporary
    path.write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    assert not read_file(Task(str(path))).temporary


def test_a_drawing_is_a_picture(tmp_path):
    drawing(3).save(tmp_path / "a.ppm")
    assert isinstance(read_file(Task(str(tmp_path / "a.ppm"))), Opened)
