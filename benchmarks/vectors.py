"""Search of unit vectors by cosine: ours, and what people use, one thread each.

    python benchmarks/vectors.py [--quick]

The vectors are made up: groups of about a hundred around common directions. They are kept as float16 in a file, as
a collection keeps them, and our index reads them through a memory map.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import hnswlib
import numpy as np
from _indexes import on_one_thread, sealed
from _table import Report, recall, stopwatch, timed
from usearch.index import Index as USearch

from lookalike.index.vectors import VectorKind

DIM, K, BLOCK = 512, 10, 20_000


def write_vectors(path: Path, n: int) -> np.ndarray:
    """A memory map of (n, DIM) float16 unit vectors."""
    random = np.random.default_rng(0)
    centres = random.standard_normal((max(n // 100, 1), DIM), dtype=np.float32)
    with path.open("wb") as file:
        for start in range(0, n, BLOCK):
            count = min(BLOCK, n - start)
            rows = centres[random.integers(0, len(centres), count)]
            rows = rows + 0.7 * random.standard_normal((count, DIM), dtype=np.float32)
            (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16).tofile(file)
    return np.memmap(path, np.float16, "r", shape=(n, DIM))


def near(rows: np.ndarray, count: int) -> np.ndarray:
    """(count, DIM) float16 unit queries, each close to a stored vector."""
    random = np.random.default_rng(1)
    picked = np.sort(random.choice(len(rows), count, replace=False))
    queries = rows[picked] + 0.02 * random.standard_normal((count, DIM), dtype=np.float32)
    return (queries / np.linalg.norm(queries, axis=1, keepdims=True)).astype(np.float16)


def large(report: Report, rows: np.ndarray) -> None:
    """Our default at its full size, with filters and after removals."""
    ids, queries = np.arange(len(rows)), near(rows, 50)
    exact, *_ = sealed(VectorKind(DIM, "exact"), rows)
    expected = list(exact.search(queries, K).ids)
    index, building, memory = sealed(VectorKind(DIM), rows)
    timing, answers = timed(lambda q: index.search(q[None], K).ids[0], queries, 5)
    found, size = recall(expected, answers), f"{len(rows):,} x {DIM}"
    report.row(what=f"lookalike codes, {size}", ms=timing, recall=found, build_s=building)
    random = np.random.default_rng(2)
    for share in (0.001, 0.01, 0.1, 0.5):
        allowed = np.sort(random.choice(ids, int(share * len(ids)), replace=False))
        truth = list(exact.search(queries[:10], K, allowed).ids)
        ask, got = timed(lambda q, a=allowed: index.search(q[None], K, a).ids[0], queries[:10], 2)
        report.row(what=f"  among {share:.1%} of them", ms=ask, recall=recall(truth, got))
    index, *_ = sealed(VectorKind(DIM), rows, ids[::50])
    ask, _ = timed(lambda q: index.search(q[None], K), queries, 2)
    report.row(what="  after removing 2 %", ms=ask)
    report.verdict(f"recall@{K}, {size}", found, 0.995, at_most=False)
    report.verdict("a query, fastest", timing.best, 15, at_most=True, unit=" ms")
    report.verdict("bytes beside the rows", memory, 150, at_most=True, unit=" bytes a vector")
    report.verdict("build", building, 15, at_most=True, unit=" s")


def table(report: Report, rows: np.ndarray) -> None:
    """Everyone at a size that all of them can hold."""
    ids, wide, queries = np.arange(len(rows)), np.asarray(rows, np.float32), near(rows, 50)
    expected = list(np.argsort(-(queries.astype(np.float32) @ wide.T), axis=1)[:, :K])
    size = f"{len(rows):,}"

    def line(what: str, ask: Callable[[Any], Any], building: float, note: str) -> None:
        timing, answers = timed(ask, queries)
        found = recall(expected, answers)
        report.row(what=f"{what}, {size}", ms=timing, recall=found, build_s=building, bytes_a_vector=note)

    def by_numpy(query: np.ndarray) -> np.ndarray:
        scores = wide @ query.astype(np.float32)
        best = np.argpartition(-scores, K)[:K]
        return best[np.argsort(-scores[best])]

    line("numpy matmul, float32", by_numpy, 0.0, f"{4 * DIM}")
    flat = faiss.IndexScalarQuantizer(DIM, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    flat.train(wide[:100])
    building, _ = stopwatch(lambda: flat.add(wide))
    line("faiss flat, fp16", lambda q: flat.search(q[None].astype(np.float32), K)[1][0], building, f"{2 * DIM}")
    graph = hnswlib.Index("ip", DIM)
    graph.init_index(len(rows), M=16, ef_construction=100)
    graph.set_ef(64)
    building, _ = stopwatch(lambda: graph.add_items(wide, num_threads=1))
    graph.set_num_threads(1)
    line("hnswlib", lambda q: graph.knn_query(q[None].astype(np.float32), K)[0][0], building, f"{4 * DIM} + graph")
    small = USearch(ndim=DIM, metric="ip", dtype="f16", connectivity=16)
    building, _ = stopwatch(lambda: small.add(ids, rows, threads=1))
    line("usearch, fp16", lambda q: small.search(q, K, threads=1).keys, building, f"{2 * DIM} + graph")
    for kind in ("exact", "codes"):
        index, building, beside = sealed(VectorKind(DIM, kind), rows)
        note = f"{beside:.0f} beside the file"
        line(f"lookalike {kind}", lambda q, x=index: x.search(q[None], K).ids[0], building, note)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the sizes")
    scale = 10 if parser.parse_args().quick else 1
    faiss.omp_set_num_threads(1)
    on_one_thread()
    report = Report("vectors", f"Top {K} of {DIM}-d unit vectors, one thread: ms a query, median (fastest)")
    with tempfile.TemporaryDirectory() as folder:
        rows = write_vectors(Path(folder) / "vectors", 1_000_000 // scale)
        large(report, rows)
        table(report, rows[: 100_000 // scale])
        report.show()
        del rows


if __name__ == "__main__":
    main()
