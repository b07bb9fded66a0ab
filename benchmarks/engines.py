"""One collection in a directory and in Milvus: the same answers? how fast, for one client and for eight?

    python benchmarks/engines.py PHOTOGRAPHS [--queries 200] [--rows 1000000] [--address milvus://HOST:PORT/NAME]

Without an address a server of the package `milvus` is started, and stopped in the end. Every query is an edit of one of
the photographs. --rows: also so many made-up descriptors of each method of one width, in Milvus alone; with --queries 0
only these. PHOTOGRAPHS: a folder of pictures, only read.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from _photos import opened, read_photos
from _table import Report, stopwatch

from lookalike import Collection, migrate
from lookalike.arrays.rows import Layout
from lookalike.evaluate.edits import get
from lookalike.index.hamming import HammingKind
from lookalike.index.vectors import VectorKind
from lookalike.index.whole import index_of
from lookalike.milvus.address import parse_address
from lookalike.milvus.index import MilvusIndex
from lookalike.milvus.publish import data_types
from lookalike.milvus.server import Server, Table
from lookalike.milvus.tables import descriptor_fields, descriptor_rows, vectors_of

EDITS = ("crop-70", "crop-20", "jpeg-8", "mirror", "grey", "text-12", "border-12", "chain-5")
FILTERS = (
    "width > 400",
    "width > 300 and not has camera",
    "name like '%1%' and height < 500",
    "bytes between 20 kb and 60 kb or format = 'png'",
    "folder like '%food%'",
)
WORDS = ("a dog", "snow on a mountain", "red flowers", "people at a table")
CLIENTS = 8
WIDTHS = {"phash": 32, "text": 512, "embedding": 1280}
ASKED = 100  # made-up queries
WRITTEN = 20_000  # rows made up at once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--address", help="of a running server, and a name that is free there")
    asked = parser.parse_args()
    report = Report("engines", f"{asked.queries} edited queries: a directory, and Milvus on the same machine")
    with tempfile.TemporaryDirectory() as folder, served(asked.address, Path(folder) / "engine") as address:
        if asked.queries:
            compare(report, asked.photographs, asked.queries, Path(folder) / "album", address)
        if asked.rows:
            for name in WIDTHS:
                made_up(report, address, name, asked.rows)
    report.show()


@contextmanager
def served(address: str | None, folder: Path) -> Iterator[str]:
    """The address of a server: the one named, or one that is started."""
    if address:
        yield address
        return
    from milvus import MilvusServer

    server = MilvusServer()
    server.set_base_dir(str(folder))
    server.start()
    try:
        yield f"milvus://127.0.0.1:{server.listen_port}/benchmark"
    finally:
        server.stop()


def compare(report: Report, photographs: Path, count: int, directory: Path, address: str) -> None:
    with Collection(directory) as here:
        here.index([photographs])
    seconds, written = stopwatch(lambda: migrate(directory, address))
    report.note(f"{written.records:,} records migrated in {seconds:.0f} s, {written.compared:,} checksums compared")
    seconds, _ = stopwatch(lambda: migrate(directory, address))
    report.note(f"again with nothing new: {seconds:.1f} s")
    asked = list(edited(photographs, count))
    with Collection(directory) as here, Collection(address) as there:
        answers = {}
        for place, album in (("directory", here), ("milvus", there)):
            album.search(asked[0])
            answers[place], *times = timed(album.search, asked)
            row(report, f"auto, {place}", times, concurrent(album.search, asked))
            _, *times = timed(lambda words, album=album: album.search(text=words), WORDS)
            row(report, f"words, {place}", times, None)
        pairs = list(zip(answers["directory"], answers["milvus"], strict=True))
        first = np.mean([one[:1] and one[0].id == other[0].id for one, other in pairs if one and other])
        ten = np.mean([[hit.id for hit in one] == [hit.id for hit in other] for one, other in pairs])
        report.verdict("the same first answer", 100 * float(first), 99, at_most=False, unit=" %")
        report.verdict("the same ten in the same order", 100 * float(ten), 97, at_most=False, unit=" %")
        agree = [np.array_equal(here.ids(where), there.ids(where)) for where in FILTERS]
        report.verdict("filters that find the same", sum(agree), len(FILTERS), at_most=False)


def edited(photographs: Path, count: int) -> Iterator[bytes]:
    """Edits of photographs, JPEG, one after the other of EDITS."""
    photos = read_photos(photographs)
    picked = np.random.default_rng(0).permutation(len(photos))[:count]
    for number, (_, image) in enumerate(opened([photos[place] for place in picked])):
        data = io.BytesIO()
        edit = get(EDITS[number % len(EDITS)])
        edit.apply(image.picture, seed=number).save(data, "JPEG", quality=85)
        yield data.getvalue()


def timed(ask: Callable[[Any], Any], queries: Any) -> tuple[list[Any], float, float]:
    """The answers, and the median and nine tenths of their milliseconds."""
    answers, spent = [], []
    for query in queries:
        started = time.perf_counter()
        answers.append(ask(query))
        spent.append(1e3 * (time.perf_counter() - started))
    return answers, float(np.median(spent)), float(np.quantile(spent, 0.9))


def concurrent(ask: Callable[[Any], Any], queries: list[Any]) -> float:
    """Queries a second of CLIENTS at once."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        seconds, _ = stopwatch(lambda: list(pool.map(ask, queries)))
    return len(queries) / seconds


def row(report: Report, what: str, times: Any, rate: float | None) -> None:
    report.row(
        **{"asked": what, "median ms": times[0], "nine tenths ms": times[1], f"{CLIENTS} clients, a second": rate}
    )


def made_up(report: Report, address: str, name: str, count: int) -> None:
    """Descriptors of one width: how long they take to load, and to be asked, and how many of the nearest are found."""
    server, table, width = Server(parse_address(address)), f"{parse_address(address).name}_{name}_rows", WIDTHS[name]
    binary = name == "phash"
    kind = HammingKind(width) if binary else VectorKind(width)
    layout = Layout("uint8" if binary else "float16", width)
    seen = vectors_of(kind)
    server.create([Table(table, descriptor_fields(data_types(), kind), seen.index)])
    rng, kept = np.random.default_rng(0), []

    def rows(number: int) -> Any:
        if binary:
            return rng.integers(0, 256, (number, width), np.uint8)
        centres = np.random.default_rng(1).standard_normal((1000, width))
        made = centres[rng.integers(0, len(centres), number)] + rng.standard_normal((number, width))
        return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float16)

    started = time.perf_counter()
    for start in range(0, count, WRITTEN):
        some = rows(min(WRITTEN, count - start))
        kept.append(some)
        server.upsert(table, descriptor_rows(kind, np.arange(start, start + len(some)), some))
    server.settle([table], lambda done, total: None)
    loaded = time.perf_counter() - started
    everything, queries = np.concatenate(kept), rows(ASKED)
    exact = index_of(kind if binary else VectorKind(width, "exact"), everything)
    index = MilvusIndex(server, table, kind if binary else VectorKind(width, "exact"), seen, layout, count)
    index.search(queries[:1], 10)
    answers, *times = timed(lambda at: index.search(queries[at : at + 1], 10).ids[0], range(ASKED))
    wanted = [exact.search(queries[at : at + 1], 10).ids[0] for at in range(ASKED)]
    recall = float(np.mean([np.isin(want, have).mean() for want, have in zip(wanted, answers, strict=True)]))
    row(report, f"{count:,} made-up {name}", times, None)
    report.note(f"{count:,} made-up {name}: loaded and indexed in {loaded:.0f} s, recall@10 {recall:.3f}")
    server.drop(table)


if __name__ == "__main__":
    main()
