"""`/collection`: what there is."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request

from lookalike.collection import Info
from lookalike.errors import printable
from lookalike.server.answers import Json
from lookalike.server.documented import PROBLEMS
from lookalike.server.services import Here, Visitor, eyes

router = APIRouter(prefix="/collection", tags=["collection"])


@router.get("", response_model=Info, responses=PROBLEMS, summary="What the collection holds")
async def info(request: Request, here: Here, role: Visitor) -> Json:
    """How many pictures, by which methods, from which folders."""
    about = await here.library.look(lambda album: album.info(), request)
    seen = await eyes(request, here)
    roots = [seen.path(root) for root in about.roots]
    return Json({**asdict(about), "path": printable(seen.path(about.path)), "roots": roots})
