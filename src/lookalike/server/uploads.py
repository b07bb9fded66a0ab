"""Bodies of requests: JSON or a form with pictures, read within limits and kept in memory only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from lookalike.errors import printable
from lookalike.query.parse import MAX_TERMS
from lookalike.server.errors import RefusedError, mistakes

MOST_FIELDS = 40
MOST_FIELD = 64 << 10
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture that came with a request. name: what the client calls it, for messages only."""

    name: str
    content: bytes


async def read_request(request: Request, model: type[Model]) -> tuple[Model, list[Upload]]:
    """What is asked, and the parts named `image`. Raises RefusedError for what is neither JSON nor a proper form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    uploads: list[Upload] = []
    if kind == "multipart/form-data":
        values, uploads = await _form(request)
    elif kind == "application/json":
        values = _json(await request.body())
    else:
        raise RefusedError(415, "UnsupportedMediaType", "send JSON, or a multipart/form-data with a part `image`")
    try:
        return model.model_validate(values), uploads
    except ValidationError as error:
        raise RefusedError(422, "InvalidRequest", mistakes(error.errors())) from None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError(400, "InvalidRequest", "the body is not valid JSON") from None


async def _form(request: Request) -> tuple[dict[str, Any], list[Upload]]:
    parser = MultiPartParser(
        request.headers, request.stream(), max_files=MAX_TERMS, max_fields=MOST_FIELDS, max_part_size=MOST_FIELD
    )
    parser.spool_max_size = 1 << 40  # what people search with is not written to the disk; the body's size is bounded
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, UnicodeError, HTTPException) as error:
        reason = getattr(error, "message", None) or "it is cut off or malformed"
        raise RefusedError(400, "InvalidRequest", f"the form cannot be read: {printable(reason)}") from None
    values: dict[str, Any] = {}
    uploads: list[Upload] = []
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                if name != "image":
                    raise RefusedError(422, "InvalidRequest", "pictures are sent in parts named `image`")
                uploads.append(Upload(_name(value.filename), await value.read()))
            elif name == "image":
                raise RefusedError(422, "InvalidRequest", "the part `image` is a file: with curl, -F image=@FILE")
            elif name in values:
                values[name] = f"{values[name]},{value}"
            else:
                values[name] = value
    finally:
        await form.close()
    return values, uploads


def _name(name: str | None) -> str:
    """The last part of what the client calls a file, short and printable."""
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    return printable(last.encode("utf-8", "replace").decode())[:120] or "the picture"
