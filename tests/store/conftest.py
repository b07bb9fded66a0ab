from __future__ import annotations

import shutil

import pytest

from lookalike import Collection
from samples import HERE, METHODS, fill


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("pictures"), 8)


@pytest.fixture(scope="session")
def whole(folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "album"
    with Collection(path) as made:
        made.index([folder], methods=METHODS, options=HERE)
    return path


@pytest.fixture
def path(whole, tmp_path):
    """A collection that may be damaged."""
    return shutil.copytree(whole, tmp_path / "album")
