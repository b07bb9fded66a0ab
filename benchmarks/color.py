"""Colour search by histogram intersection: ours, and what people use, one thread each.

    python benchmarks/color.py [FOLDER] [--quick]

FOLDER holds pictures; recoloured crops of them fill the collection up. Without it the histograms are made up.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import faiss
import hnswlib
import numpy as np
from _indexes import on_one_thread, sealed
from _table import Report, recall, stopwatch, timed
from sklearn.neighbors import NearestNeighbors

from lookalike.arrays.rows import Ragged
from lookalike.errors import ImageError
from lookalike.index.histograms import HistogramKind
from lookalike.methods.color import Color
from lookalike.pictures.open import open_image

SIDE, K = 16, 10
BINS = SIDE**3


def of_pictures(folder: Path, n: int) -> Ragged:
    """Histograms of n pictures: those of the folder, then recoloured crops of them."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    items = [packed for _, packed in zip(range(n), _described(files, n), strict=False)]
    return Ragged.of([items[i] for i in np.random.default_rng(0).permutation(len(items))], 2, np.uint16)


def _described(files: list[Path], n: int) -> Iterator[np.ndarray]:
    color, random = Color(), np.random.default_rng(0)
    copies = -(-n // max(len(files), 1)) + 1
    for path in files:
        try:
            whole = open_image(path, size=256)
        except ImageError:
            continue
        yield color.pack(color.describe(whole))
        height, width = whole.rgb.shape[:2]
        for _ in range(copies - 1):
            h, w = (np.array([height, width]) * random.uniform(0.5, 0.9)).astype(int)
            y, x = random.integers(0, height - h + 1), random.integers(0, width - w + 1)
            part = whole.rgb[y : y + h, x : x + w] * random.uniform(0.8, 1.2, 3) + random.uniform(-15, 15)
            yield color.pack(color.describe(open_image(np.clip(part, 0, 255).astype(np.uint8))))


def made_up(n: int) -> Ragged:
    """n histograms of 65,025 pixels around a few colours each; every third is much like the one before."""
    random = np.random.default_rng(0)
    items = []
    for i in range(n):
        if i % 3 == 0:
            colours, spread = random.uniform(0, SIDE, (6, 3)), random.uniform(0.3, 1.5, 6)
        share = random.dirichlet(np.ones(6)) * 4000
        points = [random.normal(c, s, (int(m), 3)) for c, s, m in zip(colours, spread, share, strict=True)]
        cells = np.clip(np.concatenate(points), 0, SIDE - 1).astype(np.int64) @ [SIDE * SIDE, SIDE, 1]
        bins, counts = np.unique(cells, return_counts=True)
        items.append(np.stack([bins, counts * 16], axis=1))
    return Ragged.of(items, 2, np.uint16)


def dense(rows: Ragged) -> np.ndarray:
    """(n, BINS) float32, sum 1."""
    out = np.zeros((len(rows), BINS), np.float32)
    for i in range(len(rows)):
        out[i, rows[i][:, 0]] = rows[i][:, 1]
    return out / out.sum(axis=1, keepdims=True)


def compare_all(report: Report, rows: Ragged, numbers: np.ndarray) -> None:
    """One table: everyone answers the same queries, the stored pictures of these numbers."""
    flat = dense(rows)
    queries = [int(i) for i in numbers]

    def loop(i: int) -> np.ndarray:
        scores = [cv2.compareHist(flat[i], other, cv2.HISTCMP_INTERSECT) for other in flat]
        return np.argsort(-np.array(scores), kind="stable")[:K]

    exact, *_ = sealed(HistogramKind(BINS, "exact"), rows)
    expected = [exact.search(rows.slice(i, i + 1), K).ids[0] for i in queries]
    own = rows.values.nbytes / len(rows)

    def line(
        what: str, ask: Callable[[int], Any], building: float, memory: float, seconds: float = 3.0
    ) -> tuple[float, float]:
        timing, answers = timed(ask, queries, seconds)
        found = recall(expected, answers)
        report.row(what=what, ms=timing, recall=found, build_s=building, bytes_per_picture=round(memory))
        return timing.best, found

    wide = flat.nbytes / len(rows)
    line("loop over cv2.compareHist", loop, 0.0, wide)
    building, brute = stopwatch(lambda: NearestNeighbors(algorithm="brute", metric="manhattan").fit(flat))
    line("scikit-learn brute force, L1", lambda i: brute.kneighbors(flat[i : i + 1], K)[1][0], building, wide)
    l1 = faiss.IndexFlat(BINS, faiss.METRIC_L1)
    building, _ = stopwatch(lambda: l1.add(flat))
    line("faiss IndexFlat, L1", lambda i: l1.search(flat[i : i + 1], K)[1][0], building, wide)
    graph = hnswlib.Index("l2", BINS)
    graph.init_index(len(rows), M=16, ef_construction=100)
    graph.set_num_threads(1)
    graph.set_ef(64)
    roots = np.sqrt(flat)
    building, _ = stopwatch(lambda: graph.add_items(roots, num_threads=1))
    line("hnswlib, square roots", lambda i: graph.knn_query(roots[i : i + 1], K)[0][0], building, wide + 140)
    for kind in ("exact", "hnsw", "auto"):
        index, building, beside = sealed(HistogramKind(BINS, kind), rows)
        memory = own + beside
        name = f"lookalike {kind}"
        best, found = line(name, lambda i, x=index: x.search(rows.slice(i, i + 1), K).ids[0], building, memory)
    report.verdict(f"lookalike auto, {len(rows):,} x {BINS}, fastest", best, 1.0, at_most=True, unit=" ms")
    report.verdict("lookalike auto, recall@10", found, 0.99, at_most=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--quick", action="store_true", help="1,000 pictures instead of 4,319")
    options = parser.parse_args()
    n = 1000 if options.quick else 4319
    faiss.omp_set_num_threads(1)
    cv2.setNumThreads(1)
    on_one_thread()
    rows = of_pictures(options.folder, n) if options.folder else made_up(n)
    source = "pictures and recoloured crops" if options.folder else "made-up pictures"
    title = f"Top {K} of {len(rows):,} {source} by colour, {BINS} bins, one thread: ms a query, median (fastest)"
    report = Report("color", title)
    compare_all(report, rows, np.random.default_rng(1).choice(len(rows), min(100, len(rows)), replace=False))
    report.show()


if __name__ == "__main__":
    main()
