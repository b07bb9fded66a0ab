"""`/jobs`: long work, with live progress."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from lookalike.errors import printable
from lookalike.progress import Progress
from lookalike.server.answers import Eyes, Json
from lookalike.server.documented import PROBLEMS
from lookalike.server.errors import RefusedError
from lookalike.server.jobs import FINAL
from lookalike.server.schema import Strict
from lookalike.server.services import Here, Reader, Services, Writer, eyes
from lookalike.server.settings import Role

LOOK_SECONDS = 0.25
STILL_SECONDS = 15.0  # after which a stream with nothing new says that it is there

router = APIRouter(prefix="/jobs", tags=["jobs"])
Id = Annotated[int, Path(ge=1, lt=1 << 31, description="The number of a job.")]


class JobRequest(Strict):
    """kind: index (bring the collection up to date), duplicates, map or evaluate, whose results have their own routes.

    index: `paths` below folders that are in the collection or were named by --root (none: all folders of the
    collection), `methods` to add, `retry` for files that failed. duplicates: `max_expected_false`. map: `method`,
    `refresh`. evaluate: `sample`, `seed`.
    """

    kind: Literal["index", "duplicates", "map", "evaluate"]
    paths: list[Annotated[str, Field(min_length=1, max_length=4096)]] = Field(default_factory=list, max_length=1000)
    methods: list[Annotated[str, Field(max_length=100)]] = Field(default_factory=list, max_length=16)
    retry: bool = False
    max_expected_false: float = Field(0.01, gt=0, le=1000)
    method: str = Field("embedding", max_length=100)
    refresh: bool = False
    sample: int = Field(50, ge=1, le=10_000)
    seed: int = Field(0, ge=0, lt=1 << 31)


class Job(BaseModel):
    """state: queued, running, done, failed or cancelled. created, started, finished: seconds since 1970.

    result: of index the fields of an IndexReport. error, message: why it failed, as of a Problem.
    """

    id: int
    kind: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    created: float
    started: float | None
    finished: float | None
    progress: Progress | None
    result: dict[str, Any] | None
    error: str | None
    message: str | None


class JobList(BaseModel):
    """The last first."""

    jobs: list[Job]


@router.post("", status_code=202, response_model=Job, responses=PROBLEMS, summary="Begin a job")
async def begin(request: Request, here: Here, role: Writer, asked: JobRequest) -> Json:
    """The job, which goes on in a process of its own; `Location` says where to look after it."""
    roots = await here.library.look(lambda album: album.roots, request)
    paths = [allowed_path(path, [*roots, *map(str, here.settings.roots)]) for path in asked.paths]
    job = here.jobs.start(asked.kind, {**asked.model_dump(), "paths": [os.fsencode(path).hex() for path in paths]})
    return Json(job, status_code=202, headers={"Location": f"/api/v1/jobs/{job['id']}"})


@router.get("", response_model=JobList, responses=PROBLEMS, summary="The jobs of this server")
async def list_jobs(request: Request, here: Here, role: Reader) -> Json:
    """Those since the server was started, the last hundred."""
    seen = await eyes(request, here)
    return Json({"jobs": [shown(job, seen) for job in here.jobs.all()]})


@router.get("/{id}", response_model=Job, responses=PROBLEMS, summary="How far a job is")
async def one_job(request: Request, here: Here, role: Reader, id: Id) -> Json:
    """Its state, progress and result."""
    return Json(shown(here.jobs.get(id), await eyes(request, here)))


@router.delete("/{id}", status_code=202, response_model=Job, responses=PROBLEMS, summary="Cancel a job")
async def cancel(request: Request, here: Here, role: Writer, id: Id) -> Json:
    """It ends soon; what it has committed stays, and the same job goes on from there."""
    return Json(shown(here.jobs.cancel(id), await eyes(request, here)), status_code=202)


@router.get(
    "/{id}/events",
    responses={**PROBLEMS, 200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    response_class=StreamingResponse,
    summary="A job's progress as it happens",
)
async def events(request: Request, here: Here, role: Reader, id: Id) -> StreamingResponse:
    """Server-sent events `job`, each with the job as JSON; the stream ends with the job."""
    seen = await eyes(request, here)
    here.jobs.get(id)
    return StreamingResponse(_events(here, id, seen), media_type="text/event-stream")


async def _events(here: Services, id_: int, seen: Eyes) -> AsyncIterator[str]:
    before, still = "", 0.0
    while True:
        try:
            job = shown(here.jobs.get(id_), seen)
        except RefusedError:
            return
        now = json.dumps(job)
        if now != before:
            yield f"event: job\ndata: {now}\n\n"
            before, still = now, 0.0
        elif still >= STILL_SECONDS:
            yield ": still here\n\n"
            still = 0.0
        if job["state"] in FINAL:
            return
        await asyncio.sleep(LOOK_SECONDS)
        still += LOOK_SECONDS


def allowed_path(path: str, roots: Sequence[str]) -> str:
    """An absolute path below a folder that may be named. RefusedError for all others, whether there or not."""
    try:
        plain = os.path.abspath(path)
        real = os.path.realpath(plain)
        allowed = os.path.isabs(path) and any(_is_below(real, os.path.realpath(root)) for root in roots)
    except (OSError, ValueError):
        plain, real, allowed = "", "", False
    if not allowed:
        raise RefusedError(
            403, "Forbidden", "that path is not below a folder of the collection, or one named by --root at the start"
        )
    if not os.path.exists(real):
        raise RefusedError(422, "InvalidRequest", f"{printable(path)}: no such file or folder")
    return plain


def shown(job: dict[str, Any], seen: Eyes) -> dict[str, Any]:
    """A job as this visitor may see it."""
    result = job["result"]
    if result and seen.role < Role.admin and "failed" in result:
        failed = [{**one, "path": seen.path(one["path"])} for one in result["failed"]]
        job = {**job, "result": {**result, "failed": failed}}
    if job["progress"] and seen.role < Role.admin:
        job = {**job, "progress": {**job["progress"], "about": seen.text(job["progress"]["about"])}}
    if job["message"] and seen.role < Role.admin:
        job = {**job, "message": seen.text(job["message"])}
    return job


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))
