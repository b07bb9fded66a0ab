"""`lookalike remove` and `lookalike check`: keeping a collection in order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lookalike.cli.options import CollectionOption, open_collection
from lookalike.cli.output import plural, size
from lookalike.errors import QueryError, printable

if TYPE_CHECKING:
    from lookalike.collection import Collection


def remove(
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files, or folders with all below them.")],
    collection: CollectionOption = None,
) -> None:
    """Take pictures out of the collection. The files stay where they are.

    Later runs leave them out, also those of a folder around them, until they are named to `lookalike index` again.
    """
    with open_collection(ctx, collection) as album:
        before, pictures = album.roots, len(album)
        removed = album.remove(paths)
        pictures -= len(album)
        forgotten = [root for root in before if root not in album.roots]
    if not removed and not forgotten:
        raise QueryError("nothing of that is in the collection")
    others = f", {plural(removed - pictures, 'other file')} forgotten" if removed > pictures else ""
    typer.echo(f"{plural(pictures, 'picture')} removed from the collection{others}")
    for root in forgotten:
        typer.echo(f"forgotten: `lookalike index` without paths does not look at {printable(root)} any more")


def check(
    ctx: typer.Context,
    compact: Annotated[
        bool, typer.Option("--compact", help="Also free the space that removed pictures still take.")
    ] = False,
    salvage: Annotated[
        Path | None,
        typer.Option("--salvage", metavar="NEW", help="Make a new collection of what can be read of a damaged one."),
    ] = None,
    collection: CollectionOption = None,
) -> None:
    """Verify the collection and repair what can be repaired."""
    with open_collection(ctx, collection) as album:
        if salvage is not None:
            _salvage(album, salvage)
            return
        report = album.check()
        freed = album.compact() if compact and not report.problems else 0
    for line in report.repaired:
        typer.echo(f"repaired: {line}")
    for line in report.problems:
        typer.echo(f"damaged: {line}")
    if compact:
        typer.echo(f"{size(freed)} freed")
    if report.problems:
        typer.echo(
            "nothing is written to it any more: restore it from a backup, or make a new collection of what can "
            "still be read with `lookalike check --salvage NEW`",
            err=True,
        )
        raise typer.Exit(1)
    if not report.repaired:
        typer.echo("all is well")


def _salvage(album: Collection, new: Path) -> None:
    report = album.salvage(new)
    held = ", ".join(f"{count:,} {name}" for name, count in report.descriptors.items()) or "none"
    typer.echo(f"{plural(report.records, 'picture')} read, with descriptors: {held}")
    typer.echo(f"describe what is missing: lookalike -c {printable(new)} index")
