"""The page: one HTML file for all its addresses, and the files that it is made of, known by name beforehand."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response

from lookalike import atlas
from lookalike.server.errors import not_found, problem

FOLDER = Path(__file__).parents[1] / "ui"
WALK = Path(atlas.__file__).with_name("walk")
SHARED = ("camera.js", "data.js", "draw.js", "gestures.js", "sprites.js")
"""What draws the map here as in the page that `lookalike map` writes."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
    "img-src 'self' blob: data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}

router = APIRouter(include_in_schema=False)


@router.get("/")
@router.get("/picture/{id}")
@router.get("/duplicates")
@router.get("/map")
@router.get("/collection")
async def page(request: Request) -> Response:
    """The page; what it shows is up to its address."""
    return _answer(request, "index.html", {"Content-Security-Policy": POLICY})


async def nowhere(request: Request, error: Exception) -> Response:
    """An address that leads nowhere: the page says so to people, programs get a Problem."""
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        return _answer(request, "index.html", {"Content-Security-Policy": POLICY}, status=404)
    return problem(404, "NotFound", "there is no such page")


@router.get("/ui/{name:path}")
async def part(request: Request, name: str) -> Response:
    """A file of the page."""
    return _answer(request, name, {})


@cache
def parts() -> Mapping[str, Path]:
    """The files of the page by the names that they are asked for; nothing else of the disk has a name here."""
    files = (path for path in FOLDER.rglob("*") if path.suffix in KINDS)
    own = {path.relative_to(FOLDER).as_posix(): path for path in files}
    return own | {f"walk/{name}": WALK / name for name in SHARED}


def _answer(request: Request, name: str, headers: Mapping[str, str], status: int = 200) -> Response:
    path = parts().get(name)
    if path is None:
        raise not_found("there is no such page")
    content = path.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    headers = {**headers, "ETag": tag, "Cache-Control": "no-cache"}
    if status == 200 and request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, status, headers, KINDS[path.suffix])
