"""What a large collection costs: to open, to ask, to add to, and while another process writes to it.

    python benchmarks/scale.py PHOTOS [--pictures 100000 1000000] [--without local] [--keep FOLDER]

The collections are made of the descriptors of real photographs, mixed with each other and with noise, and written
through the store's own functions; the photographs themselves are in them as well, and re-encoded copies of them are
what is asked. Absolute times are of the machine that this runs on; page caches are warm.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from _photos import opened, read_photos
from _table import Report, Timing, stopwatch

from lookalike import Collection
from lookalike.arrays import files
from lookalike.index.codebook import CODE, shipped
from lookalike.ingest.run import Options
from lookalike.methods.base import Method
from lookalike.methods.factory import NAMES, make
from lookalike.pictures.open import Metadata, open_image
from lookalike.search import segments
from lookalike.significance.nulls import learn
from lookalike.store.changes import Added, Change, Description, Removed
from lookalike.store.comparison import Seen
from lookalike.store.directory import Store

REAL, BATCH, QUERIES = 300, 4096, 24
COLD = """
import sys, time
started = time.perf_counter()
from lookalike import Collection
with Collection(sys.argv[1]) as album:
    found = album.search(sys.argv[2], k=3)
assert found
print(time.perf_counter() - started)
"""
WRITER = "import scale, sys; scale.write_for_a_while(*sys.argv[1:])"

Rows = dict[str, np.ndarray]


def describe(folder: Path, methods: dict[str, Method[Any]], count: int) -> tuple[list[Path], list[Rows]]:
    """Photographs that all methods describe, and their packed descriptors."""
    paths, described = [], []
    for photo, image in opened(read_photos(folder)):
        found = {name: method.describe(image) for name, method in methods.items()}
        if all(one is not None for one in found.values()):
            paths.append(photo.path)
            described.append({name: methods[name].pack(one) for name, one in found.items()})
        if len(paths) == count:
            break
    return paths, described


def mixed(real: list[Rows], random: np.random.Generator) -> Rows:
    """The descriptors of a picture that does not exist: of two real ones, and noise."""
    one, other = (real[place] for place in random.integers(len(real), size=2))
    return {name: MIX[name](one[name], other[name], random) for name in one}


def _bits(one: np.ndarray, other: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return one ^ random.integers(0, 256, one.shape, np.uint8)


def _histogram(one: np.ndarray, other: np.ndarray, random: np.random.Generator) -> np.ndarray:
    counts = np.zeros(1 << 16, np.float64)
    share = random.uniform(0.2, 1)
    for rows, weight in ((one, share), (other, 1 - share)):
        counts[rows[:, 0]] += weight * rows[:, 1]
    places = np.flatnonzero(counts)
    places = places[random.random(len(places)) < 0.8]
    noisy = (counts[places] * random.uniform(0.5, 1.5, len(places))).clip(1, 65535)
    return np.stack([places, noisy], axis=1).astype(np.uint16)


def _vector(one: np.ndarray, other: np.ndarray, random: np.random.Generator) -> np.ndarray:
    share = random.uniform(0.2, 1)
    noise = random.standard_normal(one.shape, np.float32) * (0.5 / one.shape[1] ** 0.5)
    made = share * one.astype(np.float32) + (1 - share) * other + noise
    return (made / np.linalg.norm(made)).astype(np.float16)


def _keypoints(one: np.ndarray, other: np.ndarray, random: np.random.Generator) -> np.ndarray:
    rows = np.concatenate([one[::2], other[::2]])
    rows = rows[random.permutation(len(rows))]
    seen = shipped().decode(rows[:, :CODE])
    codes = shipped().encode((seen + random.integers(-12, 13, seen.shape)).clip(0, 255).astype(np.float32))
    return np.concatenate([codes, rows[:, CODE:]], axis=1)


MIX = {"phash": _bits, "color": _histogram, "embedding": _vector, "text": _vector, "local": _keypoints}


def fill(album: Collection, paths: list[Path], real: list[Rows], count: int) -> None:
    """The photographs and as many mixed pictures as are missing to `count`."""
    random = np.random.default_rng(count)
    store = album._store
    methods = {name: make(name) for name in real[0]}
    with store.writing(create=True):
        for method in methods.values():
            store.add_method(method.name, method.params, method.layout)
        for start in range(0, count, BATCH):
            numbers = range(start, min(start + BATCH, count))
            store.apply([_added(number, paths, real, random) for number in numbers])
            segments.seal_all(store, methods)
        learn(store, methods)


def _added(number: int, paths: list[Path], real: list[Rows], random: np.random.Generator) -> Change:
    if number < len(paths):
        path, digest, rows = str(paths[number]), hashlib.sha256(paths[number].read_bytes()).hexdigest(), real[number]
    else:
        path, digest, rows = f"/made/{number:010}.jpg", random.bytes(32).hex(), mixed(real, random)
    description = Description(digest, "JPEG", 640, 480, Metadata(), rows, {})
    return Added(Seen(path, 100_000 + number, 0), description)


def copies(paths: list[Path]) -> list[bytes]:
    """Re-encoded copies of some photographs, as files."""
    made = []
    for path in paths[:QUERIES]:
        file = io.BytesIO()
        open_image(path).picture.save(file, "JPEG", quality=80)
        made.append(file.getvalue())
    return made


def unused(store: Store) -> int:
    """A number from which on no picture was made, also by an earlier run on a collection that was kept."""
    return 10_000_000 + 10_000 * store.generation()


def written() -> int:
    """Bytes that this process has handed to the system to write."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("wchar"))


def measure(report: Report, directory: Path, paths: list[Path], real: list[Rows], count: int, work: Path) -> None:
    """One column of the table."""
    random = np.random.default_rng(7)
    with Collection(directory) as album:
        if len(album) < count:
            seconds, _ = stopwatch(lambda: fill(album, paths, real, count))
            report.note(f"{count:,}: written in {seconds:.0f} s")
    asked = copies(paths)
    query = work / "query.jpg"
    query.write_bytes(asked[0])
    command = [sys.executable, "-c", COLD, str(directory), str(query)]
    cold = [float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(4)][1:]
    with Collection(directory) as album:
        store, methods = album._store, {name: make(name) for name in real[0]}
        opened_files: list[str] = []
        real_open = segments.open_arrays

        def counted(path: Path, kind: str) -> files.ArrayFile:
            opened_files.append(path.name)
            return real_open(path, kind)

        segments.open_arrays = counted
        first = unused(store)
        one = [_added(first + place, paths, real, random) for place in range(3)]

        def add(changes: list[Change]) -> None:
            with store.writing():
                store.apply(changes)
                segments.seal_all(store, methods)
                learn(store, methods)

        before = written()
        adding = [stopwatch(lambda change=change: add([change]))[0] for change in one]
        grown = (written() - before) / len(one)
        added_opens = len(opened_files)
        info, _ = stopwatch(album.info)
        empty = work / "empty"
        empty.mkdir(exist_ok=True)
        idle, _ = stopwatch(lambda: album.index([empty], options=Options(workers=0)))
        idle_opens = len(opened_files) - added_opens
        segments.open_arrays = real_open
        for image in asked[:8]:
            found = album.search(image, k=5)
            assert found[0].path in {str(path) for path in paths}, found[:1]
        spent = [stopwatch(lambda image=image: album.search(image, k=5))[0] for image in asked * 3]
        warm = Timing(1e3 * float(np.median(spent)), 1e3 * min(spent))
        add([_added(first + 3 + place, paths, real, random) for place in range(256)])
        renewal, _ = stopwatch(album.searcher)
        first, _ = stopwatch(lambda: album.search(asked[0], k=5))
    label = f"{count:,}"
    report.row(
        pictures=label,
        cold_s=float(np.median(cold)),
        add_one_ms=1e3 * float(np.median(adding)),
        add_one_KB=grown / 1e3,
        add_opens=added_opens,
        info_ms=1e3 * info,
        noop_ms=1e3 * idle,
        noop_opens=idle_opens,
        warm_auto_ms=warm,
        renew_ms=1e3 * renewal,
        then_search_ms=1e3 * first,
        **{f"segments {name}": len(album._store.segments(stored)) for name, stored in _methods(directory).items()},
    )
    large = count > 300_000
    report.verdict(f"{label}: open and first search, cold", float(np.median(cold)), 1.5 if large else 0.8, at_most=True)
    report.verdict(f"{label}: one picture added", 1e3 * min(adding), 300 if large else 150, at_most=True, unit=" ms")
    report.verdict(f"{label}: bytes for it", grown / 1e6, 2, at_most=True, unit=" MB")
    report.verdict(
        f"{label}: warm auto, a certain copy, fastest", warm.best, 25 if large else 8, at_most=True, unit=" ms"
    )
    after = 1e3 * (renewal + first) - warm.median
    report.verdict(f"{label}: reader after a commit of 256", after, 100 if large else 50, at_most=True, unit=" ms")


def twice(report: Report, directory: Path, count: int) -> None:
    """What is here twice: asked for the first time, again when nothing is new, and after one picture was removed."""
    (directory / "caches" / "duplicates.links").unlink(missing_ok=True)
    (directory / "caches" / "duplicates.verdicts").unlink(missing_ok=True)
    spent = []
    for change in (None, None, "remove"):
        with Collection(directory) as album:
            if change:
                album.remove([f"/made/{count - 1:010}.jpg"])
            started = time.process_time()
            wall, _ = stopwatch(album.duplicates)
            spent.append((wall, time.process_time() - started))
    told = ", ".join(f"{wall:.1f} s ({cpu:.1f} s of processor time)" for wall, cpu in spent)
    report.note(f"{count:,}: duplicates from nothing, nothing new, one picture less: {told}")
    report.verdict(f"{count:,}: duplicates, nothing new", spent[1][0], 20 if count > 300_000 else 3, at_most=True)


def _methods(directory: Path) -> Any:
    with Collection(directory) as album:
        return dict(album._store.view().methods)


def share(report: Report, directory: Path, paths: list[Path], count: int) -> None:
    """Eight threads on one collection against one, while another process adds, removes and compacts."""
    asked = copies(paths)
    with Collection(directory) as album:

        def answers(images: list[bytes]) -> list[Any]:
            return [[(match.id, match.label) for match in album.search(image, k=1, methods="auto")] for image in images]

        expected = dict(zip(asked, answers(asked), strict=True))
        alone, _ = stopwatch(lambda: answers(asked * 4))
        quiet, _ = stopwatch(lambda: _together(answers, asked))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(directory)], env=environment)
        wrong, generations, rounds = 0, set(), 0
        started = time.perf_counter()
        while writer.poll() is None:
            for image, answer in _together(answers, asked):
                wrong += answer != expected[image]
            generations.add(album.searcher().view.generation)
            rounds += 1
        busy = (time.perf_counter() - started) / max(1, rounds)
    report.note(
        f"{count:,}: 8 threads ask {alone / quiet:.2f} times as fast as one (target >= 1.7 on two cores); while "
        f"another process wrote, {alone / busy:.2f} times, over {len(generations)} generations with {wrong} answers "
        "unlike those of one thread"
    )


def _together(answers: Any, asked: list[bytes]) -> list[tuple[bytes, Any]]:
    with ThreadPoolExecutor(8) as pool:
        return list(
            zip(asked * 4, (one[0] for one in pool.map(lambda image: answers([image]), asked * 4)), strict=True)
        )


def write_for_a_while(directory: str, seconds: str = "20") -> None:
    """The other process: adds pictures that are unlike all others, removes some, compacts."""
    random, started = np.random.default_rng(9), time.monotonic()
    with Collection(directory) as album:
        store, methods = (
            album._store,
            {name: make(name, stored.params) for name, stored in _methods(Path(directory)).items()},
        )
        samples = [{name: _first(album, name) for name in methods}]
        number = unused(store)
        while time.monotonic() - started < float(seconds):
            with store.writing():
                store.apply([_added(number + place, [], samples, random) for place in range(64)])
                segments.seal_all(store, methods)
            number += 64
            ids = store.catalogue.ids_below("/made")[-32:]
            with store.writing():
                store.apply([Removed(id_) for id_ in ids])
        album.compact()


def _first(album: Collection, name: str) -> np.ndarray:
    items = album.searcher().items(name)
    found = items.take(np.array([items.size // 2]))
    return np.array(found[0] if hasattr(found, "offsets") else found)


def collections(options: argparse.Namespace) -> Iterator[Path]:
    """A directory for the collections, kept when asked to."""
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        yield options.keep
        return
    folder = Path(tempfile.mkdtemp(prefix="lookalike-scale-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--pictures", type=int, nargs="+", default=[100_000])
    parser.add_argument("--without", nargs="*", default=[], help="methods to leave out")
    parser.add_argument("--keep", type=Path, help="where the collections stay for the next run")
    options = parser.parse_args()
    methods = {name: make(name) for name in NAMES if name not in options.without}
    paths, real = describe(options.photos, methods, REAL)
    report = Report("scale", f"Collections of {', '.join(methods)}")
    for folder in collections(options):
        for count in options.pictures:
            directory = folder / f"{count}-{len(methods)}"
            measure(report, directory, paths, real, count, folder)
            twice(report, directory, count)
            share(report, directory, paths, count)
    report.show()


if __name__ == "__main__":
    main()
