"""`lookalike serve`: a page to search with, and an API to build on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lookalike.cli.options import CollectionOption, named_collection
from lookalike.errors import LookalikeError, QueryError
from lookalike.extras import how_to_install

if TYPE_CHECKING:
    from lookalike.server.settings import Settings

TOKEN_VARIABLE = "LOOKALIKE_TOKEN"


def serve(
    ctx: typer.Context,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on. Others than this machine's own need a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="Port; 0 for any that is free.")] = 8008,
    token: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[ROLE:]SECRET",
            envvar=TOKEN_VARIABLE,
            show_envvar=True,
            help="Ask for this token; read:, write: or admin: (the default) says what it allows. May be repeated.",
        ),
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Let anyone search and see thumbnails without a token, at a limited rate.")
    ] = False,
    cors: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Let pages of this site ask, as in https://example.org; may be repeated."),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST", help="A name by which this server is reached, as by a proxy; may be repeated."),
    ] = None,
    no_fetch: Annotated[bool, typer.Option("--no-fetch", help="Never fetch a picture by its address.")] = False,
    root: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Let pictures below this folder be added by path; may be repeated."),
    ] = None,
    uploads: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where to keep uploaded pictures. Default: in the collection's directory."),
    ] = None,
    move_to: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where plans may move duplicates. Without it, nothing is moved over HTTP."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, metavar="N", help="Server processes.")] = 1,
    proxy: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="The reverse proxy whose X-Forwarded-For is believed, as in 127.0.0.1."),
    ] = None,
    log: Annotated[bool, typer.Option("--log", help="Write a line for each request, without its content.")] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in your browser.")] = False,
    collection: CollectionOption = None,
) -> None:
    """Serve the collection to browsers and programs: a page to search with, and an HTTP API.

    Only this machine reaches it unless --host says otherwise. Needs an extra:
    pip install '.[serve]' in a clone of lookalike
    """
    try:
        from lookalike.server.run import serve as run
        from lookalike.server.settings import Settings, is_loopback
        from lookalike.server.tokens import new_token, parse_token
    except ImportError as error:
        raise LookalikeError(f"serving needs Starlette and uvicorn: {how_to_install('serve')}") from error

    tokens = tuple(parse_token(one) for one in token or ())
    made = None
    if not tokens and (public or not is_loopback(host)):
        made = new_token()
        tokens = (made,)
    settings = Settings(
        collection=named_collection(ctx, collection),
        host=host,
        port=port,
        tokens=tokens,
        public=public,
        origins=tuple(_origin(one) for one in cors or ()),
        hosts=tuple(name or ()),
        fetch=not no_fetch,
        roots=tuple(path.expanduser().resolve() for path in root or ()),
        uploads=uploads,
        move_to=None if move_to is None else move_to.expanduser().resolve(),
    )

    def started(settings: Settings) -> None:
        from lookalike.server.run import address_of

        # behind the # it never leaves the browser: the page exchanges it for a cookie
        page = address_of(settings) + (f"#token={made.secret}" if made else "")
        typer.echo(f"serving {settings.place}\nopen {page}\nCtrl-C ends it")
        if open_:
            typer.launch(page)

    run(settings, workers, proxy, log, started)


def _origin(text: str) -> str:
    """An origin as browsers send it. QueryError for anything else."""
    from urllib.parse import urlsplit

    found = urlsplit(text)
    if found.scheme not in ("http", "https") or not found.netloc or found.path not in ("", "/") or found.query:
        raise QueryError(f"{text[:80]!r} is no origin: write it as https://example.org")
    return f"{found.scheme}://{found.netloc.lower()}"
