"""`/collection`, `/failures`, `/models`: what there is, what could not be read, and the networks behind it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from lookalike.collection import Collection
from lookalike.contents import Facet, Info
from lookalike.errors import printable
from lookalike.models.hub import ModelStatus, list_models
from lookalike.server.answers import Json
from lookalike.server.documented import PROBLEMS
from lookalike.server.services import Here, Reader, Visitor, aside, eyes
from lookalike.server.settings import Role

MOST = 1000
MOST_VALUES = 200

router = APIRouter(tags=["collection"])


class FailureOut(BaseModel):
    path: str
    reason: str


class Failures(BaseModel):
    """A page of the files that could not be read; total: of all pages."""

    failures: list[FailureOut]
    total: int
    offset: int


class Facets(BaseModel):
    """The most frequent values of some fields, and how many pictures have each: what one may filter by."""

    folder: list[Facet]
    year: list[Facet]
    camera: list[Facet]
    format: list[Facet]
    orientation: list[Facet]


class Models(BaseModel):
    models: list[ModelStatus]


@router.get("/collection", response_model=Info, responses=PROBLEMS, summary="What the collection holds")
async def info(request: Request, here: Here, role: Visitor) -> Json:
    """How many pictures, by which methods, from which folders."""
    about = await here.library.look(lambda album: album.info(), request)
    seen = await eyes(request, here)
    roots = [seen.path(root) for root in about.roots]
    return Json({**asdict(about), "path": printable(seen.path(about.path)), "roots": roots})


@router.get("/collection/facets", response_model=Facets, responses=PROBLEMS, summary="What one may filter by")
async def facets(request: Request, here: Here, role: Visitor) -> Json:
    """Folders, years, cameras, formats and orientations of the pictures, the most frequent first."""

    def work(album: Collection) -> dict[str, list[Facet]]:
        return {name: album.facets(name, MOST_VALUES) for name in Facets.model_fields}

    found = await here.library.look(work, request)
    seen = await eyes(request, here)
    told = {name: [asdict(one) for one in values] for name, values in found.items()}
    for one in told["folder"]:
        one["value"] = seen.path(one["value"])
    return Json(told)


@router.get("/failures", response_model=Failures, responses=PROBLEMS, summary="Files that could not be read")
async def failures(
    request: Request,
    here: Here,
    role: Reader,
    offset: Annotated[int, Query(ge=0, lt=1 << 31)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> Json:
    """Each with the reason. A job of kind `index` with `retry` tries them again."""
    found = await here.library.look(lambda album: album.failures(), request)
    seen = await eyes(request, here)
    page = [
        {"path": seen.path(one.path), "reason": printable(one.reason or "")} for one in found[offset : offset + limit]
    ]
    return Json({"failures": page, "total": len(found), "offset": offset})


@router.get("/models", response_model=Models, responses=PROBLEMS, summary="The networks behind embedding and text")
async def models(here: Here, role: Reader) -> Json:
    """Those that are known, and whether they are installed. `lookalike models get` fetches more."""
    found = [asdict(one) for one in await aside(list_models)]
    for one in found:
        if one["installed"]:
            one["installed"] = printable(one["installed"]) if role >= Role.admin else "yes"
    return Json({"models": found})
