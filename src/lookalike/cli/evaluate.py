"""`lookalike evaluate`: how well each method finds the user's own pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lookalike.cli.evaluation import print_evaluation
from lookalike.cli.options import CollectionOption, JsonOption, open_collection
from lookalike.cli.output import print_json
from lookalike.cli.progress import shown
from lookalike.errors import printable

SAMPLE = 50


def evaluate(
    ctx: typer.Context,
    sample: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="How many pictures to make edited copies of. Default: 50, or none with --truth.",
            show_default=False,
        ),
    ] = None,
    held_out: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="How many pictures to ask for while they are left out. Default: twice the sample.",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SECTION",
            help="Only copies, groups, words or duplicates; may be repeated. Default: all that can be asked.",
            show_default=False,
        ),
    ] = None,
    edit: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this edit, as in crop-40; may be repeated.")
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this method, or auto; may be repeated.")
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv|FOLDER",
            help="Labelled groups: columns path, group and perhaps role; or a folder whose folders are the groups.",
        ),
    ] = None,
    words: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="Things to ask for: columns words and there (yes, no). Default: 50 that photographs seldom show.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Other pictures and edits for another seed.")] = 0,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a page with examples of what was missed.")
    ] = None,
    json: JsonOption = False,
    collection: CollectionOption = None,
) -> None:
    """Measure how well each method finds your own pictures, to choose one by.

    Asks with edited copies of some pictures, and with some left out of the index: what is found then is a false
    alarm. Nothing is changed, neither pictures nor collection.
    """
    from lookalike.evaluate import evaluate as run

    pictures = sample if sample is not None else 0 if truth and not only else SAMPLE
    with open_collection(ctx, collection) as album, shown() as progress:
        found = run(
            album,
            pictures,
            only=only or (),
            edits=edit or (),
            methods=method or (),
            held_out=held_out,
            truth=truth,
            words=words,
            seed=seed,
            progress=progress,
        )
    if html:
        from lookalike.evaluate.report import write_report

        write_report(found, html)
    if json:
        print_json(found.to_json())
    else:
        print_evaluation(found)
    for note in found.notes:
        typer.echo(f"lookalike: {note}", err=True)
    if html:
        typer.echo(f"page: {printable(html)}", err=True)
