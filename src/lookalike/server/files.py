"""A file of the collection as an answer: whole, or the range asked for."""

from __future__ import annotations

import asyncio
import os
import re
import stat
from collections.abc import Mapping
from email.utils import formatdate
from typing import BinaryIO

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from lookalike.server.errors import RefusedError

CHUNK = 256 << 10
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class File(Response):
    """An open file that is the one that was indexed. Several ranges at once are answered with the whole."""

    def __init__(self, file: BinaryIO, media_type: str, headers: Mapping[str, str], asked: Mapping[str, str]) -> None:
        status = os.fstat(file.fileno())
        etag = f'"{status.st_mtime_ns:x}.{status.st_size:x}"'
        super().__init__(
            media_type=media_type,
            headers={
                **headers,
                "Accept-Ranges": "bytes",
                "ETag": etag,
                "Last-Modified": formatdate(status.st_mtime, usegmt=True),
            },
        )
        self._file = file
        self._first, self._length = 0, status.st_size
        if asked.get("if-none-match") == etag:
            self.status_code, self._length = 304, 0
            del self.headers["content-length"]
            return
        part = None if asked.get("if-range", etag) != etag else _part(asked.get("range", ""), status.st_size)
        if part is not None:
            self._first, self._length = part[0], part[1] - part[0]
            self.status_code = 206
            self.headers["Content-Range"] = f"bytes {part[0]}-{part[1] - 1}/{status.st_size}"
        self.headers["Content-Length"] = str(self._length)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file as file:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            left = 0 if scope["method"] == "HEAD" else self._length
            file.seek(self._first)
            while left:
                chunk = await asyncio.to_thread(file.read, min(CHUNK, left))
                if not chunk:
                    raise OSError("the file became shorter while it was sent")  # the client sees a broken transfer
                left -= len(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def open_unchanged(path: str, name: str, size: int, mtime_ns: int) -> BinaryIO:
    """The file, as long as it is the one that was indexed: another one may be no picture, or a secret."""
    try:
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 (the answer closes it)
    except OSError:
        raise RefusedError(409, "FileGone", f"{name} is not there now") from None
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode) or (status.st_size, status.st_mtime_ns) != (size, mtime_ns):
        file.close()
        raise RefusedError(409, "FileChanged", f"{name} has changed since it was indexed: index again")
    return file


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _part(header: str, size: int) -> tuple[int, int] | None:
    """[first, end) of a single range, None for none; RefusedError when the file has no such part."""
    found = _RANGE.fullmatch(header.strip())
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= end:
        if first and last and int(last) < int(first):
            return None  # not a range at all
        raise RefusedError(416, "NoSuchRange", f"the file has {size} bytes", {"Content-Range": f"bytes */{size}"})
    return start, end
