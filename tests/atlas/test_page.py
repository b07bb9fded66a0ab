"""The map as a page: complete in itself, and safe whatever files are called."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import PIL.Image
import pytest

from lookalike import Collection
from lookalike.atlas.page import relative_paths
from lookalike.atlas.sprites import SMALL, along_curve, large_side, sprite_sheets


class Elements(HTMLParser):
    """The elements of a page with their attributes and text, as a browser sees them."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append([tag, dict(attributes), ""])

    def handle_endtag(self, tag):
        self.found.append(["after", {}, ""])

    def handle_data(self, data):
        if self.found:
            self.found[-1][2] += data

    def all(self, tag):
        return [(attributes, text) for found, attributes, text in self.found if found == tag]


def write(album, tmp_path):
    with Collection(album) as opened:
        atlas = opened.map()
        assert atlas.save_page(tmp_path / "map.html") == []
    return atlas, Elements((tmp_path / "map.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page(mapped, tmp_path_factory):
    return write(mapped, tmp_path_factory.mktemp("page"))


def data(elements):
    return next(json.loads(text) for attributes, text in elements.all("script") if attributes.get("id") == "data")


def sheet(elements, name):
    text = next(text for attributes, text in elements.all("script") if attributes.get("id") == name)
    return PIL.Image.open(io.BytesIO(base64.b64decode(text)))


def test_the_page_loads_nothing_and_allows_only_its_own_script_and_style(page):
    _, elements = page
    assert not [tag for tag, attributes, _ in elements.found if {"src", "href", "srcset", "data"} & attributes.keys()]
    (policy,) = [a["content"] for a, _ in elements.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in unescape(policy).split(";"))
    assert (rules["default-src"], rules["img-src"]) == ("'none'", "data:")
    (script,) = [text for attributes, text in elements.all("script") if not attributes]
    (style,) = [text for _, text in elements.all("style")]
    for kind, text in (("script-src", script), ("style-src", style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[kind] == f"'sha256-{digest}'"
    assert not re.search(r"https?://(?!www\.w3\.org)", script + style)


def test_the_script_never_makes_elements_of_text(page):
    _, elements = page
    (script,) = [text for attributes, text in elements.all("script") if not attributes]
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script)


def test_the_page_knows_every_picture_its_frame_neighbours_and_region(page):
    atlas, elements = page
    known = data(elements)
    assert sorted(known["names"]) == sorted(os.path.basename(path) for path in atlas.paths)
    assert len(known["frames"]) == 4 * len(atlas)
    place = {os.path.basename(path): number for number, path in enumerate(atlas.paths)}
    for name, near in zip(known["names"], known["near"], strict=True):
        ids = [int(atlas.ids[place[known["names"][other]]]) for other in near]
        assert ids == atlas.neighbours[place[name]].tolist()
    assert [region["name"] for region in known["regions"]] == [region.name for region in atlas.regions]
    assert [len(region["of"]) for region in known["regions"]] == [len(region.ids) for region in atlas.regions]


@pytest.mark.parametrize("kind", ["small", "large"])
def test_the_sheets_hold_each_picture_in_its_square(page, kind):
    atlas, elements = page
    known = data(elements)
    side, columns = known[kind]["side"], known[kind]["columns"]
    sheets = [sheet(elements, f"{kind}-{number}") for number in range(known[kind]["sheets"])]
    path = {os.path.basename(path): path for path in atlas.paths}
    for number, name in enumerate(known["names"]):
        row, column = divmod(number % columns**2, columns)
        box = (column * side, row * side, (column + 1) * side, (row + 1) * side)
        shown = np.asarray(sheets[number // columns**2].crop(box).resize((4, 4), PIL.Image.Resampling.BOX), float)
        original = np.asarray(PIL.Image.open(path[name]).convert("RGB").resize((4, 4), PIL.Image.Resampling.BOX), float)
        assert np.abs(shown - original).mean() < 16, name


def test_hostile_names_stay_text(hostile, tmp_path):
    atlas, elements = write(hostile, tmp_path)
    assert len(elements.all("img")) == 0
    assert all("alert" not in text for attributes, text in elements.all("script") if attributes.get("id") != "data")
    known = data(elements)
    assert len(known["names"]) == len(atlas) == 5
    text = " ".join(known["names"])
    assert "<img src=x onerror=alert(2)>.png" in text
    assert "undecodable-\\udcff.png" in text
    assert "line\\nbreak\\u2028.png" in text


def test_the_page_says_nothing_of_where_the_pictures_are(page, mapped, tmp_path):
    _, elements = page
    assert str(mapped.parent) not in json.dumps(data(elements))
    assert data(elements)["folder"] == "pictures"


def test_paths_are_relative_to_what_they_have_in_common():
    below = os.path.join(os.sep, "photos")
    paths = [os.path.join(below, "a", "1.jpg"), os.path.join(below, "b", "2.jpg")]
    assert relative_paths(paths) == (below, [os.path.join("a", "1.jpg"), os.path.join("b", "2.jpg")])
    assert relative_paths(paths[:1]) == (os.path.join(below, "a"), ["1.jpg"])
    assert relative_paths([]) == ("", [])


def test_unreadable_pictures_are_grey_and_named(tmp_path):
    PIL.Image.new("RGB", (30, 30), "red").save(tmp_path / "red.png")
    unread = []
    missing = str(tmp_path / "missing.png")
    small, _ = sprite_sheets([str(tmp_path / "red.png"), missing], np.ones(2, np.float32), unread)
    assert unread == [missing]
    pixels = np.asarray(PIL.Image.open(io.BytesIO(small.files[0])))
    assert np.abs(pixels[SMALL // 2, SMALL // 2].astype(int) - (255, 0, 0)).max() < 12
    assert np.abs(pixels[SMALL // 2, SMALL + SMALL // 2].astype(int) - 128).max() < 12


def test_large_thumbnails_shrink_so_that_the_page_stays_small():
    assert [large_side(count) for count in (0, 10, 2000, 5000, 9000, 90_000)] == [256, 256, 192, 128, 96, 64]


def test_the_order_of_the_sheets_keeps_near_pictures_together():
    points = np.random.default_rng(0).random((4096, 2)).astype(np.float32)
    steps = np.linalg.norm(np.diff(points[along_curve(points)], axis=0), axis=1)
    assert np.median(steps) < 0.05
