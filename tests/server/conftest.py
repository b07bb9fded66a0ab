from __future__ import annotations

from contextlib import ExitStack

import pytest
from starlette.testclient import TestClient

from lookalike import Collection
from lookalike.server.app import create_app
from lookalike.server.settings import Settings
from samples import HERE, METHODS, PHOTOS, fill, photo
from visits import TOKENS


@pytest.fixture
def served(album, tmp_path):
    """Starts servers of the session's collection, or of another one; each is a client to ask it with."""
    with ExitStack() as stack:

        def start(collection=album, base_url="http://127.0.0.1:8008", raises=True, **settings):
            app = create_app(Settings(collection, runtime=tmp_path / "runtime", **settings))
            return stack.enter_context(TestClient(app, base_url, raise_server_exceptions=raises))

        yield start


@pytest.fixture(scope="session")
def _server(album, tmp_path_factory):
    with TestClient(
        create_app(Settings(album, runtime=tmp_path_factory.mktemp("runtime"))), "http://127.0.0.1:8008"
    ) as client:
        yield client


@pytest.fixture
def server(_server):
    """A client of a server as `lookalike serve` starts it, of the session's collection. Not to be changed."""
    _server.cookies.clear()
    return _server


@pytest.fixture
def own(tmp_path):
    """A collection of its own, of pictures of its own: (collection, folder)."""
    folder = fill(tmp_path / "pictures", 4)
    photo(PHOTOS[0]).save(folder / PHOTOS[0])
    with Collection(tmp_path / "album") as made:
        made.index([folder], methods=METHODS, options=HERE)
    return tmp_path / "album", folder


@pytest.fixture
def bearing():
    """The header that shows the token of a role."""
    return lambda role: {"Authorization": f"Bearer {TOKENS[role].secret}"}
