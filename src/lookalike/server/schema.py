"""What is asked and answered, for validation and for the OpenAPI document; fields are named as in Python."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from lookalike.query.parse import MAX_TERMS, MAX_WEIGHT
from lookalike.search.match import Match, Step

LONGEST = 10_000
MOST = 10_000


class Strict(BaseModel):
    """A request: a field that is not known is a mistake, not a wish that is ignored."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """Every answer that is not a success. path, reason: of a picture that cannot be read (ImageError)."""

    error: str
    message: str
    path: str | None = None
    reason: str | None = None


class TermIn(Strict):
    """One summand. value: the words of a text, the id of a picture of the collection, the place (from 0) of an uploaded
    picture among the parts named `image`, or the address of a picture. weight: negative for "unlike"."""

    kind: Literal["text", "id", "image", "url"]
    value: Annotated[str, Field(min_length=1, max_length=LONGEST)] | Annotated[int, Field(ge=0, lt=1 << 63)]
    weight: float = Field(1.0, ge=-MAX_WEIGHT, le=MAX_WEIGHT)


def _several(value: Any) -> Any:
    """Of a form: "a,b" is ["a", "b"]."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _parsed(value: Any) -> Any:
    """Of a form: JSON as text."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError("not valid JSON") from None
    return value


class SearchRequest(Strict):
    """A question. What is given beside each other is summed, as in `Collection.search`; in a form, `region` and
    `methods` are separated by commas and `terms` is JSON."""

    text: str | None = Field(None, max_length=LONGEST, description="Words, taken literally.")
    query: str | None = Field(None, max_length=LONGEST, description="A sum of words and ids: '2:dog + id:12 - snow'.")
    id: int | None = Field(None, ge=0, lt=1 << 63, description="A picture of the collection.")
    url: str | None = Field(None, min_length=1, max_length=2000, description="The address of a picture, http or https.")
    terms: Annotated[list[TermIn], BeforeValidator(_parsed)] = Field(
        default_factory=list, max_length=MAX_TERMS, description="A sum, each summand with its kind and weight."
    )
    k: int = Field(10, ge=1, le=MOST, description="How many pictures at most.")
    offset: int = Field(0, ge=0, le=MOST, description="How many of the best to leave out: the pages before.")
    methods: Annotated[list[str], BeforeValidator(_several)] = Field(["auto"], min_length=1, max_length=16)
    radius: float | None = Field(None, ge=0, le=1e9, description="All within this distance of the one method named.")
    region: Annotated[list[float] | None, BeforeValidator(_several)] = Field(
        None, min_length=4, max_length=4, description="x, y, width, height of the picture asked with, original pixels."
    )
    where: str | None = Field(None, max_length=LONGEST, description="A filter: taken >= 2020 and width > 1000.")
    index: str = Field("auto", max_length=40, description="Which index of the one method named.")
    max_expected_false: float | None = Field(None, ge=0, le=1e12)
    exclude_self: bool = False
    preview: bool = Field(False, description="Also answer with small versions of the pictures asked with.")


class Picture(BaseModel):
    """A Record and the name of its file."""

    id: int
    path: str
    name: str
    sha256: str | None
    bytes: int
    mtime_ns: int
    format: str | None
    width: int | None
    height: int | None
    taken: str | None
    camera: str | None
    latitude: float | None
    longitude: float | None
    caption: str | None
    status: str
    reason: str | None


class Pictures(BaseModel):
    """A page of pictures; total: of all pages."""

    pictures: list[Picture]
    total: int
    offset: int


class Asked(BaseModel):
    """A picture of the question. width, height: of the original, upright. preview: a WebP as data: URL."""

    kind: Literal["id", "image", "url"]
    width: int
    height: int
    format: str
    preview: str | None = None


class SearchAnswer(BaseModel):
    """matches: best first. pictures: what is known of each. asked: the pictures of the question, in their order. more:
    whether the next page may have any."""

    matches: list[Match]
    pictures: list[Picture]
    notes: list[str]
    steps: list[Step]
    asked: list[Asked]
    offset: int
    more: bool
