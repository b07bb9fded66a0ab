"""POST /api/v1/search: the same answers as Python, by whatever way a picture comes; no path of the client is opened."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lookalike import Collection
from samples import photo
from visits import jpeg, names

SEARCH = "/api/v1/search"


def paths(answer):
    return [one["path"].rpartition("/")[2] for one in answer.json()["matches"]]


def test_an_uploaded_picture_is_found_by_its_bytes(server, pictures):
    answer = server.post(SEARCH, files={"image": (pictures / "chelsea.png").open("rb")}, data={"k": 2})
    assert answer.status_code == 200
    best = answer.json()["matches"][0]
    assert best["path"] == str(pictures / "chelsea.png") and best["label"] == "same file"
    assert answer.json()["asked"] == [{"kind": "image", "width": 256, "height": 170, "format": "PNG", "preview": None}]


def test_a_smaller_copy_of_another_format_is_found(server):
    answer = server.post(SEARCH, files={"image": jpeg(photo("coffee.png").resize((120, 80)), quality=40)})
    assert paths(answer)[0] == "coffee.png"
    assert answer.json()["matches"][0]["expected_false"] < 1e-6


def test_answers_are_those_of_python(server, album, pictures):
    upload = jpeg(photo("coffee.png"), quality=70)
    answer = server.post(SEARCH, files={"image": upload}, data={"k": 5, "methods": "phash,color"}).json()
    with Collection(album) as here:
        expected = here.search(upload, k=5, methods=["phash", "color"])
    assert answer["matches"] == json.loads(json.dumps([match.to_json() for match in expected]))
    assert [step["method"] for step in answer["steps"]] == ["phash", "color"]
    assert [one["id"] for one in answer["pictures"]] == [match.id for match in expected]


def test_a_picture_of_the_collection_is_asked_with_by_id(server, album):
    id_ = names(album)["coffee.png"]
    answer = server.post(SEARCH, json={"id": id_, "k": 3})
    assert answer.json()["matches"][0]["id"] == id_
    assert answer.json()["asked"] == [{"kind": "id", "width": 256, "height": 171, "format": "PNG", "preview": None}]


def test_pages_are_parts_of_one_answer(server, album):
    id_ = names(album)["coffee.png"]
    whole = server.post(SEARCH, json={"id": id_, "k": 6, "methods": ["color"]}).json()
    first = server.post(SEARCH, json={"id": id_, "k": 3, "methods": ["color"]}).json()
    rest = server.post(SEARCH, json={"id": id_, "k": 3, "offset": 3, "methods": ["color"]}).json()
    assert first["matches"] + rest["matches"] == whole["matches"]
    assert first["more"] and rest["offset"] == 3
    beyond = server.post(SEARCH, json={"id": id_, "k": 3, "offset": 5000, "methods": ["color"]}).json()
    assert beyond["matches"] == [] and not beyond["more"]


def test_a_region_of_an_upload_is_a_region_of_the_original(server):
    upload = jpeg(photo("astronaut.png").resize((1024, 1024)), quality=90)
    part = {"region": "0,0,512,512", "methods": "color", "k": 1, "preview": "true"}
    answer = server.post(SEARCH, files={"image": upload}, data=part).json()
    assert answer["asked"][0]["width"] == 1024
    assert answer["asked"][0]["preview"].startswith("data:image/webp;base64,")
    whole = server.post(SEARCH, files={"image": upload}, data={"methods": "color", "k": 1}).json()
    assert answer["matches"][0]["evidence"] != whole["matches"][0]["evidence"]


def test_filters_limits_and_thresholds(server, album):
    id_ = names(album)["coffee.png"]
    wide = server.post(SEARCH, json={"id": id_, "where": "width < 100", "k": 50})
    assert wide.json()["matches"] and all(one["width"] < 100 for one in wide.json()["pictures"])
    sure = server.post(SEARCH, json={"id": id_, "max_expected_false": 1e-6})
    assert [one["id"] for one in sure.json()["matches"]] == [id_]


def test_several_pictures_and_weights_are_a_sum(served, tmp_path, pictures):
    with Collection(tmp_path / "album") as made:
        from samples import HERE

        made.index([pictures], methods=["text"], options=HERE)
        a, b = (made.search(pictures / name, k=1)[0].id for name in ("coffee.png", "rocket.jpg"))
        expected = made.search(query=f"2:id:{a} + id:{b}", k=3)
    server = served(tmp_path / "album")
    by_terms = server.post(
        SEARCH, json={"terms": [{"kind": "id", "value": a, "weight": 2}, {"kind": "id", "value": b}], "k": 3}
    )
    by_query = server.post(SEARCH, json={"query": f"2:id:{a} + id:{b}", "k": 3})
    assert [one["id"] for one in by_terms.json()["matches"]] == [one.id for one in expected]
    assert by_query.json()["matches"] == by_terms.json()["matches"]
    files = [("image", (pictures / name).read_bytes()) for name in ("coffee.png", "rocket.jpg")]
    uploaded = server.post(SEARCH, files=files, data={"k": 3, "terms": '[{"kind":"image","value":0,"weight":2}]'})
    assert [one["id"] for one in uploaded.json()["matches"]] == [one.id for one in expected]


@pytest.mark.parametrize(
    ("asked", "status", "error"),
    [
        ({}, 400, "QueryError"),
        ({"text": ""}, 400, "QueryError"),
        ({"text": "x" * 100_000}, 422, "InvalidRequest"),
        ({"query": "x" * 100_000}, 422, "InvalidRequest"),
        ({"id": 10**6}, 400, "QueryError"),
        ({"id": -1}, 422, "InvalidRequest"),
        ({"id": 10**40}, 422, "InvalidRequest"),
        ({"id": 1, "k": 0}, 422, "InvalidRequest"),
        ({"id": 1, "k": 10**9}, 422, "InvalidRequest"),
        ({"id": 1, "wheer": "width > 3"}, 422, "InvalidRequest"),
        ({"id": 1, "where": "widht > 3"}, 400, "QueryError"),
        ({"id": 1, "where": "1=1; drop table images"}, 400, "QueryError"),
        ({"id": 1, "methods": ["nonsense"]}, 400, "QueryError"),
        ({"id": 1, "methods": []}, 422, "InvalidRequest"),
        ({"id": 1, "region": [0, 0, 0, 0]}, 400, "QueryError"),
        ({"id": 1, "region": [5000, 5000, 5, 5]}, 400, "QueryError"),
        ({"id": 1, "region": [0, 0, 1e400, 5]}, 400, "QueryError"),
        ({"text": "dog", "region": [0, 0, 5, 5]}, 400, "QueryError"),
        ({"id": 1, "radius": 5}, 400, "QueryError"),
        ({"terms": [{"kind": "image", "value": 0}]}, 422, "InvalidRequest"),
        ({"terms": [{"kind": "id", "value": "1"}]}, 422, "InvalidRequest"),
        ({"terms": [{"kind": "id", "value": 1, "weight": -1}]}, 400, "QueryError"),
        ({"terms": [{"kind": "id", "value": 1}] * 33}, 422, "InvalidRequest"),
        ({"terms": [{"kind": "id", "value": 1}] * 9}, 400, "QueryError"),
        ({"text": "dog \ud800"}, 422, "InvalidRequest"),
    ],
)
def test_a_question_that_makes_no_sense_is_told_so(server, asked, status, error):
    answer = server.post(SEARCH, content=json.dumps(asked), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["message"]


@pytest.mark.parametrize("query", ["/etc/passwd", "image:/etc/passwd", "./a.jpg", "~/x.png", 'image:"../a.png" + dog'])
def test_no_path_of_a_client_is_opened(server, monkeypatch, query):
    monkeypatch.setattr("lookalike.search.answer.open_image", lambda *_: pytest.fail("opened"))
    answer = server.post(SEARCH, json={"query": query})
    assert answer.status_code == 400 and "upload" in answer.json()["message"]


def test_a_file_name_that_exists_is_words_in_a_query(server, pictures, monkeypatch):
    monkeypatch.chdir(pictures)
    answer = server.post(SEARCH, json={"query": "coffee.png"})
    assert answer.status_code == 400 and "no such file" in answer.json()["message"]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"[]", "application/json", 422),
        (b"null", "application/json", 422),
        (b"\xff\xfe", "application/json", 400),
        (b"<x/>", "text/xml", 415),
        (b"x", "multipart/form-data", 400),
        (b"--b\r\nContent-Dispo", "multipart/form-data; boundary=b", 400),
        (b"", "", 415),
    ],
)
def test_a_body_that_is_no_request_is_told_so(server, content, kind, status):
    answer = server.post(SEARCH, content=content, headers={"Content-Type": kind})
    assert answer.status_code == status and answer.json()["message"]


def test_a_form_with_a_picture_under_another_name_says_how(server):
    answer = server.post(SEARCH, files={"file": jpeg(photo("coffee.png"))})
    assert answer.status_code == 422 and "`image`" in answer.json()["message"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"\x89PNG\r\n\x1a\n" + bytes(20),
    ],
)
def test_an_upload_that_is_no_picture_is_told_why(server, content):
    answer = server.post(SEARCH, files={"image": ("x.jpg", content)})
    assert answer.status_code == 422
    assert answer.json()["error"] == "ImageError" and answer.json()["reason"]
    assert answer.json()["path"] == "x.jpg"


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(served):
    from lookalike.server.settings import Limits

    server = served(limits=Limits(pixels=1000))
    answer = server.post(SEARCH, files={"image": jpeg(photo("coffee.png"))})
    assert answer.status_code == 422 and "over the limit" in answer.json()["reason"]
    part = server.post(SEARCH, files={"image": jpeg(photo("coffee.png"))}, data={"region": "0,0,10,10"})
    assert part.status_code == 422


def test_names_of_uploads_are_for_messages_only(server):
    answer = server.post(SEARCH, files={"image": ("../../etc/\r\npasswd\x00<script>", b"x")})
    assert "/" not in answer.json()["path"] and "\n" not in answer.json()["path"]


def test_gray_and_alpha_uploads_are_asked_with(server):
    import io

    import PIL.Image

    out = io.BytesIO()
    PIL.Image.fromarray(np.full((30, 40, 4), 200, np.uint8)).save(out, "PNG")
    assert server.post(SEARCH, files={"image": out.getvalue()}, data={"methods": "color"}).status_code == 200
