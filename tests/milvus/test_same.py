"""One collection in a directory and in Milvus: every question has the same answer."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from lookalike import Collection, CollectionError, QueryError
from lookalike.evaluate import evaluate
from lookalike.milvus import index
from samples import PHOTOS, photo


@pytest.fixture(scope="module")
def both(whole, served):
    with Collection(whole) as here, Collection(served) as there:
        yield here, there


def told(matches):
    """All that an answer says."""
    return [(one.id, one.path, one.label, one.score, one.expected_false) for one in matches]


def edited(name, edit):
    data = io.BytesIO()
    edit(photo(name)).save(data, "JPEG", quality=70)
    return data.getvalue()


EDITS = {
    "as it is": lambda picture: picture,
    "cropped": lambda picture: picture.crop((30, 20, picture.width - 40, picture.height - 30)),
    "turned": lambda picture: picture.rotate(90, expand=True),
    "mirrored": lambda picture: picture.transpose(0),
    "grey": lambda picture: picture.convert("L"),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", PHOTOS[:5])
def test_a_picture(both, name, edit):
    query = edited(name, EDITS[edit])
    here, there = (album.search(query) for album in both)
    assert told(here)[:1] == told(there)[:1]
    assert [one[:3] for one in told(here)] == [one[:3] for one in told(there)]


@pytest.mark.parametrize("method", ["phash", "color", "local", "embedding"])
def test_a_method_alone(both, method):
    query = edited("coffee.png", EDITS["cropped"])
    here, there = (album.search(query, methods=method, k=4) for album in both)
    assert told(here)[:1] == told(there)[:1] and len(here) == len(there)
    assert {one[0] for one in told(here)} == {one[0] for one in told(there)}


def test_a_picture_of_the_collection(both):
    here, there = both
    for id_ in here.ids():
        assert told(here.search(id=int(id_), k=3)) == told(there.search(id=int(id_), k=3))


@pytest.mark.parametrize("words", ["coffee", "a woman", "astronaut suit", "zzzyx"])
def test_words(both, words):
    here, there = (album.search(text=words) for album in both)
    assert told(here) == told(there) and here.notes == there.notes


def test_words_less_a_picture(both):
    query = f"coffee - {PHOTOS[0]}"
    here, there = (album.search(query=[*_sum(album)]) for album in both)
    assert told(here) == told(there), query


def _sum(album):
    from lookalike.query.parse import Term

    return [Term("text", "coffee", 1.0), Term("id", int(album.ids()[0]), -1.0)]


@pytest.mark.parametrize("radius", [0, 40, 100])
def test_everything_within_a_radius(both, radius):
    query = edited("chelsea.png", EDITS["as it is"])
    here, there = (album.search(query, methods="phash", radius=radius) for album in both)
    assert told(here) == told(there)


@pytest.mark.parametrize(
    "where", ["width > 100", "name like 'c%'", "format = 'png' and not width = 96", "id in (1, 2)"]
)
def test_a_filter_beside_a_picture(both, where):
    query = edited("chelsea.png", EDITS["cropped"])
    here, there = (album.search(query, where=where) for album in both)
    assert [one[:3] for one in told(here)] == [one[:3] for one in told(there)]
    assert {one.id for one in there} <= set(both[1].ids(where).tolist())


@pytest.mark.parametrize(("named", "sure"), [(2, 3), (2, 0), (1, 0)])
def test_a_filter_that_leaves_more_than_can_be_named(both, monkeypatch, named, sure):
    query = edited("chelsea.png", EDITS["cropped"])
    monkeypatch.setattr(index, "NAMED", named)
    monkeypatch.setattr(index, "_SURE", sure)
    for where in ("width > 100", "format = 'png'"):
        here, there = (album.search(query, where=where) for album in both)
        assert [one[:3] for one in told(here)] == [one[:3] for one in told(there)]
        assert {one.id for one in there} <= set(both[1].ids(where).tolist())


def test_no_more_than_was_asked_for_and_all_that_there_is(both):
    here, there = (album.search(photo("coffee.png"), k=1000, methods="color") for album in both)
    assert told(here) == told(there) and len(here) == len(both[0])
    assert len(both[1].search(photo("coffee.png"), k=2)) == 2


def test_what_it_holds(both):
    here, there = (album.info() for album in both)
    assert (here.pictures, here.failed, here.skipped) == (there.pictures, there.failed, there.skipped)
    assert [(one.name, one.pictures) for one in here.methods] == [(one.name, one.pictures) for one in there.methods]
    assert both[0].facets("format") == both[1].facets("format")
    assert both[0].failures() == both[1].failures()
    assert both[0].records(both[0].ids()) == both[1].records(both[1].ids())
    assert both[0].roots == both[1].roots


def test_bad_questions_get_the_same_errors(both):
    for album in both:
        with pytest.raises(QueryError, match="no picture with id 999"):
            album.search(id=999)
        with pytest.raises(QueryError, match="exactly one method"):
            album.search(photo("coffee.png"), radius=3)
    with pytest.raises(QueryError, match="in Milvus every method has one index"):
        both[1].search(photo("coffee.png"), methods="embedding", index="exact")


@pytest.mark.parametrize("work", ["duplicates", "map", "check", "compact"])
def test_what_only_a_directory_can_do_says_how_to_get_one(both, work):
    with pytest.raises(CollectionError, match=r"lookalike migrate --from milvus://.* --to DIR"):
        getattr(both[1], work)()


def test_an_evaluation_asks_it_too_but_compares_no_indexes(both):
    here, there = (
        evaluate(album, 2, held_out=2, edits=["jpeg-8"], methods=["phash", "color", "auto"]) for album in both
    )
    assert [(one.method, one.edit, one.rank) for one in here.outcomes] == [
        (one.method, one.edit, one.rank) for one in there.outcomes
    ]
    assert here.indexes and not there.indexes


def test_threads_ask_one_collection(both):
    from concurrent.futures import ThreadPoolExecutor

    queries = [edited(name, EDITS["cropped"]) for name in PHOTOS[:4]] * 4
    alone = [told(both[1].search(query)) for query in queries[:4]] * 4
    with ThreadPoolExecutor(8) as pool:
        assert [told(one) for one in pool.map(both[1].search, queries)] == alone


def test_two_servers_answer_the_same_and_keep_only_thumbnails(both, served, tmp_path, monkeypatch):
    from fastapi.testclient import TestClient

    from lookalike.server.app import create_app
    from lookalike.server.settings import Settings

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    query = edited("coffee.png", EDITS["cropped"])
    expected = [one.id for one in both[0].search(query)]
    for name in ("one", "other"):
        app = create_app(Settings(Path(served), runtime=tmp_path / name))
        with TestClient(app, "http://127.0.0.1:8008") as client:
            form = {"image": ("query.jpg", query, "image/jpeg")}
            found = client.post("/api/v1/search", files=form, headers={"origin": "http://127.0.0.1:8008"})
            assert found.status_code == 200, found.text
            matches = found.json()["matches"]
            assert [one["id"] for one in matches] == expected[: len(matches)]
            assert client.get(f"/api/v1/pictures/{matches[0]['id']}/thumbnail").status_code == 200
            assert client.get("/api/v1/pictures").status_code == 200
            assert client.get("/api/v1/collection").json()["pictures"] == len(both[0])
            assert client.get("/readyz").status_code == 200
    kept = {path.suffix for path in (tmp_path / "cache").rglob("*") if path.is_file()}
    assert kept == {".webp"}
