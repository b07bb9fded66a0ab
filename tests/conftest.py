from __future__ import annotations

import os

import pytest

from lookalike import Collection
from samples import HERE, METHODS, PHOTOS, fill, photo

BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Tests one by one to whoever is free; those of Milvus to one worker, as a machine can have one such server."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return "milvus" if nodeid.startswith("tests/milvus/") else nodeid

    return Scheduling(config, log)


@pytest.fixture(autouse=True)
def own_data(monkeypatch, tmp_path):
    """No test sees or leaves anything in the user's own collection."""
    monkeypatch.delenv("LOOKALIKE_COLLECTION", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg-data"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """A folder of small real photos, drawings and one broken one and a text. Not to be changed."""
    folder = fill(tmp_path_factory.mktemp("pictures"), 5)
    for name in PHOTOS:
        photo(name).save(folder / name)
    (folder / "notes.txt").write_text("not a picture")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    return folder


@pytest.fixture(scope="session")
def album(pictures, tmp_path_factory):
    """The path of a collection of `pictures`. Not to be changed."""
    path = tmp_path_factory.mktemp("collections") / "album"
    with Collection(path) as made:
        made.index([pictures], methods=METHODS, options=HERE)
    return path


@pytest.fixture(scope="session")
def browser():
    """Chromium by Playwright; where there is none the test is skipped, but in CI it fails."""
    missing = None
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing = "playwright is not installed"
    found = next((path for path in BROWSERS if os.path.exists(path)), None)
    if not missing and not found:
        missing = "no Chromium on this machine"
    if missing:
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()
