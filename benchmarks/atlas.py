"""The map: layout against scikit-learn's t-SNE on the same vectors, and the page with 5,000 pictures in a browser.

    python benchmarks/atlas.py [--full] [--collection DIR] [--no-page]

Trustworthiness (Venna, Kaski 2001) and preservation (the share of the 10 nearest vectors that are among the 10 nearest
on the map) are measured for up to 2,000 of the pictures. The vectors are made up, groups within groups, unless a
collection is named. --full also lays out 20,000 of them. The page needs Playwright and Chromium.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
from pathlib import Path

import numpy as np
from _table import Report, stopwatch
from numpy.typing import NDArray

from lookalike import Collection
from lookalike.atlas.atlas import Atlas, MapRegion
from lookalike.atlas.grid import assign_grid
from lookalike.atlas.layout import GRAPH, lay_out, lay_out_by_sample, place
from lookalike.atlas.reduce import nearest, neighbours

K, ASKED, DIM = 10, 2000, 1280
PAGE_PICTURES = 5000
BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
DRAG = """async () => {
  const times = [];
  let last = await new Promise(requestAnimationFrame);
  for (let i = 0; i < 60; i++) {
    camera.pan(i % 20 < 10 ? 25 : -25, i % 30 < 15 ? 9 : -9);
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  return times;
}"""
PAINT = """() => Array.from({length: 30}, () => {
  const begun = performance.now();
  painter.paint();
  canvas.getContext("2d").getImageData(0, 0, 1, 1);
  return performance.now() - begun;
})"""


def made_up(count: int) -> NDArray[np.float32]:
    """(count, DIM) unit vectors: 12 groups of 10 groups each, of 40 dimensions that vary."""
    random = np.random.default_rng(0)
    basis = np.linalg.qr(random.standard_normal((DIM, 40)))[0]
    outer = random.standard_normal((12, 40))
    inner = outer[np.arange(120) % 12] + 0.6 * random.standard_normal((120, 40))
    rows = (inner[random.integers(0, 120, count)] + 0.5 * random.standard_normal((count, 40))) @ basis.T
    rows += 0.02 * random.standard_normal((count, DIM))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def real(collection: Path) -> NDArray[np.float32]:
    """The vectors of a collection's `embedding`."""
    with Collection(collection) as album:
        return np.asarray(album.searcher().rows("embedding"), np.float32)


def quality(vectors: NDArray[np.float32], positions: NDArray[np.float32]) -> tuple[float, float]:
    """Trustworthiness and preservation."""
    count = len(vectors)
    asked = np.random.default_rng(0).permutation(count)[:ASKED]
    near, _ = nearest(positions[asked], positions, K + 1)
    penalty, kept = 0.0, 0
    squares = (vectors**2).sum(axis=1)
    for query, found in zip(asked, near, strict=True):
        apart = squares - 2 * vectors @ vectors[query]
        apart[query] = -np.inf
        rank = np.empty(count, np.int64)
        rank[np.argsort(apart, kind="stable")] = np.arange(count)
        ranks = rank[found[found != query][:K]]
        penalty += np.maximum(ranks - K, 0).sum()
        kept += (ranks <= K).sum()
    return 1 - penalty * 2 / (len(asked) * K * (2 * count - 3 * K - 1)), kept / (len(asked) * K)


def layouts(report: Report, vectors: NDArray[np.float32], limit: float) -> None:
    """Ours and scikit-learn's, one after the other."""
    from sklearn.manifold import TSNE

    size = f"{len(vectors):,}"
    lay_out(vectors[:50], neighbours(vectors[:50], GRAPH))  # loads openTSNE
    seconds, ours = stopwatch(lambda: lay_out(vectors, neighbours(vectors, GRAPH)))
    theirs_seconds, theirs = stopwatch(lambda: TSNE(n_jobs=os.cpu_count(), random_state=0).fit_transform(vectors))
    trust, kept = quality(vectors, ours)
    their_trust, their_kept = quality(vectors, theirs)
    report.row(what=f"lookalike, {size}", seconds=seconds, trustworthiness=trust, preserved=kept)
    report.row(
        what=f"scikit-learn TSNE, {size}", seconds=theirs_seconds, trustworthiness=their_trust, preserved=their_kept
    )
    grid_seconds, (cells, *_) = stopwatch(lambda: assign_grid(ours))
    grid_trust, grid_kept = quality(vectors, cells.astype(np.float32))
    report.row(what="  as a grid", seconds=grid_seconds, trustworthiness=grid_trust, preserved=grid_kept)
    later = np.arange(len(vectors)) % 10 == 0
    early = lay_out(vectors[~later], neighbours(vectors[~later], GRAPH))
    placing, added = stopwatch(lambda: place(vectors[later], vectors[~later], early))
    both = np.empty_like(ours)
    both[~later], both[later] = early, added
    trust_later, kept_later = quality(vectors, both)
    report.row(what="  a tenth placed later", seconds=placing, trustworthiness=trust_later, preserved=kept_later)
    apart = neighbours(vectors, 12)[1][:, -1]
    sampling, positions = stopwatch(lambda: lay_out_by_sample(vectors, apart, len(vectors) // 10))
    trust_sampled, kept_sampled = quality(vectors, positions)
    report.row(what="  by a tenth of it", seconds=sampling, trustworthiness=trust_sampled, preserved=kept_sampled)
    report.verdict(f"layout of {size}", seconds, limit, at_most=True, unit=" s")
    report.verdict(f"layout of {size} against scikit-learn", seconds / theirs_seconds, 1, at_most=True, unit=" x")
    report.verdict(f"trustworthiness of {size} less scikit-learn's", trust - their_trust, -0.005, at_most=False)


def atlas_of(folder: Path) -> Atlas:
    """A map of PAGE_PICTURES places that show 60 drawings again and again."""
    import PIL.Image

    random = np.random.default_rng(0)
    paths = []
    for number in range(60):
        cells = PIL.Image.fromarray(random.integers(0, 256, (6, 8, 3), np.uint8))
        cells.resize((240, 160 + number), PIL.Image.Resampling.BICUBIC).save(folder / f"{number}.jpg")
        paths.append(str(folder / f"{number}.jpg"))
    ids = np.arange(PAGE_PICTURES)
    centres = random.random((20, 2))
    points = (centres[ids % 20] + 0.06 * random.standard_normal((len(ids), 2))).astype(np.float32)
    regions = tuple(MapRegion(f"region {n}", (0.0, 0.0), ids[ids % 20 == n]) for n in range(20))
    shapes = np.array([(240, 160 + place % 60) for place in ids])
    shown = tuple(paths[place % 60] for place in ids)
    near = ids[neighbours(points, 12)[0]]
    return Atlas(ids, points, regions, "embedding", shown, shapes, near, None, ids[:0])


def walking(report: Report) -> None:
    """First view and frames of the page, drawn by software."""
    from playwright.sync_api import sync_playwright

    found = next((path for path in BROWSERS if os.path.exists(path)), None)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        file = Path(name) / "map.html"
        atlas = atlas_of(Path(name))
        seconds, _ = stopwatch(lambda: atlas.save_page(file))
        size = file.stat().st_size / 1e6
        report.row(what=f"page of {PAGE_PICTURES:,} pictures", seconds=seconds, megabytes=size)
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(file.as_uri())
        page.wait_for_function("performance.getEntriesByName('first view').length")
        first = page.evaluate("performance.getEntriesByName('first view')[0].startTime")
        report.row(what="  first view", seconds=first / 1000)
        worst = 0.0
        for zoom in (1, 2.5, 6, 20):
            page.evaluate(
                f"camera.stop(); camera.showWhole(); camera.stop(); camera.scale = {zoom} * camera.wholeScale()"
            )
            page.evaluate("camera.pan(1, 0)")
            page.wait_for_timeout(1500)  # sheets are decoded
            frames, paints = page.evaluate(f"({DRAG})()"), page.evaluate(PAINT)
            drawn = page.evaluate(
                "pictures.within(camera.mapX(0), camera.mapY(0), camera.mapX(1280), camera.mapY(800)).length"
            )
            worst = max(worst, float(np.median(frames)))
            frame, paint = float(np.median(frames)), float(np.median(paints))
            report.row(what=f"  panning at {zoom} x, {drawn} in view", frame_ms=frame, paint_ms=paint)
        browser.close()
    report.verdict("first view", first / 1000, 1.5, at_most=True, unit=" s")
    report.verdict("median frame while panning, at the worst zoom", worst, 50, at_most=True, unit=" ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="also 20,000 vectors: some minutes")
    parser.add_argument("--collection", type=Path, help="lay out its vectors instead of 2,700 made up ones")
    parser.add_argument("--no-layout", action="store_true", help="only the page")
    parser.add_argument("--no-page", action="store_true", help="without the browser")
    wanted = parser.parse_args()
    report = Report("atlas", "The map")
    if not wanted.no_layout:
        layouts(report, real(wanted.collection) if wanted.collection else made_up(2700), 8)
        if wanted.full:
            layouts(report, made_up(20_000), 120)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
            report.note(f"memory at most: {peak:.1f} GB")
    if not wanted.no_page:
        walking(report)
    report.show()


if __name__ == "__main__":
    main()
