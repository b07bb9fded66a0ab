"""Walking in the page, in a real browser."""

from __future__ import annotations

import pytest

from lookalike import Collection

FIRST_VIEW = "performance.getEntriesByName('first view').length > 0"


@pytest.fixture(scope="module")
def file(mapped, tmp_path_factory):
    path = tmp_path_factory.mktemp("walk") / "map.html"
    with Collection(mapped) as album:
        album.map().save_page(path)
    return path


def opened(browser, file, **options):
    page = browser.new_page(viewport={"width": 900, "height": 700}, reduced_motion="reduce", **options)
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda message: page.complaints.append(message.text))
    page.goto(file.as_uri())
    page.wait_for_function(FIRST_VIEW)
    return page


@pytest.fixture
def page(browser, file):
    page = opened(browser, file)
    yield page
    assert page.complaints == []
    page.close()


def on_screen(page, i):
    return page.evaluate(f"[camera.screenX(pictures.x[{i}]), camera.screenY(pictures.y[{i}])]")


def settle(page):
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_the_whole_map_is_seen_first(page):
    frames = page.evaluate("pictures.within(camera.mapX(0), camera.mapY(0), camera.mapX(900), camera.mapY(700)).length")
    assert frames == 27
    colors = page.evaluate("new Set(canvas.getContext('2d').getImageData(0, 0, 900, 700).data).size")
    assert colors > 100


def test_the_wheel_zooms_and_the_point_under_the_mouse_stays(page):
    x, y = on_screen(page, 5)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -300)
    page.wait_for_function("camera.scale > 1.3 * camera.wholeScale()")
    assert on_screen(page, 5) == pytest.approx([x, y], abs=1)


def test_dragging_moves_the_map_and_opens_nothing(page):
    x, y = on_screen(page, 5)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 40, steps=4)
    page.mouse.up()
    assert on_screen(page, 5) == pytest.approx([x + 60, y + 40], abs=1)
    assert page.locator("#panel").is_hidden()


def test_a_click_shows_the_picture_with_its_neighbours_and_one_of_them_leads_on(page):
    i = page.evaluate("pictures.at(...[0, 1].map((k) => [pictures.x, pictures.y][k][5]))")
    page.mouse.click(*on_screen(page, 5))
    assert page.locator("#name").inner_text() == page.evaluate(f"pictures.names[{i}]")
    assert page.locator("#near button").count() == 12
    neighbour = page.locator("#near button").first.get_attribute("aria-label")
    page.locator("#near button").first.click()
    assert page.locator("#name").inner_text() == neighbour
    page.keyboard.press("Escape")
    assert page.locator("#panel").is_hidden()


def test_the_mouse_over_a_picture_shows_its_name(page):
    x, y = on_screen(page, 5)
    page.mouse.move(x - 1, y)
    page.mouse.move(x, y)
    assert page.locator("#preview span").inner_text() in page.evaluate("pictures.names")


def test_search_finds_by_file_name_and_leads_there(page):
    page.keyboard.press("Tab")
    page.locator("#map").press("/")
    page.keyboard.type("COFFEE")
    assert page.locator("#count").inner_text().startswith("1 found")
    page.keyboard.press("Enter")
    settle(page)
    assert page.locator("#name").inner_text() == "coffee.png"
    i = page.evaluate("pictures.names.indexOf('coffee.png')")
    assert on_screen(page, i) == pytest.approx([450, 350], abs=2)


@pytest.mark.parametrize("said", ["cat", "Cats", "a cat"])
def test_search_finds_by_what_a_picture_shows(page, said):
    page.fill("#query", said)
    assert page.locator("#found li").first.inner_text() == "chelsea.png"
    page.fill("#query", f"{said} on a piano")
    assert page.locator("#count").inner_text() == "nothing found"


def test_keys_move_zoom_and_open(page):
    page.locator("#map").focus()
    before = page.evaluate("[camera.x, camera.scale]")
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    after = page.evaluate("[camera.x, camera.scale]")
    assert after[0] > before[0]
    assert after[1] == pytest.approx(1.4 * before[1])
    page.keyboard.press("Enter")
    assert page.locator("#panel").is_visible()
    page.keyboard.press("Escape")
    page.locator("#map").press("0")
    settle(page)
    assert page.evaluate("camera.scale / camera.wholeScale()") == pytest.approx(1)


def test_keys_work_before_anything_was_clicked(page):
    before = page.evaluate("camera.scale")
    page.keyboard.press("+")
    assert page.evaluate("camera.scale") == pytest.approx(1.4 * before)


def test_letters_typed_into_the_box_do_not_move_the_map_and_escape_leaves_it(page):
    page.keyboard.press("/")
    before = page.evaluate("camera.scale")
    page.keyboard.type("+-")
    assert page.evaluate("camera.scale") == before
    page.keyboard.press("Escape")
    assert page.locator("#query").input_value() == ""
    page.keyboard.press("+")
    assert page.evaluate("camera.scale") == pytest.approx(1.4 * before)


def test_search_finds_by_the_words_of_a_region_and_enter_leads_to_all_of_them(page):
    region = page.evaluate("pictures.regions[0]")
    page.fill("#query", region["name"].upper())
    assert page.evaluate("[...painter.found].sort((a, b) => a - b)") == sorted(region["of"])
    page.evaluate("camera.pan(200, 100)")
    page.keyboard.press("Enter")
    settle(page)
    assert page.evaluate("[camera.x, camera.y]") == pytest.approx([region["x"], region["y"]], abs=0.2)
    assert page.locator("#panel").is_hidden()


def test_regions_lead_to_their_pictures(page):
    page.locator("summary").click()
    page.locator("#regions button").first.click()
    settle(page)
    middle = page.evaluate("[camera.x, camera.y]")
    region = page.evaluate("[pictures.regions[0].x, pictures.regions[0].y]")
    assert middle == pytest.approx(region, abs=0.2)


def test_light_and_dark_follow_the_system_and_the_button(browser, file):
    grounds = []
    for scheme in ("light", "dark"):
        page = opened(browser, file, color_scheme=scheme)
        grounds.append(page.evaluate("painter.ground"))
        page.locator("#theme").click()
        grounds.append(page.evaluate("painter.ground"))
        page.close()
    assert grounds[0] == grounds[3] != grounds[1] == grounds[2]


def test_two_fingers_zoom(browser, file):
    page = opened(browser, file, has_touch=True)
    touch = page.context.new_cdp_session(page)

    def send(kind, *points):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    send("touchStart", (400, 350), (500, 350))
    for apart in range(60, 160, 20):
        send("touchMove", (450 - apart, 350), (450 + apart, 350))
    send("touchEnd")
    page.wait_for_function("camera.scale > 2 * camera.wholeScale()")
    page.close()


def test_hostile_names_do_nothing(browser, hostile, tmp_path):
    with Collection(hostile) as album:
        album.map().save_page(tmp_path / "map.html")
    page = opened(browser, tmp_path / "map.html")
    page.on("dialog", lambda dialog: page.complaints.append(dialog.message))
    page.fill("#query", "img")
    page.locator("#found button").click()
    assert page.locator("#name").inner_text() == "<img src=x onerror=alert(2)>.png"
    assert page.locator("img").count() == 0
    assert page.complaints == []
    page.close()


def test_an_empty_map_is_a_page_too(browser, tmp_path):
    from maps import index

    (tmp_path / "pictures").mkdir()
    index(tmp_path / "album", tmp_path / "pictures")
    with Collection(tmp_path / "album") as album:
        album.map().save_page(tmp_path / "map.html")
    page = opened(browser, tmp_path / "map.html")
    page.mouse.click(300, 300)
    page.mouse.wheel(0, 100)
    assert page.complaints == []
    page.close()
