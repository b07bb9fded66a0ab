"""The OpenAPI document tells the truth: whatever is asked is answered with a documented status and shape, never 5xx."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from lookalike.server import app
from lookalike.server.schema import Problem

NOUNS = ("search", "compare", "pictures", "add", "collection", "duplicates", "map", "evaluation", "session")
ROUTES = {
    (method, route.path): route.response_model
    for noun in NOUNS
    for route in getattr(app, noun).router.routes
    for method in route.methods
    if not (method == "POST" and route.path.endswith(("/apply", "/undo")))
}
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.integers(0, 12), st.floats(), TEXT)
NESTED = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))
NAMES = (
    *("text", "query", "id", "url", "terms", "k", "offset", "methods", "radius", "region", "where", "index", "preview"),
    *("max_expected_false", "other", "path", "wait", "choices", "number", "keep", "move", "limit", "newest", "unsure"),
    *("size", "download"),
)
PEACEFUL = {"url", "path"}  # nothing is fetched or indexed here


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES), ids=" ".join)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_answers_are_as_documented(server, method, path, data):
    if method == "DELETE":
        path_id = data.draw(st.integers(10**6, 2**70), "id of no picture")
    else:
        words = TEXT.filter(lambda text: text.strip(".")).map(lambda text: quote(text, safe=""))
        path_id = data.draw(st.integers(0, 14) | st.integers(-5, 2**70) | words, "id")
    address = "/api/v1" + path.format(id=path_id, kind="small", number=data.draw(st.integers(-1, 3), "number"))
    fields = st.dictionaries(st.sampled_from([n for n in NAMES if n not in PEACEFUL]), NESTED, max_size=3)
    if method == "POST":
        body = data.draw(fields.map(json.dumps) | st.binary(max_size=30), "body")
        answer = server.post(address, content=body, headers={"Content-Type": "application/json"})
    else:
        asked = data.draw(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3), "parameters")
        answer = server.request(method, address, params=asked)
    document = server.get("/api/v1/openapi.json").json()["paths"]
    known = document[f"/api/v1{path}"][method.lower()]["responses"] if answer.status_code < 300 else {}
    assert answer.status_code < 500, answer.content[:300]
    if answer.status_code < 300:
        assert str(answer.status_code) in known
        model = ROUTES[method, path]
        if model is not None:
            TypeAdapter(model).validate_json(answer.content)
    elif answer.status_code >= 400:
        Problem.model_validate_json(answer.content)
        assert answer.status_code in (400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 416)
