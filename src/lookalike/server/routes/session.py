"""`/session`: what one may do here, and a cookie for pages, whose images cannot send a token."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from lookalike.server.answers import Json
from lookalike.server.documented import PROBLEMS
from lookalike.server.errors import RefusedError
from lookalike.server.services import Here, Services, role_of
from lookalike.server.settings import Role
from lookalike.server.tokens import COOKIE, SESSION_SECONDS, role_of_secret, session_of

router = APIRouter(prefix="/session", tags=["session"])


class Session(BaseModel):
    """role: none, visitor, read, write or admin. fetch: whether pictures are fetched by their address."""

    role: str
    public: bool
    fetch: bool
    upload_bytes: int
    k: int


@router.get("", response_model=Session, responses=PROBLEMS, summary="What this visitor may do")
async def what(request: Request, here: Here) -> Json:
    """For a page, so that it offers nothing that would be refused."""
    return Json(_session(here, role_of(request)))


@router.post("", response_model=Session, responses=PROBLEMS, summary="A cookie in exchange for a token")
async def begin(request: Request, here: Here) -> Json:
    """Send the token as `Authorization: Bearer`. The cookie is of this site only and out of reach of scripts."""
    secret = request.headers.get("authorization", "").partition(" ")[2].strip()
    role = role_of_secret(here.settings.tokens, secret)
    if not secret or role is Role.none:
        raise RefusedError(401, "Unauthorized", "send a token to begin a session", {"WWW-Authenticate": "Bearer"})
    token = next(one for one in here.settings.tokens if one.role is role)
    answer = Json(_session(here, role))
    _set_cookie(answer, request, here, session_of(token), SESSION_SECONDS)
    return answer


@router.delete("", status_code=204, responses=PROBLEMS, summary="End the session")
async def end(request: Request, here: Here) -> Response:
    """The cookie is taken back."""
    answer = Response(status_code=204)
    _set_cookie(answer, request, here, "", 0)
    return answer


def _set_cookie(answer: Response, request: Request, here: Services, value: str, seconds: int) -> None:
    answer.set_cookie(
        f"{COOKIE}-{here.settings.port}",
        value,
        max_age=seconds,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def _session(here: Services, role: Role) -> dict[str, Any]:
    settings = here.settings
    about = {"role": role.name, "public": settings.public, "fetch": settings.fetch}
    return {**about, "upload_bytes": settings.limits.upload_bytes, "k": settings.limits.k}
