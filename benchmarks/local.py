"""Find the crop: our local search and the brute-force way of the article it replaces, over a folder of photos.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/local.py FOLDER [--queries 40] [--pairs 20000]
    [--sizes 1000 4319 20000 100000] [--reference 1000] [--hard 1100] [--quick]

Times are processor time of one thread. A manifest.csv in the folder may have columns path, group and role (reference |
query): pictures of a group show the same thing, and its queries are asked with the other queries left out.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import faiss
import numpy as np
import PIL.Image
from _table import Report
from local_edits import EDITS, PAIRS

from lookalike.arrays.rows import Ragged
from lookalike.collection import Collection
from lookalike.errors import ImageError
from lookalike.evaluate.edits import EDITS as CHAINED
from lookalike.index.base import Segment
from lookalike.index.codebook import CODE, shipped
from lookalike.index.items import Items
from lookalike.index.votes import Voting
from lookalike.index.whole import index_of
from lookalike.methods.base import Variant
from lookalike.methods.keypoints import Keypoints
from lookalike.methods.local import Local
from lookalike.pictures.open import open_image
from lookalike.search.geometry import verify
from lookalike.search.local import search_local
from lookalike.threads import one_thread

LOCAL = Local()
SMALLEST = 400  # longest side of pictures that are edited, pixels
TARGETS = {"phone photo": 0.99, "pixelate 1/14": 0.85, "collage of two": 0.95, "pasted at 45 %": 0.95} | dict.fromkeys(
    ("crop 40 %", "crop 20 %", "crop 10 %", "mirrored crop 40 %"), 0.97
)
AGAINST_ARTICLE = (
    *("crop 70 %", "crop 40 %", "crop 20 %", "crop 10 %", "mirror", "turn 20 degrees"),
    *("frame", "collage of two", "in clutter", "JPEG q8", "text"),
)


@dataclass(frozen=True)
class Photo:
    path: Path
    group: str
    role: str


@dataclass(frozen=True)
class Asked:
    """A query: its edit, the numbers of the pictures to be found, and its variants."""

    edit: str
    truth: tuple[int, ...]
    variants: list[Variant[Keypoints]]


@dataclass
class Shelf:
    """The described collection. packed[i] belongs to photos[ids[i]]."""

    photos: list[Photo]
    ids: np.ndarray
    packed: list[np.ndarray]

    def fetch(self, id_: int) -> Keypoints:
        return LOCAL.unpack(self.packed[int(np.searchsorted(self.ids, id_))])

    def index(self, kind: str = "auto") -> Any:
        rows = Ragged.of(self.packed, LOCAL.layout.width, np.uint8)
        return index_of(LOCAL.index_kind(kind), rows, self.ids, sealed=True)


def photos_of(folder: Path) -> list[Photo]:
    manifest = folder / "manifest.csv"
    if not manifest.exists():
        return [Photo(path, "", "") for path in sorted(folder.rglob("*")) if path.is_file()]
    with manifest.open(newline="", encoding="utf-8") as file:
        return [Photo(folder / row["path"], row["group"], row["role"]) for row in csv.DictReader(file)]


def describe(photo: Photo) -> np.ndarray | None:
    cv2.setNumThreads(1)
    try:
        found = LOCAL.describe(open_image(photo.path))
    except ImageError:
        return None
    return None if found is None else LOCAL.pack(found)


def shelf_of(photos: list[Photo]) -> Shelf:
    with ProcessPoolExecutor() as pool:
        packed = list(pool.map(describe, photos, chunksize=8))
    ids = [i for i, rows in enumerate(packed) if rows is not None]
    return Shelf(photos, np.array(ids), [packed[i] for i in ids])


def edited(job: tuple[str, int, Path, int, Path]) -> Asked:
    cv2.setNumThreads(1)
    edit, one, path, other, other_path = job
    random = np.random.default_rng(zlib.crc32(f"{edit} {path.name}".encode()))
    picture = PIL.Image.open(path).convert("RGB")
    if edit in PAIRS:
        changed = PAIRS[edit](picture, PIL.Image.open(other_path).convert("RGB"), random)
        return Asked(edit, (one, other), LOCAL.describe_query(open_image(changed)))
    return Asked(edit, (one,), LOCAL.describe_query(open_image(EDITS[edit](picture, random))))


def questions(photos: list[Photo], count: int) -> list[Asked]:
    """`count` random photos of some size for every edit."""
    random = np.random.default_rng(1)
    large = [
        i for i, photo in enumerate(photos) if not photo.group and max(PIL.Image.open(photo.path).size) >= SMALLEST
    ]
    jobs = []
    for edit in (*EDITS, *PAIRS):
        chosen = random.choice(large, (2, min(count, len(large) // 2)), replace=False)
        jobs += [(edit, int(a), photos[a].path, int(b), photos[b].path) for a, b in chosen.T]
    with ProcessPoolExecutor() as pool:
        return list(pool.map(edited, jobs, chunksize=4))


def phone_questions(shelf: Shelf) -> list[Asked]:
    asked = []
    for photo in shelf.photos:
        if photo.role == "query":
            group = zip(range(len(shelf.photos)), shelf.photos, strict=True)
            truth = tuple(i for i, one in group if one.group == photo.group and one.role == "reference")
            asked.append(Asked("phone photo", truth, LOCAL.describe_query(open_image(photo.path))))
    return asked


def right(shelf: Shelf, asked: Asked, found: list[int]) -> bool:
    """All of the truth in as many answers; a copy or crop of it that the photo set itself holds is as good."""
    answers = found[: len(asked.truth)]
    return all(id_ in answers or any(same(shelf, id_, answer) for answer in answers) for id_ in asked.truth)


def same(shelf: Shelf, one: int, other: int) -> bool:
    if not {one, other} <= set(shelf.ids.tolist()):
        return False
    proof = verify(shelf.fetch(one), shelf.fetch(other))
    return proof is not None and proof.inliers >= 60


def ask(shelf: Shelf, index: Voting, asked: Asked, allowed: np.ndarray | None = None) -> tuple[list[int], float]:
    start = time.process_time()
    found = search_local(index, shelf.fetch, asked.variants, 10, allowed)
    return [id_ for id_, _ in found], time.process_time() - start


def measure_recall(report: Report, shelf: Shelf, questions: list[Asked]) -> None:
    index = shelf.index()
    without_queries = np.array([i for i in shelf.ids if shelf.photos[i].role != "query"])
    for edit in dict.fromkeys(asked.edit for asked in questions):
        of_edit = [asked for asked in questions if asked.edit == edit]
        results = [ask(shelf, index, one, without_queries if edit == "phone photo" else None) for one in of_edit]
        good = np.mean([right(shelf, one, found) for one, (found, _) in zip(of_edit, results, strict=True)])
        milliseconds = 1e3 * float(np.median([seconds for _, seconds in results]))
        report.row(what=f"{edit}, {len(shelf.ids)} pictures", queries=len(of_edit), recall=float(good), ms=milliseconds)
        report.verdict(f"recall@1 of {edit}", float(good), TARGETS.get(edit, 0.98), at_most=False)


def measure_article(report: Report, shelf: Shelf, questions: list[Asked], pictures: int, each: int) -> None:
    """Among the first pictures: ours, the same by the exhaustive index, and OpenCV's brute-force matcher in a loop."""
    small = Shelf(shelf.photos, shelf.ids[:pictures], shelf.packed[:pictures])
    ours, exhaustive = small.index(), small.index("exhaustive")
    there = set(small.ids.tolist())
    times: dict[str, list[float]] = {"ours": [], "exhaustive": []}
    chosen: list[Asked] = []
    for edit in AGAINST_ARTICLE:
        of_edit = [one for one in questions if one.edit == edit and set(one.truth) <= there and one.variants][:each]
        chosen += of_edit
        scores = {"ours": 0, "exhaustive": 0}
        for one in of_edit:
            found, seconds = ask(small, ours, one)
            times["ours"].append(seconds)
            scores["ours"] += right(small, one, found)
            start = time.process_time()
            rows = one.variants[0].descriptor.pack()
            query = Ragged.of([rows], rows.shape[1], np.uint8)
            answer = exhaustive.search(query, len(one.truth)).ids[0]
            times["exhaustive"].append(time.process_time() - start)
            scores["exhaustive"] += right(small, one, [int(i) for i in answer])
        if of_edit:
            shares = {name: score / len(of_edit) for name, score in scores.items()}
            report.row(
                what=f"{edit}, {len(small.ids)} pictures", queries=len(of_edit), recall=shares["ours"],
                article=shares["exhaustive"],
            )  # fmt: skip
            report.verdict(
                f"{edit}: recall@1 less the article's", shares["ours"] - shares["exhaustive"], 0, at_most=False
            )
    start = time.process_time()
    brute_force(chosen[0].variants[0].descriptor, small)
    matcher = time.process_time() - start
    mine = float(np.median(times["ours"]))
    report.row(what=f"ours, {len(small.ids)} pictures", ms=1e3 * mine)
    report.row(what=f"index=exhaustive, {len(small.ids)} pictures", ms=1e3 * float(np.median(times["exhaustive"])))
    report.row(what=f"cv2.BFMatcher in a loop, {len(small.ids)} pictures", ms=1e3 * matcher)
    report.verdict(
        "index=exhaustive / ours", float(np.median(times["exhaustive"])) / mine, 200, at_most=False, unit="x"
    )
    report.verdict("article's BFMatcher loop / ours", matcher / mine, 200, at_most=False, unit="x")


def brute_force(query: Keypoints, shelf: Shelf) -> list[tuple[int, int]]:
    """The article: knnMatch with k = 2, ratio 0.75, pictures with five good matches by their number."""
    matcher = cv2.BFMatcher()
    asked = query.descriptors.astype(np.float32)
    found = []
    for id_, rows in zip(shelf.ids.tolist(), shelf.packed, strict=True):
        pairs = matcher.knnMatch(asked, LOCAL.unpack(rows).descriptors.astype(np.float32), k=2)
        good = sum(len(pair) == 2 and pair[0].distance < 0.75 * pair[1].distance for pair in pairs)
        if good >= 5:
            found.append((good, id_))
    return sorted(found, reverse=True)


def noisy(rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Stored keypoints that look somewhat different."""
    codes, seen = rows[:, :CODE], shipped().decode(rows[:, :CODE])
    codes = shipped().encode((seen + random.integers(-12, 13, seen.shape)).clip(0, 255).astype(np.float32))
    return np.concatenate([codes, rows[:, CODE:]], axis=1)


def measure_scaling(report: Report, shelf: Shelf, questions: list[Asked], sizes: list[int]) -> None:
    """Real rows as far as they go, then the same ones with noise; bytes of the segment."""
    asked = [one for one in questions if one.edit == "crop 40 %" and one.variants][:15]
    for size in sizes:
        random = np.random.default_rng(0)
        start = time.process_time()
        kind, parts, done = LOCAL.index_kind(), [], []
        for first in range(0, size, len(shelf.ids)):
            packed = shelf.packed[: size - first]
            rows = Ragged.of(packed, LOCAL.layout.width, np.uint8)
            if first:
                rows = Ragged(noisy(rows.values, random), rows.offsets)
            done += [rows[i] for i in range(len(rows))]
            parts.append(kind.seal(rows))
        sealed = kind.merge(parts)
        assert sealed is not None
        rows = Ragged.of(done, LOCAL.layout.width, np.uint8)
        index = kind.open(Items.of(np.arange(size), rows), [Segment(0, size, kind.load(sealed, size))])
        build = time.process_time() - start
        memory = sum(array.nbytes for array in sealed.arrays.values())
        times = []
        for one in asked:
            begun = time.process_time()
            search_local(index, lambda id_: LOCAL.unpack(shelf.packed[id_ % len(shelf.ids)]), one.variants, 10)
            times.append(time.process_time() - begun)
        milliseconds = 1e3 * float(np.median(times))
        report.row(
            what=f"{size:,} pictures", ms=milliseconds, build_s=build, memory_mb=memory / 1e6,
            memory_kb_each=memory / size / 1e3, disk_kb_each=rows.values.nbytes / size / 1e3,
        )  # fmt: skip
        if size == 4319:
            report.verdict("search among 4,319", milliseconds, 60, at_most=True, unit=" ms")
            report.verdict("memory of 4,319", memory / 1e6, 250, at_most=True, unit=" MB")


def measure_false_alarms(report: Report, shelf: Shelf, pairs: int) -> None:
    """Random pairs of photos without a group, one with a query's budget."""
    random = np.random.default_rng(2)
    alone = [i for i in shelf.ids if not shelf.photos[i].group]
    alarms, done, listed = 0, 0, []
    while done < pairs:
        one = int(random.choice(alone))
        asked = LOCAL.describe_query(open_image(shelf.photos[one].path))[0].descriptor
        for other in random.choice(alone, min(200, pairs - done)).tolist():
            done += 1
            proof = verify(asked, shelf.fetch(other)) if other != one else None
            if proof is not None:
                alarms += 1
                names = f"{shelf.photos[one].path.name} - {shelf.photos[other].path.name}"
                listed.append(f"verified: {names}, {proof.inliers} inliers, {proof.label}")
    report.row(what="verified random pairs (pictures that really share something included)", queries=done, found=alarms)
    report.verdict("false alarms a pair", alarms / done, 1e-4, at_most=True)
    for line in listed:
        report.note(line)


def measure_describing(report: Report, photos: list[Photo], count: int) -> None:
    cv2.setNumThreads(1)
    images = [open_image(photo.path) for photo in photos[:: max(1, len(photos) // count)]]
    bare, ours = [], []
    for image in images:
        grey = LOCAL._grey(image)
        for spent, do in (
            (bare, lambda g=grey: cv2.SIFT_create().detectAndCompute(g, None)),
            (ours, lambda i=image: LOCAL.describe(i)),
        ):
            start = time.process_time()
            do()
            spent.append(time.process_time() - start)
    report.row(what="bare detectAndCompute", ms=1e3 * float(np.mean(bare)))
    report.row(what="Local().describe", ms=1e3 * float(np.mean(ours)))
    report.verdict("describing / bare", float(np.sum(ours) / np.sum(bare)), 1.3, at_most=True, unit="x")


def measure_hard(report: Report, photos: list[Photo], count: int, queries: int) -> None:
    """`search` by all methods of a collection of some photos, asked with chains of edits: of its own, of strangers."""
    random = np.random.default_rng(4)
    alone = [photo.path for photo in photos if not photo.group]
    order = [alone[i] for i in random.permutation(len(alone))]
    count = min(count, 2 * len(order) // 3)
    inside, strangers = order[:count], order[count:]
    with tempfile.TemporaryDirectory() as folder, Collection(Path(folder) / "album") as album:
        album.index(inside, methods=["phash", "color", "local", "embedding"])
        for name, asked in (("own", inside), ("strangers", strangers)):
            times, found = [], []
            for path in asked[:queries]:
                try:
                    query = chain(PIL.Image.open(path).convert("RGB"), strangers, random)
                except OSError:
                    continue
                start = time.process_time()
                matches = album.search(query)
                times.append(1e3 * (time.process_time() - start))
                found.append(bool(matches) and Path(matches[0].path) == path)
            report.row(
                what=f"auto, 2 to 5 edits of {name}, {len(album):,} pictures", queries=len(times),
                ms=float(np.median(times)), ms_of_nine_tenths=float(np.percentile(times, 90)),
                recall=float(np.mean(found)) if name == "own" else None,
            )  # fmt: skip


def chain(picture: PIL.Image.Image, others: list[Path], random: np.random.Generator) -> PIL.Image.Image:
    """Two to five edits, one upon the other, as a picture of at most 1,600 pixels."""
    beside = [PIL.Image.open(others[i]).convert("RGB") for i in random.integers(0, len(others), 3)]
    for number in random.choice(len(CHAINED), random.integers(2, 6), replace=False):
        picture.thumbnail((1600, 1600))
        picture = CHAINED[int(number)].apply(picture, int(random.integers(1000)), beside)
    picture.thumbnail((1600, 1600))
    return picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--queries", type=int, default=40, help="per edit")
    parser.add_argument("--reference", type=int, default=1000, help="pictures of the article's method")
    parser.add_argument("--each", type=int, default=5, help="queries per edit of the article's method")
    parser.add_argument("--pairs", type=int, default=20000)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 4319])
    parser.add_argument("--hard", type=int, default=1100, help="pictures of the collection asked by all methods, or 0")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    options = parser.parse_args()
    if options.quick:
        options.queries, options.reference, options.each = 4, 100, 2
        options.pairs, options.sizes, options.hard = 2000, [100, 1000], 110
    faiss.omp_set_num_threads(1)
    report = Report("local", "Local features: find the crop")
    photos = photos_of(options.folder)
    measure_describing(report, photos, 40)
    shelf = shelf_of(photos)
    asked = questions(photos, options.queries)
    measure_recall(report, shelf, asked + phone_questions(shelf))
    order = np.random.default_rng(3).permutation(len(shelf.ids))[: options.reference]
    wanted = {i for one in asked for i in one.truth} if options.reference >= 1000 else set()
    first = [n for n, i in enumerate(shelf.ids.tolist()) if i in wanted]
    chosen = np.sort(np.unique(np.concatenate([np.array(first, int), order]))[: options.reference])
    subset = Shelf(photos, shelf.ids[chosen], [shelf.packed[n] for n in chosen])
    measure_article(report, subset, asked, options.reference, options.each)
    measure_false_alarms(report, shelf, options.pairs)
    measure_scaling(report, shelf, asked, options.sizes)
    if options.hard:
        with one_thread():
            measure_hard(report, photos, options.hard, options.queries)
    report.show()


if __name__ == "__main__":
    main()
