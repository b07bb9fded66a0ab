"""The page in a browser: its first view on a server that has just started, and frames while 10,000 hits are scrolled.

    python benchmarks/page.py COLLECTION [--hits 10000]

COLLECTION: of as many pictures as hits are wanted; its embedding is asked, so that all of them are hits. It needs
Playwright and Chromium. The renderer is reported: without a graphics card the browser draws by software, on the cores
that the server uses as well.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from _table import Report

from atlas import BROWSERS
from lookalike import Collection

if TYPE_CHECKING:
    from playwright.sync_api import Page

STARTS = 3
"""Fresh servers and browsers whose first view is measured."""
SEEN = """() => new Promise((done) => {
  const look = () => {
    const images = [...document.querySelectorAll(".tile img")].filter((image) => {
      const { top, bottom } = image.getBoundingClientRect();
      return bottom > 0 && top < innerHeight;
    });
    if (images.length && images.every((image) => image.complete && image.naturalWidth)) {
      requestAnimationFrame(() => done(performance.now()));
    } else requestAnimationFrame(look);
  };
  look();
})"""
"""Milliseconds from the beginning of the navigation until all pictures in the window are there."""
TITLED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
SCROLL = """async (step) => {
  const times = [];
  let last = await new Promise(requestAnimationFrame);
  for (let i = 0; i < 200; i++) {
    scrollBy(0, step);
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  return times;
}"""
RENDERER = """() => {
  const gl = document.createElement("canvas").getContext("webgl");
  const about = gl?.getExtension("WEBGL_debug_renderer_info");
  return about ? gl.getParameter(about.UNMASKED_RENDERER_WEBGL) : "software, no WebGL";
}"""


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", type=Path)
    parser.add_argument("--hits", type=int, default=10_000)
    options = parser.parse_args()
    with Collection(options.collection) as album:
        count, first = len(album), int(album.ids()[0])
    report = Report("page", f"The page, {count:,} pictures")
    firsts, paints = [], []
    for _ in range(STARTS):
        with served(options.collection) as address, browsing() as page:
            page.goto(address, wait_until="commit")
            firsts.append(float(page.evaluate(SEEN)))
            paints.append(float(page.evaluate(TITLED) or np.nan))
    report.row(what="cold server and browser: first paint", ms=float(np.median(paints)))
    report.row(what="cold server and browser: every picture in the window", ms=float(np.median(firsts)))
    with served(options.collection) as address, browsing() as page:
        page.goto(f"{address}?m=embedding&q=id:{first}")
        page.locator(".tile img").first.wait_for()
        hits = loaded(page, min(options.hits, count))
        page.evaluate("scrollTo(0, 0)")
        wheel = 0.0
        for way, step in (("slowly", 20), ("by a fast wheel", 120), ("by the scroll bar", 600)):
            frames = page.evaluate(SCROLL, step)
            wheel = float(np.median(frames)) if step == 120 else wheel
            report.row(
                what=f"{hits:,} hits scrolled {way}, {step} pixels a frame: median frame",
                ms=float(np.median(frames)),
                ms_of_95_in_100=float(np.quantile(frames, 0.95)),
            )
        report.note(f"renderer: {page.evaluate(RENDERER)}; {page.locator('.tile').count()} tiles in the page")
    report.verdict("first view", float(np.median(firsts)), 1000, at_most=True, unit=" ms")
    report.verdict("median frame by a fast wheel", wheel, 20, at_most=True, unit=" ms")
    report.show()


def loaded(page: Page, wanted: int) -> int:
    """Scroll down until so many hits are known, or no more come; how many there are."""
    hits, patience = 0, 20
    while hits < wanted and patience:
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        page.wait_for_timeout(250)
        now = int(page.locator(".tile").last.get_attribute("aria-setsize") or 0)
        patience = 20 if now > hits else patience - 1
        hits = now
    return hits


@contextmanager
def served(collection: Path) -> Iterator[str]:
    """The address of a server that has just started."""
    command = [sys.executable, "-m", "lookalike", "-c", str(collection), "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        found = None
        while found is None:
            found = re.search(r"http://[0-9.:]+/", process.stdout.readline())
        try:
            yield found[0]
        finally:
            process.terminate()


@contextmanager
def browsing() -> Iterator[Page]:
    """A page of a browser that has just started."""
    from playwright.sync_api import sync_playwright

    path = next((path for path in BROWSERS if Path(path).exists()), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 1440, "height": 900})
        browser.close()


if __name__ == "__main__":
    main()
