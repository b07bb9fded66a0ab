"""Describing in shards and merging, against describing at once: is it the same, and how long does each take?

    python benchmarks/shards.py PHOTOGRAPHS [--shards 4] [--sample 400]

The shards are described one after the other, on one core each: what the slowest takes is what as many machines take.
Compared are all records, all descriptors bit by bit, and the answers to edits of the photographs.
PHOTOGRAPHS: a folder of pictures, only read.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from _photos import opened, read_photos
from _table import Report, stopwatch

import lookalike
from lookalike import Collection
from lookalike.evaluate.edits import get
from lookalike.ingest.run import Options

ASKED = 40
EDIT = "crop-70"
ONE = Options(workers=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--sample", type=int, default=400)
    asked = parser.parse_args()
    photos = read_photos(asked.photographs)
    picked = np.random.default_rng(0).permutation(len(photos))[: asked.sample]
    with tempfile.TemporaryDirectory() as made:
        folder = linked([photos[place].path for place in picked], asked.photographs, Path(made) / "photographs")
        report = Report("shards", f"{len(picked):,} photographs on one core, at once and in {asked.shards} shards")
        compare(report, folder, asked.shards, Path(made))
        report.show()


def linked(paths: list[Path], root: Path, folder: Path) -> Path:
    """A folder of links to some pictures, as they lie below the root."""
    for path in paths:
        there = folder / path.relative_to(root)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.symlink_to(path.resolve())
    return folder


def compare(report: Report, folder: Path, shards: int, place: Path) -> None:
    with Collection(place / "whole") as whole:
        seconds, _ = stopwatch(lambda: whole.index([folder], options=ONE))
        row(report, "index, at once", seconds, len(whole), place / "whole")
    parts, slowest = [place / f"part-{number}" for number in range(1, shards + 1)], 0.0
    for number, part in enumerate(parts, 1):
        shard = f"{number}/{shards}"
        seconds, told = stopwatch(lambda part=part, shard=shard: lookalike.describe([folder], shard, part, options=ONE))
        slowest = max(slowest, seconds)
        row(report, f"describe --shard {shard}", seconds, told.added, part)
    with Collection(place / "merged") as merged:
        merging, _ = stopwatch(lambda: merged.merge(parts))
        row(report, "merge", merging, len(merged), place / "merged")
        again, told = stopwatch(lambda: merged.merge(parts))
        row(report, "merge, once more", again, told.added, place / "merged")
    at_once = float(report.rows[0]["seconds"])
    report.note(f"as {shards} machines: {slowest + merging:.1f} s, {at_once / (slowest + merging):.1f} times as fast")
    with Collection(place / "whole") as whole, Collection(place / "merged") as merged:
        mine, theirs = held(whole), held(merged)
        same = sum(theirs.get(path) == said for path, said in mine.items())
        report.verdict(f"records and descriptors alike, of {len(mine):,}", same, len(mine), at_most=False)
        queries = edits(folder)
        alike = sum(answers(whole, query) == answers(merged, query) for query in queries)
        report.verdict(f"answers alike, of {len(queries)}", alike, len(queries), at_most=False)


def row(report: Report, what: str, seconds: float, pictures: int, path: Path) -> None:
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    report.row(**{"": what, "pictures": pictures, "seconds": round(seconds, 1), "MB": round(size / 1e6, 1)})


def held(album: Collection) -> dict[str, Any]:
    """What a collection says of each file, and each of its descriptors, whatever the ids."""
    searcher, found = album.searcher(), {}
    for status in ("ok", "failed", "skipped"):
        for record in album._store.catalogue.iterate(status):
            rows = {}
            for name in searcher.methods:
                items = searcher.items(name)
                at = items.position(record.id)
                rows[name] = None if at is None else np.asarray(items.take(np.array([at]))[0]).tobytes()
            found[record.path] = (replace(record, id=0), rows)
    return found


def edits(folder: Path) -> list[bytes]:
    """Edits of some of the photographs, JPEG."""
    made = []
    for number, (_, image) in enumerate(opened(read_photos(folder)[:ASKED])):
        data = io.BytesIO()
        get(EDIT).apply(image.picture, seed=number).save(data, "JPEG", quality=85)
        made.append(data.getvalue())
    return made


def answers(album: Collection, query: bytes) -> list[tuple[str, str, float | None]]:
    """The certain ones: path, label, and by how much chance."""
    found = album.search(query, max_expected_false=0.01)
    return [(match.path, match.label, match.expected_false) for match in found]


if __name__ == "__main__":
    main()
