"""Segments: few of them, whatever comes in which portions, and nothing is written again too often."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from lookalike.index.runs import Run, end_to_end, planned

TAIL = 8
portions = st.lists(st.integers(1, 40) | st.sampled_from([1, 7, 8, 500]), min_size=1, max_size=80)


@given(portions)
def test_any_portions_end_in_few_runs_that_cover_all_but_a_short_tail(added):
    runs, items, written = [], 0, 0
    for more in added:
        items += more
        plan = planned(runs, items, TAIL)
        written += sum(run.items for run in plan if run not in runs)
        old = {bound for run in runs for bound in run}
        assert all(run in runs or {run.first} <= old | {0} | {runs[-1].last if runs else 0} for run in plan)
        runs = plan
        assert [run.first for run in runs] == [0, *(run.last for run in runs[:-1])][: len(runs)]
        assert items - (runs[-1].last if runs else 0) < TAIL
        assert all(run.items > runs[-1].last - run.last for run in runs), "larger than all that follow it"
        assert len(runs) <= 1 + math.log2(max(1, items / TAIL)) + 1
    assert written <= items * (2 + math.log2(max(1, items / TAIL)))


def test_one_more_item_changes_nothing_until_sealing_pays():
    runs = planned([], 1000, TAIL)
    assert runs == [Run(0, 1000)]
    assert planned(runs, 1007, TAIL) == runs
    assert planned(runs, 1008, TAIL) == [Run(0, 1000), Run(1000, 1008)]


def test_of_what_lies_about_the_longest_runs_from_the_start_are_taken():
    merged, gap, beyond = Run(0, 20), Run(30, 40), Run(20, 50)
    assert end_to_end([Run(0, 10), Run(10, 20), merged, gap, beyond], 45) == [merged]
    assert end_to_end([Run(10, 20)], 45) == []
    assert end_to_end([Run(0, 10), Run(10, 45), Run(10, 20)], 45) == [Run(0, 10), Run(10, 45)]
