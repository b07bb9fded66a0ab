"""Search of packed hashes: our scan and our VP-tree, raw faiss, and the `vptree` package, one thread each.

python benchmarks/hamming.py [--quick]
"""

from __future__ import annotations

import argparse

import faiss
import numpy as np
import vptree
from _indexes import on_one_thread, sealed
from _table import Report, recall, stopwatch, timed

from lookalike.index.hamming import HammingKind
from lookalike.index.vptree import VPTreeKind

BITS, K = 256, 10


def collection(n: int) -> np.ndarray:
    """(n, 32) hashes: groups of ten copies of a random one, each with 5 % of the bits flipped."""
    random = np.random.default_rng(0)
    originals = random.integers(0, 256, (max(n // 10, 1), BITS // 8), dtype=np.uint8)
    flips = np.packbits(random.random((n, BITS), dtype=np.float32) < 0.05, axis=1)
    return originals[random.integers(0, len(originals), n)] ^ flips


def scan(report: Report, codes: np.ndarray, queries: np.ndarray) -> None:
    """The default index against the kernel that it uses."""
    flat = faiss.IndexBinaryFlat(BITS)
    flat.add(codes)
    ours, plain = (sealed(HammingKind(BITS // 8, kernel), codes)[0] for kernel in ("faiss", "numpy"))
    # Taken in turns, so that whatever else the machine does meets both alike.
    ratios = []
    for _ in range(5):
        raw, expected = timed(lambda q: flat.search(q[None], K)[1][0], queries, 1)
        fast, found = timed(lambda q: ours.search(q[None], K).ids[0], queries, 1)
        ratios.append(fast.median / raw.median)
    assert recall(expected, found) == 1.0
    slow, _ = timed(lambda q: plain.search(q[None], K), queries, 1)
    size = f"{len(codes):,} x {BITS} bit"
    report.row(what=f"faiss IndexBinaryFlat, {size}", ms=raw)
    report.row(what=f"HammingIndex, {size}", ms=fast)
    report.row(what=f"HammingIndex before faiss is imported, {size}", ms=slow)
    report.verdict("HammingIndex / IndexBinaryFlat", float(np.median(ratios)), 1.15, at_most=True, unit="x")


def trees(report: Report, codes: np.ndarray, queries: dict[str, np.ndarray]) -> None:
    """Nearest of few codes, where the package can still be waited for: queries that have copies there or have none."""
    # As whole numbers: among equal distances the package compares the points themselves.
    numbers = [int.from_bytes(code.tobytes()) for code in codes]
    seconds, package = stopwatch(lambda: vptree.VPTree(numbers, lambda a, b: (a ^ b).bit_count()))
    ours, built, _ = sealed(VPTreeKind(BITS // 8), codes)
    flat, *_ = sealed(HammingKind(BITS // 8, "faiss"), codes)
    for kind, asked in queries.items():
        far, theirs = timed(lambda q: package.get_n_nearest_neighbors(int.from_bytes(q.tobytes()), K), asked, 10)
        near, mine = timed(lambda q: ours.search(q[None], K).distances[0], asked)
        fast, _ = timed(lambda q: flat.search(q[None], K), asked)
        for answer, other in zip(theirs, mine, strict=False):
            assert [distance for distance, _ in answer] == other.tolist()
        size = f"{len(codes):,} x {BITS} bit, {kind}"
        report.row(what=f"vptree package, {size}", ms=far, build_s=seconds)
        report.row(what=f"VPTreeIndex, {size}", ms=near, build_s=built)
        report.row(what=f"HammingIndex, {size}", ms=fast)
        ratios = far.median / fast.median, far.median / near.median
        report.verdict(f"vptree package / HammingIndex, {kind}", ratios[0], 300, at_most=False, unit="x")
        report.verdict(f"vptree package / VPTreeIndex, {kind}", ratios[1], 10, at_most=False, unit="x")


def radii(report: Report, codes: np.ndarray, queries: np.ndarray) -> None:
    """Where a tree visits few enough leaves to beat looking at everything."""
    tree, flat = (sealed(kind, codes)[0] for kind in (VPTreeKind(BITS // 8), HammingKind(BITS // 8, "faiss")))
    wins, losses = [], []
    for radius in (0, 2, 4, 8, 16, 32):
        a, x = timed(lambda q, r=radius: tree.within(q[None], r)[0].ids, queries, 1)
        b, y = timed(lambda q, r=radius: flat.within(q[None], r)[0].ids, queries, 1)
        assert all(np.array_equal(i, j) for i, j in zip(x, y, strict=False))
        report.row(what=f"radius {radius}, {len(codes):,}: VPTreeIndex", ms=a)
        report.row(what=f"radius {radius}, {len(codes):,}: HammingIndex", ms=b)
        (wins if a.best < b.best else losses).append(str(radius))
    report.note(f"the tree beats the scan at radius {', '.join(wins) or 'none'}; not at {', '.join(losses) or 'none'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the sizes")
    scale = 10 if parser.parse_args().quick else 1
    faiss.omp_set_num_threads(1)
    on_one_thread()
    report = Report("hamming", f"Top {K} of packed hashes, one thread: ms a query, median (fastest)")
    codes = collection(1_000_000 // scale)
    queries = codes[:: len(codes) // 20][:20]
    scan(report, codes, queries)
    strangers = np.random.default_rng(1).integers(0, 256, queries.shape, dtype=np.uint8)
    trees(report, codes[: 100_000 // scale], {"copies there": queries, "no copy there": strangers})
    radii(report, codes, queries)
    report.show()


if __name__ == "__main__":
    main()
