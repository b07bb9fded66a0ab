"""`/map`: the collection at once, as last laid out."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel
from starlette.responses import Response

from lookalike.server.answers import Json
from lookalike.server.documented import PROBLEMS
from lookalike.server.errors import not_found
from lookalike.server.services import Here, Visitor, aside

NOTHING_YET = 'there is no map yet: POST /api/v1/jobs {"kind": "map"}'

router = APIRouter(prefix="/map", tags=["map"])


class MapRegionOut(BaseModel):
    """name: what its pictures show; x, y: its middle; of: places of its pictures."""

    name: str
    x: int
    y: int
    of: list[int]


class SheetsOut(BaseModel):
    """Thumbnails squeezed into squares of `side` pixels, `columns` x `columns` of them on each of so many `sheets`."""

    side: int
    columns: int
    sheets: int


class Map(BaseModel):
    """Pictures are numbered by their place in `ids`, which is also their place on the sheets.

    unit: coordinates are whole numbers of this part of the map; size: width and height. frames: x, y of the middle,
    width, height, one picture after the other. layers: the greater is drawn later. near: places of the most similar.
    """

    ids: list[int]
    unit: int
    size: list[int]
    folder: str
    names: list[str]
    frames: list[int]
    layers: list[int]
    near: list[list[int]]
    regions: list[MapRegionOut]
    small: SheetsOut
    large: SheetsOut
    made: float


@router.get("", response_model=Map, responses=PROBLEMS, summary="Where every picture lies")
async def whole(request: Request, here: Here, role: Visitor) -> Json:
    """What the last job of kind `map` made; 404 before there was one."""
    found = await aside(lambda: here.results.read("map"))
    if found is None:
        raise not_found(NOTHING_YET)
    data, made = found
    return Json({**data, "made": made})


@router.get(
    "/{kind}/{number}",
    responses={**PROBLEMS, 200: {"content": {"image/jpeg": {}}}},
    response_class=Response,
    summary="A sheet of thumbnails",
)
async def sheet(
    here: Here, role: Visitor, kind: Literal["small", "large"], number: Annotated[int, Path(ge=0, lt=10_000)]
) -> Response:
    """A JPEG, whose squares are filled row by row in the order of `ids`."""
    file = here.results.file("map", f"{kind}-{number}.jpg")
    if file is None:
        raise not_found(f"the map has no {kind} sheet {number}")
    content = await aside(file.read_bytes)
    return Response(content, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=60"})
