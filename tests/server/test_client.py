"""Client answers and fails as a Collection does."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import httpx2
import numpy as np
import pytest

import lookalike
from lookalike import Client, Collection, CollectionError, ImageError, LookalikeError, QueryError
from lookalike.client import ServerError
from lookalike.server.settings import Role
from samples import HERE, draw, fill, photo
from visits import TOKENS, jpeg, names


@pytest.fixture
def client(server):
    return Client(http=server)


def plain(matches):
    return json.loads(json.dumps([match.to_json() for match in matches]))


@pytest.mark.parametrize("kind", ["path", "bytes", "file", "picture", "array"])
def test_a_picture_of_any_kind_is_asked_with(client, album, pictures, kind):
    path = pictures / "coffee.png"
    image = {
        "path": path,
        "bytes": path.read_bytes(),
        "file": io.BytesIO(path.read_bytes()),
        "picture": photo("coffee.png"),
        "array": np.asarray(photo("coffee.png")),
    }[kind]
    found = client.search(image, k=3)
    assert found[0].path == str(path) and isinstance(found, lookalike.search.match.Matches)
    with Collection(album) as here:
        expected = here.search(path, k=3)
    if kind in ("path", "bytes", "file"):
        assert plain(found) == plain(expected)
        assert [step.method for step in found.steps] == [step.method for step in expected.steps]


def test_ids_filters_and_thresholds(client, album):
    id_ = names(album)["coffee.png"]
    with Collection(album) as here:
        for options in (
            {"k": 4},
            {"where": "width < 100"},
            {"max_expected_false": 1e-6},
            {"methods": ["color"], "k": 2},
        ):
            assert plain(client.search(id=id_, **options)) == plain(here.search(id=id_, **options))
        assert plain(client.search(query=f"id:{id_}")) == plain(here.search(id=id_))
        part = {"region": (0, 0, 100, 100), "methods": "color", "k": 1}
        assert plain(client.search(id=id_, **part)) == plain(here.search(id=id_, **part))


def test_files_of_a_query_are_uploaded(served, tmp_path, pictures):
    with Collection(tmp_path / "album") as made:
        made.index([pictures], methods=["text"], options=HERE)
        query = f'2:image:"{pictures / "coffee.png"}" + image:"{pictures / "rocket.jpg"}"'
        expected = made.search(query=query, k=3)
    found = Client(http=served(tmp_path / "album")).search(query=query, k=3)
    assert [one.id for one in found] == [one.id for one in expected]


def test_what_it_holds(client, album):
    with Collection(album) as here:
        assert len(client) == len(here)
        assert client.methods == here.methods
        assert client.info() == here.info()
        assert client.record(1) == here.record(1) and client.record(999) is None
        assert [one.id for one in client.records()] == here.ids().tolist()
        assert [one.id for one in client.records("width < 100")] == here.ids("width < 100").tolist()
        assert client.facets("format") == here.facets("format")
        assert client.original(1) == Path(here.record(1).path).read_bytes()
    assert client.thumbnail(1)[8:12] == b"WEBP"


def test_errors_are_those_of_a_collection(client, served, own):
    with pytest.raises(ImageError) as caught:
        client.search(b"not a picture")
    assert caught.value.reason == "not a picture: looks like a text file"
    with pytest.raises(ImageError, match="no such file"):
        client.search("/no/such/file.jpg")
    with pytest.raises(QueryError, match="no field"):
        client.search(id=1, where="widht > 3")
    with pytest.raises(QueryError):
        client.search()
    with pytest.raises(QueryError, match="no facet"):
        client.facets("nonsense")
    with pytest.raises(ServerError) as refused:
        Client(http=served(own[0], tokens=tuple(TOKENS.values()))).search(id=1)
    assert refused.value.status == 401


def test_a_collection_that_is_gone(served, own, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    client = Client(http=served(own[0]))
    shutil.rmtree(own[0])
    with pytest.raises(CollectionError):
        client.search(id=1)


def test_a_busy_server_is_asked_again_when_it_says(monkeypatch):
    waited, answers = [], [503, 429, 200]
    monkeypatch.setattr("time.sleep", waited.append)

    def answer(request):
        status = answers.pop(0)
        body = {"total": 7} if status == 200 else {"error": "Busy", "message": "later"}
        return httpx2.Response(status, json=body, headers={"Retry-After": "3"})

    assert len(Client(http=httpx2.Client(base_url="http://x", transport=httpx2.MockTransport(answer)))) == 7
    assert waited == [3.0, 3.0]


def test_what_is_no_lookalike_server(monkeypatch):
    def answer(request):
        return httpx2.Response(404, text="<html>")

    client = Client("http://x", http=httpx2.Client(base_url="http://x", transport=httpx2.MockTransport(answer)))
    with pytest.raises(ServerError, match="no lookalike server"):
        len(client)
    with pytest.raises(LookalikeError, match="is `lookalike serve` running"):
        len(Client("http://127.0.0.1:9"))


def test_a_token_is_shown_and_what_it_allows_is_done(served, own):
    collection, folder = own
    server = served(collection, tokens=tuple(TOKENS.values()))
    reader, writer = (Client(token=TOKENS[role].secret, http=server) for role in (Role.read, Role.write))
    with pytest.raises(ServerError) as refused:
        reader.index()
    assert refused.value.status == 403
    seen = []
    fill(folder / "more", 9)
    report = writer.index(progress=seen.append)
    assert (report.added, report.unchanged) == (9, 5) and seen[-1].done == seen[-1].total == 9
    (added,) = writer.add(jpeg(photo("coffee.png")))
    assert reader.search(id=added.id)[0].id == added.id
    assert writer.remove([added.id, 999]) == 1 and reader.record(added.id) is None
    draw(folder / "twin.png", 0)
    writer.index()
    groups = writer.duplicates()
    assert any({"000.png", "twin.png"} <= {one.path.rpartition("/")[2] for one in group.members} for group in groups)
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    writer.index()
    assert [path.rpartition("/")[2] for path, _ in reader.failures()] == ["broken.png"]
    with pytest.raises(LookalikeError):
        writer.index(["/etc"])
    with pytest.raises(ImageError):
        writer.add(b"no picture")


def test_importing_the_client_is_quick():
    import subprocess
    import sys

    code = "import sys, lookalike; lookalike.Client; print('httpx2' in sys.modules, 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False False\n"
