"""What holds for the whole page: languages, themes, barriers, safety."""

from __future__ import annotations

import json
import re

import pytest
from ui_serving import serving, until

from lookalike.server.routes.page import FOLDER
from lookalike.server.settings import Settings
from visits import TOKENS

TEXTS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((FOLDER / "text").glob("*.json"))}
SCRIPTS = "\n".join(path.read_text(encoding="utf-8") for path in sorted((FOLDER / "js").glob("*.js")))


def forms(text):
    return text.values() if isinstance(text, dict) else [text]


@pytest.mark.parametrize("language", TEXTS)
def test_every_language_has_every_text_with_the_same_gaps(language):
    assert TEXTS[language].keys() == TEXTS["en"].keys()
    for key, text in TEXTS[language].items():
        gaps = {frozenset(re.findall(r"{(\w+)}", form)) for form in forms(text)}
        assert gaps == {frozenset(re.findall(r"{(\w+)}", form)) for form in forms(TEXTS["en"][key])}, key


def test_every_text_that_a_script_names_is_there():
    assert set(re.findall(r'\bt\("([a-z][\w. -]*)"', SCRIPTS)) <= TEXTS["en"].keys()


def test_russian_for_those_whose_browser_speaks_it(visit):
    page = visit("/?q=a+cat", locale="ru-RU")
    page.locator(".hit .caption").first.wait_for()
    assert page.locator("html").get_attribute("lang") == "ru"
    assert page.get_by_role("searchbox", name="Что искать").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_barriers(visit, barriers, scheme):
    page = visit("/", color_scheme=scheme)
    page.locator(".hit").first.wait_for()
    page.keyboard.press("f")
    assert barriers(page) == []
    page.goto(page.url + "?q=id%3A3")
    page.locator(".hit .caption").first.wait_for()
    assert barriers(page) == []
    page.locator(".hit").first.click()
    page.locator(".about").wait_for()
    assert barriers(page) == []


def test_the_theme_is_chosen_and_kept(visit):
    page = visit(color_scheme="light")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Light or dark").click()
    until(page, f"{ground} !== '{light}'")
    dark = page.evaluate(ground)
    page.reload()
    page.get_by_role("button", name="Light or dark").wait_for()
    assert page.evaluate(ground) == dark != light


def test_a_page_that_runs_nothing_but_its_own_scripts(site, visit):
    page = visit()
    answer = page.request.get(site + "/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy
    html = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert "style=" not in html and not re.search(r"<script(?![^>]*src=)|<style|\son\w+=", html)
    for path in ("/ui/../app.py", "/ui/..%2fapp.py", "/ui//etc/passwd", "/ui/js", "/ui/"):
        assert page.request.get(site + path).status == 404


def test_an_address_that_leads_nowhere_is_said_to_people_and_to_programs(site, visit):
    page = visit("/nonsense", excused=("404",))
    page.get_by_role("heading", name="There is nothing here").wait_for()
    answer = page.request.get(site + "/nonsense", headers={"Accept": "application/json"})
    assert (answer.status, answer.json()["error"]) == (404, "NotFound")
    assert page.request.get(site + "/nonsense", headers={"Accept": "text/html"}).status == 404
    for path in ("/api/v1/nonsense", "/ui/nonsense.js"):
        assert page.request.get(site + path, headers={"Accept": "*/*"}).json()["error"] == "NotFound"


def test_files_of_the_page_are_not_sent_twice(site, visit):
    page = visit()
    first = page.request.get(f"{site}/ui/js/app.js")
    again = page.request.get(f"{site}/ui/js/app.js", headers={"If-None-Match": first.headers["etag"]})
    assert (first.status, again.status) == (200, 304)


def test_a_token_is_asked_for_and_one_in_the_address_is_taken_out_of_it(visit, shelved, tmp_path):
    tokens = tuple(TOKENS.values())
    secret = tokens[0].secret
    with serving(Settings(shelved, tokens=tokens, runtime=tmp_path)) as base:
        page = visit(base=base, excused=("401", "ERR_"))
        page.get_by_label("Token").fill("not the right one, surely")
        page.keyboard.press("Enter")
        page.get_by_text("This token is not known here.").wait_for()
        page.get_by_label("Token").fill(secret)
        page.keyboard.press("Enter")
        page.locator(".hit").first.wait_for()
        other = visit(f"/#token={secret}", base=base, excused=("ERR_",))
        other.locator(".hit").first.wait_for()
        assert "token" not in other.url


def test_an_empty_collection_says_how_to_begin(visit, tmp_path):
    from lookalike import Collection

    (tmp_path / "nothing").mkdir()
    with Collection(tmp_path / "album") as album:
        album.index([tmp_path / "nothing"])
    with serving(Settings(tmp_path / "album", runtime=tmp_path)) as base:
        page = visit(base=base, excused=("ERR_",))
        page.get_by_role("heading", name="No pictures yet").wait_for()
