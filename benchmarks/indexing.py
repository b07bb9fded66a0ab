"""Indexing a folder: rate against merely decoding, memory as it grows, doing nothing twice, and a cold start.

    python benchmarks/indexing.py FOLDER

FOLDER: real photographs, only read; a few hundred at least. Works in a temporary directory.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from multiprocessing import get_context
from pathlib import Path

import cv2
from _compose import compose, photographs_in
from _table import Report

from lookalike import Collection, ImageError
from lookalike.ingest.describe import Opened, Task, read_file
from lookalike.methods.factory import NAMES, make
from lookalike.pictures.open import open_image

METHODS = ("phash", "color")

# Prints seconds and the peak memory of this process and of its largest worker, in MB. The peak of a process that was
# forked begins with that of its parent, so where Linux tells the true one it is taken.
MEASURED_RUN = """
import re, resource, sys, time
from pathlib import Path
from lookalike import Collection
started = time.perf_counter()
with Collection(sys.argv[1]) as album:
    album.index([sys.argv[2]], methods=sys.argv[3:])
seconds = time.perf_counter() - started
own, worker = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
status = Path("/proc/self/status")
if status.exists():
    own = int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]) / 1024
print(seconds, own, worker)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--many", type=int, default=10_000, help="how many compositions to make")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions of the rate measurement")
    arguments = parser.parse_args()
    report = Report("indexing", "Indexing by phash and color")
    with tempfile.TemporaryDirectory() as scratch:
        stages(report, arguments.folder)
        rate(report, arguments.folder, Path(scratch), arguments.rounds)
        growth(report, arguments.folder, Path(scratch), arguments.many)
        cold_start(report, Path(scratch))
    report.show()


def stages(report: Report, folder: Path, most: int = 100) -> None:
    """What a picture costs, part by part, on one thread: the median over some of them."""
    cv2.setNumThreads(1)
    methods = [make(name) for name in NAMES]
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    seconds: dict[str, list[float]] = defaultdict(list)
    for path in files[:: max(1, len(files) // most)]:
        started = time.perf_counter()
        found = read_file(Task(str(path)))
        if not isinstance(found, Opened):
            continue
        seconds["read, hash, decode"].append(time.perf_counter() - started)
        for method in methods:
            started = time.perf_counter()
            method.describe(found.image)
            seconds[method.name].append(time.perf_counter() - started)
    for what, each in seconds.items():
        report.row(what=f"one picture: {what}", milliseconds=1e3 * statistics.median(each[1:]))


def rate(report: Report, folder: Path, scratch: Path, rounds: int) -> None:
    """Decoding alone and indexing take turns, so that a busy machine slows both; the best of each counts."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    megapixels = sum(filter(None, map(size_of, files[:: max(1, len(files) // 100)]))) / 1e6
    decoding, indexing = [], []
    for turn in range(rounds):
        decoding.append(decode_all(files))
        started = time.perf_counter()
        with Collection(scratch / f"rate{turn}") as album:
            album.index([folder], methods=METHODS)
        indexing.append(time.perf_counter() - started)
    for name, seconds in (("decode only", decoding), ("index", indexing)):
        report.row(what=f"{name}, {len(files)} files", seconds=min(seconds), files_a_second=len(files) / min(seconds))
    report.note(f"about {megapixels / min(100, len(files)):.2f} megapixels a file, {os.cpu_count()} cores")
    report.verdict("index / decode only", min(decoding) / min(indexing), 0.75, at_most=False)


def growth(report: Report, folder: Path, scratch: Path, many: int) -> None:
    """The same run on a tenth of the pictures and on all: memory must not follow."""
    everything = scratch / "pictures"
    made = compose(photographs_in(folder), everything, many)
    few = scratch / "few"
    few.mkdir()
    for path in made[: many // 10]:
        os.link(path, few / path.name)
    peaks = []
    for pictures, count in ((few, many // 10), (everything, many)):
        seconds, main_peak, worker_peak = measured(scratch / f"album-{pictures.name}", pictures)
        peaks.append((main_peak, worker_peak))
        report.row(
            what=f"index, {count} compositions",
            seconds=seconds,
            files_a_second=count / seconds,
            main_MB=main_peak,
            worker_MB=worker_peak,
        )
    seconds, main_peak, _ = measured(scratch / f"album-{everything.name}", everything)
    report.row(what=f"index again, {many} unchanged", seconds=seconds, main_MB=main_peak)
    report.verdict("main process, ten times the pictures", peaks[1][0] / peaks[0][0], 1.25, at_most=True, unit=" times")
    report.verdict(
        "largest worker, ten times the pictures", peaks[1][1] / peaks[0][1], 1.25, at_most=True, unit=" times"
    )
    report.verdict(f"index again, {many} unchanged", seconds, 2.0, at_most=True, unit=" s")


def cold_start(report: Report, scratch: Path) -> None:
    """New processes each time; the best of several."""
    folder, album = scratch / "two-thousand", scratch / "album-cold"
    folder.mkdir()
    made = sorted((scratch / "pictures").rglob("*.jpg"))[:2000]
    for path in made:
        os.link(path, folder / path.name)
    measured(album, folder)
    search = [sys.executable, "-m", "lookalike", "-c", str(album), "search", str(made[7])]
    seconds = min(process_seconds(search) for _ in range(7))
    report.row(what=f"lookalike search, {len(made)} pictures, cold", seconds=seconds)
    report.verdict("lookalike search, cold", seconds, 0.6, at_most=True, unit=" s")
    clock = "import time; t = time.perf_counter(); import lookalike; print(time.perf_counter() - t)"
    seconds = min(float(output([sys.executable, "-c", clock])) for _ in range(7))
    report.row(what="import lookalike", seconds=seconds)
    report.verdict("import lookalike", 1e3 * seconds, 60, at_most=True, unit=" ms")
    report.row(
        what="python itself, for comparison", seconds=min(process_seconds([sys.executable, "-c", ""]) for _ in range(7))
    )


def decode_all(files: list[Path]) -> float:
    """Seconds to decode all files on all cores, as indexing decodes them."""
    with get_context("spawn").Pool() as pool:
        pool.map(size_of, files[: 2 * (os.cpu_count() or 1)], 1)  # the processes are up and have their libraries
        started = time.perf_counter()
        for _ in pool.imap_unordered(size_of, files, 4):
            pass
        return time.perf_counter() - started


def size_of(path: Path) -> int | None:
    """Decode a picture; its pixels, None when it cannot be read."""
    try:
        image = open_image(path)
    except ImageError:
        return None
    return image.width * image.height


def measured(album: Path, pictures: Path) -> tuple[float, float, float]:
    """Index in a process of its own: seconds, its peak memory in MB, that of its largest worker."""
    seconds, own, worker = output([sys.executable, "-c", MEASURED_RUN, str(album), str(pictures), *METHODS]).split()
    return float(seconds), float(own), float(worker)


def process_seconds(command: list[str]) -> float:
    """Wall time from start to end of a process."""
    started = time.perf_counter()
    output(command)
    return time.perf_counter() - started


def output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
