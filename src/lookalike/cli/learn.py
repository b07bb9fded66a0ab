"""`lookalike learn`: from your own captions to better answers for words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lookalike.cli.options import CollectionOption, JsonOption, QuietOption, open_collection
from lookalike.cli.output import plural, print_json
from lookalike.cli.progress import shown
from lookalike.errors import QueryError, printable

MOST_NAMES = 5


def learn(
    ctx: typer.Context,
    captions: Annotated[
        Path | None,
        typer.Argument(metavar="CAPTIONS.csv", help="Lines of file,caption. Without it, only what the files say."),
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Undo it: back to what comes with lookalike.")] = False,
    quiet: QuietOption = False,
    json: JsonOption = False,
    collection: CollectionOption = None,
) -> None:
    """Learn from captions of your pictures what your words mean, so that words find more.

    Captions in the files themselves (EXIF, IPTC, XMP) are learned from as well. All pictures are described anew for
    words, at the speed of indexing without keypoints. Learning again starts from the beginning; about 100 captions make
    a difference, 20 are the least.
    """
    if forget and captions is not None:
        raise QueryError("--forget takes no captions: everything that was learned is forgotten")
    with open_collection(ctx, collection) as album, shown(quiet) as progress:
        if forget:
            done = album.forget(progress=progress)
            typer.echo("forgotten: words mean what they come with" if done else "nothing was learned")
            return
        report = album.learn(captions, progress=progress)
    if json:
        print_json(
            {
                "pictures": report.pictures,
                "captions": report.captions,
                "unknown": report.unknown,
                "described": report.described,
            }
        )
    elif not quiet:
        learned = f"learned from {plural(report.captions, 'caption')} of {plural(report.pictures, 'picture')}"
        typer.echo(f"{learned}; {plural(report.described, 'picture')} described anew")
        if report.unknown:
            names = ", ".join(printable(name) for name in report.unknown[:MOST_NAMES])
            more = " ..." if len(report.unknown) > MOST_NAMES else ""
            typer.echo(f"not in the collection, or not one picture only: {names}{more}", err=True)
