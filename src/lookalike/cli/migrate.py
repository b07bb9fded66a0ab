"""`lookalike migrate`: from a directory to Milvus, and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from lookalike.cli.index import INTERRUPTED
from lookalike.cli.options import JsonOption, QuietOption
from lookalike.cli.output import plural, print_json
from lookalike.cli.progress import shown


def migrate(
    source: Annotated[str, typer.Option("--from", metavar="COLLECTION", help="What is there now.")],
    target: Annotated[str, typer.Option("--to", metavar="COLLECTION", help="Where it is to be as well.")],
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Copy a collection into Milvus, or from there into a new directory.

    One of both is a directory, the other milvus://HOST:PORT/NAME. The pictures are not read, and nothing happens to
    what is copied from. Interrupt it whenever you like, or repeat it after the directory has changed: only what is
    missing or different is written. In the end the checksums of both are compared.
    """
    from lookalike.milvus.migrate import migrate as copy

    try:
        with shown(quiet) as progress:
            report = copy(source, target, progress=progress)
    except KeyboardInterrupt:
        typer.echo("lookalike: interrupted; the same command goes on from here", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if json:
        print_json(asdict(report))
    elif not quiet:
        written = ", ".join(f"{count:,} {name}" for name, count in report.descriptors.items() if count) or "none"
        typer.echo(f"{plural(report.records, 'record')} written, {report.deleted:,} deleted; descriptors: {written}")
        typer.echo(f"{report.compared:,} records and descriptors are the same in both ({report.seconds:.0f} s)")
