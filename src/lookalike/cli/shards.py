"""`lookalike describe` and `lookalike merge`: a collection made by several machines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from lookalike.cli.index import interruptible, summary
from lookalike.cli.options import CollectionOption, JsonOption, QuietOption, open_collection
from lookalike.cli.output import print_json
from lookalike.cli.progress import shown
from lookalike.errors import printable
from lookalike.threads import LAST, lower_priority


def describe(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Folders and files, the same for every shard.")],
    shard: Annotated[
        str, typer.Option(metavar="N/OF", help="Which part of all files, as in 3/16: the third of sixteen.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="New directory for the part, or that of an unfinished one.")],
    method: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Describe by this method; may be repeated. Default: all, as for `index`."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Processes. Default: one per core.", show_default=False)
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Skip files and folders of such a name, as in '*.tmp'; may be repeated."),
    ] = None,
    low_priority: Annotated[
        bool, typer.Option("--low-priority", help="Leave processor and disk to other programs that want them.")
    ] = False,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Describe a share of the pictures in folders, on one of several machines.

    What comes out is a part, without the pictures; `lookalike merge` puts the parts of all machines together. Every
    file belongs to exactly one shard, by its path below the folder that is named. Interrupt it whenever you like: the
    same command goes on where it was.
    """
    from lookalike.collection import Collection
    from lookalike.ingest.run import Options
    from lookalike.ingest.walk import IGNORED
    from lookalike.parts import describe as describe_part

    options = Options(
        workers=(os.cpu_count() or 1) if workers is None else workers,
        ignore=(*IGNORED, *(ignore or ())),
    )
    if low_priority:
        lower_priority(LAST)
    with Collection(out) as part:
        with interruptible(part), shown(quiet) as progress:
            report = describe_part(paths, shard, out, methods=method or (), options=options, progress=progress)
        if json:
            print_json(report.to_json())
        elif not quiet:
            typer.echo(summary(report, len(part), f"are in shard {shard}, {printable(out)}"))


def merge(
    ctx: typer.Context,
    parts: Annotated[
        list[Path], typer.Argument(metavar="PART", help="What `lookalike describe` has written, or other collections.")
    ],
    quiet: QuietOption = False,
    json: JsonOption = False,
    collection: CollectionOption = None,
) -> None:
    """Put parts that were described elsewhere into the collection.

    In any order, one by one or together; what is there already stays as it is, so a part may come twice. The pictures
    are not read, and need not be on this machine.
    """
    with open_collection(ctx, collection) as album:
        with interruptible(album), shown(quiet) as progress:
            report = album.merge(parts, progress=progress)
        if json:
            print_json(report.to_json())
        elif not quiet:
            typer.echo(summary(report, len(album)))
