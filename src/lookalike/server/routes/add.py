"""`POST /pictures`, `DELETE /pictures/{id}`: pictures come in by upload or from a folder that was named, and go out."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from lookalike.collection import Collection
from lookalike.errors import CollectionError, ImageError
from lookalike.server.answers import Json
from lookalike.server.documented import PROBLEMS, body
from lookalike.server.errors import RefusedError, not_found
from lookalike.server.jobs import FINAL
from lookalike.server.kept import keep
from lookalike.server.routes.jobs import Job, allowed_path, shown
from lookalike.server.routes.pictures import Id
from lookalike.server.schema import Picture, Strict
from lookalike.server.services import Here, Services, Writer, eyes
from lookalike.server.uploads import Upload, read_request
from lookalike.store.catalogue import Record

LOOK_SECONDS = 0.1
SMALLEST = 64  # pixels to which an upload is decoded to see whether it is a picture

router = APIRouter(prefix="/pictures", tags=["pictures"])


class AddRequest(Strict):
    """Either parts `image`, or the path of a file or folder on the server's machine."""

    path: str | None = Field(None, min_length=1, max_length=4096, description="Below a folder named by --root.")
    wait: float = Field(30, ge=0, le=300, description="Seconds to wait for the end of the job before answering.")


class Refusal(BaseModel):
    """An upload that was not taken: its name and why."""

    name: str
    reason: str


class Added(BaseModel):
    """pictures: what is known of those that were uploaded, in their order, once the job is done. failed: the others."""

    job: Job | None
    pictures: list[Picture]
    failed: list[Refusal]


@router.post(
    "",
    status_code=201,
    response_model=Added,
    responses={**PROBLEMS, 202: {"model": Added, "description": "Taken, and being indexed"}},
    openapi_extra=body(AddRequest, "image"),
    summary="Add pictures",
)
async def add(request: Request, here: Here, role: Writer) -> Json:
    """Uploads are kept in a folder of the server's own, under a name made of theirs and their content.

    201 when they can be found; 202 when that takes longer than `wait`: then look at the job.
    """
    asked, uploads = await read_request(request, AddRequest)
    if (asked.path is None) == (not uploads):
        raise RefusedError(422, "InvalidRequest", "send parts `image`, or a `path`, and not both")
    failed: list[dict[str, str]] = []
    roots = await here.library.look(lambda album: album.roots, request)
    if asked.path is not None:
        paths = [allowed_path(asked.path, [*roots, *map(str, here.settings.roots)])]
    else:
        paths = [path for upload in uploads if (path := await _taken(request, here, upload, failed))]
        if not paths:
            raise ImageError(failed[0]["name"], failed[0]["reason"])
    folder = os.path.abspath(here.settings.uploads_folder)
    # the folder of uploads becomes one root of the collection, instead of every file in it
    first = bool(uploads) and folder not in roots
    named = [os.fsencode(path).hex() for path in ([folder] if first else paths)]
    job = here.jobs.start("index", {"paths": named, "methods": [], "retry": True})
    job = await _ended(request, here, job, asked.wait)
    if job["state"] in ("failed", "cancelled"):
        raise RefusedError(409, str(job["error"] or "Cancelled"), str(job["message"] or "the job was cancelled"))
    seen = await eyes(request, here)
    records: list[Record] = []
    if uploads and job["state"] == "done":
        records = await here.library.look(lambda album: _records(album, paths), request)
    about = {"job": shown(job, seen), "pictures": [seen.record(one) for one in records], "failed": failed}
    return Json(about, status_code=201 if job["state"] == "done" else 202)


@router.delete("/{id}", status_code=200, response_model=Picture, responses=PROBLEMS, summary="Take a picture out")
async def remove(request: Request, here: Here, role: Writer, id: Id) -> Json:
    """Of the collection, never off the disk. What is known of it is answered once more.

    It comes back when its file, or the folder it lies in, is named to be indexed; not when all are brought up to date.
    """

    def work(album: Collection) -> Record:
        record = album.record(id)
        if record is None or record.status != "ok":
            raise not_found(f"there is no picture with id {id}")
        try:
            album.remove([record.path])
        except CollectionError as error:
            raise RefusedError(409, "CollectionError", str(error), {"Retry-After": "10"}) from None
        return record

    record = await here.library.look(work, request)
    return Json((await eyes(request, here)).record(record))


async def _taken(request: Request, here: Services, upload: Upload, failed: list[dict[str, str]]) -> str | None:
    """Where an upload is kept; None, and why in `failed`, when it is no picture."""
    try:
        small = await here.decode(lambda: here.decoders.thumbnail(upload.content, upload.name, SMALLEST), request)
    except ImageError as error:
        failed.append({"name": upload.name, "reason": error.reason})
        return None
    folder = here.settings.uploads_folder
    return await here.decode(lambda: str(keep(here.settings.folder, folder, upload, small.format)), request)


async def _ended(request: Request, here: Services, job: dict[str, Any], seconds: float) -> dict[str, Any]:
    """A job after it has ended, after so many seconds, or when nobody waits for it any more."""
    until = time.monotonic() + seconds
    while job["state"] not in FINAL and time.monotonic() < until and not await request.is_disconnected():
        await asyncio.sleep(LOOK_SECONDS)
        job = here.jobs.get(job["id"])
    return job


def _records(album: Collection, paths: list[str]) -> list[Record]:
    """The living records of files, in their order."""
    found = [album.record_of(path) for path in dict.fromkeys(paths)]
    return [record for record in found if record is not None and record.status == "ok"]
