"""The page by fingers on a phone, and what mouse and keyboard do where the other tests use the other one."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from ui_serving import serving, until

from lookalike import Collection
from lookalike.server.settings import Settings
from samples import HERE, PHOTOS, fill, photo

PHONE = {"size": (390, 844), "has_touch": True, "is_mobile": True}
FILE = "input[type=file] >> nth=0"
FITS = "document.documentElement.scrollWidth <= innerWidth"
EXCUSED = ("404", "ERR_")


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """The address of a server of photos, three of them also small; everything was made that can be looked at."""
    root = tmp_path_factory.mktemp("twice")
    folder = fill(root / "pictures", 6)
    for name in PHOTOS:
        photo(name).save(folder / name)
    for name in PHOTOS[:3]:
        photo(name).resize((128, 96)).save(folder / f"small-{name}.jpg", quality=70)
    with Collection(root / "album") as made:
        made.index([folder], methods=("phash", "color", "local", "embedding", "text"), options=HERE)
    with serving(Settings(root / "album", move_to=root / "moved", runtime=root)) as address:
        yield address


def made(page, name, ready):
    """Presses what begins long work, when nobody has yet, and waits for what comes of it."""
    page.get_by_role("button", name=name).or_(page.locator(ready).first).first.wait_for()
    if page.get_by_role("button", name=name).is_visible() and not page.locator(ready).count():
        page.get_by_role("button", name=name).click()
    page.locator(ready).first.wait_for(timeout=60_000)


def test_a_picture_is_compared_by_fingers(visit, twice, picture_file, barriers):
    page = visit(base=twice, **PHONE)
    page.locator(".hit").first.wait_for()
    page.set_input_files(
        FILE, picture_file("chelsea.png", lambda picture: picture.crop((20, 20, 220, 150)).resize((440, 286)))
    )
    page.locator(".group.proven .hit").first.tap()
    page.locator("[data-mode]").first.wait_for()
    page.get_by_role("button", name="Curtain").tap()
    curtain = page.get_by_role("slider")
    box = curtain.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    until(page, "/inset\\(0px [5-9]/.test(document.querySelector('.layer').style.clipPath)")
    page.get_by_role("button", name="Blink").tap()
    assert page.evaluate(FITS)
    assert barriers(page) == []
    page.get_by_role("link", name="Results").tap()
    page.locator(".group.proven .hit").first.wait_for()


@pytest.mark.parametrize("phone", [False, True], ids=["mouse", "fingers"])
def test_copies_are_chosen_without_a_keyboard(visit, twice, barriers, phone):
    page = visit("/duplicates", base=twice, excused=EXCUSED, **(PHONE if phone else {}))
    press = (lambda target: target.tap()) if phone else (lambda target: target.click())
    made(page, "Look for duplicates", ".twin")
    group = page.locator(".twin").first
    expect(page.locator(".plan-bar p")).to_contain_text("3 files to move")
    press(group.locator(".member:not(.kept) .face"))
    expect(group.locator(".member.kept .badge")).to_have_text("Keep")
    expect(group).to_contain_text("You chose which to keep")
    press(group.get_by_role("button", name="Leave as it is"))
    expect(page.locator(".plan-bar p")).to_contain_text("2 files to move")
    press(page.get_by_role("button", name="Show the plan"))
    expect(page.get_by_role("dialog")).to_contain_text("2 files")
    assert page.evaluate(FITS) and barriers(page) == []
    press(page.get_by_role("dialog").get_by_role("button", name="Close"))
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_map_is_opened_and_moved_by_fingers(visit, twice, barriers):
    page = visit("/map", base=twice, excused=EXCUSED, **PHONE)
    made(page, "Draw the map", ".map")
    page.wait_for_timeout(200)
    box = page.locator(".map").bounding_box()
    panel = page.get_by_role("complementary", name="Picture")
    for across in (0.5, 0.4, 0.6, 0.3, 0.7):
        for down in (0.5, 0.4, 0.6, 0.3, 0.7):
            if not panel.is_visible():
                page.touchscreen.tap(box["x"] + across * box["width"], box["y"] + down * box["height"])
                page.wait_for_timeout(60)
    panel.get_by_role("heading").first.wait_for()
    assert page.locator(".map").bounding_box()["height"] >= 300, "the panel leaves room for the map"
    below = page.locator(".map").evaluate("(map) => map.getBoundingClientRect().bottom")
    assert panel.bounding_box()["y"] >= below - 1, "and never covers it"
    assert barriers(page) == []
    page.get_by_role("button", name="Close").first.tap()
    expect(panel).to_have_count(0)


def test_the_collection_by_keyboard(visit, twice):
    page = visit("/", base=twice, excused=EXCUSED)
    page.locator(".hit").first.wait_for()
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.get_by_role("button", name="Bring up to date").wait_for()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent === 'Bring up to date'"):
            break
    page.keyboard.press("Enter")
    page.get_by_text("Up to date: 0 added").wait_for(timeout=60_000)


def test_no_serious_barriers_on_a_phone(visit, twice, barriers):
    page = visit("/?q=a+cat", base=twice, excused=EXCUSED, **PHONE)
    page.locator(".hit").first.wait_for()
    page.get_by_role("button", name="Filters").tap()
    assert barriers(page) == [] and page.evaluate(FITS)
    page.goto(f"{twice}/collection")
    page.get_by_role("button", name="Add pictures").wait_for()
    assert barriers(page) == [] and page.evaluate(FITS)


def test_an_address_is_asked_with_and_one_that_leads_nowhere_is_said(visit, twice):
    page = visit("/", base=twice, excused=("422",))
    page.locator(".hit").first.wait_for()
    page.get_by_role("searchbox").fill(f"{twice}/api/v1/pictures/1/original")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="No picture came from this address").wait_for()
    expect(page.locator(".state pre")).to_contain_text("is not one that is asked for pictures")
    assert page.locator(".chip .words").count() == 1


def test_the_sheet_of_keys_on_a_phone(visit, twice):
    page = visit("/", base=twice, **PHONE)
    page.locator(".hit").first.wait_for()
    assert page.evaluate(FITS)
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keys")
    sheet.wait_for()
    assert sheet.bounding_box()["width"] <= 390
    sheet.get_by_role("button", name="Close").tap()
    expect(sheet).to_have_count(0)
