"""A few threads and the queue before them: how much is done at once, and when the answer is "later"."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from fastapi import Request

from lookalike.server.errors import RefusedError, busy

T = TypeVar("T")


class Desk:
    """Work is taken in order; what does not fit into the queue is refused at once."""

    def __init__(self, name: str, threads: int, queue: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"lookalike-{name}")
        self._room = threading.BoundedSemaphore(threads + queue)

    async def do(self, work: Callable[[], T], request: Request, gone: threading.Event | None = None) -> T:
        """The result; RefusedError when there is no room.

        Work whose client leaves before its turn never begins; gone: set when the client leaves later.
        """
        if not self._room.acquire(blocking=False):
            raise busy()
        try:
            future = self._pool.submit(work)
        except RuntimeError:
            self._room.release()
            raise busy("the server is being stopped") from None
        future.add_done_callback(lambda _: self._room.release())
        waiting, leaving = asyncio.wrap_future(future), asyncio.ensure_future(_leaving(request))
        waiting.add_done_callback(_seen)
        try:
            either: set[asyncio.Future[Any]] = {waiting, leaving}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise RefusedError(499, "ClientGone", "the client has left")
            return waiting.result()
        finally:
            if gone is not None:
                gone.set()
            future.cancel()
            leaving.cancel()

    def close(self) -> None:
        """Let what is being done end, and drop the rest."""
        self._pool.shutdown(cancel_futures=True)


def _seen(done: asyncio.Future[Any]) -> None:
    """What went wrong after the client has left is no news."""
    if not done.cancelled():
        done.exception()


async def _leaving(request: Request) -> None:
    """Returns when the client has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        continue
