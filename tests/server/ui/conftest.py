from __future__ import annotations

import json

import pytest
from ui_serving import NAMES, serving

from browsing import AXE, missing
from lookalike import Collection
from lookalike.server.settings import Settings
from samples import HERE, PHOTOS, fill, photo

METHODS = ("phash", "color", "local", "embedding", "text")
HOSTILE = "<img src=x onerror=document.title='broken'>.png"


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    """A folder of photos, some under awkward names, and of drawings. Not to be changed."""
    folder = fill(tmp_path_factory.mktemp("shelf") / "pictures", 6)
    for name in PHOTOS:
        photo(name).save(folder / NAMES.get(name, name))
    photo("coffee.png").crop((0, 60, 256, 100)).resize((1024, 160)).save(folder / "panorama.png")
    photo("brick.png").crop((0, 0, 60, 240)).save(folder / "tower.png")
    photo("page.png").rotate(180).save(folder / HOSTILE)
    return folder


@pytest.fixture(scope="session")
def shelved(shelf, tmp_path_factory):
    """The path of a collection of the shelf, by all methods. Not to be changed."""
    path = tmp_path_factory.mktemp("shelved") / "album"
    with Collection(path) as made:
        made.index([shelf], methods=METHODS, options=HERE)
    return path


@pytest.fixture(scope="session")
def site(shelved, tmp_path_factory):
    """The address of a server of the shelved collection, as its admin sees it."""
    with serving(Settings(shelved, runtime=tmp_path_factory.mktemp("runtime"))) as address:
        yield address


@pytest.fixture
def visit(browser, site):
    """Opens the page at an address; nothing may be complained about, and nothing loaded from elsewhere."""
    opened = []

    def open_(path="/", base=site, size=(1280, 800), excused=(), before=None, **options):
        width, height = size
        own = (base, "blob:", "data:")
        given = {"viewport": {"width": width, "height": height}, "reduced_motion": "reduce", "locale": "en-US"}
        page = browser.new_context(**{**given, **options}).new_page()
        page.set_default_timeout(20_000)
        page.complaints, page.elsewhere = [], []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: (
                said.type in ("error", "warning")
                and not any(one in said.text for one in excused)
                and page.complaints.append(said.text)
            ),
        )
        page.on("request", lambda asked: asked.url.startswith(own) or page.elsewhere.append(asked.url))
        opened.append(page)
        if before:
            before(page)
        page.goto(base + path)
        return page

    yield open_
    found = [(page.complaints, page.elsewhere) for page in opened]
    for page in opened:
        page.context.close()
    assert found == [([], [])] * len(opened)


@pytest.fixture
def picture_file(tmp_path):
    """A picture of the shelf with an edit, as a file: (name, edit) -> path."""

    def make(name, edit, save_as="mine.jpg"):
        edit(photo(name)).save(tmp_path / save_as, quality=80)
        return str(tmp_path / save_as)

    return make


@pytest.fixture
def barriers():
    """What axe-core finds serious in a page: [(rule, elements)]."""
    if not AXE.exists():
        missing("axe-core is not here: script/test fetches it from npm")

    def look(page):
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
        return [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in serious]

    return look


@pytest.fixture
def many():
    """Answers searches of a page with 10,000 made-up hits, in pages as the server would, with one thumbnail for all."""
    count, proven = 10_000, 3
    nothing = dict.fromkeys(("taken", "camera", "latitude", "longitude", "caption", "format"))

    def hit(n):
        chance = 1e-12 if n < proven else 5.0
        about = {"id": n, "path": f"/pictures/{n}.jpg", "score": 1 - n / count, "label": "similar"}
        return {**about, "expected_false": chance, "evidence": []}

    def picture(n):
        about = {"id": n, "path": f"/pictures/{n}.jpg", "name": f"{n}.jpg", "bytes": 1000}
        return {**nothing, **about, "width": 300 + n % 7 * 60, "height": 300}

    def answer(route):
        asked = json.loads(route.request.post_data)
        numbers = range(asked.get("offset", 0), min(count, asked.get("offset", 0) + asked["k"]))
        found = {"matches": [hit(n) for n in numbers], "pictures": [picture(n) for n in numbers]}
        about = {"notes": [], "steps": [], "asked": [], "offset": asked.get("offset", 0), "more": numbers.stop < count}
        route.fulfill(json={**found, **about})

    def before(page):
        page.route("**/api/v1/search", answer)
        page.route("**/thumbnail**", lambda route: route.fulfill(body=DOT, content_type="image/svg+xml"))

    return before


DOT = '<svg xmlns="http://www.w3.org/2000/svg" width="3" height="2"><rect width="3" height="2" fill="#888"/></svg>'
