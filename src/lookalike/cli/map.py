"""`lookalike map`: the whole collection at once, as a picture or a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lookalike.cli.options import CollectionOption, open_collection
from lookalike.cli.output import plural, short_path
from lookalike.cli.progress import shown
from lookalike.errors import CollectionError, QueryError, printable

MOST_NAMES = 3
LARGEST = 50_000


def map_(
    ctx: typer.Context,
    out: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Write one large picture of thumbnails.")] = None,
    size: Annotated[
        int, typer.Option(min=100, max=LARGEST, metavar="PX", help="Longer side of that picture.")
    ] = 10_100,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write one page to walk in with mouse, fingers or keys.")
    ] = None,
    grid: Annotated[bool, typer.Option("--grid", help="A cell of a grid for each picture: nothing overlaps.")] = False,
    method: Annotated[
        str, typer.Option(metavar="NAME", help="Whose vectors to make it from, as in embedding:clip-vit-b32.")
    ] = "embedding",
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Lay out all pictures anew, instead of finding a place for new ones.")
    ] = False,
    collection: CollectionOption = None,
) -> None:
    """Draw a map of the collection, on which what looks alike lies together.

    The layout is kept: the next map differs only by what was added or removed. Needs openTSNE:
    pip install '.[map]' in a clone of lookalike
    """
    if out is None and html is None:
        raise QueryError("nothing to write: name a picture with --out map.png, a page with --html map.html, or both")
    if out is not None and out.suffix.lower() != ".png":
        raise QueryError(f"{printable(out)}: the picture is a PNG, so its name must end in .png")
    unread: set[str] = set()
    with open_collection(ctx, collection) as album, shown() as progress:
        atlas = album.map(method, refresh=refresh, grid=grid, progress=progress)
        if not len(atlas):
            raise CollectionError(f"there is nothing to map: no picture in the collection has a vector of {method}")
        if out:
            unread.update(atlas.save_picture(out, size, progress))
        if html:
            unread.update(atlas.save_page(html, progress))
    _notes(sorted(unread), len(atlas.missing), method)
    regions = ", ".join(region.name.replace(", ", " and ") for region in atlas.regions[:MOST_NAMES])
    typer.echo(
        f"{plural(len(atlas), 'picture')} in {plural(len(atlas.regions), 'region')}"
        + (f": {regions} ..." if regions else "")
    )
    for file in filter(None, (out, html)):
        typer.echo(printable(file))


def _notes(unread: list[str], missing: int, method: str) -> None:
    """What is not on the map, and why."""
    if missing:
        typer.echo(f"lookalike: {plural(missing, 'picture')} left out: no vector of {method}", err=True)
    if unread:
        names = ", ".join(short_path(path) for path in unread[:MOST_NAMES])
        more = f" and {len(unread) - MOST_NAMES:,} more" if len(unread) > MOST_NAMES else ""
        typer.echo(f"lookalike: {plural(len(unread), 'picture')} cannot be read now, left out: {names}{more}", err=True)
