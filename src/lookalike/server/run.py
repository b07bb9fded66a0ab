"""Starting the server: the address taken first, then the processes that answer on it."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from lookalike.errors import LookalikeError
from lookalike.server.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

SHARED = "PROMETHEUS_MULTIPROC_DIR"  # as metrics.SHARED: to be set before prometheus_client is imported
BACKLOG = 256
KEEP_ALIVE = 30
LAST_ANSWERS = 5  # seconds that open requests get when the server is told to stop


@dataclass(frozen=True, slots=True)
class Factory:
    """Makes the application in each process; carries the settings there, and nothing of them into the environment."""

    settings: Settings

    def __call__(self) -> FastAPI:
        from lookalike.server.app import create_app

        return create_app(self.settings)


def serve(
    settings: Settings, workers: int, proxy: str | None, log: bool, started: Callable[[Settings], None] | None = None
) -> None:
    """Answer until the process is told to stop. started: called with the port that was taken, before the first answer.

    proxy: the address of a reverse proxy whose word on visitors' addresses counts. log: write a line for each request.
    Raises LookalikeError when the address cannot be taken.
    """
    with bind(settings.host, settings.port) as taken, tempfile.TemporaryDirectory(prefix="lookalike-") as runtime:
        settings = replace(settings, port=taken.getsockname()[1], runtime=Path(runtime))
        if workers > 1:
            os.environ[SHARED] = runtime
        config = uvicorn.Config(
            Factory(settings),
            factory=True,
            workers=workers,
            log_level="info" if log else "warning",
            access_log=log,
            proxy_headers=proxy is not None,
            forwarded_allow_ips=proxy,
            server_header=False,
            ws="none",
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=LAST_ANSWERS,
        )
        if started:
            started(settings)
        # uvicorn hands the signal on when it has ended: the folder is to be removed before this process ends as well
        signal.signal(signal.SIGTERM, _leave)
        with contextlib.suppress(KeyboardInterrupt):
            if workers > 1:
                from uvicorn.supervisors import Multiprocess

                Multiprocess(config, sockets=[taken]).run()
            else:
                uvicorn.Server(config).run(sockets=[taken])


def _leave(number: int, frame: object) -> None:
    sys.exit(0)


def bind(host: str, port: int) -> socket.socket:
    """A socket that has the address. LookalikeError when another program has it, or it is none of this machine's."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        taken = socket.socket(family, kind, protocol)
    except OSError as error:
        raise LookalikeError(f"{host}: no address of this machine ({error.strerror or error})") from error
    try:
        if os.name == "posix":
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        taken.listen(BACKLOG)
        taken.set_inheritable(True)
    except OSError as error:
        taken.close()
        if error.errno == errno.EADDRINUSE:
            raise LookalikeError(
                f"port {port} is taken, perhaps by another `lookalike serve`: stop that one, or name another --port"
            ) from error
        raise LookalikeError(f"{host} port {port} cannot be used: {error.strerror or error}") from error
    return taken


def address_of(settings: Settings) -> str:
    """Where a browser on this machine finds the page."""
    host = (
        "127.0.0.1"
        if settings.host in ("0.0.0.0", "localhost")
        else "[::1]"
        if settings.host == "::"
        else settings.host
    )
    return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{settings.port}/"
