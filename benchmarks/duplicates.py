"""Planted copies among a folder's pictures and synthetic hashes: how many are found, how many pairs are wrong.

    python benchmarks/duplicates.py FOLDER [--synthetic 100000] [--planted 500] [--million 1000000] [--work DIR]

Beside lookalike's default: the all-pairs hash comparison that everybody writes first, and imagededup (its PHash with
the default threshold) on the same files. --work keeps copies and collection for the next run, and gets wrong.html,
a gallery of the groups that hold pictures not planted as copies of each other: look at it, real copies are not wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import types
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from _table import Report

from lookalike import Collection
from lookalike.duplicates import Group
from lookalike.duplicates.descriptors import Descriptors
from lookalike.duplicates.links import find_links
from lookalike.duplicates.proof import Known
from lookalike.duplicates.report import write_page
from lookalike.errors import ImageError
from lookalike.evaluate.edits import EDITS, get
from lookalike.index.hamming import hamming_distances
from lookalike.ingest.run import Options
from lookalike.methods.phash import PHash
from lookalike.pictures.open import Metadata, open_image
from lookalike.significance.nulls import bundled
from lookalike.store.changes import Added, Description
from lookalike.store.comparison import Seen

NEAR = [
    *(edit.name for edit in EDITS if edit.family in ("size and quality", "light and colour")),
    *("mirror", "turn-90", "turn-180", "turn-270", "stretch-140", "text-12", "border-12", "crop-70"),
]
"""Edits whose results are promised to count as copies. Smaller parts, free rotations, perspective, screenshots,
collages and pictures on other ones are what `search` is for."""
METHODS = ("phash", "color", "embedding", "local")
LARGEST = 1600
SEED = 0
Pair = frozenset[str]


@dataclass(frozen=True)
class Result:
    """One way of finding duplicates: pairs of paths found, and how long it took with hashes and vectors at hand."""

    name: str
    pairs: set[Pair]
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--synthetic", type=int, default=100_000)
    parser.add_argument("--planted", type=int, default=500)
    parser.add_argument("--million", type=int, default=1_000_000)
    parser.add_argument("--work", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        run(arguments, arguments.work or Path(temporary))


def run(arguments: argparse.Namespace, work: Path) -> None:
    originals = sorted(path for path in arguments.folder.absolute().rglob("*") if path.is_file())
    planted = plant(originals, work / "planted", arguments.planted)
    album = Collection(work / "album")
    album.index([arguments.folder, work / "planted"], methods=METHODS, options=Options(workers=2, retry=True))
    add_synthetic(album, arguments.synthetic)

    started = time.perf_counter()
    groups = album.duplicates()
    ours = Result("lookalike, default", pairs_of(groups), time.perf_counter() - started)
    files = [record.path for record in album._store.catalogue.iterate("ok") if os.path.exists(record.path)]
    results = [ours, naive(album), imagededup(files)]
    truth = {Pair((copy, original)): kind for copy, (original, kind) in planted.items()}
    source = {copy: original for copy, (original, _) in planted.items()}
    rows = [summary(result, truth, source) for result in results if result]
    kinds = [by_kind(kind, [result for result in results if result], truth) for kind in NEAR]
    wrong = [group for group in groups if len({source.get(one.path, one.path) for one in group.members}) > 1]
    write_page(wrong, work / "wrong.html")
    title = f"Duplicates: {len(files):,} pictures and {arguments.synthetic:,} synthetic hashes"
    report = Report("duplicates", title, rows)
    report.verdict("planted copies found", rows[0]["recall"], 0.97, at_most=False)
    share = rows[0]["not planted"] / max(1, rows[0]["pairs"])
    report.verdict("pairs not planted, real copies among them (see wrong.html)", share, 0.01, at_most=True)
    report.show()
    Report("duplicates_kinds", "Planted copies found, by edit", kinds).show()
    report = Report("duplicates_hashes", "Random hashes, mirrored and turned ones looked for as well")
    report.rows = [hashes_alone(n) for n in (100_000, arguments.million) if n]
    report.verdict("last row, seconds", report.rows[-1]["seconds"], 120, at_most=True)
    report.show()


def plant(originals: list[Path], folder: Path, count: int) -> dict[str, tuple[str, str]]:
    """Edited copies of randomly chosen pictures: path of the copy -> path of the original, name of the edit."""
    folder.mkdir(parents=True, exist_ok=True)
    planted: dict[str, tuple[str, str]] = {}
    for place in np.random.default_rng(SEED).permutation(len(originals)):
        if len(planted) == count:
            break
        name = NEAR[len(planted) % len(NEAR)]
        copy = folder / f"{len(planted):04}-{name}.jpg"
        try:
            picture = PIL.Image.fromarray(open_image(originals[place], size=LARGEST).rgb)
        except ImageError:
            continue
        if not copy.exists():
            get(name).apply(picture, seed=int(place)).convert("RGB").save(copy, quality=88)
        planted[str(copy.absolute())] = (str(originals[place]), name)
    return planted


def add_synthetic(album: Collection, count: int) -> None:
    """Random hashes as pictures of the collection that nobody has; nothing when they are there already."""
    catalogue = album._store.catalogue
    have = len(catalogue.ids_below("/synthetic"))
    random = np.random.default_rng(1)
    gaps = {name: "synthetic" for name in catalogue.methods() if name != "phash"}
    with album._store.writing():
        for start in range(have, count, 5000):
            changes = []
            for number in range(start, min(start + 5000, count)):
                hash_ = random.integers(0, 256, (1, 32), np.uint8)
                sha256 = random.bytes(32).hex()
                described = Description(sha256, "PNG", 640, 480, Metadata(), {"phash": hash_}, gaps)
                changes.append(Added(Seen(f"/synthetic/{number:06}.png", 1000, 0), described))
            album._store.apply(changes)


def naive(album: Collection) -> Result:
    """Every hash against every other, at the threshold of 10 bits in 64 that is handed around, 40 in 256."""
    stored = album._store.catalogue.methods()["phash"]
    matrix = album._store.matrix(stored)
    ids, rows = np.array(matrix.ids()), np.array(matrix.rows())
    paths = {record.path: record.id for record in album._store.catalogue.iterate("ok")}
    path = {id_: name for name, id_ in paths.items()}
    started = time.perf_counter()
    asked = min(len(rows), 2000)  # timed on some, because all would take too long: the time is scaled up
    for place in range(asked):
        hamming_distances(rows, rows[place])
    seconds = (time.perf_counter() - started) * len(rows) / asked / 2
    real = [place for place, id_ in enumerate(ids.tolist()) if id_ in path and not path[id_].startswith("/synthetic/")]
    found: set[Pair] = set()
    for number, place in enumerate(real):
        near = (
            np.flatnonzero(hamming_distances(rows[real[number + 1 :]], rows[place]) <= 40)
            if number + 1 < len(real)
            else []
        )
        found.update(Pair((path[int(ids[place])], path[int(ids[real[number + 1 + int(one)]])])) for one in near)
    return Result("all hashes with all, <= 40 of 256 bits", found, seconds)


def imagededup(files: list[str]) -> Result | None:
    """imagededup's PHash at its default threshold; its network is left out where torch is missing."""
    try:
        from imagededup.methods.hashing import PHash as Peer
    except ImportError:
        Peer = without_torch()  # noqa: N806 (a class)
    if Peer is None:
        return None
    peer = Peer(verbose=False)
    encodings: dict[str, str] = {}
    for file in files:
        encoding = peer.encode_image(file)
        if encoding is not None:
            encodings[file] = encoding
    started = time.perf_counter()
    duplicates = peer.find_duplicates(encoding_map=encodings, num_dist_workers=0)
    found = {Pair((one, other)) for one, others in duplicates.items() for other in others}
    return Result("imagededup PHash, default", found, time.perf_counter() - started)


def without_torch() -> Any:
    """imagededup's PHash with stand-ins for the two of its modules that need torch; None when that fails, too."""
    for module, name in (("imagededup.methods.cnn", "CNN"), ("imagededup.utils.models", "CustomModel")):
        stand_in = types.ModuleType(module)
        setattr(stand_in, name, None)
        sys.modules[module] = stand_in
    for module in [name for name in sys.modules if name.startswith("imagededup") and name.count(".") < 2]:
        del sys.modules[module]
    try:
        from imagededup.methods.hashing import PHash as Peer
    except ImportError as error:
        print(f"imagededup is left out: {error}")
        return None
    return Peer


def pairs_of(groups: Iterable[Group]) -> set[Pair]:
    """All pairs of pictures of one group."""
    return {Pair((a.path, b.path)) for group in groups for a, b in combinations(group.members, 2)}


def summary(result: Result, truth: dict[Pair, str], source: dict[str, str]) -> dict[str, Any]:
    """A pair is not planted unless it consists of copies of one picture. Synthetic ones are always wrong."""
    wrong = [pair for pair in result.pairs if len({source.get(path, path) for path in pair}) > 1]
    return {
        "method": result.name,
        "planted": len(truth),
        "found": sum(pair in result.pairs for pair in truth),
        "recall": round(sum(pair in result.pairs for pair in truth) / len(truth), 4),
        "pairs": len(result.pairs),
        "not planted": len(wrong),
        "synthetic": sum(any(path.startswith("/synthetic/") for path in pair) for pair in wrong),
        "seconds": round(result.seconds, 1),
    }


def by_kind(kind: str, results: list[Result], truth: dict[Pair, str]) -> dict[str, Any]:
    wanted = [pair for pair, name in truth.items() if name == kind]
    found = {result.name: sum(pair in result.pairs for pair in wanted) for result in results}
    return {"edit": kind, "planted": len(wanted), **found}


def hashes_alone(count: int) -> dict[str, Any]:
    """Random hashes with 500 copies at 16 to 56 bits, mirrored and turned ones looked for as well."""
    random = np.random.default_rng(2)
    codes = random.integers(0, 256, (count, 32), np.uint8)
    wanted: dict[Pair, int] = {}
    for number, bits in enumerate(np.repeat([16, 32, 40, 48, 56], 100)):
        flipped = np.zeros(256, np.uint8)
        flipped[random.choice(256, bits, replace=False)] = 1
        codes[count - 1 - number] = codes[number] ^ np.packbits(flipped)
        wanted[Pair((str(number), str(count - 1 - number)))] = int(bits)
    ids = np.arange(count)
    hashes = Descriptors(PHash(), ids, ids, codes, bundled("phash", {"hash_size": 16}))
    started, used = time.perf_counter(), time.process_time()
    links = find_links({"copy": hashes}, Known({}, {}), 0.01)
    seconds, used = time.perf_counter() - started, time.process_time() - used
    found = {Pair((str(link.first), str(link.second))) for link in links}
    recall: dict[int, list[bool]] = defaultdict(list)
    for pair, bits in wanted.items():
        recall[bits].append(pair in found)
    return {
        "hashes": f"{count:,}",
        "seconds": round(seconds, 1),
        "cpu seconds": round(used, 1),
        "wrong pairs": len(found - wanted.keys()),
        **{f"found at {bits} bits": round(float(np.mean(hits)), 3) for bits, hits in recall.items()},
    }


if __name__ == "__main__":
    main()
