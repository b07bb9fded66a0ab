"""How well and how fast the bundled concept space finds pictures by text:

    python benchmarks/text.py FOLDER [--rows 100000]

FOLDER: photographs with a manifest.csv (see _photos.py). Every caption asks for its picture among all of them: ours,
the paper's ConSE alone and the name of the first class, next to chance. Class names ask for their class. Then a warm
query over many rows, and a cold one in a process of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from _photos import Photo, opened, read_photos
from _table import Report, stopwatch, timed

from lookalike.index.whole import index_of
from lookalike.methods.text import ConceptText
from lookalike.models import concepts
from lookalike.models.concepts import DIMENSION, ConceptSpace, shared_space
from lookalike.models.network import shared_network

COLD = "from lookalike.models.concepts import ConceptSpace; ConceptSpace().query(['a sunset near the sea'])"
SHORT = [
    "a sunset near the sea",
    "fog near the mountains",
    "a red flower",
    "a dog on grass",
    "people skiing",
    "a kitchen",
]


def ranks(scores: np.ndarray, targets: list[int]) -> np.ndarray:
    """How many pictures stand before the right one; half of those that score the same."""
    own = scores[np.arange(len(targets)), targets][:, None]
    return (scores > own).sum(axis=1) + ((scores == own).sum(axis=1) - 1) / 2


def asked(space: ConceptSpace, texts: list[str]) -> np.ndarray:
    """(n, 384) directions of texts."""
    return np.stack([space.query([text]).vector for text in texts])


def plain_average(space: ConceptSpace, logits: np.ndarray, texts: list[str]) -> np.ndarray:
    """The naive way: the name of the one class that the network believes in, compared with the text."""
    best = space._classes[logits.argmax(axis=1)]
    return space._sentences.encode(texts) @ best.T


def conse(space: ConceptSpace, logits: np.ndarray, texts: list[str]) -> np.ndarray:
    """The average of the class vectors by the network's belief, as the paper has it."""
    belief = np.exp((logits - logits.max(axis=1, keepdims=True)) / concepts.BELIEF_TEMPERATURE)
    pictures = belief @ space._meanings
    return space._sentences.encode(texts) @ (pictures / np.linalg.norm(pictures, axis=1, keepdims=True)).T


def captions(report: Report, space: ConceptSpace, photos: list[Photo], rows: np.ndarray, logits: np.ndarray) -> None:
    """Recall of the right picture for every caption, by set."""
    by_set: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for i, photo in enumerate(photos):
        by_set[photo.set] += [(i, caption) for caption in photo.captions]
    for name, pairs in ((name, pairs) for name, pairs in by_set.items() if pairs):
        targets, texts = [i for i, _ in pairs], [text for _, text in pairs]
        directions = asked(space, texts)
        ways = {
            "ours": directions @ rows.T,
            "ConSE alone": conse(space, logits, texts),
            "name of the first class": plain_average(space, logits, texts),
        }
        for way, scores in ways.items():
            placed = ranks(scores, targets)
            shares = {f"recall@{k}": float((placed < k).mean()) for k in (1, 5, 10, 50)}
            report.row(set=f"{name}: {len(texts)} captions", way=way, **shares, median=float(np.median(placed)) + 1)
        chance = {f"recall@{k}": k / len(photos) for k in (1, 5, 10, 50)}
        report.row(set=f"{name}: {len(texts)} captions", way="chance", **chance, median=len(photos) / 2)


def classes(report: Report, space: ConceptSpace, photos: list[Photo], rows: np.ndarray) -> None:
    """Precision@10 of the classes' bare names among the pictures that have a class."""
    labels = np.array([photo.label for photo in photos])
    own = np.flatnonzero(labels != "")
    names = sorted(set(labels[own]))
    if names:
        nearest = own[np.argsort(-(asked(space, names) @ rows[own].T), axis=1)[:, :10]]
        shares = (labels[nearest] == np.array(names)[:, None]).mean(axis=1)
        each = ", ".join(f"{name} {share:.1f}" for name, share in zip(names, shares, strict=True))
        report.note(f"class names, precision@10: {shares.mean():.2f} (chance {1 / len(names):.2f}; {each})")


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
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    space, photos, rows, logits = shared_space(), [], [], []
    for photo, image in opened(read_photos(options.folder)):
        sight = shared_network().run(image)
        photos.append(photo)
        rows.append(space.describe(sight.pixels, sight.logits))
        logits.append(sight.logits)
    kept = np.stack(rows).astype(np.float16).astype(np.float32)
    report = Report("text", f"Text to picture among {len(photos)} pictures, concept space {concepts.EDITION}")
    captions(report, space, photos, kept, np.stack(logits))
    classes(report, space, photos, kept)
    speed(report, options.rows)
    report.show()


if __name__ == "__main__":
    main()
