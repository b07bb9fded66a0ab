"""What a collection of many pictures asks for: measured bytes and milliseconds a picture, and what follows from them.

    python benchmarks/sizing.py PHOTOGRAPHS [--sample 300]

Measured: a sample of the photographs is indexed by every method alone, and bytes, milliseconds of describing and of
asking are counted. Computed, by the formulas of this file: what larger collections need in a directory and in Milvus,
and what that costs. PHOTOGRAPHS: a folder of pictures, only read.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _photos import read_photos
from _table import Report

from lookalike import Collection
from lookalike.index.keypoints import KeypointKind
from lookalike.ingest.run import Options
from lookalike.methods.factory import NAMES, make
from lookalike.milvus.tables import vectors_of
from lookalike.pictures.open import open_image

SIZES = (10**6, 10**7, 10**8, 10**9)
GB = 10**9
WITHOUT_LOCAL = ("phash", "color", "embedding", "text")

# Public list prices of one large provider in 2024 (US dollars, on demand, us-east-1): look them up again.
MACHINE_HOUR, MACHINE_GB = 0.504, 64  # of 8 cores with 64 GiB
OBJECT_GB_MONTH, DISK_GB_MONTH = 0.023, 0.08
HOURS = 730  # of a month

FULL = 0.7  # of a node's memory that is filled: the rest is for loading, growing segments and answers
DISK_A_NODE = 1000 * GB  # of its own, for what is memory-mapped
KEY, LABEL = 8, 8  # bytes of a primary key, and of a row's id in an index
RECORD = 1_000  # bytes of a record with its keys and words


@dataclass(frozen=True)
class Measured:
    """Of one method: bytes of the descriptor and of the segment a picture, milliseconds of a picture and of a query."""

    name: str
    descriptor: float
    segment: float
    describing: float
    asking: float


@dataclass(frozen=True)
class Needed:
    """Bytes a picture in Milvus: at rest, in memory for the index, and of fields that are read by key."""

    stored: float
    index: float
    fields: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--sample", type=int, default=300)
    asked = parser.parse_args()
    photos = read_photos(asked.photographs)
    picked = np.random.default_rng(0).permutation(len(photos))[: asked.sample]
    paths = [photos[place].path for place in picked]
    found = [measured(name, paths) for name in NAMES]
    show_measured(found, len(paths))
    needed = {one.name: in_milvus(one) for one in found}
    show_needed(needed)
    show_sizes("sizing_all", "Computed: all methods in Milvus", needed, NAMES)
    show_sizes("sizing_without_local", "Computed: without local", needed, WITHOUT_LOCAL)
    show_sizes("sizing_hashes", "Computed: phash alone", needed, ("phash",))
    show_directory(found)


def measured(name: str, paths: Sequence[Path]) -> Measured:
    with tempfile.TemporaryDirectory() as folder, Collection(Path(folder) / "album") as album:
        started = time.process_time()
        album.index(paths, methods=[name], options=Options(workers=0))
        describing = time.process_time() - started
        (about,) = album.info().methods
        sealed = make(name).index_kind().seal(album.searcher().sample(name, len(paths))) if name != "phash" else None
        segments = sum(array.nbytes for array in sealed.arrays.values()) if sealed else 0
        queries = [open_image(path) for path in paths[:30]]
        asked = time.process_time()
        for query in queries if make(name).traits.role != "words" else []:
            album.search(query, methods=name)
        asking = (time.process_time() - asked) / max(1, len(queries))
    count = max(1, about.pictures)
    return Measured(name, about.bytes / count, segments / count, 1e3 * describing / len(paths), 1e3 * asking)


def in_milvus(one: Measured) -> Needed:
    """By the tables of `lookalike.milvus.tables`: rows are kept in base64, 4 letters for 3 bytes."""
    kind = make(one.name).index_kind()
    seen, row = vectors_of(kind), 4 * math.ceil(one.descriptor / 3) + 2 * KEY
    if isinstance(kind, KeypointKind):
        voter = KEY + 2 * KEY + 4 * seen.dimensions  # key, picture and place, vector
        in_index = seen.index["params"]["m"] + LABEL
        return Needed(row + 8 + kind.voters * voter, kind.voters * in_index, row + kind.voters * 3 * KEY)
    vector = seen.dimensions / 8 if seen.binary else 4 * seen.dimensions
    in_index = vector if seen.binary else seen.dimensions + LABEL
    return Needed(row + vector, in_index + KEY, row)


def show_measured(found: Sequence[Measured], count: int) -> None:
    report = Report("sizing_measured", f"Measured: one picture of {count:,}, one core")
    for one in found:
        report.row(
            **{
                "method": one.name,
                "descriptor, bytes": round(one.descriptor),
                "segment, bytes": round(one.segment),
                "describing, ms of processor (with decoding)": one.describing,
                "asking, ms of processor": one.asking or None,
            }
        )
    report.show()


def show_needed(needed: dict[str, Needed]) -> None:
    report = Report("sizing_milvus", "Computed: bytes a picture in Milvus")
    for name, one in needed.items():
        report.row(
            **{
                "method": name,
                "at rest": f"{one.stored:,.0f}",
                "index in memory": f"{one.index:,.0f}",
                "fields, mapped or in memory": f"{one.fields:,.0f}",
            }
        )
    report.row(
        **{"method": "records", "at rest": RECORD, "index in memory": KEY, "fields, mapped or in memory": RECORD}
    )
    report.show()


def show_sizes(file: str, title: str, needed: dict[str, Needed], names: Sequence[str]) -> None:
    report = Report(file, title)
    for pictures in SIZES:
        report.row(**sizes(pictures, [needed[name] for name in names]))
    report.show()


def sizes(pictures: int, needed: Sequence[Needed]) -> dict[str, object]:
    """What so many pictures take: indexes are in memory, fields memory-mapped on the nodes' own disks."""
    index = pictures * (KEY + sum(one.index for one in needed))
    fields = pictures * (RECORD + sum(one.fields for one in needed))
    stored = pictures * (RECORD + sum(one.stored for one in needed))
    nodes = max(1, math.ceil(index / (FULL * MACHINE_GB * GB)), math.ceil(fields / DISK_A_NODE))
    others = 3 + math.ceil(nodes / 8)  # coordinators, proxies and queue; data and index nodes
    machines = (nodes + others) * MACHINE_HOUR * HOURS
    rest = (stored * OBJECT_GB_MONTH + fields * DISK_GB_MONTH) / GB
    return {
        "pictures": f"{pictures:,}",
        "index, GB of memory": _short(index / GB),
        "fields, GB of disk": _short(fields / GB),
        "at rest, GB": _short(stored / GB),
        "query nodes": nodes,
        "other nodes": others,
        "$ a month": _short(machines + rest),
        "of it machines": _short(machines),
    }


def show_directory(found: Sequence[Measured]) -> None:
    report = Report(
        "sizing_directory", "Computed: a directory on one machine, and how long describing takes on 16 cores"
    )
    for pictures in SIZES[:2]:
        for names in (NAMES, WITHOUT_LOCAL):
            some = [one for one in found if one.name in names]
            room = pictures * (RECORD + sum(one.descriptor + one.segment for one in some))
            days = pictures * sum(one.describing for one in some) / 1e3 / 16 / 86400
            report.row(
                **{
                    "pictures": f"{pictures:,}",
                    "methods": "all" if names == NAMES else "without local",
                    "disk, GB": round(room / GB, 1),
                    "mapped for a query, GB": round(pictures * sum(one.segment for one in some) / GB, 1),
                    "describing, days": round(days, 2),
                }
            )
    report.show()


def _short(value: float) -> str:
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


if __name__ == "__main__":
    main()
