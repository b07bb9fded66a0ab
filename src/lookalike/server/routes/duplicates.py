"""`/duplicates`: what is there twice, which to keep, and plans that move copies away and bring them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from lookalike.collection import Collection
from lookalike.duplicates import Group, Member, MoveReport, apply_plan, undo, write_plan
from lookalike.errors import QueryError, printable
from lookalike.server.answers import Json
from lookalike.server.documented import PROBLEMS
from lookalike.server.errors import RefusedError, not_found
from lookalike.server.schema import Strict
from lookalike.server.services import Admin, Here, Reader, eyes

MOST_GROUPS = 500
NOTHING_YET = 'nobody has looked yet: POST /api/v1/jobs {"kind": "duplicates"}'

router = APIRouter(prefix="/duplicates", tags=["duplicates"])
Id = Annotated[int, Path(ge=1, lt=1 << 31, description="The number of a plan.")]


class GroupOut(BaseModel):
    """A Group and the number by which it is chosen."""

    number: int
    members: list[Member]
    keeper: int
    reason: str
    expected_false: float
    kind: str


class Duplicates(BaseModel):
    """A page of groups. copies, bytes: besides those to keep, of all groups. made: when, in seconds since 1970."""

    groups: list[GroupOut]
    total: int
    offset: int
    copies: int
    bytes: int
    made: float
    max_expected_false: float


class Choice(Strict):
    """What to do with a group: the id of the picture to keep, and those of the ones to move (all others if null)."""

    number: int = Field(ge=0, lt=1 << 31)
    keep: int = Field(ge=0, lt=1 << 63)
    move: list[Annotated[int, Field(ge=0, lt=1 << 63)]] | None = Field(None, max_length=10_000)


class PlanRequest(Strict):
    """choices: of the groups that are meant; without any, all groups as they were suggested."""

    choices: list[Choice] | None = Field(None, min_length=1, max_length=100_000)


class PlannedGroupOut(BaseModel):
    keep: str
    move: list[str]


class Plan(BaseModel):
    """Nothing has been moved yet. state: made, applied or undone. to: the folder that copies are moved into."""

    id: int
    state: Literal["made", "applied", "undone"]
    files: int
    bytes: int
    groups: list[PlannedGroupOut]
    to: str | None


class LeftOut(BaseModel):
    path: str
    reason: str


class Moves(BaseModel):
    """As of `lookalike duplicates apply --json`: what was moved, what was left alone and why, the undo file."""

    moved: list[dict[Literal["from", "to"], str]]
    left: list[LeftOut]
    undo: str | None


@router.get("", response_model=Duplicates, responses=PROBLEMS, summary="Groups of copies, as last looked for")
async def groups(
    request: Request,
    here: Here,
    role: Reader,
    offset: Annotated[int, Query(ge=0, lt=1 << 31)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_GROUPS)] = 50,
    unsure: Annotated[bool, Query(description="The least sure first.")] = False,
) -> Json:
    """What the last job of kind `duplicates` found; 404 before there was one."""
    found, made = _found(here.results.read("duplicates"))
    numbered = [{**group, "number": number} for number, group in enumerate(found["groups"])]
    if unsure:
        numbered.sort(key=lambda group: -group["expected_false"])
    copies = [one for group in numbered for one in group["members"] if one["id"] != group["keeper"]]
    seen = await eyes(request, here)
    page = numbered[offset : offset + limit]
    for group in page:
        group["members"] = [{**one, "path": seen.path(one["path"])} for one in group["members"]]
    about = {"copies": len(copies), "bytes": sum(one["bytes"] for one in copies), "made": made}
    known = {"total": len(numbered), "offset": offset, "max_expected_false": found["max_expected_false"]}
    return Json({"groups": page, **known, **about})


@router.post("/plans", status_code=201, response_model=Plan, responses=PROBLEMS, summary="Write a plan")
async def plan(request: Request, here: Here, role: Admin, asked: PlanRequest) -> Json:
    """Which copies would be moved away. Only pictures that were found to be copies of the one kept can be in it."""
    found, _ = _found(here.results.read("duplicates"))
    chosen = _chosen(found["groups"], asked.choices)
    wanted = [id_ for keep, move, _ in chosen for id_ in (keep, *move)]
    records = {record.id: record for record in await here.library.look(lambda a: a.records(wanted), request)}
    missing = [id_ for id_ in wanted if id_ not in records or records[id_].status != "ok"]
    if missing:
        raise RefusedError(409, "Changed", f"picture {missing[0]} is gone: look for duplicates again")
    made = []
    for keep, move, group in chosen:
        kinds = {one["id"]: (one["kind"], one["variant"]) for one in group["members"]}
        members = [replace(Member.of(records[id_], *kinds[id_])) for id_ in (keep, *move)]
        made.append(Group(members, keep, group["reason"], group["expected_false"]))
    id_ = here.plans.new(lambda file: write_plan(made, file))
    return Json(here.plans.shown(id_), status_code=201)


@router.get("/plans/{id}", response_model=Plan, responses=PROBLEMS, summary="What a plan would move")
async def one_plan(here: Here, role: Admin, id: Id) -> Json:
    """As it was written."""
    return Json(here.plans.shown(id))


@router.post("/plans/{id}/apply", response_model=Moves, responses=PROBLEMS, summary="Move the copies of a plan away")
async def apply(request: Request, here: Here, role: Admin, id: Id) -> Json:
    """Into the folder named by --move-to at the start. Each file is looked at again first; nothing is deleted."""
    file, folder = here.plans.apply(id)
    return Json(_told(await here.library.move(lambda album: apply_plan(file, folder, album.sha256), request)))


@router.post("/plans/{id}/undo", response_model=Moves, responses=PROBLEMS, summary="Bring the copies of a plan back")
async def bring_back(request: Request, here: Here, role: Admin, id: Id) -> Json:
    """To where they were. Files that have taken their places are never overwritten."""
    journals = here.plans.undo(id)

    def work(album: Collection) -> MoveReport:
        whole = MoveReport()
        for journal in journals:
            one = undo(journal)
            whole.moved += one.moved
            whole.left += one.left
            whole.undo = one.undo
        return whole

    return Json(_told(await here.library.move(work, request)))


def _found(result: tuple[dict[str, Any], float] | None) -> tuple[dict[str, Any], float]:
    if result is None:
        raise not_found(NOTHING_YET)
    return result


def _chosen(
    groups: Sequence[dict[str, Any]], choices: Sequence[Choice] | None
) -> list[tuple[int, list[int], dict[str, Any]]]:
    """(id to keep, ids to move, group) of each choice. QueryError for a choice that the group does not allow."""
    if choices is None:
        choices = [Choice(number=n, keep=group["keeper"], move=None) for n, group in enumerate(groups)]
    if len({choice.number for choice in choices}) < len(choices):
        raise QueryError("a group can be chosen once")
    found = []
    for choice in choices:
        if choice.number >= len(groups):
            raise QueryError(f"there is no group {choice.number}")
        group = groups[choice.number]
        ids = [one["id"] for one in group["members"]]
        move = [id_ for id_ in ids if id_ != choice.keep] if choice.move is None else list(dict.fromkeys(choice.move))
        wrong = [id_ for id_ in (choice.keep, *move) if id_ not in ids]
        if wrong:
            raise QueryError(f"picture {wrong[0]} is not in group {choice.number}")
        if choice.keep in move:
            raise QueryError(f"picture {choice.keep} is both to be kept and to be moved")
        found.append((choice.keep, move, group))
    return found


def _told(report: MoveReport) -> dict[str, Any]:
    moved = [{"from": printable(a), "to": printable(b)} for a, b in report.moved]
    left = [{"path": printable(one.path), "reason": one.reason} for one in report.left]
    return {"moved": moved, "left": left, "undo": printable(report.undo) if report.undo else None}
