"""Pictures of one's own making, and collections of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from lookalike import Collection
from lookalike.ingest.run import Options

Picture = PIL.Image.Image


def scene(seed: int, width: int = 320, height: int = 240) -> Picture:
    """A picture with structure at all scales, different for each seed."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for cells, strength in ((3, 90), (8, 60), (24, 45), (80, 35)):
        coarse = random.normal(0, strength, (cells, cells, 3)).clip(-120, 120) + 128
        layer = PIL.Image.fromarray(coarse.clip(0, 255).astype(np.uint8))
        total += np.asarray(layer.resize((width, height), PIL.Image.Resampling.BICUBIC), np.float32) - 128
    return PIL.Image.fromarray((total + 128).clip(0, 255).astype(np.uint8))


@pytest.fixture
def album(tmp_path: Path) -> Callable[..., Collection]:
    """Makes a collection of all files below a folder."""

    def make(folder: Path, methods: Sequence[str] = ("phash",)) -> Collection:
        collection = Collection(tmp_path / "album")
        collection.index([folder], methods=methods, options=Options(workers=0))
        return collection

    return make


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """An empty folder for pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    return folder
