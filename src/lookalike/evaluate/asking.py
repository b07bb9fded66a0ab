"""Putting questions to a collection as its users do, and timing the answers."""

from __future__ import annotations

import time
from collections.abc import Collection as Some
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lookalike.errors import QueryError
from lookalike.search.match import Match, Matches

if TYPE_CHECKING:
    from lookalike.collection import Collection
    from lookalike.pictures.open import Source

MOST_RUNS = 40  # of ids, that a filter has room for


@dataclass(frozen=True, slots=True)
class Timed:
    """matches: best first. milliseconds: from the decoded picture to the list."""

    matches: Sequence[Match]
    milliseconds: float

    @property
    def ids(self) -> list[int]:
        """The ids of the matches, best first."""
        return [match.id for match in self.matches]


def timed_search(
    collection: Collection,
    picture: Source,
    method: str,
    k: int,
    without: Some[int] = (),
    index: str = "auto",
) -> Timed:
    """The k best pictures by one method or "auto", `without` some ids as if these were not in the collection.

    without: at most MOST_RUNS runs of consecutive ids. A picture that the method has nothing to say about (a flat one
    has no hash) gets an empty answer.
    """
    where = " and ".join(f"not id between {first} and {last}" for first, last in runs(without)) or None
    started = time.perf_counter()
    try:
        matches = collection.search(picture, k=k, methods=method, where=where, index=index)
    except QueryError:
        matches = Matches()
    return Timed(matches, (time.perf_counter() - started) * 1000)


def methods_to_ask(collection: Collection, names: Sequence[str] = ()) -> tuple[str, ...]:
    """The names given, else all methods of a collection that compare pictures, and "auto" at the end.

    QueryError for a name that the collection has not.
    """
    held = collection.methods
    for name in names:
        if name not in (*held, "auto"):
            raise QueryError(f"this collection has no {name!r} (it has {', '.join((*held, 'auto'))})")
    if names:
        return tuple(dict.fromkeys(names))
    traits = {name: collection.searcher().method(name).traits for name in held}
    return (*(name for name in held if traits[name].role != "words"), "auto")


def runs(ids: Some[int]) -> list[tuple[int, int]]:
    """The first and last of each run of consecutive ids, ascending."""
    found: list[tuple[int, int]] = []
    for id_ in sorted(ids):
        if found and found[-1][1] == id_ - 1:
            found[-1] = (found[-1][0], id_)
        else:
            found.append((id_, id_))
    return found
