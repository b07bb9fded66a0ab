"""The pictures of the report: what was asked with, what should have come and what came, side by side."""

from __future__ import annotations

import base64
import os
from collections import Counter
from html import escape

from lookalike.errors import ImageError, printable
from lookalike.evaluate.result import LEVELS, Evaluation, Failure
from lookalike.evaluate.sample import THUMBNAIL, thumbnail
from lookalike.pictures.open import open_image
from lookalike.search.relevance import FLOOR

DOUBTFUL = LEVELS[1]
ORDINALS = {1: "1st", 2: "2nd", 3: "3rd"}


def failure_cards(evaluation: Evaluation, method: str, most: int) -> list[str]:
    """Missed copies of a method, each of another picture, and of as many edits as there are."""
    left = [failure for failure in evaluation.failures if failure.outcome.method == method]
    shown: list[Failure] = []
    edits: Counter[str] = Counter()
    while left and len(shown) < most:
        next_ = min(left, key=lambda one: (edits[one.outcome.edit], one.outcome.rank is not None))
        shown.append(next_)
        edits[next_.outcome.edit] += 1
        left = [one for one in left if one.outcome.picture != next_.outcome.picture]
    return [_failure_card(evaluation, failure) for failure in shown]


def alarm_cards(evaluation: Evaluation, method: str, most: int) -> list[str]:
    """What a method found of pictures left out with an expected_false of at most 0.1, the smallest first.

    Every picture once, whether asked with or found.
    """
    alarms = sorted(
        (chance, held.picture, id_)
        for held in evaluation.held_out
        if held.method == method
        for id_, chance in held.hits
        if chance is not None and chance <= DOUBTFUL
    )
    seen: set[int] = set()
    cards: list[str] = []
    for chance, asked, found in alarms:
        if len(cards) < most and not seen & {asked, found}:
            seen |= {asked, found}
            cards.append(
                f'<article class="card"><h3>expected_false {chance:.2g}</h3><div class="row">'
                f"{_figure('left out', asked, evaluation)}{_figure('found', found, evaluation)}</div></article>"
            )
    return cards


def thing_cards(evaluation: Evaluation, most: int) -> list[str]:
    """What was found for things that are not there, from the floor of relevance on, the most relevant first."""
    wrong = [one for one in evaluation.words if not one.there and one.found is not None and one.relevance >= FLOOR]
    wrong.sort(key=lambda one: -one.relevance)
    return [
        f'<article class="card"><h3>{escape(one.words)}</h3><p>relevance {one.relevance:.2f}</p><div class="row">'
        f"{_figure('found', one.found, evaluation)}</div></article>"
        for one in wrong[:most]
        if one.found is not None
    ]


def pair_cards(evaluation: Evaluation, most: int) -> list[str]:
    """Other photographs that were called copies, then copies that were kept."""
    wrong = sorted((one for one in evaluation.planted if one.shown), key=lambda one: not one.is_shot)
    return [
        f'<article class="card"><h3>{escape(one.kind)}</h3>'
        f"<p>{'called a copy' if one.is_shot else escape(f'kept: {one.reason}')}</p>"
        f'<div class="row">{_figure("picture", one.picture, evaluation)}'
        f"<figure>{picture(one.shown, one.kind)}<figcaption><b>{'another' if one.is_shot else 'copy'}</b></figcaption>"
        "</figure></div></article>"
        for one in wrong[:most]
    ]


def picture(jpeg: bytes | None, about: str) -> str:
    """An image within the page, or a grey field."""
    if jpeg is None:
        return f'<div class="gap">{escape(about)}</div>'
    return f'<img alt="{escape(about)}" src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode("ascii")}">'


def _failure_card(evaluation: Evaluation, failure: Failure) -> str:
    outcome = failure.outcome
    if outcome.rank is None:
        told = "not among the first ten"
    else:
        told = f"came {ORDINALS.get(outcome.rank, f'{outcome.rank}th')}"
    asked = f"<figure>{picture(failure.query, outcome.edit)}<figcaption><b>asked with</b></figcaption></figure>"
    came = (
        '<figure><div class="gap">nothing</div><figcaption><b>came first</b></figcaption></figure>'
        if outcome.wrong is None
        else _figure("came first", outcome.wrong, evaluation)
    )
    return (
        f'<article class="card"><h3>{escape(outcome.edit)}</h3><p>the original {told}</p><div class="row">'
        f"{asked}{_figure('should be', outcome.picture, evaluation)}{came}</div></article>"
    )


def _figure(caption: str, id_: int, evaluation: Evaluation) -> str:
    path = printable(evaluation.paths.get(id_, "?"))
    name = os.path.basename(path)
    try:
        jpeg = thumbnail(open_image(evaluation.paths.get(id_, ""), size=THUMBNAIL).picture)
        shown = picture(jpeg, name)
    except ImageError as error:
        shown = picture(None, error.reason)
    told = f"<figcaption><b>{escape(caption)}</b>{escape(name)}</figcaption>"
    return f'<figure title="{escape(path)}">{shown}{told}</figure>'
