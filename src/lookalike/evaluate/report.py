"""An evaluation as one page to look at: no script, nothing loaded from elsewhere, in light and dark."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from lookalike.errors import CollectionError, printable
from lookalike.evaluate.cards import alarm_cards, failure_cards, picture
from lookalike.evaluate.edits import EDITS
from lookalike.evaluate.figures import milliseconds, percent
from lookalike.evaluate.result import LEVELS, Evaluation, IndexScore, Score, TruthScore
from lookalike.evaluate.sections import pairs_section, words_section

STYLE = Path(__file__).with_name("report.css")
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
MAIN = "auto"
MOST_MAIN, MOST_OTHER = 24, 9

WORDS = (
    ("found first", "the original is the first picture of the answer (recall@1)"),
    ("in first ten", "the original is among the first ten pictures (recall@10)"),
    ("MRR", "mean reciprocal rank: 1 for first, 1/2 for second, 1/3 for third ... and 0 for not found, on average"),
    ("sure", "found first, and with an expected_false of at most 0.01: what a strict limit would still let through"),
    (
        "uAP, R@P90",
        "all questions as one list by expected_false, those whose picture was left out among them: micro average "
        "precision, and the share of copies found with a precision of 90 %, as copy detection is scored",
    ),
    (
        "false alarms",
        "pictures found, at most so likely by chance, while the picture asked for was left out of the index. "
        "If expected_false is honest, there are about 0.01 a question at a limit of 0.01, and 1 at a limit of 1. "
        "Real copies and series that you have of a picture count as false alarms here; look at them below",
    ),
    ("typical, slow", "half of the questions take at most the first, nine of ten at most the second time"),
    ("mAP", "mean average precision: how far at the front all pictures of the group are, 100 % when before all others"),
    ("P@5", "the share of the first five that are of the group, of questions whose group has as many others"),
)


def write_report(evaluation: Evaluation, file: str | os.PathLike[str]) -> None:
    """Write the page. CollectionError when the file cannot be written."""
    text = report(evaluation)
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CollectionError(f"{printable(Path(file))} cannot be written: {error.strerror or error}") from error


def report(evaluation: Evaluation) -> str:
    """The page as HTML. Pictures found are read from their files; those that are gone are grey."""
    sections = (
        _head(evaluation),
        _methods(evaluation),
        _truth(evaluation.truth),
        _heat(evaluation),
        _failures(evaluation),
        _alarms(evaluation),
        words_section(evaluation),
        pairs_section(evaluation),
        _indexes(evaluation.indexes),
        _words(),
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>lookalike: how well pictures are found</title>\n<style>\n{STYLE.read_text(encoding='utf-8')}</style>\n"
        f"</head>\n<body>\n<main>\n{''.join(sections)}</main>\n</body>\n</html>\n"
    )


def _head(evaluation: Evaluation) -> str:
    best = MAIN if MAIN in evaluation.methods else evaluation.methods[-1]
    score = evaluation.score(best)
    copies = len({one.picture for one in evaluation.outcomes})
    held_out = len({one.picture for one in evaluation.held_out})
    asked = []
    if copies:
        asked.append(f"{copies:,} of them asked for with {len(evaluation.edits)} edited copies each")
    if held_out:
        asked.append(f"{held_out:,} asked while left out of the index")
    if evaluation.truth:
        asked.append(f"{evaluation.truth[0].questions:,} labelled questions")
    lede = f"{evaluation.pictures:,} pictures in the collection; {', '.join(asked)}. Seed {evaluation.seed}."
    figures: list[tuple[str, str]] = []
    if score:
        figures = [
            (f"found first by {best}", percent(score.recall_1)),
            ("in the first ten", percent(score.recall_10)),
            ("a typical question takes", milliseconds(score.median_milliseconds)),
        ]
        alarms = evaluation.false_alarms(best, LEVELS[0])
        if alarms is not None:
            figures.insert(2, (f"false alarms (or more copies) a question, limit {LEVELS[0]:g}", f"{alarms:.2f}"))
    boxes = "".join(f"<div><dd>{escape(value)}</dd><dt>{escape(name)}</dt></div>" for name, value in figures)
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in evaluation.notes)
    return f'<h1>How well pictures are found</h1>\n<p class="lede">{escape(lede)}</p>\n{notes}' + (
        f'<dl class="figures">{boxes}</dl>\n' if boxes else ""
    )


def _methods(evaluation: Evaluation) -> str:
    scores = {name: evaluation.score(name) for name in evaluation.methods}
    if not any(scores.values()) and not evaluation.held_out:
        return ""
    rows = "".join(
        f'<tr{_main(name)}><th scope="row">{escape(name)}</th>{_cells(_figures(evaluation, name, score))}</tr>'
        for name, score in scores.items()
    )
    limits = "".join(f'<th scope="col">&le; {level:g}</th>' for level in LEVELS)
    return (
        "<h2>Method by method</h2>\n"
        '<p class="soft">All edits together. False alarms are counted per question, by the greatest '
        "<code>expected_false</code> that is let through.</p>\n"
        '<div class="wide"><table><thead>'
        f'<tr><th></th><th class="group" colspan="6">edited copies</th>'
        f'<th class="group" colspan="{len(LEVELS)}">false alarms</th><th class="group" colspan="2">time</th></tr>'
        '<tr><th scope="col">method</th><th scope="col">found first</th><th scope="col">in first ten</th>'
        f'<th scope="col">MRR</th><th scope="col">sure</th><th scope="col">uAP</th><th scope="col">R@P90</th>{limits}'
        f'<th scope="col">typical</th><th scope="col">slow</th></tr></thead><tbody>{rows}</tbody></table></div>\n'
    )


def _figures(evaluation: Evaluation, name: str, score: Score | None) -> list[str]:
    alarms = [evaluation.false_alarms(name, level) for level in LEVELS]
    counts = ["–" if alarm is None else f"{alarm:.2f}" for alarm in alarms]
    if score is None:
        return [*["–"] * 6, *counts, "–", "–"]
    told = evaluation.detection(name)
    return [
        percent(score.recall_1),
        percent(score.recall_10),
        f"{score.mrr:.3f}",
        percent(score.sure),
        *((percent(told.micro_average_precision), percent(told.recall_90)) if told else ("–", "–")),
        *counts,
        milliseconds(score.median_milliseconds),
        milliseconds(score.p90_milliseconds),
    ]


def _heat(evaluation: Evaluation) -> str:
    asked = {one.edit for one in evaluation.outcomes}
    if not asked:
        return ""
    rows, family = [], ""
    for edit in (edit for edit in EDITS if edit.name in asked):
        if edit.family != family:
            family = edit.family
            columns = len(evaluation.methods) + 1
            rows.append(f'<tr class="family"><th colspan="{columns}">{escape(family)}</th></tr>')
        scores = [evaluation.score(name, edit.name) for name in evaluation.methods]
        example = picture(evaluation.examples.get(edit.name), edit.about)
        rows.append(
            f'<tr><th scope="row" class="edit"><div>{example}<span>{escape(edit.name)}'
            f"<small>{escape(edit.about)}</small></span></div></th>{''.join(map(_heat_cell, scores))}</tr>"
        )
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in evaluation.methods)
    return (
        "<h2>Edit by edit</h2>\n"
        '<p class="soft">How often the original came first, in % of so many copies. Rest on one for more.</p>\n'
        '<div class="scale"><span>never</span><i></i><span>always</span></div>\n'
        f'<div class="wide"><table class="heat"><thead><tr><th></th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>\n"
    )


def _heat_cell(score: Score | None) -> str:
    if score is None:
        return "<td>–</td>"
    tip = (
        f"{score.questions} questions: first {percent(score.recall_1)}, in first ten {percent(score.recall_10)}, "
        f"MRR {score.mrr:.3f}, sure {percent(score.sure)}, typical {milliseconds(score.median_milliseconds)}"
    )
    shown = f"{100 * score.recall_1:.0f}<small> of {score.questions}</small>"
    return f'<td style="background:{_heat_color(score.recall_1)}" title="{escape(tip)}">{shown}</td>'


def _heat_color(share: float) -> str:
    """From low over mid to high; squared, because 90 and 100 % differ more than 10 and 20 %."""
    place = 100 * share**2
    if place >= 50:
        return f"color-mix(in oklab, var(--high) {2 * place - 100:.0f}%, var(--mid))"
    return f"color-mix(in oklab, var(--mid) {2 * place:.0f}%, var(--low))"


def _failures(evaluation: Evaluation) -> str:
    missed = Counter(one.method for one in evaluation.outcomes if one.rank != 1)
    asked = Counter(one.method for one in evaluation.outcomes)
    parts: list[str] = []
    for name in sorted(evaluation.methods, key=lambda name: name != MAIN):
        cards = failure_cards(evaluation, name, MOST_MAIN if name == MAIN else MOST_OTHER)
        if cards:
            summary = f"{escape(name)} <span>missed {missed[name]:,} of {asked[name]:,}; {len(cards)} shown</span>"
            parts.append(_details(summary, cards, is_open=not parts))
    if not asked:
        return ""
    told = "Each: the copy asked with, the original that should have come first, and what came first."
    nothing = '<p class="soft">Every copy found its original.</p>\n'
    body = "".join(parts) and f'<p class="soft">{told}</p>\n{"".join(parts)}'
    return f"<h2>What was missed</h2>\n{body or nothing}"


def _alarms(evaluation: Evaluation) -> str:
    parts: list[str] = []
    for name in sorted(evaluation.methods, key=lambda name: name != MAIN):
        cards = alarm_cards(evaluation, name, MOST_OTHER)
        if cards:
            parts.append(_details(f"{escape(name)} <span>{len(cards)} shown</span>", cards, is_open=name == MAIN))
    if not parts:
        return ""
    return (
        "<h2>False alarms</h2>\n"
        '<p class="soft">Found although the picture itself was left out, the least likely by chance first. '
        "Another copy that you have of the picture is no mistake.</p>\n" + "".join(parts)
    )


def _details(summary: str, cards: Sequence[str], is_open: bool) -> str:
    opened = " open" if is_open else ""
    return f'<details{opened}><summary>{summary}</summary><div class="cards">{"".join(cards)}</div></details>\n'


def _indexes(scores: Sequence[IndexScore]) -> str:
    if not scores:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(one.method)}</th>'
        + _cells(
            (
                one.kind,
                one.exact,
                f"{one.questions:,}",
                percent(one.recall),
                milliseconds(one.milliseconds),
                milliseconds(one.exact_milliseconds),
            )
        )
        + "</tr>"
        for one in scores
    )
    heads = "".join(
        f'<th scope="col">{name}</th>'
        for name in ("method", "index", "exact index", "asked", "found", "its time", "exact time")
    )
    return (
        "<h2>Indexes beside exact search</h2>\n"
        '<p class="soft">The share of the ten nearest pictures that an index finds. The times are of whole questions, '
        f"describing the picture included.</p>\n"
        f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>\n'
    )


def _truth(scores: Sequence[TruthScore]) -> str:
    if not scores:
        return ""
    rows = "".join(
        f'<tr{_main(one.method)}><th scope="row">{escape(one.method)}</th>'
        + _cells(
            (
                percent(one.mean_average_precision),
                "–" if one.precision_5 is None else percent(one.precision_5),
                percent(one.recall_1),
                percent(one.recall_10),
                milliseconds(one.median_milliseconds),
            )
        )
        + "</tr>"
        for one in scores
    )
    heads = "".join(
        f'<th scope="col">{name}</th>' for name in ("method", "mAP", "P@5", "found first", "in first ten", "typical")
    )
    return (
        "<h2>Labelled groups</h2>\n"
        f'<p class="soft">{scores[0].questions:,} questions: does a picture of the same group come first, '
        "and how far at the front are all of them?</p>\n"
        f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>\n'
    )


def _words() -> str:
    entries = "".join(f"<dt>{escape(name)}</dt><dd>{escape(meaning)}.</dd>" for name, meaning in WORDS)
    return f'<h2>What the words mean</h2>\n<dl class="words">{entries}</dl>\n'


def _cells(values: Iterable[str]) -> str:
    return "".join(f"<td>{escape(value)}</td>" for value in values)


def _main(name: str) -> str:
    return ' class="main"' if name == MAIN else ""
