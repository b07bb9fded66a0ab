"""The application put together: services, routes, errors, the guard before them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from lookalike import __version__
from lookalike.server import errors
from lookalike.server.decoders import Decoders
from lookalike.server.guard import Guard
from lookalike.server.library import Library
from lookalike.server.routes import collection, health, pictures, search, session
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
    for noun in (search, pictures, collection, session):
        api.include_router(noun.router)
    app.include_router(api)
    app.include_router(health.router)
    app.add_middleware(Guard, settings=settings)
    return app


def make_services(settings: Settings) -> Services:
    """The parts of a server, none of which starts anything before it is used."""
    limits = settings.limits
    decoders = Decoders(limits.decodes, max_pixels=limits.pixels, seconds=limits.decode_seconds)
    library = Library(settings.collection, limits.searches, limits.queue)
    return Services(settings, library, decoders, Thumbnails(settings.collection, decoders))
