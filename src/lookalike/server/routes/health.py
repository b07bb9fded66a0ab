"""`/healthz`, `/readyz`, `/metrics`: for those who watch over servers."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from lookalike.server.answers import Json
from lookalike.server.documented import PROBLEMS
from lookalike.server.metrics import KIND
from lookalike.server.services import Here, Reader

router = APIRouter(tags=["health"])


@router.get("/healthz", responses={200: {"description": "This process answers"}}, summary="Is the process alive?")
async def alive() -> Json:
    """Always yes, when it answers at all."""
    return Json({"status": "ok"})


@router.get("/readyz", responses={**PROBLEMS, 200: {"description": "Searches are answered"}}, summary="Can it search?")
async def ready(request: Request, here: Here) -> Json:
    """Yes when the collection can be opened."""
    pictures = await here.library.look(len, request)
    return Json({"status": "ok", "pictures": pictures})


@router.get(
    "/metrics",
    responses={**PROBLEMS, 200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    response_class=Response,
    summary="Counts for Prometheus",
)
async def metrics(request: Request, role: Reader) -> Response:
    """Requests by route, method and status, and how long they took."""
    return Response(request.app.state.metrics.text(), media_type=KIND)
