"""Is another photograph called a copy? Each photograph of a folder with a simulated near shot of the same scene.

    python benchmarks/shots.py FOLDER [FOLDER ...] [--photos 80] [--work DIR]

The shots have parallax by depth, things that moved, another focus, or all of that. Of each kind it tells how many pairs
were put into one group of copies: every one of them is wrong.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from _table import Report

from lookalike import Collection
from lookalike.errors import ImageError
from lookalike.evaluate.shots import KINDS, near_shot
from lookalike.ingest.run import Options
from lookalike.pictures.open import open_image

METHODS = ("phash", "color", "embedding", "local")
LARGEST = 800


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--photos", type=int, default=80)
    parser.add_argument("--seed", type=int, default=5, help="which photographs are taken")
    parser.add_argument("--work", type=Path, help="where the pictures and the collection stay, to look at")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        run(arguments, arguments.work or Path(temporary))


def run(arguments: argparse.Namespace, work: Path) -> None:
    files = sorted(path for folder in arguments.folders for path in folder.rglob("*.jpg"))
    chosen = [
        files[place] for place in np.random.default_rng(arguments.seed).permutation(len(files))[: arguments.photos]
    ]
    kinds = taken(chosen, work / "pictures")
    with Collection(work / "album") as album:
        album.index([work / "pictures"], methods=METHODS, options=Options(workers=0))
        groups = album.duplicates(shots=True)
    called: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for group in groups:
        names = {Path(one.path).name: one.kind for one in group.members}
        for shot, kind in kinds.items():
            if shot in names and shot.replace("-shot.", "-photo.") in names:
                called[kind][group.kind] += 1
    made = Counter(kinds.values())
    copies = {kind: sum(called[kind].values()) - called[kind]["same scene"] for kind in KINDS}
    rows = [
        {"shots": kind, "pairs": made[kind], "same scene": called[kind]["same scene"], "called a copy": copies[kind]}
        for kind in KINDS
    ]
    report = Report("shots", "What duplicates calls another photograph of one scene", rows)
    report.verdict("groups of different photographs", sum(copies.values()), 0, at_most=True)
    report.show()


def taken(files: list[Path], folder: Path) -> dict[str, str]:
    """The photographs and one more shot of each; the kind of the shot by its name."""
    folder.mkdir(parents=True, exist_ok=True)
    kinds = {}
    for number, file in enumerate(files):
        try:
            picture = open_image(file, size=LARGEST).picture
        except ImageError:
            continue
        kind, name = KINDS[number % len(KINDS)], f"{number:04}-shot.jpg"
        picture.save(folder / f"{number:04}-photo.jpg", quality=92)
        near_shot(picture, kind, number).save(folder / name, quality=92)
        kinds[name] = kind
    return kinds


if __name__ == "__main__":
    main()
