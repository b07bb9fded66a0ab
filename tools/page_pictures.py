"""Screenshots of the served page for the docs, of the sample pictures that packages ship: python tools/page_pictures.py

Needs Chromium and the extras of `dev`; writes docs/pictures/page-*.webp.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import uvicorn
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from lookalike import Collection
from lookalike.server.app import create_app
from lookalike.server.run import bind
from lookalike.server.settings import Settings

ROOT = Path(__file__).parents[1]
TO = ROOT / "docs" / "pictures"
CHROMIUM = "/usr/bin/chromium"
FILE = "input[type=file] >> nth=0"


def main() -> None:
    """Index the sample pictures, serve them, take the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        subprocess.run([sys.executable, ROOT / "script" / "sample_pictures.py", home], check=True)
        with Collection(home / "album") as album:
            album.index([home / "pictures"])
        with bind("127.0.0.1", 0) as taken:
            app = create_app(Settings(home / "album", runtime=home))
            server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
            thread.start()
            while not server.started:
                time.sleep(0.05)
            try:
                take_all(f"http://127.0.0.1:{taken.getsockname()[1]}", home / "edited")
            finally:
                server.should_exit = True
                thread.join()


def take_all(base: str, edited: Path) -> None:
    """One picture after the other."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce", locale="en-US")
        page.set_default_timeout(120_000)
        page.goto(base)
        page.locator(".hit").first.wait_for()
        page.set_input_files(FILE, str(edited / "coffee-cropped.jpg"))
        page.locator(".group.proven .hit").first.wait_for()
        save(page, "search")
        page.locator(".group.proven .hit").first.click()
        page.locator(".outline circle").first.wait_for()
        save(page, "picture")
        browser.close()


def save(page: Page, name: str) -> None:
    """A screenshot, when its pictures are there, as a small WebP."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)
    shot = Image.open(io.BytesIO(page.screenshot()))
    TO.mkdir(exist_ok=True)
    shot.convert("RGB").resize((1024, 640), Image.Resampling.LANCZOS).save(
        TO / f"page-{name}.webp", quality=80, method=6
    )


if __name__ == "__main__":
    main()
