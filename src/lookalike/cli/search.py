"""`lookalike search`: ask with a picture, with words, or with a sum of both."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lookalike.cli.asked import Question, box_of, questions
from lookalike.cli.options import CollectionOption, JsonOption, finite, open_collection
from lookalike.cli.output import named_place, print_json, room_beside, short_path, show_table
from lookalike.cli.words import chance, reason, why
from lookalike.errors import ImageError, printable

if TYPE_CHECKING:
    from lookalike.search.match import Match, Matches, Step

WRONG = 2


def search(
    ctx: typer.Context,
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="WHAT",
            help="Picture files, '-' for a picture on standard input, words, or a sum: '2:dog + ./pool.jpg - snow'.",
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
        typer.Option(
            metavar="X,Y,W,H", help="Ask with this part of the picture, in its original pixels, or in per cent: 50%."
        ),
    ] = None,
    together: Annotated[
        bool, typer.Option("--together", help="Ask for what is like all of several pictures, or pictures and words.")
    ] = False,
    exclude_self: Annotated[
        bool, typer.Option("--exclude-self", help="Leave out the very file that is asked with, and its exact copies.")
    ] = False,
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
    asked = questions(what, together)
    if len(asked) > 1 and (sheet or open_):
        raise typer.BadParameter("a contact sheet shows one answer: ask with one picture, or --together")
    boxes = [None if region is None else box_of(region, one) for one in asked]
    answers: list[tuple[Question, Matches]] = []
    failed = False
    with open_collection(ctx, collection) as album:
        for number, one in enumerate(asked):
            try:
                matches = album.search(
                    one.image,
                    query=one.query,
                    k=k,
                    methods=method or "auto",
                    radius=radius,
                    region=boxes[number],
                    where=where,
                    index=index,
                    max_expected_false=max_expected_false,
                    exclude_self=exclude_self,
                )
            except ImageError as error:
                if len(asked) == 1:
                    raise
                typer.echo(f"lookalike: {error}", err=True)
                failed = True
                continue
            answers.append((one, matches))
        empty = not len(album)
        if sheet or open_:
            from lookalike.cli.sheet import asked_with

            queries = asked_with(album, asked[0], boxes[0])
    if empty:
        typer.echo("lookalike: there is no picture in this collection yet: lookalike index FOLDER", err=True)
    for _, matches in answers:
        for note in () if empty else matches.notes:
            typer.echo(f"lookalike: {note}", err=True)
    if json:
        plain = [
            [{**match.to_json(), "gone": not os.path.lexists(match.path)} for match in matches]
            for _, matches in answers
        ]
        several = [
            {"query": printable(one.shown), "matches": found} for (one, _), found in zip(answers, plain, strict=True)
        ]
        print_json(plain[0] if len(asked) == 1 else several)
    elif paths or null:
        end = b"\0" if null else b"\n"
        found = dict.fromkeys(os.fsencode(match.path) for _, matches in answers for match in matches)
        typer.echo(b"".join(path + end for path in found), nl=False)
    else:
        for one, matches in answers:
            if len(asked) > 1:
                typer.echo(f"{short_path(os.path.abspath(one.shown)) if one.shown != '-' else '-'}:")
            print_answer(matches, ids, explain)
    if sheet or open_:
        from lookalike.cli.sheet import show_sheet, write_sheet

        pages = write_sheet(sheet, asked[0], queries, answers[0][1])
        if sheet:
            typer.echo(f"contact sheet: {', '.join(map(printable, pages))}", err=True)
        if open_:
            show_sheet(pages[0])
    if failed:
        raise typer.Exit(WRONG)


def print_answer(matches: Matches, ids: bool, explain: bool) -> None:
    """The pictures found, or that there are none; what each method did when that is wanted."""
    if matches:
        print_matches(matches, ids)
    else:
        typer.echo("nothing found")
    if explain and matches.steps:
        print_steps(matches.steps)


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
        )
        for rank, match in enumerate(matches, 1)
    ]
    header = ("", *(["id"] if ids else []), "score", *(["by chance"] if weighed else []), "why")
    room = room_beside((*header, ""), [(*row, "") for row in rows])
    places = [named_place(match.path, room) for match in matches]
    rows = [(*row, place) for row, place in zip(rows, places, strict=True)]
    show_table((*header, "picture"), rows, right=range(header.index("why")))


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
    show_table(header, rows, right=(1, 2, 3, 4, 5))
