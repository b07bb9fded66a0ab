"""`/pictures`: what the collection holds, how it looks, and the files themselves. Named by id only."""

from __future__ import annotations

import os
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from lookalike.collection import Collection
from lookalike.server.answers import Json
from lookalike.server.documented import PROBLEMS
from lookalike.server.errors import not_found
from lookalike.server.files import File, open_unchanged
from lookalike.server.schema import Picture, Pictures
from lookalike.server.services import Here, Reader, Services, Visitor, aside, eyes
from lookalike.server.thumbnails import SIZES, record_name
from lookalike.store.catalogue import Record

MOST = 1000
SHOWN = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
    "BMP": "image/bmp",
}
"""Formats that browsers show, none of which can hold a script; all others are sent to be saved."""
BYTES = "application/octet-stream"

router = APIRouter(prefix="/pictures", tags=["pictures"])
Id = Annotated[int, Path(ge=0, lt=1 << 63, description="The id of a picture.")]


@router.get("", response_model=Pictures, responses=PROBLEMS, summary="The pictures of the collection, by id")
async def list_pictures(
    request: Request,
    here: Here,
    role: Visitor,
    where: Annotated[str | None, Query(max_length=10_000, description="A filter.")] = None,
    offset: Annotated[int, Query(ge=0, lt=1 << 31)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    newest: Annotated[bool, Query(description="The last added first.")] = False,
) -> Json:
    """A page of what is known of pictures, all of them or those for which a filter holds."""

    def work(album: Collection) -> tuple[int, list[Record]]:
        ids = album.ids(where)
        page = (ids[::-1] if newest else ids)[offset : offset + limit]
        return len(ids), album.records(page)

    total, records = await here.library.look(work, request)
    seen = await eyes(request, here)
    return Json({"pictures": [seen.record(one) for one in records], "total": total, "offset": offset})


@router.get("/{id}", response_model=Picture, responses=PROBLEMS, summary="What is known of a picture")
async def one_picture(request: Request, here: Here, role: Visitor, id: Id) -> Json:
    """Its file, size, and what the file says of when, where and with what it was taken."""
    record = await _record(request, here, id)
    return Json((await eyes(request, here)).record(record))


@router.get(
    "/{id}/thumbnail",
    responses={**PROBLEMS, 200: {"content": {"image/webp": {}}}, 304: {"description": "As before"}},
    response_class=Response,
    summary="A small version of a picture",
)
async def thumbnail(
    request: Request,
    here: Here,
    role: Visitor,
    id: Id,
    size: Annotated[int, Query(ge=1, le=SIZES[-1], description="Longest side, rounded up to a size kept.")] = 320,
) -> Response:
    """A WebP, upright."""
    record = await _record(request, here, id)
    side = next(one for one in SIZES if one >= size)
    sha256 = record.sha256 or ""
    headers = {"ETag": f'"{sha256[:32]}.{side}"', "Cache-Control": "private, max-age=3600"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    webp = await aside(lambda: here.thumbnails.kept(record, side))
    if webp is None:
        webp = await here.decode(lambda: here.thumbnails.make(record, side), request)
    return Response(webp, media_type="image/webp", headers=headers)


@router.get(
    "/{id}/original",
    responses={
        **PROBLEMS,
        200: {"content": {"image/*": {}, BYTES: {}}},
        206: {"description": "The part asked for"},
        304: {"description": "As before"},
        416: {"description": "No such part"},
    },
    response_class=Response,
    summary="The file itself",
)
async def original(
    request: Request,
    here: Here,
    role: Reader,
    id: Id,
    download: Annotated[bool, Query(description="To be saved instead of shown.")] = False,
) -> Response:
    """The bytes of the file, as long as it is the one that was indexed. Ranges are answered."""
    record = await _record(request, here, id)
    file = open_unchanged(record.path, record_name(record), record.bytes, record.mtime_ns)
    kind = SHOWN.get(record.format or "", BYTES)
    way = "attachment" if download or kind == BYTES else "inline"
    name = quote(os.path.basename(os.fsencode(record.path)), safe="")
    headers = {
        "Content-Disposition": f"{way}; filename*=UTF-8''{name}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, max-age=0",
    }
    return File(file, kind, headers, request.headers)


async def _record(request: Request, here: Services, id_: int) -> Record:
    record = await here.library.look(lambda album: album.record(id_), request)
    if record is None or record.status != "ok":
        raise not_found(f"there is no picture with id {id_}")
    return record
