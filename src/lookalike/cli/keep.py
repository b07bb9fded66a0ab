"""`lookalike remove` and `lookalike check`: keeping a collection in order."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lookalike.cli.options import CollectionOption, open_collection
from lookalike.cli.output import plural, size
from lookalike.errors import QueryError


def remove(
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files, or folders with all below them.")],
    collection: CollectionOption = None,
) -> None:
    """Take pictures out of the collection. The files stay where they are.

    Indexing their folder again brings them back; `lookalike index --ignore PATTERN` does not.
    """
    with open_collection(ctx, collection) as album:
        removed = album.remove(paths)
    if not removed:
        raise QueryError("nothing of that is in the collection")
    typer.echo(f"{plural(removed, 'picture')} removed from the collection")


def check(
    ctx: typer.Context,
    compact: Annotated[
        bool, typer.Option("--compact", help="Also free the space that removed pictures still take.")
    ] = False,
    collection: CollectionOption = None,
) -> None:
    """Verify the collection and repair what can be repaired."""
    with open_collection(ctx, collection) as album:
        report = album.check()
        freed = album.compact() if compact and not report.problems else 0
    for line in report.repaired:
        typer.echo(f"repaired: {line}")
    for line in report.problems:
        typer.echo(f"damaged: {line}")
    if compact:
        typer.echo(f"{size(freed)} freed")
    if report.problems:
        typer.echo("index the same folders into another --collection; this one can be thrown away", err=True)
        raise typer.Exit(1)
    if not report.repaired:
        typer.echo("all is well")
