"""The collection that is served, asked by a bounded number of threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from fastapi import Request

from lookalike.collection import Collection
from lookalike.errors import CollectionError, printable
from lookalike.server.errors import RefusedError, busy

T = TypeVar("T")
LOOKERS = 4


class Library:
    """One collection for all requests of this process. Searches and quick looks wait in queues of their own."""

    def __init__(self, path: Path, searches: int, queue: int) -> None:
        self.path = path
        self._searching, self._looking = _Desk(path, searches, queue), _Desk(path, LOOKERS, 4 * queue)

    async def search(self, work: Callable[[Collection], T], request: Request) -> T:
        """The result of a search; it does not begin when the client leaves before its turn."""
        return await self._searching.do(work, request)

    async def look(self, work: Callable[[Collection], T], request: Request) -> T:
        """The result of a short look into the catalogue."""
        return await self._looking.do(work, request)

    def close(self) -> None:
        """Wait for what is being done, and let go of the files."""
        for desk in (self._searching, self._looking):
            desk.close()


class _Desk:
    """Some threads and the queue before them."""

    def __init__(self, path: Path, threads: int, queue: int) -> None:
        self._album = Collection(path)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="lookalike")
        self._room = threads + queue
        self._inside = 0
        # One at a time until a Collection may be shared by threads (issue 6): then this lock goes.
        self._lock = threading.Lock()

    async def do(self, work: Callable[[Collection], T], request: Request) -> T:
        if self._inside >= self._room:
            raise busy()
        self._inside += 1
        gone = threading.Event()
        waiting: asyncio.Future[T] = asyncio.get_running_loop().run_in_executor(self._pool, self._run, work, gone)
        leaving = asyncio.ensure_future(_left(request))
        try:
            futures: set[asyncio.Future[Any]] = {waiting, leaving}
            await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise RefusedError(499, "ClientGone", "the client has left")
            return waiting.result()
        finally:
            gone.set()
            waiting.cancel()
            leaving.cancel()
            self._inside -= 1

    def _run(self, work: Callable[[Collection], T], gone: threading.Event) -> T:
        with self._lock:
            if gone.is_set():
                raise RefusedError(499, "ClientGone", "the client has left")
            if not self._album.path.is_dir():
                self._album.close()
                raise CollectionError(f"no collection at {printable(self._album.path)}")
            return work(self._album)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._album.close()


async def _left(request: Request) -> None:
    """Returns when the client has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        continue
