"""Duplicates, the map and the collection in the page."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import expect
from ui_serving import serving, until

from lookalike import Collection
from lookalike.server.settings import Settings
from samples import HERE, PHOTOS, fill, photo

PHONE = {"size": (390, 844), "has_touch": True, "is_mobile": True}
NOT_YET = ("404",)  # what nobody has asked for yet is not there, and the browser's console says so
FITS = "document.documentElement.scrollWidth <= innerWidth"


@pytest.fixture
def twins(tmp_path):
    """A server of a collection that holds two copies of a photo and a file that is no picture: (address, folder)."""
    folder = fill(tmp_path / "pictures", 3)
    photo("chelsea.png").save(folder / "cat.png")
    photo("chelsea.png").save(folder / "cat-small.jpg", quality=60)
    shutil.copy(folder / "cat.png", folder / "cat-again.png")
    (folder / "broken.jpg").write_text("no picture")
    with Collection(tmp_path / "album") as made:
        made.index([folder], methods=("phash", "color"), options=HERE)
    settings = Settings(tmp_path / "album", move_to=tmp_path / "moved", runtime=tmp_path)
    with serving(settings) as address:
        yield address, folder


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """The address of a server of a collection large enough for a map."""
    root = tmp_path_factory.mktemp("walked")
    folder = fill(root / "pictures", 12)
    for name in PHOTOS:
        photo(name).save(folder / name)
    with Collection(root / "album") as made:
        made.index([folder], methods=("embedding", "text"), options=HERE)
    with serving(Settings(root / "album", runtime=root)) as address:
        yield address


def test_copies_are_found_chosen_by_keyboard_moved_and_brought_back(visit, twins, barriers):
    base, folder = twins
    page = visit("/duplicates", base=base, excused=(*NOT_YET, "ERR_"))
    page.get_by_role("button", name="Look for duplicates").click()
    group = page.locator(".twin")
    group.wait_for(timeout=60_000)
    expect(group.get_by_role("heading")).to_contain_text("· 3 pictures")
    expect(page.locator(".plan-bar p")).to_contain_text("2 files to move")
    group.focus()
    page.keyboard.press("x")
    expect(page.locator(".plan-bar p")).to_contain_text("0 files to move")
    page.keyboard.press("2")
    assert page.locator(".member").nth(1).get_attribute("class") == "member kept"
    kept = page.locator(".member.kept .name").inner_text()
    page.keyboard.press("b")
    page.get_by_role("dialog", name="Blink").get_by_role("button", name="Switch (b)").press("Enter")
    page.keyboard.press("Escape")
    assert barriers(page) == []
    page.get_by_role("button", name="Show the plan").click()
    assert len(list(folder.glob("cat*"))) == 3
    page.get_by_role("button", name="Move them").click()
    page.get_by_role("dialog").get_by_text("2 files were moved.").wait_for()
    assert [path.name for path in folder.glob("cat*")] == [kept]
    page.get_by_role("button", name="Bring them back").click()
    page.get_by_role("dialog").get_by_text("2 files are back.").wait_for()
    assert len(list(folder.glob("cat*"))) == 3


def test_indexing_goes_on_before_ones_eyes_and_failures_have_reasons(visit, twins, barriers):
    base, folder = twins
    page = visit("/collection", base=base, excused=(*NOT_YET, "ERR_"))
    page.get_by_role("heading", name="1 file could not be read").wait_for()
    expect(page.locator(".lines.scroll")).to_contain_text("not a picture")
    assert barriers(page) == []
    photo("coffee.png").save(folder / "new.png")
    photo("coffee.png").save(folder / "broken.jpg")
    page.get_by_role("button", name="Try them again").click()
    page.get_by_text("Up to date: 2 added").wait_for(timeout=60_000)
    expect(page.locator(".numbers dd").first).to_have_text("8")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate(FITS)


def test_the_map_is_drawn_walked_and_lights_up_what_is_found(visit, walked, barriers):
    page = visit("/map", base=walked, excused=NOT_YET)
    page.get_by_role("button", name="Draw the map").click()
    canvas = page.get_by_role("application")
    canvas.wait_for(timeout=60_000)
    canvas.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary", name="Picture")
    panel.get_by_role("heading").first.wait_for()
    assert "pick=" in page.url and barriers(page) == []
    page.wait_for_timeout(100)
    assert corner(page) == page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    covered = "document.querySelector('.map').getBoundingClientRect().right"
    assert page.evaluate(covered) <= panel.bounding_box()["x"] + 1
    page.get_by_role("link", name="Open", exact=True).click()
    page.get_by_role("link", name="On the map").click()
    panel.wait_for()
    page.get_by_role("searchbox").fill("a cat")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Show as a list").click()
    until(page, "location.pathname === '/' && location.search === '?q=a+cat'")


def corner(page):
    """The color of the map where there are no pictures."""
    return page.evaluate(
        """() => {
            const map = document.querySelector(".map");
            const [r, g, b] = map.getContext("2d").getImageData(2, 2, 1, 1).data;
            return `rgb(${r}, ${g}, ${b})`;
        }"""
    )


def test_a_line_around_pictures_of_the_map_makes_a_list_of_them(visit, walked):
    page = visit("/map", base=walked, excused=NOT_YET, **PHONE)
    page.get_by_role("application").or_(page.get_by_role("button", name="Draw the map")).wait_for()
    if page.get_by_role("button", name="Draw the map").is_visible():
        page.get_by_role("button", name="Draw the map").click()
    page.get_by_role("application").wait_for(timeout=60_000)
    assert page.evaluate(FITS)
    page.get_by_role("button", name="Draw around pictures").click()
    box = page.locator(".lasso").bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    for x, y in ((0.99, 0), (0.99, 0.99), (0.01, 0.99)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=3)
    page.mouse.up()
    page.get_by_role("heading", name="Filtered pictures").wait_for()
    expect(page.locator(".told")).to_contain_text("19 pictures")


def test_pictures_of_this_device_are_added_and_what_is_none_is_named(visit, twins, tmp_path, barriers):
    base, _ = twins
    page = visit("/collection", base=base, excused=(*NOT_YET, "ERR_"))
    page.get_by_role("button", name="Add pictures").wait_for()
    files = []
    for name in ("rocket.jpg", "coffee.png"):
        photo(name).save(tmp_path / name)
        files.append(str(tmp_path / name))
    (tmp_path / "notes.png").write_text("not a picture")
    page.set_input_files("input[multiple]", [*files, str(tmp_path / "notes.png")])
    told = page.get_by_role("group", name="Pictures of this device")
    told.get_by_text("2 pictures were added.").wait_for(timeout=60_000)
    expect(told.get_by_role("alert")).to_have_text("1 file was not taken:")
    expect(told.locator(".lines")).to_contain_text("notes.png")
    expect(page.locator(".numbers dd").first).to_have_text("8")
    assert barriers(page) == []
    page.get_by_role("link", name="Show the newest").click()
    page.locator(".hit").first.wait_for()
    assert {"rocket", "coffee"} <= {name.split("-")[0].split(".")[0] for name in names_of(page)}


def names_of(page):
    return page.locator(".hit").evaluate_all("(all) => all.map((one) => one.ariaLabel)")


def test_only_what_was_not_taken_is_lost_of_an_upload(visit, twins, tmp_path):
    base, _ = twins
    page = visit("/collection", base=base, excused=(*NOT_YET, "ERR_", "413"))
    page.get_by_role("button", name="Add pictures").wait_for()
    photo("rocket.jpg").save(tmp_path / "rocket.jpg")
    (tmp_path / "huge.jpg").write_bytes(b"\xff\xd8\xff" + bytes(33 << 20))
    page.set_input_files("input[multiple]", [str(tmp_path / "huge.jpg"), str(tmp_path / "rocket.jpg")])
    told = page.get_by_role("group", name="Pictures of this device")
    told.get_by_text("1 picture was added.").wait_for(timeout=60_000)
    expect(told.locator(".lines li")).to_have_count(1)
    expect(told.locator(".lines")).to_contain_text("huge.jpg")


def test_what_refuses_all_pictures_is_not_asked_for_each(visit, twins, tmp_path):
    base, _ = twins
    asked = []

    def busy(route):
        asked.append(route)
        route.fulfill(status=409, json={"error": "CollectionError", "message": "another process is writing"})

    page = visit("/collection", base=base, excused=(*NOT_YET, "ERR_", "409"))
    page.route("**/api/v1/pictures", busy)
    page.get_by_role("button", name="Add pictures").wait_for()
    for name in ("rocket.jpg", "coffee.png"):
        photo(name).save(tmp_path / name)
    page.set_input_files("input[multiple]", [str(tmp_path / "rocket.jpg"), str(tmp_path / "coffee.png")])
    told = page.get_by_role("group", name="Pictures of this device")
    told.get_by_text("2 files were not taken:").wait_for()
    expect(told.locator(".lines li").last).to_contain_text("another process is writing")
    assert len(asked) == 1


def test_how_well_it_finds_is_told_by_method(visit, twins):
    base, _ = twins
    page = visit("/collection", base=base, excused=(*NOT_YET, "ERR_"))
    page.get_by_role("button", name="Measure").click()
    figures = page.get_by_role("group", name="How well does it find?").get_by_role("row")
    figures.nth(1).wait_for(timeout=120_000)
    assert "found first" in figures.first.inner_text()
    assert "Structure (phash)" in figures.nth(2).inner_text() + figures.nth(1).inner_text()
    assert "%" in figures.nth(1).inner_text() and " ms" in figures.nth(1).inner_text()
    networks = page.get_by_role("group", name="Networks")
    expect(networks.get_by_role("row").nth(1)).to_contain_text("comes along")


def test_what_a_role_may_not_do_is_not_offered(visit, twins, tmp_path):
    with serving(Settings(tmp_path / "album", public=True, tokens=(), runtime=tmp_path)) as base:
        page = visit("/collection", base=base, excused=("401", "404", "ERR_"))
        page.locator(".numbers").wait_for()
        for name in ("Bring up to date", "Add pictures", "Measure"):
            assert page.get_by_role("button", name=name).count() == 0
        page.goto(f"{base}/duplicates")
        page.get_by_role("heading", name="This is not allowed").wait_for()
