"""What a query costs when libraries start their own threads for it, on an idle and on a busy machine.

    python benchmarks/threads.py PHOTOS [--pictures 300] [--queries 30]

Crops are asked, the hardest of everyday queries. "ours": a query stays on its thread (`lookalike.threads`). "as the
libraries like": OpenMP, BLAS and OpenCV as they come. "busy": another process for each core does nothing but count.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import PIL.Image
from _photos import opened, read_photos
from _table import Report, Timing
from local_edits import crop

from lookalike import Collection, threads

LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@contextmanager
def busy() -> Iterator[None]:
    """A machine on which every core has other work."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(threads.CORES)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


@contextmanager
def as_libraries_like() -> Iterator[None]:
    """Without the house's policy: nothing is turned off."""
    kept = threads._turn_off, threads._faiss_threads
    threads._turn_off, threads._faiss_threads = list, lambda: 1
    try:
        yield
    finally:
        threads._turn_off, threads._faiss_threads = kept


def asked(album: Collection, queries: list[PIL.Image.Image]) -> tuple[Timing, float]:
    """Wall milliseconds of a query, and processor milliseconds of all its threads."""
    walls, before = [], time.process_time()
    for query in queries:
        started = time.perf_counter()
        assert album.search(query, k=10)
        walls.append(1e3 * (time.perf_counter() - started))
    spent = 1e3 * (time.process_time() - before) / len(queries)
    return Timing(float(np.median(walls)), min(walls)), spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--queries", type=int, default=30)
    options = parser.parse_args()
    if found := [name for name in LIMITS if name in os.environ]:
        parser.error(f"{', '.join(found)} already limits the libraries: unset it to see what they do by themselves")
    kept = [photo.path for photo, _ in zip(read_photos(options.photos), range(options.pictures), strict=False)]
    random = np.random.default_rng(3)
    chosen = [photo for photo in read_photos(options.photos) if photo.path in set(kept[: options.queries])]
    queries = [crop(0.3)(image.picture, random) for _, image in opened(chosen)]
    report = Report("threads", f"Crops among {len(kept)} pictures, {threads.CORES} cores")
    with tempfile.TemporaryDirectory() as folder, Collection(Path(folder) / "album") as album:
        album.index(kept)
        medians = {}
        for machine in ("idle", "busy"):
            for way in ("ours", "as the libraries like"):
                with (
                    busy() if machine == "busy" else nullcontext(),
                    as_libraries_like() if way != "ours" else nullcontext(),
                ):
                    asked(album, queries[:5])
                    wall, processor = asked(album, queries)
                medians[machine, way] = wall.median
                report.row(machine=machine, threads=way, query_ms=wall, processor_ms=processor)
    for machine in ("idle", "busy"):
        ratio = medians[machine, "as the libraries like"] / medians[machine, "ours"]
        report.note(f"{machine}: a query takes {ratio:.2f} times as long when libraries start threads")
    report.show()


if __name__ == "__main__":
    main()
