"""The application put together: services, routes, errors, the guard before them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from lookalike import __version__
from lookalike.milvus.address import is_address
from lookalike.server import errors
from lookalike.server.decoders import Decoders
from lookalike.server.desk import Desk
from lookalike.server.fetch import Fetcher
from lookalike.server.guard import Guard
from lookalike.server.jobs import Jobs
from lookalike.server.library import Library
from lookalike.server.metrics import Counting, Metrics
from lookalike.server.plans import Plans
from lookalike.server.results import Results
from lookalike.server.routes import (
    add,
    collection,
    compare,
    duplicates,
    evaluation,
    health,
    jobs,
    map,
    page,
    pictures,
    search,
    session,
)
from lookalike.server.services import Services
from lookalike.server.settings import Settings
from lookalike.server.thumbnails import Thumbnails

API = "/api/v1"
ABOUT = "Image search by looking at the images. Every answer that is no success is a Problem."


def create_app(settings: Settings) -> FastAPI:
    """The ASGI application that serves a collection."""

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        app.state.services = make_services(settings)
        try:
            yield
        finally:
            app.state.services.close()

    app = FastAPI(
        title="lookalike",
        version=__version__,
        description=ABOUT,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # they would load scripts from another site
        redoc_url=None,
        lifespan=running,
    )
    errors.install(app)
    api = APIRouter(prefix=API)
    for noun in (search, compare, pictures, add, collection, duplicates, map, evaluation, jobs, session):
        api.include_router(noun.router)
    app.include_router(api)
    app.include_router(health.router)
    app.state.metrics = Metrics()
    app.include_router(page.router)
    app.add_exception_handler(404, page.nowhere)
    app.add_middleware(Guard, settings=settings)
    app.add_middleware(Counting, metrics=app.state.metrics)
    return app


def make_services(settings: Settings) -> Services:
    """The parts of a server, none of which starts anything before it is used."""
    limits = settings.limits
    collection, runtime = settings.collection, settings.runtime
    assert runtime is not None  # `serve` makes one
    if is_address(collection):
        settings.folder.mkdir(parents=True, exist_ok=True)
    decoders = Decoders(limits.decodes, max_pixels=limits.pixels, seconds=limits.decode_seconds)
    return Services(
        settings=settings,
        library=Library(collection, limits.searches, limits.queue),
        decoders=decoders,
        thumbnails=Thumbnails(settings.folder, decoders),
        fetcher=Fetcher(limits.upload_bytes, limits.upload_seconds),
        jobs=Jobs(runtime, collection),
        results=Results(settings.folder),
        plans=Plans(settings.folder, settings.move_to),
        decoding=Desk("decode", limits.decodes, limits.queue),
        fetching=Desk("fetch", limits.fetches, limits.queue),
    )
