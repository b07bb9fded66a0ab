"""`/evaluation`: how well each method finds this collection's pictures, as last measured."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from lookalike.server.answers import Json
from lookalike.server.documented import PROBLEMS
from lookalike.server.errors import not_found
from lookalike.server.services import Admin, Here, Reader, aside, eyes

NOTHING_YET = 'nothing has been measured yet: POST /api/v1/jobs {"kind": "evaluate"}'
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"

router = APIRouter(prefix="/evaluation", tags=["evaluation"])


class Evaluation(BaseModel):
    """The fields of `lookalike evaluate --json`, and when it was made in seconds since 1970."""

    pictures: int
    seed: int
    methods: dict[str, Any]
    edits: dict[str, Any]
    indexes: list[Any]
    truth: list[Any]
    words: dict[str, Any]
    copies: dict[str, Any]
    shots: dict[str, Any]
    missed: list[Any]
    false_alarms: list[Any]
    notes: list[str]
    made: float


@router.get("", response_model=Evaluation, responses=PROBLEMS, summary="The figures")
async def figures(request: Request, here: Here, role: Reader) -> Json:
    """What the last job of kind `evaluate` measured; 404 before there was one."""
    found = await aside(lambda: here.results.read("evaluation"))
    if found is None:
        raise not_found(NOTHING_YET)
    data, made = found
    seen = await eyes(request, here)
    for one in (*data["missed"], *data["false_alarms"], *data["words"]["asked"]):
        for name in ("path", "found", "found_instead"):
            if one.get(name):
                one[name] = seen.path(one[name])
    return Json({**data, "made": made})


@router.get(
    "/report",
    responses={**PROBLEMS, 200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
    response_class=Response,
    summary="The same as a page",
)
async def report(here: Here, role: Admin) -> Response:
    """The page that `lookalike evaluate --html` writes; it has no script."""
    file = here.results.file("evaluation", "evaluation.html")
    if file is None:
        raise not_found(NOTHING_YET)
    content = await aside(file.read_bytes)
    return Response(content, media_type="text/html", headers={"Content-Security-Policy": POLICY})
