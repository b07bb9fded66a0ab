"""`lookalike evaluate`: how well each method finds the user's own pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lookalike.cli.options import CollectionOption, JsonOption, open_collection
from lookalike.cli.output import console, print_json, show_table
from lookalike.cli.progress import shown
from lookalike.errors import printable

if TYPE_CHECKING:
    from lookalike.evaluate import Evaluation

SAMPLE = 50
LEGEND = """\
first, in ten: copies whose original came first, among the first ten; MRR: the
mean of 1 / place; sure: first, with expected_false of at most 0.01.
≤0.01, ≤0.1, ≤1: pictures found with at most this expected_false, per question
whose own picture was left out. typical, slow: what half, nine tenths take."""

STRANGERS = """\
All questions as one list by the expected_false of what came first, those whose
picture was left out among them. uAP: micro average precision; R@P90: the share
of copies found with a precision of 90 %."""


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
    edit: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this edit, as in crop-40; may be repeated.")
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this method, or auto; may be repeated.")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Labelled groups: columns path, group and perhaps role.")
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

    pictures = sample if sample is not None else 0 if truth else SAMPLE
    with open_collection(ctx, collection) as album, shown() as progress:
        found = run(
            album,
            pictures,
            edits=edit or (),
            methods=method or (),
            held_out=held_out,
            truth=truth,
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


def print_evaluation(found: Evaluation) -> None:
    """The tables: methods, copies among strangers, labelled groups, edits, indexes."""
    out = console()
    tables = [
        made for made in (_methods(found), _strangers(found), _truth(found), _edits(found), _indexes(found)) if made
    ]
    for number, (title, columns, rows, legend) in enumerate(tables):
        if number:
            out.print()
        out.print(title, style="bold")
        show_table(columns, rows, right=range(1, len(columns)))
        if legend:
            out.print(legend, style="dim")


Made = tuple[str, tuple[str, ...], list[tuple[str, ...]], str] | None


def _methods(found: Evaluation) -> Made:
    from lookalike.evaluate.figures import milliseconds, percent
    from lookalike.evaluate.result import LEVELS

    if not found.outcomes and not found.held_out:
        return None
    asked = {one.picture for one in found.outcomes}
    held = {one.picture for one in found.held_out}
    copies = len(found.outcomes) // len(found.methods)
    rows: list[tuple[str, ...]] = []
    for name in found.methods:
        score = found.score(name)
        alarms = [found.false_alarms(name, level) for level in LEVELS]
        figures = ["-"] * 6
        if score:
            shares = (percent(score.recall_1), percent(score.recall_10), f"{score.mrr:.3f}", percent(score.sure))
            figures = [*shares, milliseconds(score.median_milliseconds), milliseconds(score.p90_milliseconds)]
        rows.append((name, *figures[:4], *("-" if a is None else f"{a:.2f}" for a in alarms), *figures[4:]))
    limits = tuple(f"≤{level:g}" for level in LEVELS)
    columns = ("method", "first", "in ten", "MRR", "sure", *limits, "typical", "slow")
    title = f"{copies:,} edited copies of {len(asked):,} of {found.pictures:,} pictures; {len(held):,} left out"
    return title, columns, rows, LEGEND


def _strangers(found: Evaluation) -> Made:
    from lookalike.evaluate.figures import percent

    told = {name: one for name in found.methods if (one := found.detection(name))}
    rows = [
        (name, f"{one.copies:,}", f"{one.strangers:,}", percent(one.micro_average_precision), percent(one.recall_90))
        for name, one in told.items()
    ]
    columns = ("method", "copies", "strangers", "uAP", "R@P90")
    return ("Copies among strangers", columns, list(rows), STRANGERS) if rows else None


def _truth(found: Evaluation) -> Made:
    from lookalike.evaluate.figures import milliseconds, percent

    if not found.truth:
        return None
    rows = [
        (
            one.method,
            percent(one.mean_average_precision),
            percent(one.recall_1),
            percent(one.recall_10),
            milliseconds(one.median_milliseconds),
        )
        for one in found.truth
    ]
    title = f"Labelled groups, {found.truth[0].questions:,} questions"
    return title, ("method", "mAP", "first", "in ten", "typical"), list(rows), ""


def _edits(found: Evaluation) -> Made:
    asked = {one.edit for one in found.outcomes}
    if not asked:
        return None
    rows: list[tuple[str, ...]] = []
    for edit in (edit for edit in found.edits if edit in asked):
        scores = [found.score(name, edit) for name in found.methods]
        copies = max(score.questions for score in scores if score)
        shares = ("-" if score is None else f"{100 * score.recall_1:.0f}" for score in scores)
        rows.append((edit, f"{copies:,}", *shares))
    return "Originals found first, % of the copies of each edit", ("edit", "copies", *found.methods), rows, ""


def _indexes(found: Evaluation) -> Made:
    from lookalike.evaluate.figures import milliseconds, percent

    if not found.indexes:
        return None
    rows = [
        (
            f"{one.method} {one.kind}",
            f"{one.questions:,}",
            percent(one.recall),
            milliseconds(one.milliseconds),
            milliseconds(one.exact_milliseconds),
        )
        for one in found.indexes
    ]
    title = "Indexes: what they find of the ten nearest that exact search finds"
    return title, ("index", "asked", "found", "time", "exact time"), list(rows), ""
