from __future__ import annotations

import pytest
from engine import started

from lookalike import Collection, migrate
from samples import HERE


@pytest.fixture(scope="session")
def milvus(tmp_path_factory):
    """A running Milvus server."""
    engine = started(tmp_path_factory.mktemp("milvus"))
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def whole(pictures, tmp_path_factory):
    """The path of a collection of `pictures` by all methods. Not to be changed."""
    path = tmp_path_factory.mktemp("collections") / "whole"
    with Collection(path) as made:
        made.index([pictures], options=HERE)
    return path


@pytest.fixture(scope="session")
def served(milvus, whole):
    """The same collection in Milvus. Not to be changed."""
    address = milvus.address("served")
    migrate(whole, address)
    return address
