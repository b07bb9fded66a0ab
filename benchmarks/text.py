"""How well and how fast the bundled concept space finds pictures by text:

    python benchmarks/text.py FOLDER [--skip SET] [--rows 100000]

FOLDER: photographs with a manifest.csv (see _photos.py). Every caption asks for its picture among all of them: ours,
its learned and its classifying half alone, the paper's ConSE and the name of the first class, next to chance. Class
names ask for their class. Things that everyday photographs show, and things that they do not, are asked for among all
sets but --skip: of what is there the best match should be relevant, of what is not it should not be; that the words of
either list are there or not is true of the photographs that this project is developed with, look for your own. Then a
warm query over many rows, and a cold one in a process of its own.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from _photos import Photo, opened, read_photos
from _table import Report, stopwatch, timed

from lookalike.evaluate.metrics import average_precision
from lookalike.evaluate.words import SELDOM
from lookalike.index.whole import index_of
from lookalike.methods.text import ConceptText
from lookalike.models import concepts
from lookalike.models.concepts import DIMENSION, ConceptSpace, shared_space
from lookalike.models.network import NetworkOutput, shared_network
from lookalike.search.relevance import FAIR, FLOOR, STRONG

COLD = "from lookalike.models.concepts import ConceptSpace; ConceptSpace().query(['a sunset near the sea'])"
SHORT = [
    "a sunset near the sea",
    "fog near the mountains",
    "a red flower",
    "a dog on grass",
    "people skiing",
    "a kitchen",
]
_PRESENT = """dog, beach, bicycle, snow, pizza, mountain, street, glacier, forest, sea, tent, guitar, car, boat, flower,
bridge, tree, lake, hamburger, sandwich, cake, ice cream, bird, elephant, tiger, horse, castle, church, swimming pool,
soccer game, tennis player, skateboard, surfer, rock climbing, motorcycle, skiing, baby, cliff, bench, zebra, bear,
airplane, cookies, berries, cup of coffee, bread, french fries, fish, penguin, skyscraper"""
PRESENT = _PRESENT.replace("\n", " ").split(", ")
_PEOPLE = (
    "man men woman women people person boy boys girl girls child children kid kids player players crowd guy lady baby "
    "group family couple"
)
PEOPLE = set(_PEOPLE.split())


def ranks(scores: np.ndarray, targets: list[int]) -> np.ndarray:
    """How many pictures stand before the right one; half of those that score the same."""
    own = scores[np.arange(len(targets)), targets][:, None]
    return (scores > own).sum(axis=1) + ((scores == own).sum(axis=1) - 1) / 2


def asked(space: ConceptSpace, texts: list[str]) -> np.ndarray:
    """(n, 512) directions of texts."""
    return np.stack([space.query([text]).vector for text in texts])


def first_class(space: ConceptSpace, logits: np.ndarray, texts: list[str]) -> np.ndarray:
    """The naive way: the name of the one class that the network believes in, compared with the text."""
    best = space._classes[logits.argmax(axis=1)]
    return space._sentences.encode(texts) @ best.T


def conse(space: ConceptSpace, logits: np.ndarray, texts: list[str]) -> np.ndarray:
    """The average of the class vectors by the network's belief, as the paper has it."""
    return space._sentences.encode(texts) @ np.stack([space.meaning(row) for row in logits]).T


def learned(space: ConceptSpace, seen: list[NetworkOutput], texts: list[str]) -> np.ndarray:
    """What the map learned from captions alone says."""
    said = space._learned(np.stack([space.read(one) for one in seen]))
    return concepts.unit(space._sentences.encode(texts) - space._said) @ said.T


def captions(
    report: Report, space: ConceptSpace, photos: list[Photo], rows: np.ndarray, seen: list[NetworkOutput]
) -> None:
    """Recall of the right picture for every caption, by set."""
    logits = np.stack([one.logits for one in seen])
    by_set: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for i, photo in enumerate(photos):
        by_set[photo.set] += [(i, caption) for caption in photo.captions]
    for name, pairs in ((name, pairs) for name, pairs in by_set.items() if pairs):
        targets, texts = [i for i, _ in pairs], [text for _, text in pairs]
        ways = {
            "ours": asked(space, texts) @ rows.T,
            "learned alone": learned(space, seen, texts),
            "ConSE alone": conse(space, logits, texts),
            "name of the first class": first_class(space, logits, texts),
        }
        peopled = np.array([bool(PEOPLE & set(re.findall("[a-z]+", text.lower()))) for text in texts])
        for way, scores in ways.items():
            placed = ranks(scores, targets)
            parts = {"": np.ones(len(texts), bool)}
            if way == "ours" and 0.1 < peopled.mean() < 0.9:
                parts |= {", with people": peopled, ", others": ~peopled}
            for part, these in parts.items():
                shares = {f"recall@{k}": float((placed[these] < k).mean()) for k in (1, 5, 10, 50)}
                median = float(np.median(placed[these])) + 1
                report.row(set=f"{name}: {these.sum()} captions{part}", way=way, **shares, median=median)
        chance = {f"recall@{k}": k / len(photos) for k in (1, 5, 10, 50)}
        report.row(set=f"{name}: {len(texts)} captions", way="chance", **chance, median=len(photos) / 2)


def classes(
    report: Report, space: ConceptSpace, photos: list[Photo], rows: np.ndarray, seen: list[NetworkOutput]
) -> None:
    """Precision of the classes' bare names among the pictures that have a class, with and without what was learned.

    The first ten of six classes are 60 pictures, in which a share of 0.8 has a standard error of 0.05; the mean average
    precision looks at all.
    """
    labels = np.array([photo.label for photo in photos])
    own = np.flatnonzero(labels != "")
    names = sorted(set(labels[own]))
    if not names:
        return
    ways = {
        "ours": asked(space, names) @ rows[own].T,
        "ConSE alone": conse(space, np.stack([seen[i].logits for i in own]), names),
    }
    for way, scores in ways.items():
        right = labels[own[np.argsort(-scores, axis=1)]] == np.array(names)[:, None]
        for k in (10, 30, 50):
            shares = right[:, :k].mean(axis=1)
            each = ", ".join(f"{name} {share:.2f}" for name, share in zip(names, shares, strict=True))
            report.note(f"class names, {way}, precision@{k}: {shares.mean():.3f} ({each})")
        mean = np.mean([average_precision(np.flatnonzero(one) + 1, one.sum()) for one in right])
        report.note(f"class names, {way}, mean average precision: {mean:.3f} (chance {1 / len(names):.2f})")


def there_or_not(report: Report, space: ConceptSpace, photos: list[Photo], rows: np.ndarray, skip: list[str]) -> None:
    """How relevant the best match is said to be, for things that are there and things that are not."""
    rows = rows[[photo.set not in skip for photo in photos]]
    best = {}
    for kind, names in (("there", PRESENT), ("not there", SELDOM)):
        queries = [space.query([name]) for name in names]
        odds = np.array([(query.scale * (rows @ query.vector)).max() + query.offset for query in queries])
        best[kind] = 1 / (1 + np.exp(-odds))
        steps = (("strong", STRONG), ("fair", FAIR), ("weak", FLOOR))
        counts = ", ".join(f"{word} or better {int((best[kind] >= least).sum())}" for word, least in steps)
        report.note(
            f"best match of {len(queries)} things that are {kind}: {counts} (relevance {STRONG}, {FAIR}, {FLOOR})"
        )
    wins = best["there"][:, None] > best["not there"][None]
    report.note(f"area under the curve, there against not there: {wins.mean():.3f}")


def speed(report: Report, count: int) -> None:
    """A warm query over `count` rows, the encoding of a text, and a cold query."""
    method, random = ConceptText(), np.random.default_rng(0)
    rows = random.normal(size=(count, DIMENSION)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    index = index_of(method.index_kind(), rows.astype(np.float16), sealed=True)
    queries = [method.pack(method.describe_text([text]).vector) for text in SHORT]
    searching, _ = timed(lambda query: index.search(query, 10), queries)
    encoding, _ = timed(lambda text: method.describe_text([text]), SHORT)
    cold = min(stopwatch(lambda: subprocess.run([sys.executable, "-c", COLD], check=True))[0] for _ in range(3))
    report.verdict(f"warm query over {count} rows, fastest", searching.best, 10, at_most=True, unit=" ms")
    report.note(f"median {searching.median:.1f} ms; encoding a text {encoding.best:.1f} ms")
    report.verdict("cold process: import, open, encode", cold, 1, at_most=True, unit=" s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--skip", action="append", default=[], metavar="SET", help="sets in which absent things are")
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    space, photos, rows, seen = shared_space(), [], [], []
    for photo, image in opened(read_photos(options.folder)):
        photos.append(photo)
        seen.append(shared_network().run(image))
        rows.append(space.describe(seen[-1]))
    kept = np.stack(rows).astype(np.float16).astype(np.float32)
    report = Report("text", f"Text to picture among {len(photos)} pictures, concept space {concepts.EDITION}")
    captions(report, space, photos, kept, seen)
    classes(report, space, photos, kept, seen)
    there_or_not(report, space, photos, kept, options.skip)
    speed(report, options.rows)
    report.show()


if __name__ == "__main__":
    main()
