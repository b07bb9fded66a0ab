"""Searching in the page, in a real browser: by mouse, by keyboard, on a phone."""

from __future__ import annotations

import pytest
from PIL import ImageOps
from playwright.sync_api import expect
from ui_serving import NAMES, until

from samples import PHOTOS

PHONE = {"size": (390, 844), "has_touch": True, "is_mobile": True}
FILE = "input[type=file] >> nth=0"


def crop(picture):
    width, height = picture.size
    return picture.crop((width // 6, height // 6, width - width // 6, height - height // 6)).resize((400, 280))


def hits(page, group="likely"):
    """The names that hits are read out by, once there are any."""
    page.locator(f".group.{group} .hit").first.wait_for()
    return page.locator(f".group.{group} .hit").evaluate_all("(all) => all.map((one) => one.ariaLabel)")


def handed(page, path, how):
    """A file dropped on the window or pasted into it."""
    with open(path, "rb") as file:
        content = list(file.read())
    page.evaluate(
        """([content, how]) => {
            const carried = new DataTransfer();
            carried.items.add(new File([new Uint8Array(content)], "mine.jpg", {type: "image/jpeg"}));
            if (how === "paste") document.body.dispatchEvent(
                Object.assign(new ClipboardEvent("paste", {bubbles: true, cancelable: true, clipboardData: carried})));
            else {
                const go = (kind, on) => on.dispatchEvent(
                    new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: carried}));
                go("dragenter", document.body);
                go("drop", document.querySelector(".drop .target"));
            }
        }""",
        [content, how],
    )


def test_words_by_mouse(visit):
    page = visit()
    page.get_by_role("searchbox").click()
    page.get_by_role("searchbox").fill("a cup of coffee")
    page.get_by_role("button", name="Search", exact=True).click()
    page.locator(".hit .caption").first.wait_for()
    assert page.url.endswith("/?q=a+cup+of+coffee")
    assert page.locator(".hit").first.get_attribute("aria-label").startswith("Fits words: فنجان قهوة على الطاولة.png")


def test_everything_by_keyboard(visit):
    page = visit()
    page.locator(".hit").first.wait_for()
    page.keyboard.press("/")
    page.keyboard.type("a cat")
    page.keyboard.press("Enter")
    page.locator(".hit .caption").first.wait_for()
    page.keyboard.press("Escape")
    while not page.evaluate("document.activeElement.matches('.hit')"):
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    chosen = page.evaluate("document.activeElement.pathname")
    page.keyboard.press("Enter")
    page.locator(".picture h1").wait_for()
    assert page.evaluate("location.pathname") == chosen
    page.keyboard.press("Escape")
    page.locator(".hit .caption").first.wait_for()
    assert page.url.endswith("/?q=a+cat")
    page.keyboard.press("?")
    assert page.get_by_role("dialog").get_by_role("heading", name="Keys", exact=True).is_visible()
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").count() == 0


@pytest.mark.parametrize("how", ["choose", "drop", "paste"])
def test_a_picture_is_found_again_and_proven_hits_stand_apart(visit, picture_file, how):
    page = visit()
    page.locator(".hit").first.wait_for()
    path = picture_file("chelsea.png", ImageOps.mirror)
    if how == "choose":
        page.set_input_files(FILE, path)
    else:
        handed(page, path, how)
    (found,) = hits(page, "proven")
    assert found.startswith("Edited copy: chelsea.png, strength 100%") and "mirrored" in found
    assert page.get_by_role("heading", name="Found: 1 certain match").is_visible()
    assert not any("chelsea.png" in one for one in hits(page, "likely"))


def test_a_search_by_picture_survives_a_reload_and_elsewhere_says_that_the_picture_is_missing(visit, picture_file):
    page = visit()
    page.set_input_files(FILE, picture_file("chelsea.png", crop))
    hits(page, "proven")
    page.reload()
    hits(page, "proven")
    elsewhere = visit(page.url.partition("/?")[2] and "/?" + page.url.partition("/?")[2])
    elsewhere.get_by_role("heading", name="The picture of this search is not here").wait_for()


def test_a_second_term_becomes_a_chip_that_can_be_turned_and_removed(visit):
    page = visit("/?q=a+cat")
    page.locator(".hit .caption").first.wait_for()
    page.get_by_role("searchbox").fill("a cat - a page of text")
    page.keyboard.press("Enter")
    page.locator(".chip.minus").wait_for()
    assert page.locator(".chip .words").all_inner_texts() == ["a cat", "a page of text"]
    page.get_by_role("button", name="More like a page of text").click()
    until(page, "!document.querySelector('.chip.minus')")
    assert page.url.endswith("q=%22a+cat%22+%2B+%22a+page+of+text%22")
    page.keyboard.press("Backspace")
    until(page, "!document.querySelector('.chip')")
    assert page.get_by_role("searchbox").input_value() == "a cat"


def test_part_of_a_picture_by_mouse_and_by_keyboard(visit):
    page = visit("/?q=id:1")
    hits(page)
    page.get_by_role("button", name="Search for a part").click()
    canvas = page.locator(".canvas img")
    until(page, "document.querySelector('.canvas img').naturalWidth > 0")
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=3)
    page.mouse.up()
    page.get_by_role("button", name="Search for this part").click()
    page.locator(".asked .part").wait_for()
    x, y, width, height = (
        int(one) for one in page.evaluate("new URLSearchParams(location.search).get('r')").split(",")
    )
    assert 0 <= x < 10 and 0 <= y < 10 and width > 20 and height > 20
    page.get_by_role("button", name="Search for a part").press("Enter")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    until(page, f"!location.search.includes('{x}%2C{y}%2C{width}%2C{height}')")
    moved = [int(one) for one in page.evaluate("new URLSearchParams(location.search).get('r')").split(",")]
    assert moved[0] > x and moved[2] < width and moved[1] == y


def test_filters_narrow_and_can_be_cleared(visit):
    page = visit()
    page.locator(".hit").first.wait_for()
    page.keyboard.press("f")
    page.get_by_label("Shape").select_option("portrait")
    page.get_by_role("heading", name="Filtered pictures").wait_for()
    until(page, "document.querySelectorAll('.hit').length === 1")
    assert hits(page, "all") == ["tower.png"]
    page.get_by_label("Folder or path").fill("nowhere 'at' all")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Nothing found").wait_for()
    page.get_by_role("button", name="Clear filters").first.click()
    until(page, "document.querySelectorAll('.hit').length > 5")


def test_filters_offer_what_there_is_and_how_many(visit):
    page = visit()
    page.locator(".hit").first.wait_for()
    page.keyboard.press("f")
    formats = page.get_by_label("Format")
    until(page, "document.querySelector('[name=format]').options.length === 3")
    jpegs = [name for name in (NAMES.get(one, one) for one in PHOTOS) if name.endswith(".jpg")]
    assert formats.locator("option").all_inner_texts()[::2] == ["Any", f"JPEG · {len(jpegs)}"]
    assert page.get_by_label("Camera").count() == 0 or not page.get_by_label("Camera").is_visible()
    formats.select_option("JPEG")
    until(page, f"document.querySelectorAll('.hit').length === {len(jpegs)}")
    assert sorted(hits(page, "all")) == sorted(jpegs)
    assert formats.input_value() == "JPEG"
    folders = page.locator("#folders option").evaluate_all("(all) => all.map((one) => one.value)")
    assert [folder.rpartition("/")[2] for folder in folders] == ["pictures"]
    page.goto(page.url.partition("?")[0] + "?year=1999")
    page.get_by_role("heading", name="Nothing found").wait_for()
    page.keyboard.press("f")
    assert page.get_by_label("Year").input_value() == "1999"


def test_methods_can_be_chosen(visit):
    page = visit("/?q=id:1&m=phash&sure=1")
    page.get_by_role("heading", name="Nothing found").wait_for()
    page.keyboard.press("f")
    assert (
        page.get_by_label("Structure (phash)").is_checked() and page.get_by_label("Only what is no chance").is_checked()
    )
    page.get_by_label("Only what is no chance").uncheck()
    page.get_by_label("Structure (phash)").uncheck()
    page.get_by_role("checkbox", name="Colours").press("Space")
    until(page, "location.search.includes('m=color') && !location.search.includes('sure')")
    assert len(hits(page)) > 5
    assert page.evaluate("document.activeElement.name") == "m-color"  # one goes on where one was


def test_a_color_finds_pictures_that_have_much_of_it(visit):
    page = visit()
    page.locator(".hit").first.wait_for()
    page.keyboard.press("f")
    page.get_by_label("Much of a colour").fill("#6b4a33")
    until(page, "location.search.includes('m=color')")
    assert len(hits(page)) > 5
    assert page.get_by_role("checkbox", name="Colours").is_checked()
    assert page.locator(".asked img").evaluate("(image) => image.naturalWidth") == 64
    page.get_by_role("searchbox").fill("a cat")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="fit").wait_for()
    assert "m=color" not in page.url and page.get_by_role("checkbox", name="Colours").count() == 0


def test_methods_that_are_known_late_are_offered_late(visit):
    held = []
    page = visit("/?q=id:1", before=lambda page: page.route("**/api/v1/collection", lambda route: held.append(route)))
    page.locator(".hit").first.wait_for()
    page.keyboard.press("f")
    page.get_by_label("Format").focus()
    assert page.get_by_label("Structure (phash)").count() == 0
    held[0].continue_()
    page.get_by_label("Structure (phash)").wait_for()
    assert page.evaluate("document.activeElement.name") == "format"


def test_unknown_words_and_uncertain_answers_are_said(visit):
    page = visit("/?q=zxqv")
    page.get_by_text("Hardly known here: zxqv.").wait_for()
    page.goto(page.url.replace("zxqv", "a+pink+elephant+in+the+snow"))
    page.get_by_text("No picture fits clearly.").wait_for()
    page.goto(page.url.replace("pink+elephant+in+the+snow", "bycicle"))
    page.get_by_role("link", name="bicycle").click()
    until(page, "location.search === '?q=a+bicycle'")


def test_what_is_no_picture_and_what_is_no_question(visit, tmp_path):
    (tmp_path / "notes.png").write_text("not a picture")
    refused = ("422", "400", "404")
    page = visit(excused=refused)
    page.set_input_files(FILE, str(tmp_path / "notes.png"))
    page.get_by_role("heading", name="This picture cannot be read").wait_for()
    page.goto(page.url.partition("/?")[0] + "/?where=width+%3E%3E+3")
    page.get_by_role("heading", name="This question cannot be understood").wait_for()
    expect(page.locator(".state pre")).to_contain_text("width >> 3")
    page.goto(page.url.partition("/?")[0] + "/picture/123456")
    page.get_by_role("heading", name="There is nothing here").wait_for()


def test_a_server_that_is_gone_is_said_and_asked_again(visit):
    page = visit(excused=("ERR_FAILED",))
    page.locator(".hit").first.wait_for()
    page.route("**/api/v1/search", lambda route: route.abort())
    page.get_by_role("searchbox").fill("a cat")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="The server does not answer").wait_for()
    page.unroute("**/api/v1/search")
    page.get_by_role("button", name="Try again").click()
    page.locator(".hit .caption").first.wait_for()


def test_ten_thousand_hits_are_never_all_in_the_page_and_back_keeps_the_place(visit, many):
    page = visit("/?q=anything", before=many)
    page.locator(".group.proven .hit").nth(2).wait_for()
    most = 0
    for _ in range(40):
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        page.wait_for_timeout(60)
        most = max(most, page.locator(".tile").count())
        if "10,000 pictures in all" in page.locator(".told").inner_text():
            break
    expect(page.locator(".told")).to_contain_text("10,000 pictures in all")
    assert 0 < most < 120
    page.evaluate("scrollTo(0, 30000)")
    page.wait_for_timeout(100)
    page.evaluate(
        """[...document.querySelectorAll('.hit')].find((hit) => hit.getBoundingClientRect().top > 100).click()"""
    )
    page.locator(".picture h1").wait_for()
    page.go_back()
    page.locator(".group.likely .hit").first.wait_for()
    assert page.evaluate("scrollY") == pytest.approx(30000, abs=2)


def test_on_a_phone_search_works_and_nothing_is_wider_than_the_window(visit, picture_file):
    page = visit(**PHONE)
    page.locator(".hit").first.wait_for()
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert page.evaluate(fits)
    assert page.get_by_role("button", name="Take a picture").is_visible()
    page.set_input_files("input[capture]", picture_file("chelsea.png", crop))
    (found,) = hits(page, "proven")
    assert "chelsea.png" in found and page.evaluate(fits)
    page.locator(".group.proven .hit").tap()
    page.locator(".picture h1").wait_for()
    assert page.evaluate(fits)
    bar = page.locator(".nav").bounding_box()
    assert bar["y"] + bar["height"] == pytest.approx(844, abs=1)


def test_names_are_shown_as_they_are_and_never_run(visit):
    page = visit("/?folder=onerror")
    assert hits(page, "all") == ["<img src=x onerror=document.title='broken'>.png"]
    page.locator(".hit").click()
    page.locator(".picture h1").wait_for()
    expect(page.locator(".picture h1")).to_have_text("<img src=x onerror=document.title='broken'>.png")
    assert page.title() != "broken"
