"""`POST /search`: pictures that answer a question."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fastapi import APIRouter, Request

from lookalike.collection import Collection
from lookalike.errors import QueryError
from lookalike.pictures.open import Image
from lookalike.pictures.region import Region
from lookalike.query.parse import Term, make_region, parse_query
from lookalike.search.match import Matches
from lookalike.server.answers import Json
from lookalike.server.documented import PROBLEMS, body
from lookalike.server.errors import RefusedError
from lookalike.server.schema import SearchAnswer, SearchRequest, TermIn
from lookalike.server.services import Here, Services, Visitor, eyes
from lookalike.server.uploads import Upload, read_request

PREVIEW = 320
MOST_PICTURES = 8  # that one question may bring along or have fetched

router = APIRouter(tags=["search"])


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture of a question, and how it is told to the client."""

    value: Image | int
    asked: dict[str, Any]


@router.post(
    "/search",
    response_model=SearchAnswer,
    responses=PROBLEMS,
    openapi_extra=body(SearchRequest, "image"),
    summary="Pictures that answer a question, best first",
)
async def search(request: Request, here: Here, role: Visitor) -> Json:
    """Ask with words, pictures of the collection, uploaded pictures, the address of one, or a weighted sum of these."""
    asked, uploads = await read_request(request, SearchRequest)
    terms = _terms(asked, uploads)
    region = _region(asked, terms)
    pictures = await _pictures(here, request, asked, terms, uploads, region)
    query = [
        Term("text", str(term.value), term.weight)
        if picture is None
        else Term("id" if isinstance(picture.value, int) else "image", picture.value, term.weight)
        for term, picture in zip(terms, pictures, strict=True)
    ]
    stored = any(isinstance(picture.value, int) for picture in pictures if picture)

    gone = threading.Event()

    def work(album: Collection) -> Matches:
        return album.search(
            query=query,
            k=asked.k + asked.offset,
            methods="auto" if asked.methods == ["auto"] else asked.methods,
            radius=asked.radius,
            region=region if stored else None,
            where=asked.where,
            index=asked.index,
            max_expected_false=asked.max_expected_false,
            exclude_self=asked.exclude_self,
            stop=gone.is_set,
        )

    found = await here.library.search(work, request, gone)
    page = found[asked.offset : asked.offset + asked.k]
    records = await here.library.look(lambda album: album.records(one.id for one in page), request)
    seen = await eyes(request, here)
    return Json(
        {
            "matches": [seen.match(one) for one in page],
            "pictures": [seen.record(one) for one in records],
            "notes": list(found.notes),
            "steps": [asdict(step) for step in found.steps],
            "asked": [picture.asked for picture in pictures if picture],
            "offset": asked.offset,
            "more": len(found) >= asked.offset + asked.k,
        }
    )


def _terms(asked: SearchRequest, uploads: Sequence[Upload]) -> list[TermIn]:
    """Everything that is summed. Paths in a query are words of a stranger: pictures are named by id only."""
    terms = list(asked.terms)
    used = {term.value for term in terms if term.kind == "image"}
    for term in terms:
        wrong = isinstance(term.value, int) != (term.kind in ("id", "image"))
        if wrong or (term.kind == "image" and int(term.value) >= len(uploads)):
            raise RefusedError(422, "InvalidRequest", f"terms: {str(term.value)[:40]!r} is no {term.kind}")
    terms += [TermIn(kind="image", value=n, weight=1.0) for n in range(len(uploads)) if n not in used]
    if asked.query is not None:
        for one in parse_query(asked.query, exists=lambda _: False):
            if one.kind == "image":
                raise QueryError("a file cannot be named here: upload it as a part `image`, or name a picture by id:")
            terms.append(TermIn(kind=one.kind, value=one.value, weight=one.weight))  # type: ignore[arg-type]
    if asked.id is not None:
        terms.append(TermIn(kind="id", value=asked.id, weight=1.0))
    if asked.url is not None:
        terms.append(TermIn(kind="url", value=asked.url, weight=1.0))
    if asked.text is not None:
        terms.append(TermIn(kind="text", value=asked.text or " ", weight=1.0))
    if not terms:
        raise QueryError("nothing to look for: give a picture, a text, a query, an id or a url")
    if all(term.weight <= 0 for term in terms):
        raise QueryError("only minus: say also what to look for, as in: beach - people")
    if sum(term.kind != "text" for term in terms) > MOST_PICTURES:
        raise QueryError(f"at most {MOST_PICTURES} pictures can be asked with at once")
    return terms


def _region(asked: SearchRequest, terms: Sequence[TermIn]) -> Region | None:
    if asked.region is None:
        return None
    if sum(term.kind != "text" for term in terms) != 1:
        raise QueryError("a region goes with exactly one picture")
    return make_region(asked.region)


async def _pictures(
    here: Services,
    request: Request,
    asked: SearchRequest,
    terms: Sequence[TermIn],
    uploads: Sequence[Upload],
    region: Region | None,
) -> list[_Picture | None]:
    """The picture of each term, None for words."""

    async def one(term: TermIn) -> _Picture | None:
        if term.kind == "text":
            return None
        if term.kind == "id":
            return await _known(here, request, int(term.value))
        if term.kind == "image":
            upload = uploads[int(term.value)]
        elif here.settings.fetch:
            fetched = await here.fetch(str(term.value), request)
            upload = Upload(fetched.name, fetched.content)
        else:
            raise RefusedError(403, "Forbidden", "this server does not fetch pictures by their address")
        return await _opened(here, request, upload, term.kind, region, asked.preview)

    return list(await asyncio.gather(*(one(term) for term in terms)))


async def _known(here: Services, request: Request, id_: int) -> _Picture:
    record = await here.library.look(lambda album: album.record(id_), request)
    if record is None or record.status != "ok":
        raise QueryError(f"there is no picture with id {id_}")
    about = {"kind": "id", "width": record.width, "height": record.height, "format": record.format}
    return _Picture(id_, {**about, "preview": None})


async def _opened(
    here: Services, request: Request, upload: Upload, kind: str, region: Region | None, preview: bool
) -> _Picture:
    image = await here.decode(lambda: here.decoders.open(upload.content, upload.name, region), request)
    about = {"kind": kind, "width": image.width, "height": image.height, "format": image.format, "preview": None}
    if preview or region:
        small = await here.decode(lambda: here.decoders.thumbnail(upload.content, upload.name, PREVIEW), request)
        about |= {"width": small.width, "height": small.height}
        if preview:
            about["preview"] = "data:image/webp;base64," + base64.b64encode(small.webp).decode()
    return _Picture(image, about)
