"""The sections of the report that are not about methods: words, and pairs for `duplicates`."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from lookalike.evaluate.cards import pair_cards, thing_cards
from lookalike.evaluate.result import Evaluation, Pairs
from lookalike.search.relevance import FAIR, FLOOR, STRONG

MOST = 12


def words_section(evaluation: Evaluation) -> str:
    """How relevant the best match is said to be, of what is there and what is not; false alarms to look at."""
    rows = [
        (name, f"{told.asked:,}", f"{told.strong:,}", f"{told.fair:,}", f"{told.weak:,}")
        for name, there in (("there", True), ("not there", False))
        if (told := evaluation.things(there))
    ]
    if not rows:
        return ""
    heads = (
        "things",
        "asked",
        f"strong (≥ {STRONG:g})",
        f"fair or better (≥ {FAIR:g})",
        f"weak or better (≥ {FLOOR:g})",
    )
    cards = thing_cards(evaluation, MOST)
    about = '<p class="soft">Found for what is not there, the most relevant first. Is it there after all?</p>\n'
    shown = f'{about}<div class="cards">{"".join(cards)}</div>\n' if cards else ""
    return (
        "<h2>Words</h2>\n"
        '<p class="soft">Things asked for by name, by the relevance of the best match. Of what is there many should be '
        f"strong, of what is not there few weak.</p>\n{_table(heads, rows)}{shown}"
    )


def pairs_section(evaluation: Evaluation) -> str:
    """What `duplicates` makes of planted copies and of other photographs; what went wrong to look at."""
    copies, shots = evaluation.pairs(False), evaluation.pairs(True)
    if not copies and not shots:
        return ""
    cards = pair_cards(evaluation, MOST)
    shown = f'<p class="soft">What went wrong.</p>\n<div class="cards">{"".join(cards)}</div>\n' if cards else ""
    return (
        "<h2>Copies and other photographs</h2>\n"
        '<p class="soft">Beside pictures of the collection a file made from each and a simulated photograph of the '
        "same scene. <code>lookalike duplicates</code> should find the first and keep the original, and never call the "
        "second a copy.</p>\n"
        + _table(
            ("made from it", "pairs", "found", "original kept"), [(kind, *_counts(one)) for kind, one in copies.items()]
        )
        + _table(
            ("photographed again", "pairs", "called a copy"), [(kind, *_counts(one)[:2]) for kind, one in shots.items()]
        )
        + shown
    )


def _counts(one: Pairs) -> tuple[str, str, str]:
    return f"{one.pairs:,}", f"{one.grouped:,}", f"{one.kept:,}"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{escape(value)}</td>" for value in values)}</tr>'
        for name, *values in rows
    )
    return f'<div class="wide"><table><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table></div>\n'
