"""The contact sheet of an answer: what is written on it, and where its pages go."""

from __future__ import annotations

import os

import PIL.Image
import pytest
from typer.testing import CliRunner

from lookalike import Collection
from lookalike.cli.app import app
from lookalike.cli.asked import Question, questions
from lookalike.cli.sheet import asked_with, write_sheet
from lookalike.cli.words import kind
from lookalike.render import sheet
from lookalike.search.match import Match
from lookalike.significance.evidence import Evidence
from samples import living


@pytest.fixture
def cli(album):
    def run(*words):
        return CliRunner().invoke(app, ["-c", str(album), "search", *map(str, words)], prog_name="lookalike")

    return run


@pytest.fixture
def drawn(monkeypatch):
    """(title, note, queries, tiles) of each sheet that is drawn."""
    made, whole = [], sheet.contact_sheets

    def contact_sheets(*parts):
        made.append(parts)
        return whole(*parts)

    monkeypatch.setattr(sheet, "contact_sheets", contact_sheets)
    return made


def test_a_hit_has_its_rank_kind_name_folder_and_strength(cli, drawn, pictures, tmp_path):
    (tmp_path / "turned").mkdir()
    copy = PIL.Image.open(pictures / "coffee.png").transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
    copy.save(tmp_path / "copy.png")
    assert cli(tmp_path / "copy.png", "-k", 2, "--sheet", tmp_path / "sheet.png").exit_code == 0
    ((title, note, queries, tiles),) = drawn
    assert (title, note) == ("copy.png", f"2 pictures in {pictures}")
    assert [query.source for query in queries] == [str(tmp_path / "copy.png")]
    assert tiles[0].captions == ("1.  edited copy, mirrored", "coffee.png")
    assert tiles[0].strength > 0.9 > tiles[1].strength


def test_the_folder_is_told_where_hits_lie_in_several(drawn, tmp_path):
    paths = [tmp_path / "a" / "1.png", tmp_path / "b" / "c" / "2.png", tmp_path / "3.png"]
    found = [Match(number, str(path), 0.5, "similar", None, []) for number, path in enumerate(paths)]
    write_sheet(tmp_path / "sheet.png", Question("words", query="words"), [], found)
    ((_, note, _, tiles),) = drawn
    assert note == f"3 pictures in {tmp_path}"
    assert [tile.captions[1:] for tile in tiles] == [("1.png", "a"), ("2.png", os.path.join("b", "c")), ("3.png",)]


def test_the_pictures_of_a_sum_are_shown_with_their_signs_and_weights(album, pictures):
    first, second = str(pictures / "coffee.png"), str(pictures / "rocket.jpg")
    with Collection(album) as opened:
        known = living(opened)["000.png"]
        tiles = asked_with(opened, Question("", query=f"2:{first} - {second} + a red dog - 0.5:id:{known}"), None)
        (alone,) = asked_with(opened, Question("", query=f"id:{known}"), None)
        together = asked_with(opened, *questions([first, second], together=True), None)
    assert [(tile.source, *tile.captions) for tile in tiles] == [
        (first, "+ 2 × coffee.png"),
        (second, "− rocket.jpg"),
        (str(pictures / "000.png"), "− 0.5 × 000.png"),
    ]
    assert (alone.source, alone.captions) == (str(pictures / "000.png"), ())
    assert [tile.source for tile in together] == [first, second]


@pytest.mark.parametrize(
    ("label", "evidence", "says"),
    [
        ("same file", Evidence("file", 0), "same file"),
        ("edited copy", Evidence("phash", 6, 1e-9, "turned 90"), "edited copy, turned 90"),
        ("crop of", Evidence("local", 1, 1e-9, "as is", {"inliers": 44, "covered": 0.24}), "the query is 24 % of it"),
        ("contains", Evidence("local", 1, 1e-9, "mirrored", {"inliers": 44}), "a part of the query, mirrored"),
        ("similar", Evidence("embedding", 0.693), "similar"),
        ("similar", Evidence("embedding", 0.693, 1.0, "through its copy"), "similar"),
        ("matches text", Evidence("text", 0.693, detail={"strength": "fair"}), "fair match"),
        ("matches text", Evidence("text", 0.693), "matches text"),
        ("matches text", Evidence("words", 0, detail={"words": ["dog"], "in": "name"}), "named dog"),
        ("hardly matches", Evidence("text", 0.9, detail={"strength": "none"}), "hardly matches"),
    ],
)
def test_kinds_are_words_without_numbers_that_say_nothing(label, evidence, says):
    assert kind(Match(1, "a.png", 0.5, label, None, [evidence])) == says


def test_pages_go_to_files_of_their_own_over_no_other_file_or_into_one_pdf(cli, monkeypatch, pictures, tmp_path):
    monkeypatch.setattr(sheet, "PER_PAGE", 2)
    asked = (pictures / "coffee.png", "-k", 5, "--sheet")
    result = cli(*asked, tmp_path / "sheet.png")
    assert result.exit_code == 0
    assert sorted(os.listdir(tmp_path)) == ["sheet-2.png", "sheet-3.png", "sheet.png"]
    assert all(str(tmp_path / name) in result.stderr for name in os.listdir(tmp_path))

    (tmp_path / "other-2.png").write_bytes(b"the user's own")
    refused = cli(*asked, tmp_path / "other.png")
    assert refused.exit_code == 1 and "other-2.png is there already" in refused.stderr
    assert (tmp_path / "other-2.png").read_bytes() == b"the user's own"
    assert not (tmp_path / "other.png").exists()

    assert cli(*asked, tmp_path / "sheet.pdf").exit_code == 0
    assert b"/Count 3" in (tmp_path / "sheet.pdf").read_bytes()
