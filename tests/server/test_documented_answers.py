"""The OpenAPI document tells the truth: whatever is asked is answered with a documented status, type and shape."""

from __future__ import annotations

import time
from contextlib import contextmanager

import httpx2
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from ui.ui_serving import serving

from lookalike import Collection
from lookalike.server.app import create_app
from lookalike.server.settings import Settings
from samples import HERE, METHODS, PHOTOS, fill, photo
from visits import jpeg

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


OPERATIONS = {
    f"{found.method.upper()} {found.path}": found
    for one in schemathesis.openapi.from_dict(create_app(Settings("nowhere")).openapi()).get_all_operations()
    if not (found := one.ok()).path.endswith("/events")  # a stream that ends with its job
}


PREPARED = ({"kind": "duplicates"}, {"kind": "map"}, {"kind": "evaluate", "sample": 2})


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Of a server that pictures may be taken from."""
    with prepared(tmp_path_factory.mktemp("schema")) as found:
        yield found


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Of a server on which everything stays as it is."""
    with prepared(tmp_path_factory.mktemp("schema")) as found:
        yield found


@contextmanager
def prepared(root):
    """The address of a server of a collection of its own, of which everything was made that can be asked for."""
    folder = fill(root / "pictures", 6)
    for name in PHOTOS[:3]:
        photo(name).save(folder / name)
        photo(name).save(folder / f"{name}-again.png")
    with Collection(root / "album") as made:
        made.index([folder], methods=(*METHODS, "embedding", "text"), options=HERE)
    with serving(Settings(root / "album", runtime=root, fetch=False, move_to=root / "moved")) as found:
        with httpx2.Client(base_url=f"{found}/api/v1", timeout=60) as client:
            jobs = [client.post("/jobs", json=asked).json()["id"] for asked in PREPARED]
            for job in jobs:
                while (state := client.get(f"/jobs/{job}").json()["state"]) not in ("done", "failed", "cancelled"):
                    time.sleep(0.1)
                assert state == "done"
            assert client.post("/duplicates/plans", json={}).status_code == 201
        yield found


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=16, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_answer_is_as_documented(address, name, data):
    mode = data.draw(st.sampled_from(GenerationMode))
    try:
        case = data.draw(OPERATIONS[name].as_strategy(generation_mode=mode))
    except Unsatisfiable:  # there is nothing that could be wrong
        case = data.draw(OPERATIONS[name].as_strategy())
    if "id" in case.path_parameters and data.draw(st.booleans(), "an id that may be there"):
        case.path_parameters["id"] = data.draw(st.integers(1, 9), "id")
    case.call_and_validate(base_url=address, checks=CHECKS, timeout=60)


GOOD = [
    ("POST /api/v1/search", {"json": {"text": "a cat", "k": 3}}),
    (
        "POST /api/v1/search",
        {"json": {"terms": [{"kind": "id", "value": 1}, {"kind": "id", "value": 2, "weight": -0.5}]}},
    ),
    ("POST /api/v1/search", {"json": {"id": 1, "region": [0, 0, 40, 40], "where": "width > 10", "methods": ["phash"]}}),
    ("POST /api/v1/search", {"files": {"image": None}, "data": {"k": "2", "preview": "true"}}),
    ("POST /api/v1/compare", {"json": {"id": 1, "other": 2}}),
    ("POST /api/v1/compare", {"files": {"image": None}, "data": {"other": "2"}}),
    ("POST /api/v1/pictures", {"files": {"image": None}}),
    ("POST /api/v1/duplicates/plans", {"json": {}}),
    ("GET /api/v1/map/{kind}/{number}", {"path": {"kind": "small", "number": 0}}),
    ("GET /api/v1/pictures/{id}/original", {"path": {"id": 1}, "headers": {"Range": "bytes=3-9"}}),
]


@pytest.mark.parametrize(("asked", "given"), GOOD)
def test_what_is_well_asked_is_answered_as_documented(whole, asked, given):
    case = OPERATIONS[asked].Case(path_parameters=given.get("path", {}))
    sent = {name: value for name, value in given.items() if name != "path"}
    if "files" in sent:
        sent["files"] = {"image": ("cup.jpg", jpeg(photo("coffee.png")), "image/jpeg")}
    answer = requests.request(case.method, whole + case.formatted_path, timeout=60, **sent)
    assert answer.status_code < 300, answer.text
    case.validate_response(answer, checks=CHECKS)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"url": ""}',
        b'{"query": "id:99999999999999999999"}',
        b'{"query": "9999999999:dog"}',
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"k": NaN}',
        b"[" * 100_000,
        b'{"text": "\\ud800"}',
    ],
)
def test_what_is_no_question_is_refused_as_documented(whole, body):
    answer = requests.post(
        f"{whole}/api/v1/search", data=body, headers={"Content-Type": "application/json"}, timeout=60
    )
    assert 400 <= answer.status_code < 500
    OPERATIONS["POST /api/v1/search"].Case().validate_response(answer, checks=CHECKS)
