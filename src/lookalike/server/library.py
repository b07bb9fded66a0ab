"""The collection that is served."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from fastapi import Request

from lookalike.collection import Collection
from lookalike.errors import CollectionError, printable
from lookalike.milvus.address import is_address
from lookalike.server.desk import Desk

T = TypeVar("T")
LOOKERS = 4


class Library:
    """One collection for all requests of this process; searches, quick looks and moves wait in queues of their own."""

    def __init__(self, path: Path, searches: int, queue: int) -> None:
        self._album = Collection(path)
        self._searching = Desk("search", searches, queue)
        self._looking = Desk("look", LOOKERS, 4 * queue)
        self._moving = Desk("move", 1, 4)

    async def search(self, work: Callable[[Collection], T], request: Request, gone: threading.Event) -> T:
        """The result of a search; gone is set when nobody waits for it any more."""
        return await self._searching.do(lambda: self._with(work), request, gone)

    async def look(self, work: Callable[[Collection], T], request: Request) -> T:
        """The result of a short look into the catalogue, or of a small change of it."""
        return await self._looking.do(lambda: self._with(work), request)

    async def move(self, work: Callable[[Collection], T], request: Request) -> T:
        """The result of moving files, one plan after the other."""
        return await self._moving.do(lambda: self._with(work), request)

    def close(self) -> None:
        """Wait for what is being done, and let go of the files."""
        for desk in (self._searching, self._looking, self._moving):
            desk.close()
        self._album.close()

    def _with(self, work: Callable[[Collection], T]) -> T:
        if (
            not is_address(self._album.path) and not self._album.path.is_dir()
        ):  # what is open would be answered from for ever
            self._album.close()
            raise CollectionError(f"no collection at {printable(self._album.path)}")
        return work(self._album)
