"""Which runs of items should be segments: few, however many there are, and a commit pays for what it adds.

As in a log-structured merge tree (O'Neil et al. 1996): what is new becomes a small segment, and neighbours are merged
once the younger ones together are as large as an older one. So every segment is larger than all that follow it, their
number is logarithmic, and each item is written again about once for each doubling of the matrix.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Run(NamedTuple):
    """Items first to last - 1 of a matrix."""

    first: int
    last: int

    @property
    def items(self) -> int:
        return self.last - self.first

    def covers(self, other: Run) -> bool:
        """Whether all items of the other one are in this one."""
        return self.first <= other.first and other.last <= self.last


def end_to_end(runs: Iterable[Run], items: int) -> list[Run]:
    """Of the runs that there are, the longest ones that follow each other from item 0, none beyond the last item."""
    longest: dict[int, Run] = {}
    for run in runs:
        if run.first < run.last <= items and run.last > longest.get(run.first, run).last - 1:
            longest[run.first] = run
    chain: list[Run] = []
    while (end := chain[-1].last if chain else 0) in longest:
        chain.append(longest[end])
    return chain


def planned(runs: list[Run], items: int, tail: int) -> list[Run]:
    """The segments that there should be. runs: those there are, end to end. tail: items that make a segment."""
    end = runs[-1].last if runs else 0
    plan = [*runs, Run(end, items)] if items - end >= tail else list(runs)
    first = next((at for at in range(len(plan) - 1) if plan[at].items <= plan[-1].last - plan[at].last), None)
    return plan if first is None else [*plan[:first], Run(plan[first].first, plan[-1].last)]
