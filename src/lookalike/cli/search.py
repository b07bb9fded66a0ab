"""`lookalike search`: ask with a picture, with words, or with a sum of both."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lookalike.cli.options import CollectionOption, JsonOption, finite, open_collection
from lookalike.cli.output import console, print_json, short_path, table
from lookalike.cli.words import chance, reason, why
from lookalike.errors import QueryError, printable

if TYPE_CHECKING:
    from lookalike.pictures.open import Source
    from lookalike.search.match import Match, Step


def search(
    ctx: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="A picture file, '-' for a picture on standard input, words, or a sum: '2:dog + ./pool.jpg - snow'.",
        ),
    ],
    method: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Ask only this method; may be repeated. Default: all that it takes."),
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, metavar="N", help="How many pictures at most.")] = 10,
    radius: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="D", callback=finite, help="All pictures within this distance of the one --method named."
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(metavar="X,Y,W,H", help="Ask with this part of the picture, in its original pixels."),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(metavar="FILTER", help="Only among these, as in 'taken >= 2020 and width > 1000'."),
    ] = None,
    index: Annotated[str, typer.Option(metavar="KIND", help="Which index of the one --method named to use.")] = "auto",
    max_expected_false: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="E",
            callback=finite,
            help="Only pictures of which chance alone would bring at most E, as in 0.01 for copies.",
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also tell what each method did, found nearest, and how long it took.")
    ] = False,
    ids: Annotated[
        bool, typer.Option("--ids", help="Also show the ids of the pictures, for queries as 'id:7'.")
    ] = False,
    paths: Annotated[bool, typer.Option("--paths", help="Only paths, one a line, for other programs.")] = False,
    null: Annotated[
        bool, typer.Option("--null", "-0", help="Only paths, each ended by a NUL byte, for xargs -0.")
    ] = False,
    json: JsonOption = False,
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a contact sheet of the answer, as in sheet.png.")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Show a contact sheet in your picture viewer.")] = False,
    collection: CollectionOption = None,
) -> None:
    """Find pictures that are like a picture, a part of it, or a description.

    The best come first, each with a score from 0 to 1 and the reason why it is there.
    """
    if json + paths + null > 1:
        raise typer.BadParameter("choose one of --json, --paths and --null")
    image: Source | None = None
    if os.path.isdir(what):
        raise QueryError(
            f"{printable(what)} is a folder: name a picture in it, or ask for the word with '\"{printable(what)}\"'"
        )
    if what == "-":
        image = sys.stdin.buffer.read()
    elif os.path.isfile(what):
        image = what
    box = None if region is None else _numbers(region)
    with open_collection(ctx, collection) as album:
        matches = album.search(
            image,
            query=what if image is None else None,
            k=k,
            methods=method or "auto",
            radius=radius,
            region=box,
            where=where,
            index=index,
            max_expected_false=max_expected_false,
        )
        empty = not matches and not len(album)
    if empty:
        typer.echo("lookalike: there is no picture in this collection yet: lookalike index FOLDER", err=True)
    for note in matches.notes:
        typer.echo(f"lookalike: {note}", err=True)
    if json:
        print_json([match.to_json() for match in matches])
    elif paths or null:
        end = b"\0" if null else b"\n"
        typer.echo(b"".join(os.fsencode(match.path) + end for match in matches), nl=False)
    elif matches:
        print_matches(matches, ids)
    else:
        typer.echo("nothing found")
    if explain and not (json or paths or null):
        print_steps(matches.steps)
    if sheet or open_:
        from lookalike.cli.sheet import show_sheet, write_sheet

        page = write_sheet(sheet, what if image is None else image, box, matches)
        if sheet:
            typer.echo(f"contact sheet: {printable(page)}", err=True)
        if open_:
            show_sheet(page)


def print_matches(matches: Sequence[Match], ids: bool = False) -> None:
    """A line per picture: rank, id if asked for, score, how likely by chance when that is known, why, path."""
    weighed = any(match.expected_false is not None for match in matches)
    rows = [
        (
            str(rank),
            *([str(match.id)] if ids else []),
            f"{match.score:.3f}",
            *([chance(match.expected_false)] if weighed else []),
            why(match),
            short_path(match.path),
        )
        for rank, match in enumerate(matches, 1)
    ]
    header = ("", *(["id"] if ids else []), "score", *(["by chance"] if weighed else []), "why", "picture")
    console().print(table(header, rows, right=range(header.index("why"))))


def print_steps(steps: Sequence[Step]) -> None:
    """A line per method: the nearest picture's distance and chance, ways of asking, pictures, milliseconds."""
    rows = [
        (step.method, "-", "-", "-", "-", "-", step.reason or "")
        if not step.variants
        else (
            step.method,
            "-" if step.nearest is None else f"{round(step.nearest.distance, 3):g}",
            "-" if step.nearest is None else chance(step.nearest.expected_false),
            str(step.variants),
            f"{step.pictures:,}",
            f"{step.seconds * 1000:.1f}",
            "nothing" if step.nearest is None else reason(step.nearest),
        )
        for step in steps
    ]
    header = ("method", "nearest", "by chance", "asked", "among", "ms", "")
    console().print(table(header, rows, right=(1, 2, 3, 4, 5)))


def _numbers(region: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(number) for number in region.split(","))
        if not all(map(math.isfinite, numbers)):
            raise ValueError(region)
        return numbers
    except ValueError:
        raise typer.BadParameter(f"{region!r} is not four numbers X,Y,W,H", param_hint="--region") from None
