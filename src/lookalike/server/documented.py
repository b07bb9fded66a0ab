"""What the OpenAPI document says that signatures cannot."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from lookalike.server.schema import Problem

REASONS = {
    400: "A question that cannot be understood (QueryError)",
    401: "A token is needed, or the one given is unknown",
    403: "Not allowed",
    404: "There is no such thing",
    408: "The body took too long to arrive",
    409: "Not possible in the present state",
    413: "The body is too large",
    415: "Neither JSON nor a form",
    422: "A request that is not valid, or a picture that cannot be read (ImageError)",
    429: "Too many requests of one address",
    503: "Too many requests at once, or the collection cannot be opened now: see Retry-After",
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": reason} for status, reason in REASONS.items()
}


def body(model: type[BaseModel], files: str) -> dict[str, Any]:
    """A body that is JSON of a model, or a form of its fields with any number of files."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    inner = schema.pop("$defs", {})
    schema = _inlined(schema, inner)
    fields = {**schema, "properties": {**schema["properties"], files: _FILES}}
    content = {"application/json": {"schema": schema}, "multipart/form-data": {"schema": fields}}
    return {"requestBody": {"required": True, "content": content}}


_FILES = {"type": "array", "items": {"type": "string", "format": "binary"}, "description": "Picture files."}


def _inlined(schema: Any, inner: dict[str, Any]) -> Any:
    """The schema without references into its own definitions."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(inner[schema["$ref"].rpartition("/")[2]], inner)
        return {key: _inlined(value, inner) for key, value in schema.items()}
    return [_inlined(value, inner) for value in schema] if isinstance(schema, list) else schema
