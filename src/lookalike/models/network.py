"""The bundled image network, EfficientNet-lite0: one pass gives all that `embedding` and `text` describe by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from lookalike.models.bundle import BUNDLED_FILES
from lookalike.models.onnx import Network
from lookalike.models.session import Providers
from lookalike.pictures.open import Image

NAME = "efficientnet-lite0"
SIZE = 224
DIMENSION = 1280
WEIGHTS = "a615867d8a816a2d"  # how the SHA-256 of network and mean begins: vectors of other weights do not compare
CLASSES = 1000

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class NetworkOutput:
    """What the network saw. embedding: (1280,) float32, unit length: the root less what photographs have in common.
    root: (1280,), unit length, see `rooted`. middle: (624,) the averages of three maps of its middle. logits: (1000,).
    pixels: its input, (224, 224, 3) uint8."""

    embedding: Floats
    root: Floats
    middle: Floats
    logits: Floats
    pixels: Pixels


class ImageNetwork:
    """Runs the network once a picture, however many methods ask for it in turn: the last picture is remembered.

    Safe to share between threads; two threads with different pictures only lose the memory. The file is opened
    with the first picture.
    """

    def __init__(self, path: Path | None = None, threads: int = 1, providers: Providers = ()) -> None:
        self._path = path or BUNDLED_FILES / f"{NAME}.onnx"
        self._threads, self._providers = threads, providers
        self._last: tuple[Image, NetworkOutput] | None = None

    def run(self, image: Image) -> NetworkOutput:
        """What the network sees in a picture. ModelError when the file cannot be run."""
        last = self._last
        if last is not None and last[0] is image:
            return last[1]
        pixels = squash(image.picture)
        roots, middle, logits = self.run_pixels(pixels[None])
        output = NetworkOutput(self.embeddings(roots)[0], roots[0], middle[0], logits[0], pixels)
        self._last = image, output
        return output

    def run_pixels(self, pixels: Pixels) -> tuple[Floats, Floats, Floats]:
        """(n, 224, 224, 3) uint8 -> roots (n, 1280), middle (n, 624), logits (n, 1000)."""
        pooled, middle, logits = self._network.run_all({"pixels": pixels}, ["embed", "middle", "logits"])
        return rooted(pooled), middle, logits

    def embeddings(self, roots: Floats) -> Floats:
        """Roots (n, 1280) less the mean of photographs, unit length: cosine then compares what sets pictures apart."""
        return unit_rows(roots - self._mean)

    @cached_property
    def _mean(self) -> Floats:
        """(1280,) what photographs have in common: measured over many, see tools/measure_population.py."""
        mean: Floats = np.load(BUNDLED_FILES / "embedding-mean.npy", allow_pickle=False)
        return mean

    @cached_property
    def _network(self) -> Network:
        return Network(self._path, self._threads, self._providers)


@lru_cache(maxsize=1)
def shared_network() -> ImageNetwork:
    """The network that `embedding` and `text` of one process share, so that a picture passes through it once."""
    return ImageNetwork()


def squash(picture: PIL.Image.Image) -> Pixels:
    """An RGB picture as the network's square, without aliasing; proportions are given up so that nothing is cut."""
    # as sharp as bicubic when reducing, at the cost of bilinear
    return np.asarray(picture.resize((SIZE, SIZE), PIL.Image.Resampling.HAMMING))


def rooted(pooled: Floats) -> Floats:
    """Square roots of averages of rectified features (n, d), unit length: cosine then compares them by the
    Bhattacharyya coefficient, so that a few loud features do not drown the rest."""
    return unit_rows(np.sqrt(np.maximum(pooled, 0.0)))


def unit_rows(rows: Floats) -> Floats:
    """The rows (n, d) with length 1; zeros stay zeros."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, np.float32(1e-12)), np.float32)
