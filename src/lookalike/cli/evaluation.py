"""What an evaluation found out, as tables."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING

from lookalike.cli.output import console, show_table

if TYPE_CHECKING:
    from lookalike.evaluate import Evaluation

LEGEND = """\
first, in ten: copies whose original came first, among the first ten; MRR: the
mean of 1 / place; sure: first, with expected_false of at most 0.01.
≤0.01, ≤0.1, ≤1: pictures found with at most this expected_false, per question
whose own picture was left out. typical, slow: what half, nine tenths take."""

STRANGERS = """\
All questions as one list by the expected_false of what came first, those whose
picture was left out among them. uAP: micro average precision; R@P90: the share
of copies found with a precision of 90 %."""

GROUPS = """\
P@5: right ones among the first five, of questions whose group has as many
others."""

THINGS = """\
Of what is there many should be strong, of what is not there few weak. Without
--words: 50 things that photographs seldom show; --html shows what was found."""


def print_evaluation(found: Evaluation) -> None:
    """The tables of all that was asked."""
    out = console()
    tables = [
        made
        for made in (
            *(_methods(found), _strangers(found), _truth(found), _edits(found), _indexes(found)),
            *(_words(found), _copies(found), _shots(found)),
        )
        if made
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
            "-" if one.precision_5 is None else percent(one.precision_5),
            percent(one.recall_1),
            percent(one.recall_10),
            milliseconds(one.median_milliseconds),
        )
        for one in found.truth
    ]
    title = f"Labelled groups, {found.truth[0].questions:,} questions"
    return title, ("method", "mAP", "P@5", "first", "in ten", "typical"), list(rows), GROUPS


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


def _words(found: Evaluation) -> Made:
    rows = [
        (name, f"{told.asked:,}", f"{told.strong:,}", f"{told.fair:,}", f"{told.weak:,}")
        for name, there in (("there", True), ("not there", False))
        if (told := found.things(there))
    ]
    columns = ("things", "asked", "strong", "fair or better", "weak or better")
    return ("Words: how relevant the best match is said to be", columns, list(rows), THINGS) if rows else None


def _copies(found: Evaluation) -> Made:
    kinds = found.pairs(False)
    rows = [(kind, f"{one.pairs:,}", f"{one.grouped:,}", f"{one.kept:,}") for kind, one in kinds.items()]
    if not rows:
        return None
    total = [str(sum(counts)) for counts in zip(*(astuple(one) for one in kinds.values()), strict=True)]
    columns = ("made from a picture", "pairs", "found", "original kept")
    return "Copies that duplicates finds, and which of the two it keeps", columns, [*rows, ("all", *total)], ""


def _shots(found: Evaluation) -> Made:
    rows = [(kind, f"{one.pairs:,}", f"{one.grouped:,}") for kind, one in found.pairs(True).items()]
    columns = ("photographed again", "pairs", "called a copy")
    return ("Other photographs of the scene, simulated: none is a copy", columns, list(rows), "") if rows else None
