"""The page: complete in itself, safe with any file name, honest about what is not known."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from lookalike import Collection, CollectionError
from lookalike.evaluate import evaluate
from lookalike.evaluate.cards import alarm_cards, failure_cards
from lookalike.evaluate.figures import milliseconds, percent
from lookalike.evaluate.report import report, write_report
from lookalike.evaluate.result import Evaluation, HeldOut, IndexScore, PlantedOutcome, ThingOutcome, TruthScore
from samples import HERE, METHODS, fill

NASTY = '<img src=x onerror="alert(1)">&amp; \n.png'
EMPTY = ("meta", "img", "link", "br", "hr", "input")


class Page(HTMLParser):
    """Checks that every tag is closed in turn; keeps attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.attributes, self.tags, self.text = [], [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = fill(tmp_path_factory.mktemp("pictures"), 12)
    os.rename(folder / "000.png", folder / NASTY.replace("/", ""))
    with Collection(tmp_path_factory.mktemp("page") / "album") as album:
        album.index([folder], methods=METHODS, options=HERE)
        return evaluate(album, 12, edits=["mirror", "hue-90", "crop-10", "collage-4"])


def test_the_page_is_complete_in_itself(found):
    text = report(found)
    page = Page(text)
    assert page.open == []
    assert "http" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", text).replace("http-equiv", "")
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert "@import" not in text and "url(" not in text
    sources = [value for name, value in page.attributes if name in ("src", "href", "srcset")]
    assert sources and all(value.startswith("data:image/jpeg;base64,") for value in sources)
    assert any(name == "content" and "default-src 'none'" in value for name, value in page.attributes)


def test_the_page_has_every_section_and_both_colour_schemes(found):
    page = Page(report(found))
    for title in ("Method by method", "Edit by edit", "What was missed", "Indexes beside exact search", "words mean"):
        assert title in page.text
    assert "prefers-color-scheme: dark" in page.text
    for word in ("mirror", "hue-90", "crop-10", "collage-4", "phash", "color", "auto"):
        assert word in page.text


def test_the_heat_map_shows_the_share_found_first(found):
    cells = re.findall(r'<td style="background:([^"]+)" title="([^"]+)">(\d+)<small> of 12</small></td>', report(found))
    expected = [
        found.score(method, edit) for edit in ("hue-90", "mirror", "crop-10", "collage-4") for method in found.methods
    ]
    assert [int(shown) for _, _, shown in cells] == [round(100 * score.recall_1) for score in expected]
    colors = {int(shown): color for color, _, shown in cells}
    assert colors[100] == "color-mix(in oklab, var(--high) 100%, var(--mid))"
    assert len(set(colors.values())) == len(colors)


def test_names_of_files_are_text_and_never_markup(found):
    text = report(found)
    page = Page(text)
    assert "<img src=x" not in text
    assert not any(name == "onerror" for name, _ in page.attributes)
    assert any(NASTY.split("\n")[0] in (value or "") for _, value in page.attributes)


def test_pictures_that_are_gone_are_grey_and_say_why(found, tmp_path):
    moved = replace(found, paths={id_: str(tmp_path / "gone.png") for id_ in found.paths})
    assert 'class="gap">no such file</div>' in report(moved)
    assert 'class="gap">no such file</div>' not in report(found)


def test_the_page_is_the_same_for_the_same_evaluation(found):
    assert report(found) == report(found)


def test_truth_indexes_and_alarms_are_shown(found):
    made = Evaluation(
        5,
        0,
        ("phash", "auto"),
        (),
        held_out=(HeldOut(1, "phash", ((2, 0.004), (3, 0.7))), HeldOut(1, "auto", ((2, None),))),
        indexes=(IndexScore("color", "hnsw", "exact", 9, 0.875, 1.5, 20.0),),
        truth=(TruthScore("auto", 12, 0.625, 0.5, 0.75, 33.0, 0.805),),
        words=(ThingOutcome("violin", False, 2, 0.31), ThingOutcome("dog", True, 3, 0.7)),
        planted=(
            PlantedOutcome(1, "white <border>", False, True, False, "more pixels", b"jpeg"),
            PlantedOutcome(1, "parallax", True, False, None, ""),
        ),
        paths=dict.fromkeys((1, 2, 3), "nowhere.png"),
        notes=("only 5 <b>pictures</b>",),
    )
    page = Page(report(made))
    for words in (
        "87.5 %",
        "62.5 %",
        "expected_false 0.004",
        "only 5 <b>pictures</b>",
        "12 labelled questions",
        "80.5 %",
    ):
        assert words in page.text
    for words in ("violin", "relevance 0.31", "white <border>", "kept: more pixels", "parallax"):
        assert words in page.text
    assert "dog" not in page.text  # it is there: nothing to look at
    assert "expected_false 0.7" not in page.text  # such a hit is expected by chance
    assert "Edit by edit" not in page.text


def test_every_miss_shown_is_of_another_picture_and_all_edits_are_among_them(found):
    missed = {one.picture for one in found.outcomes if one.method == "phash" and one.rank != 1}
    cards = failure_cards(found, "phash", 99)
    originals = [re.search(r"should be</b>(.*?)</figcaption>", card, re.DOTALL)[1] for card in cards]
    assert len(set(originals)) == len(originals) == len(missed) > 4
    edits = {one.edit for one in found.outcomes if one.method == "phash" and one.rank != 1}
    assert {re.search(r"<h3>(.*?)</h3>", card)[1] for card in cards} == edits


def test_a_false_alarm_is_shown_once_not_from_both_sides():
    held = (HeldOut(1, "phash", ((2, 0.004),)), HeldOut(2, "phash", ((1, 0.004),)), HeldOut(3, "phash", ((4, 0.05),)))
    made = Evaluation(5, 0, ("phash",), (), held_out=held, paths=dict.fromkeys((1, 2, 3, 4), "nowhere.png"))
    assert len(alarm_cards(made, "phash", 9)) == 2


def test_an_evaluation_of_nothing_is_a_page_too():
    assert Page(report(Evaluation(3, 0, ("auto",), ()))).open == []


def test_a_page_that_cannot_be_written_is_one_line(found, tmp_path):
    write_report(found, tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text("utf-8").startswith("<!doctype html>")
    with pytest.raises(CollectionError, match="cannot be written"):
        write_report(found, tmp_path / "none" / "page.html")


def test_numbers_are_for_people():
    assert [percent(share) for share in (0, 0.0001, 0.973, 0.9999, 1)] == [
        "0 %",
        "< 0.1 %",
        "97.3 %",
        "> 99.9 %",
        "100 %",
    ]
    assert [milliseconds(value) for value in (0.25, 9.94, 12.6, 1500)] == ["0.2 ms", "9.9 ms", "13 ms", "1.5 s"]
