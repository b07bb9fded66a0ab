"""`POST /compare`: a picture held against one of the collection, and where they match."""

from __future__ import annotations

from dataclasses import asdict
from threading import Event
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from lookalike.pictures.open import Image
from lookalike.search.compare import Comparison, compare_images
from lookalike.server.answers import Json
from lookalike.server.documented import PROBLEMS, body
from lookalike.server.errors import RefusedError, not_found
from lookalike.server.files import open_unchanged
from lookalike.server.schema import Strict
from lookalike.server.services import Here, Services, Visitor
from lookalike.server.thumbnails import record_name
from lookalike.server.uploads import read_request
from lookalike.store.catalogue import Record

MOST_LINES = 60

router = APIRouter(tags=["search"])


class CompareRequest(Strict):
    """The picture asked with: a part `image`, or `id`. other: the id of the picture that it is held against."""

    id: int | None = Field(None, ge=0, lt=1 << 63)
    other: int = Field(ge=0, lt=1 << 63)


class Comparisons(BaseModel):
    """comparisons: one a method. matches: x, y in the picture asked with, then x, y in the other, of keypoints that
    geometry confirms, at most sixty; empty when it confirms none."""

    comparisons: list[Comparison]
    matches: list[tuple[float, float, float, float]]


@router.post(
    "/compare",
    response_model=Comparisons,
    responses=PROBLEMS,
    openapi_extra=body(CompareRequest, "image"),
    summary="How alike two pictures are, by every method",
)
async def compare(request: Request, here: Here, role: Visitor) -> Json:
    """As `lookalike compare`; coordinates are pixels of the originals."""
    asked, uploads = await read_request(request, CompareRequest)
    if len(uploads) != (asked.id is None):
        raise RefusedError(422, "InvalidRequest", "send one part `image`, or an `id`, and not both")
    other = await _opened(here, request, asked.other)
    if uploads:
        upload = uploads[0]
        one = await here.decode(lambda: here.decoders.open(upload.content, upload.name), request)
    else:
        one = await _opened(here, request, asked.id or 0)
    found, matches = await here.library.search(lambda _: compare_images(one, other), request, Event())
    step = max(1, -(-len(matches) // MOST_LINES))
    told: dict[str, Any] = {"comparisons": [asdict(one) for one in found], "matches": matches[::step].tolist()}
    return Json(told)


async def _opened(here: Services, request: Request, id_: int) -> Image:
    """A picture of the collection, as it was indexed."""
    record: Record | None = await here.library.look(lambda album: album.record(id_), request)
    if record is None or record.status != "ok":
        raise not_found(f"there is no picture with id {id_}")
    known = record

    def work() -> Image:
        with open_unchanged(known.path, record_name(known), known.bytes, known.mtime_ns):
            return here.decoders.open(known.path, record_name(known))

    return await here.decode(work, request)
