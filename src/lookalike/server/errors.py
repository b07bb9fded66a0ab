"""What every failure becomes: one JSON shape, `{"error": NAME, "message": ONE LINE FOR A PERSON}`, and a status."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from lookalike.errors import CollectionError, ImageError, LookalikeError, ModelError, QueryError, printable
from lookalike.server.answers import Json
from lookalike.server.fetch import FetchError
from lookalike.server.headers import HEADERS
from lookalike.server.settings import Role

MOST_MISTAKES = 3


class RefusedError(LookalikeError):
    """A request that is refused before it reaches the collection. name: as the JSON's `error` gives it."""

    def __init__(self, status: int, name: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.name, self.headers = status, name, dict(headers or {})
        super().__init__(message)


def busy(message: str = "too many requests at once: try again in a second", seconds: int = 1) -> RefusedError:
    """There is no room now."""
    return RefusedError(503, "Busy", message, {"Retry-After": str(seconds)})


def not_found(message: str) -> RefusedError:
    """There is no such thing."""
    return RefusedError(404, "NotFound", message)


def install(app: FastAPI) -> None:
    """Make every error of the application this module's."""
    app.add_exception_handler(LookalikeError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


def problem(status: int, name: str, message: str, headers: Mapping[str, str] | None = None, **more: Any) -> Json:
    """The one shape."""
    return Json({"error": name, "message": message, **more}, status_code=status, headers=dict(headers or {}))


def answer_to(error: LookalikeError) -> Json:
    """The answer that a foreseen error becomes."""
    match error:
        case RefusedError():
            return problem(error.status, error.name, str(error), error.headers)
        case ImageError():
            return problem(422, "ImageError", str(error), path=printable(error.path), reason=printable(error.reason))
        case QueryError():
            return problem(400, "QueryError", str(error))
        case FetchError():
            return problem(422, "FetchError", str(error))
        case ModelError():
            return problem(409, "ModelError", str(error))
        case CollectionError():
            return problem(503, "CollectionError", str(error), {"Retry-After": "5"})
        case _:
            return problem(400, "LookalikeError", str(error))


async def _known(request: Request, error: Exception) -> Json:
    assert isinstance(error, LookalikeError)
    return answer_to(error if request.scope.get("lookalike.role") == Role.admin else _without_paths(request, error))


def _without_paths(request: Request, error: LookalikeError) -> LookalikeError:
    """The same error for those who are not told where things lie."""
    if isinstance(error, ImageError):
        return ImageError(os.path.basename(error.path), error.reason)
    place = request.app.state.services.settings.place
    if place in str(error):
        told = str(error).replace(place, "the collection")
        return RefusedError(error.status, error.name, told) if isinstance(error, RefusedError) else type(error)(told)
    return error


async def _invalid(request: Request, error: Exception) -> Json:
    assert isinstance(error, RequestValidationError)
    return problem(422, "InvalidRequest", mistakes(error.errors()))


async def _http(request: Request, error: Exception) -> Json:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, RefusedError):  # of a body that was being read
        return answer_to(error.__cause__)
    names = {404: "NotFound", 405: "MethodNotAllowed"}
    return problem(error.status_code, names.get(error.status_code, "InvalidRequest"), str(error.detail), error.headers)


async def _unforeseen(request: Request, error: Exception) -> Json:
    # what went wrong is in the server's log; a stranger learns nothing of paths and code
    return problem(500, "InternalError", "a fault of lookalike, please report it: the server's log tells more", HEADERS)


def mistakes(found: Any) -> str:
    """The first few mistakes that a validation found, as in "k: Input should be greater than 0"."""
    told = [f"{_place(one['loc'])}: {one['msg']}" for one in found[:MOST_MISTAKES]]
    return printable("; ".join(told))[:500] or "the request is not valid"


def _place(location: tuple[Any, ...]) -> str:
    parts = [str(part) for part in location if part not in ("body", "query", "path")]
    return ".".join(parts)[:80] or "request"
