"""A browser for tests of pages: Debian's Chromium by Playwright."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
AXE = Path(sys.prefix, "share", "axe-core", "axe.min.js")
"""Where script/test puts axe-core, which looks for barriers in a page."""


def missing(what):
    """Skip a test for want of something that script/test installs; in CI that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def browser():
    """Chromium; where there is none the test is skipped, but in CI it fails."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed")
    found = next((path for path in BROWSERS if os.path.exists(path)), None)
    if not found:
        missing("no Chromium on this machine")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()
