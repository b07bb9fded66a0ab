"""Is the original kept? Each photograph of a folder with one edited copy, made so that dates and names tell nothing.

    python benchmarks/keepers.py FOLDER [FOLDER ...] [--photos 240] [--work DIR]

Beside lookalike: keeping the file with most bytes, and the one with most pixels, then bytes, as others do.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
from _table import Report

from lookalike import Collection
from lookalike.errors import ImageError
from lookalike.evaluate.remade import KINDS, remade
from lookalike.ingest.run import Options
from lookalike.pictures.open import open_image

METHODS = ("phash", "color", "embedding", "local")
OURS, BYTES, PIXELS = "lookalike", "most bytes", "most pixels, then bytes"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--photos", type=int, default=17 * 14)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--wrong", action="store_true", help="also list what was kept wrongly, and why")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        run(arguments, arguments.work or Path(temporary))


def run(arguments: argparse.Namespace, work: Path) -> None:
    files = sorted(path for folder in arguments.folders for path in folder.rglob("*.jpg"))
    files = [files[place] for place in np.random.default_rng(3).permutation(len(files))[: arguments.photos]]
    planted = plant(files, work / "pictures")
    with Collection(work / "album") as album:
        album.index([work / "pictures"], methods=METHODS, options=Options(workers=0))
        groups = album.duplicates()
    counts: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for group in groups:
        names = [Path(one.path).name for one in group.members]
        for copy, (original, kind) in planted.items():
            if copy in names and original in names:
                kept = Path(group.kept.path).name
                if arguments.wrong and kept == copy:
                    print(f"{kind}: {copy} kept: {group.reason}")
                pair = [one for one in group.members if Path(one.path).name in (copy, original)]
                counts[kind][OURS].append(kept != copy)
                largest = max(pair, key=lambda one: one.bytes)
                counts[kind][BYTES].append(Path(largest.path).name == original)
                largest = max(pair, key=lambda one: (one.width * one.height, one.bytes))
                counts[kind][PIXELS].append(Path(largest.path).name == original)
    made = defaultdict(int)
    for _, kind in planted.values():
        made[kind] += 1
    rows = [
        {"edit": kind, "pairs": made[kind], "found": len(counts[kind][OURS]), **share(counts[kind])} for kind in KINDS
    ]
    total = {way: [hit for kind in KINDS for hit in counts[kind][way]] for way in (OURS, BYTES, PIXELS)}
    found = len(total[OURS])
    rows.append({"edit": "all", "pairs": len(planted), "found": found, **share(total)})
    report = Report("keepers", "The original was kept, of the pairs found", rows)
    report.verdict("kept the original", float(np.mean(total[OURS])), 0.97, at_most=False)
    report.show()


def share(hits: dict[str, list[bool]]) -> dict[str, str]:
    return {way: f"{np.mean(hits[way]):.0%}" if hits[way] else "" for way in (OURS, BYTES, PIXELS)}


def plant(files: list[Path], folder: Path) -> dict[str, tuple[str, str]]:
    """Originals as they are, and a copy of each: name of the copy -> name of the original, kind. All of one date."""
    folder.mkdir(parents=True, exist_ok=True)
    planted = {}
    for number, file in enumerate(files):
        kind = list(KINDS)[number % len(KINDS)]
        try:
            picture = open_image(file, size=4096).picture
        except ImageError:
            continue
        content, suffix = remade(picture, kind)
        names = [f"{number:04}-{side}" for side in "ab"]
        own, other = names if number // len(KINDS) % 2 else names[::-1]
        original, copy = folder / f"{own}{file.suffix}", folder / f"{other}{suffix}"
        shutil.copyfile(file, original)
        copy.write_bytes(content)
        for path in (original, copy):
            os.utime(path, (1_700_000_000, 1_700_000_000))
        planted[copy.name] = (original.name, kind)
    return planted


if __name__ == "__main__":
    main()
