"""`lookalike map` as users type it."""

from __future__ import annotations

import PIL.Image
import pytest
from maps import index
from typer.testing import CliRunner

from lookalike.cli.app import app
from samples import fill


@pytest.fixture
def cli(mapped):
    def run(*words, on=mapped):
        return CliRunner().invoke(app, ["-c", str(on), "map", *map(str, words)])

    return run


def test_it_writes_a_picture_and_a_page_and_says_where(cli, tmp_path):
    result = cli("--out", tmp_path / "map.png", "--size", 300, "--html", tmp_path / "map.html")
    assert (result.exit_code, result.stderr) == (0, "")
    summary, picture, page = result.stdout.splitlines()
    assert summary.startswith("27 pictures in ")
    assert (picture, page) == (str(tmp_path / "map.png"), str(tmp_path / "map.html"))
    assert max(PIL.Image.open(tmp_path / "map.png").size) in (299, 300, 301)
    assert (tmp_path / "map.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "nothing to write: name a picture with --out map.png, a page with --html map.html, or both"),
        (("--out", "map.jpg"), "map.jpg: the picture is a PNG, so its name must end in .png"),
        (("--out", "map.png", "--method", "phash"), "this collection has no 'phash'"),
        (("--out", "map.png", "--size", "5"), "--size"),
    ],
)
def test_a_wrong_question_is_one_line_and_exit_code_2(cli, words, says, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    result = cli(*words)
    assert result.exit_code == 2
    assert says in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_empty_collection_has_nothing_to_map(cli, tmp_path):
    (tmp_path / "empty").mkdir()
    index(tmp_path / "album", tmp_path / "empty")
    result = cli("--out", tmp_path / "map.png", on=tmp_path / "album")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "lookalike: there is nothing to map: no picture in the collection has a vector of embedding\n"
    )


def test_pictures_that_vanished_are_noted_and_the_rest_is_drawn(cli, tmp_path):
    folder = fill(tmp_path / "pictures", 8)
    index(tmp_path / "album", folder)
    (folder / "003.png").unlink()
    result = cli("--out", tmp_path / "map.png", "--size", 200, on=tmp_path / "album")
    assert result.exit_code == 0
    assert "1 picture cannot be read now, left out: " in result.stderr
    assert "003.png" in result.stderr
    assert (tmp_path / "map.png").exists()
