"""How good and how fast the bundled embedding is:

    python benchmarks/embedding.py FOLDER [--copies 150]

FOLDER: photographs with a manifest.csv (see _photos.py). Class-level precision, edited copies found first, both
against the obvious ways of using the same network; and pictures per second against the bare network.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import PIL.Image
from _photos import Photo, opened, read_photos
from _table import Report
from local_edits import crop, frame
from PIL import ImageEnhance, ImageOps

from lookalike.evaluate.edits import get
from lookalike.methods.embedding import Embedding
from lookalike.methods.text import ConceptText
from lookalike.models.bundle import BUNDLED_FILES
from lookalike.models.network import ImageNetwork, squash
from lookalike.pictures.open import Image, open_image

Floats = np.ndarray
WAYS = (
    "ours: root of the pooled features, less the mean",
    "root of the pooled features",
    "pooled features",
    "class scores",
    "root, with ImageNet's mean and deviation",
)


class Ways:
    """Descriptors of one picture, ours and the obvious others of the same network."""

    def __init__(self) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.mean = np.load(BUNDLED_FILES / "embedding-mean.npy")
        self.session = ort.InferenceSession(BUNDLED_FILES / "efficientnet-lite0.onnx", options)

    def __call__(self, image: Image) -> list[Floats]:
        pixels = squash(image.picture)
        pooled, logits = self.session.run(["embed", "logits"], {"pixels": pixels[None]})
        mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
        usual = np.clip((pixels / 255 - mean) / deviation * 128 + 127, 0, 255).astype(np.uint8)
        other = self.session.run(["embed"], {"pixels": usual[None]})[0]
        root = unit(np.sqrt(pooled[0]))
        return [
            unit(root - self.mean),
            root,
            unit(pooled[0]),
            unit(logits[0] - logits[0].mean()),
            unit(np.sqrt(other[0])),
        ]


def unit(vector: Floats) -> Floats:
    return vector / np.linalg.norm(vector)


def hue(picture: PIL.Image.Image, random: np.random.Generator) -> PIL.Image.Image:
    h, s, v = picture.convert("HSV").split()
    shift = int(random.integers(8, 24))
    turned = h.point(lambda value: (value + shift) % 256)
    return PIL.Image.merge("HSV", (turned, s, v)).convert("RGB")


EDITS: dict[str, Callable[[PIL.Image.Image, np.random.Generator], PIL.Image.Image]] = {
    "crop 50 %": crop(0.5),
    "mirror": lambda picture, _: ImageOps.mirror(picture),
    "hue": hue,
    "grey": lambda picture, _: ImageEnhance.Color(picture).enhance(0.0),
    "text": lambda picture, random: get("text-12").apply(picture, int(random.integers(1 << 31))),
    "frame": frame,
}


def precision(vectors: Floats, labels: list[str], among: np.ndarray, k: int = 10) -> float:
    """The mean share of the k nearest others with the picture's own label."""
    where = np.flatnonzero(np.array([bool(label) for label in labels]))
    names = np.array(labels)
    cosines = vectors[where] @ vectors[among].T
    cosines[where[:, None] == among[None, :]] = -np.inf
    nearest = among[np.argsort(-cosines, axis=1)[:, :k]]
    return float((names[nearest] == names[where][:, None]).mean())


def copies_found(ways: Ways, stored: list[Floats], images: list[Image], count: int) -> dict[str, list[float]]:
    """Edit -> for each way the share of edited copies whose nearest picture is the original."""
    random = np.random.default_rng(0)
    chosen = random.choice(len(images), min(count, len(images)), replace=False)
    found: dict[str, list[float]] = {}
    for name, edit in EDITS.items():
        hits = []
        for i in chosen:
            edited = edit(PIL.Image.fromarray(images[i].rgb), random).convert("RGB")
            described = ways(open_image(np.asarray(edited)))
            hits.append([int((s @ d).argmax()) == i for s, d in zip(stored, described, strict=True)])
        found[name] = np.mean(hits, axis=0).tolist()
    return found


def bare(seconds: float) -> float:
    """Pictures per second of the network alone, on one thread."""
    network, pixels = ImageNetwork(), np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3), np.uint8)
    network.run_pixels(pixels)
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        network.run_pixels(pixels)
        done += 1
    return done / (time.perf_counter() - start)


def whole(task: tuple[list[Photo], float]) -> float:
    """Pictures per second from files to the rows of `embedding` and `text`."""
    photos, seconds = task
    methods = [Embedding(), ConceptText()]
    images = opened(photos * 100)
    for method in methods:
        method.describe(next(images)[1])
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        _, image = next(images)
        for method in methods:
            method.pack(method.describe(image))
        done += 1
    return done / (time.perf_counter() - start)


def throughput(photos: list[Photo], cores: int, rounds: int = 5, seconds: float = 2.0) -> tuple[float, float]:
    """Both rates on all cores, measured in turns so that a busy machine slows both alike: medians of the rounds."""
    shuffled = [photos[i] for i in np.random.default_rng(0).permutation(len(photos))]
    parts = [(shuffled[i::cores], seconds) for i in range(cores)]
    with get_context("spawn").Pool(cores) as pool:
        pairs = [(sum(pool.map(bare, [seconds] * cores)), sum(pool.map(whole, parts))) for _ in range(rounds)]
    alone, everything = np.median(np.array(pairs), axis=0)
    return float(alone), float(everything)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--copies", type=int, default=150, help="edited copies of each kind")
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    pairs = list(opened(read_photos(options.folder)))
    photos, images = [photo for photo, _ in pairs], [image for _, image in pairs]
    ways = Ways()
    described = [ways(image) for image in images]
    stored = [np.stack([row[way] for row in described]) for way in range(len(WAYS))]
    labels = [photo.label for photo in photos]
    own = np.flatnonzero(np.array([bool(label) for label in labels]))
    found = copies_found(ways, stored, images, options.copies)

    report = Report("embedding", f"The bundled embedding among {len(images)} pictures; shares, 1 is best")
    for way, name in enumerate(WAYS):
        classes = {}
        if len(own):
            classes["precision@10, own set"] = precision(stored[way], labels, own)
            classes["precision@10, all"] = precision(stored[way], labels, np.arange(len(images)))
        report.row(**{"way": name} | classes | {edit: shares[way] for edit, shares in found.items()})
    if len(own):
        report.verdict("class-level precision@10", report.rows[0]["precision@10, own set"], 0.78, at_most=False)
    report.verdict("edited copies found first", min(shares[0] for shares in found.values()), 0.97, at_most=False)
    alone, everything = throughput(photos, options.cores)
    report.note(f"{options.cores} cores: network alone {alone:.1f}, decoded and described {everything:.1f} pictures/s")
    report.verdict("share of the bare network's throughput", everything / alone, 0.85, at_most=False)
    report.show()


if __name__ == "__main__":
    main()
