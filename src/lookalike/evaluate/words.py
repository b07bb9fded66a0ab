"""Is a thing said to be there that is not? Things asked for by their names, and how relevant the best match is."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.errors import QueryError, printable
from lookalike.evaluate.result import ThingOutcome
from lookalike.evaluate.tables import read_table

if TYPE_CHECKING:
    from lookalike.collection import Collection
    from lookalike.search.match import Match

_SELDOM = """violin, koala, saxophone, accordion, typewriter, submarine, telescope, microscope, panda, hippopotamus,
flamingo, jellyfish, octopus, hedgehog, toaster, refrigerator, washing machine, toothbrush, piano, trumpet, drum kit,
harp, sewing machine, computer keyboard, printer, hair dryer, chess board, playing cards, toilet, bathtub, snail,
lobster, igloo, satellite dish, hot air balloon, astronaut, forklift, bulldozer, tractor, ambulance, school bus,
wheelchair, stethoscope, globe, chandelier, vacuum cleaner, chainsaw, gorilla, scorpion, banjo"""
SELDOM = tuple(_SELDOM.replace("\n", " ").split(", "))
"""Fifty things that photographs seldom show."""
COLUMNS = ("words", "there")
ANSWERS = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Thing:
    """words: what it is called. there: whether the collection shows it."""

    words: str
    there: bool


def read_things(file: str | os.PathLike[str] | None) -> list[Thing]:
    """The things of a CSV file with the columns words and there (yes or no); without a file those seldom shown.

    Raises QueryError when the file cannot be read, lacks a column or says something else.
    """
    if file is None:
        return [Thing(words, False) for words in SELDOM]
    things = []
    for line, row in read_table(Path(file), COLUMNS):
        if row["there"].strip().lower() not in ANSWERS:
            raise QueryError(f"{printable(Path(file))}, line {line}: there is yes or no, not {row['there']!r}")
        if row["words"].strip():
            things.append(Thing(row["words"].strip(), ANSWERS[row["there"].strip().lower()]))
    if not things:
        raise QueryError(f"{printable(Path(file))} names nothing to look for")
    return things


def can_be_asked(collection: Collection) -> bool:
    """Whether words find pictures here, and are said how likely they are meant."""
    searcher = collection.searcher()
    methods = [searcher.method(name) for name in searcher.methods]
    best = max((one for one in methods if one.traits.texts), key=lambda one: one.traits.sums, default=None)
    return best is not None and best.traits.role == "words"


def ask_words(collection: Collection, things: Sequence[Thing], tick: Callable[[str], None]) -> tuple[ThingOutcome, ...]:
    """The best match of each thing by sight; what stands in a name or a caption is left out: it says what is there."""
    outcomes = []
    for thing in things:
        best = next(iter(collection.search(text=thing.words, k=1)), None)
        tick("words")
        relevance = None if best is None else _relevance(best)
        if best is None:
            outcomes.append(ThingOutcome(thing.words, thing.there, None, 0.0))
        elif relevance is not None:
            outcomes.append(ThingOutcome(thing.words, thing.there, best.id, relevance))
    return tuple(outcomes)


def _relevance(best: Match) -> float | None:
    """None for what is found by what stands beside it."""
    if any(one.method == "words" for one in best.evidence):
        return None
    return next((float(one.detail["relevance"]) for one in best.evidence if "relevance" in one.detail), None)
