"""A real server in a thread, for a browser to visit."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

import uvicorn

from lookalike.server.app import create_app
from lookalike.server.run import bind

LONG = "a-name-of-120-letters-" * 5 + "end-of-it.png"
NAMES = {"astronaut.png": LONG, "rocket.jpg": "ракета на старте.jpg", "coffee.png": "فنجان قهوة على الطاولة.png"}


@contextmanager
def serving(settings):
    """A server on a free port of this machine; its address."""
    with bind("127.0.0.1", 0) as taken:
        server = uvicorn.Server(uvicorn.Config(create_app(settings), log_level="warning", lifespan="on", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]}, daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.02)
        try:
            yield f"http://127.0.0.1:{taken.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)


def until(page, holds, seconds=20):
    """Wait for something in the page: Playwright's own waiting evaluates strings, which the page's policy forbids."""
    last = time.monotonic() + seconds
    while not page.evaluate(holds):
        assert time.monotonic() < last, f"{holds} is never true: {page.locator('main').inner_text()[:300]!r}"
        page.wait_for_timeout(40)
