"""The examples of docs/serve.md and examples/site do what they say."""

from __future__ import annotations

import http.server
import re
import shutil
import subprocess
import threading
from functools import partial
from pathlib import Path

import pytest
import uvicorn

from lookalike.server.app import create_app
from lookalike.server.run import bind
from lookalike.server.settings import Settings
from samples import photo
from visits import jpeg

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "serve.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def live(album, tmp_path_factory):
    """Starts servers of the session's collection; their addresses."""
    running = []

    def start(**settings):
        taken = bind("127.0.0.1", 0)
        runtime = tmp_path_factory.mktemp("runtime")
        port = taken.getsockname()[1]
        app = create_app(Settings(album, port=port, runtime=runtime, **settings))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
        thread.start()
        running.append((server, thread, taken))
        return f"http://127.0.0.1:{port}"

    yield start
    for server, thread, taken in running:
        server.should_exit = True
        thread.join()
        taken.close()


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with photo.jpg in it, to work in."""
    (tmp_path / "photo.jpg").write_bytes(jpeg(photo("coffee.png"), quality=60))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_curl(live, here):
    address = live()
    lines = [line for block in blocks("console") for line in block.splitlines() if line.startswith("curl ")]
    assert len(lines) == 2
    answers = []
    for line in lines:
        command = line.replace("http://127.0.0.1:8008", address)
        answers.append(subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout)
    assert '"label":"same picture"' in answers[0] and "coffee.png" in answers[0]
    assert '"error":"QueryError"' in answers[1], "the tests' collection has no words"


def test_python(live, here, capsys, monkeypatch):
    address = live()
    (code,) = blocks("python")
    monkeypatch.setattr("lookalike.Client.index", lambda self, progress: progress("indexed"))
    words = 'album.search(text="a red motorcycle", where="width > 100")'
    assert words in code
    code = code.replace(words, words.replace('text="a red motorcycle"', "id=1")).replace(
        "http://127.0.0.1:8008", address
    )
    exec(compile(code, "docs/serve.md", "exec"), {})
    said = capsys.readouterr().out
    assert "same picture" in said and "coffee.png" in said and "indexed" in said


@pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")
def test_javascript(live, here):
    (code,) = blocks("js")
    given = 'import { readFile } from "node:fs/promises";\nconst photo = new Blob([await readFile("photo.jpg")]);\n'
    Path("example.mjs").write_text(given + code.replace("http://127.0.0.1:8008", live()))
    said = subprocess.run(["node", "example.mjs"], capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    assert "same picture" in said.stdout and "coffee.png" in said.stdout


def test_every_route_is_on_the_page(server):
    document = server.get("/api/v1/openapi.json").json()
    for path, methods in document["paths"].items():
        shown = path.removeprefix("/api/v1").replace("{kind}", "small").replace("{number}", "{n}")
        for method in map(str.upper, methods):
            named = rf"{method} {re.escape(shown)}[`?]|### {method} {re.escape(shown)}\n"
            assert re.search(named, PAGE), f"docs/serve.md: {method} {path} is missing"


def test_every_error_is_on_the_page():
    source = "".join(path.read_text() for path in (ROOT / "src" / "lookalike" / "server").rglob("*.py"))
    names = set(re.findall(r'(?:RefusedError\(|problem\()\s*\d+,\s*"(\w+)"', source)) - {"ClientGone", "InternalError"}
    assert len(names) > 10
    assert {name for name in names if f"`{name}`" not in PAGE} == set()


def test_the_gallery_embeds_search(browser, live, here):
    shutil.copytree(ROOT / "examples" / "site", here / "site")
    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(here / "site")))
    threading.Thread(target=site.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{site.server_port}"
    page_file = here / "site" / "index.html"
    address = live(public=True, origins=(origin,))
    page_file.write_text(page_file.read_text().replace("http://127.0.0.1:8008", address))
    page = browser.new_page(bypass_csp=True)  # waiting for functions needs eval, the page does not
    page.set_default_timeout(120_000)
    trouble = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.goto(f"{origin}/index.html")
    page.wait_for_selector("figure")
    page.evaluate("for (const image of document.images) image.loading = 'eager'")
    page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert page.locator("figure").count() == 12
    page.set_input_files("input[type=file]", "photo.jpg")
    page.wait_for_function("document.querySelector('.label')?.textContent === 'same picture'")
    assert page.locator(".name").first.text_content() == "coffee.png"
    page.locator("figure", has_text="rocket.jpg").get_by_role("button").click()
    page.wait_for_function("document.querySelector('.name')?.textContent === 'rocket.jpg'")
    page.fill("input[type=search]", "anything")
    page.press("input[type=search]", "Enter")
    page.wait_for_function("document.getElementById('said').textContent.includes('words')")
    assert trouble == []
    page.close()
    site.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        return
