"""Pictures of one's own making, and collections of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from scenes import Scene

from lookalike import Collection
from samples import HERE


@pytest.fixture
def album(tmp_path: Path) -> Callable[..., Collection]:
    """Makes a collection of all files below a folder."""

    def make(folder: Path, methods: Sequence[str] = ("phash",)) -> Collection:
        collection = Collection(tmp_path / "album")
        collection.index([folder], methods=methods, options=HERE)
        return collection

    return make


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """An empty folder for pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    return folder


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Two groups of files and a plan for them."""
    return Scene(tmp_path)
