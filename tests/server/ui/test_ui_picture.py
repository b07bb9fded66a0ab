"""One picture, large, and how the question lies in it."""

from __future__ import annotations

import pytest
from PIL import Image, ImageOps
from playwright.sync_api import expect
from ui_serving import until

FILE = "input[type=file] >> nth=0"


def crop(picture):
    width, height = picture.size
    return picture.crop((width // 4, height // 4, width * 3 // 4, height * 3 // 4)).resize(
        (480, 320), Image.Resampling.LANCZOS
    )


@pytest.fixture
def found(visit, picture_file):
    """Opens the first proven hit of a search by an edited photo."""

    def open_(name, edit, **options):
        page = visit(**options)
        page.set_input_files(FILE, picture_file(name, edit))
        page.locator(".group.proven .hit").first.click()
        page.locator("[data-mode]").first.wait_for()
        return page

    return open_


def laid(page, expected):
    """Whether the query comes to lie over the picture so: left, top, right, bottom as shares of it."""
    shares = """() => {
        const outer = document.querySelector(".overlaid .large").getBoundingClientRect();
        const inner = document.querySelector(".layer canvas").getBoundingClientRect();
        return [(inner.left - outer.left) / outer.width, (inner.top - outer.top) / outer.height,
            (inner.right - outer.left) / outer.width, (inner.bottom - outer.top) / outer.height];
    }"""
    for _ in range(100):
        if page.evaluate(shares) == pytest.approx(expected, abs=0.05):
            return True
        page.wait_for_timeout(50)
    return False


def test_a_crop_is_outlined_in_the_picture_and_laid_where_it_belongs(found):
    page = found("chelsea.png", crop)
    expect(page.locator(".stamp")).to_have_text("Crop of this")
    assert page.locator(".stage figure").count() == 2
    page.locator(".outline circle").first.wait_for()  # where both match
    inner = page.locator(".outline polygon").last.bounding_box()
    outer = page.locator(".stage .framed").last.bounding_box()
    assert (inner["x"] - outer["x"]) / outer["width"] == pytest.approx(0.25, abs=0.05)
    assert inner["width"] / outer["width"] == pytest.approx(0.5, abs=0.06)
    assert inner["height"] / outer["height"] == pytest.approx(0.5, abs=0.06)
    page.get_by_role("button", name="Curtain").click()
    assert laid(page, [0.25, 0.25, 0.75, 0.75])
    curtain = page.get_by_role("slider")
    curtain.focus()
    page.keyboard.press("Home")
    assert page.evaluate("document.querySelector('.layer').style.clipPath") == "inset(0px 100% 0px 0px)"


def test_a_turned_and_mirrored_copy_is_laid_back(found):
    page = found("coffee.png", lambda picture: ImageOps.mirror(picture))
    page.keyboard.press("c")
    assert laid(page, [0, 0, 1, 1])
    a = page.evaluate("new DOMMatrix(getComputedStyle(document.querySelector('.layer canvas')).transform).m11")
    assert a < 0


def test_blink_by_key_switches_between_both(found):
    page = found("chelsea.png", crop)
    page.keyboard.press("b")
    layer = "document.querySelector('.layer').style.visibility"
    assert page.evaluate(layer) == "visible"
    page.keyboard.press("b")
    assert page.evaluate(layer) == "hidden"
    page.get_by_role("button", name="Switch (b)").click()
    assert page.evaluate(layer) == "visible"


def test_facts_and_the_way_on(visit):
    page = visit("/?q=a+cat")
    page.locator(".hit").first.click()
    page.locator(".about").wait_for()
    facts = page.locator(".about").inner_text()
    assert "256 × " in facts and "PNG · " in facts
    name = page.locator(".picture h1").inner_text()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == name
    page.keyboard.press("ArrowRight")
    until(page, f"document.querySelector('.picture h1').textContent !== {name!r}")
    expect(page.locator(".turn")).to_contain_text("2 of")
    page.get_by_role("link", name="More like this").click()
    page.locator(".asked img").wait_for()
    assert "q=id%3A" in page.url
    page.go_back()
    page.go_back()
    page.locator(".hit .caption").first.wait_for()
    assert page.url.endswith("/?q=a+cat")


def test_the_way_back_leads_to_the_results_also_from_a_link(visit):
    page = visit("/picture/1?q=a+cat")
    page.get_by_role("link", name="Results").click()
    page.locator(".hit .caption").first.wait_for()
    assert page.url.endswith("/?q=a+cat")
