"""What the routes work with: made once a process, found through `Depends`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from lookalike.server.answers import Eyes
from lookalike.server.decoders import Decoders
from lookalike.server.desk import Desk
from lookalike.server.errors import RefusedError
from lookalike.server.fetch import Fetched, Fetcher
from lookalike.server.jobs import Jobs
from lookalike.server.library import Library
from lookalike.server.plans import Plans
from lookalike.server.results import Results
from lookalike.server.settings import Role, Settings
from lookalike.server.thumbnails import Thumbnails

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of a running server."""

    settings: Settings
    library: Library
    decoders: Decoders
    thumbnails: Thumbnails
    fetcher: Fetcher
    jobs: Jobs
    results: Results
    plans: Plans
    decoding: Desk
    fetching: Desk

    async def decode(self, work: Callable[[], T], request: Request) -> T:
        """The result of work with the decoders, in its turn."""
        return await self.decoding.do(work, request)

    async def fetch(self, url: str, request: Request) -> Fetched:
        """A picture of another server, in its turn."""
        return await self.fetching.do(lambda: self.fetcher.fetch(url), request)

    def close(self) -> None:
        """End processes and threads."""
        self.jobs.close()
        for desk in (self.fetching, self.decoding):
            desk.close()
        self.library.close()
        self.decoders.close()


def services(request: Request) -> Services:
    """Those of the application that answers a request."""
    found = request.app.state.services
    assert isinstance(found, Services)
    return found


def role_of(request: Request) -> Role:
    """What this visitor may do, as the guard found out."""
    return Role(request.scope.get("lookalike.role", Role.none))


Here = Annotated[Services, Depends(services)]


def needs(role: Role) -> Callable[[Request], Role]:
    """A dependency that refuses those who may not do so much."""

    def check(request: Request) -> Role:
        has = role_of(request)
        if has >= role:
            return has
        if has in (Role.none, Role.visitor):
            raise RefusedError(
                401, "Unauthorized", f"this needs a token that allows {role.name!r}", {"WWW-Authenticate": "Bearer"}
            )
        raise RefusedError(403, "Forbidden", f"this token allows {has.name!r}, and this needs {role.name!r}")

    return check


Visitor = Annotated[Role, Depends(needs(Role.visitor))]
Reader = Annotated[Role, Depends(needs(Role.read))]
Writer = Annotated[Role, Depends(needs(Role.write))]
Admin = Annotated[Role, Depends(needs(Role.admin))]


async def eyes(request: Request, here: Services) -> Eyes:
    """What the visitor of a request gets to see."""
    role = role_of(request)
    roots: list[str] = []
    if role < Role.admin:
        roots = await here.library.look(lambda album: album.roots, request)
    return Eyes(role, roots)


async def aside(work: Callable[[], T]) -> T:
    """Short work with files, done by a thread beside the loop."""
    return await asyncio.get_running_loop().run_in_executor(None, work)
