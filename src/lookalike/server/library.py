"""The collection that is served."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from fastapi import Request

from lookalike.collection import Collection
from lookalike.errors import CollectionError, printable
from lookalike.server.desk import Desk

T = TypeVar("T")
LOOKERS = 4


class Library:
    """One collection for all requests of this process; searches, quick looks and moves wait in queues of their own."""

    def __init__(self, path: Path, searches: int, queue: int) -> None:
        self._path = path
        self._searching = _Counter(path, Desk("search", searches, queue))
        self._looking = _Counter(path, Desk("look", LOOKERS, 4 * queue))
        self._moving = _Counter(path, Desk("move", 1, 4))

    async def search(self, work: Callable[[Collection], T], request: Request) -> T:
        """The result of a search."""
        return await self._searching.do(work, request)

    async def look(self, work: Callable[[Collection], T], request: Request) -> T:
        """The result of a short look into the catalogue, or of a small change of it."""
        return await self._looking.do(work, request)

    async def move(self, work: Callable[[Collection], T], request: Request) -> T:
        """The result of moving files, one plan after the other."""
        return await self._moving.do(work, request)

    def close(self) -> None:
        """Wait for what is being done, and let go of the files."""
        for counter in (self._searching, self._looking, self._moving):
            counter.close()


class _Counter:
    """A desk with the collection on it."""

    def __init__(self, path: Path, desk: Desk) -> None:
        self._album, self._desk = Collection(path), desk
        # One at a time until a Collection may be shared by threads (issue 6): then this lock goes, and one is shared.
        self._lock = threading.Lock()

    async def do(self, work: Callable[[Collection], T], request: Request) -> T:
        def locked() -> T:
            with self._lock:
                if not self._album.path.is_dir():
                    self._album.close()
                    raise CollectionError(f"no collection at {printable(self._album.path)}")
                return work(self._album)

        return await self._desk.do(locked, request)

    def close(self) -> None:
        self._desk.close()
        self._album.close()
