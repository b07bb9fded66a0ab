"""Items: from ids to positions and back, with some dead and some allowed, as a set would say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.arrays.rows import Ragged
from lookalike.index.items import Items

some_ids = st.lists(st.integers(0, 60) | st.integers(10**9, 10**9 + 50), unique=True, max_size=60)


@given(some_ids, st.lists(st.integers(-3, 60), max_size=20), st.none() | st.lists(st.integers(-3, 10**9), max_size=90))
def test_what_may_be_answered_is_what_is_alive_and_allowed(ids, dead, allowed):
    items = Items.of(np.array(ids, np.int64), np.arange(len(ids))[:, None], np.array(sorted(set(dead)), np.int64))
    alive = [i for i in ids if i not in dead]
    wanted = [i for i in ids if i in alive and (allowed is None or i in allowed)]
    keep = items.keep(None if allowed is None else np.array(allowed, np.int64))
    assert len(items) == len(alive)
    assert (items.ids if keep is None else items.ids[keep]).tolist() == wanted
    if allowed is not None:
        assert items.ids[items.positions(np.array(allowed, np.int64))].tolist() == wanted
    for at, id_ in enumerate(ids):
        assert items.position(id_) == at
    assert items.position(77) is None


@pytest.mark.parametrize("ids", [[1, 1], [3, 2, 3], [-1, 2], [[1, 2]]])
def test_an_id_is_there_once_and_not_negative(ids):
    with pytest.raises(ValueError):
        Items.of(np.array(ids), np.zeros((2, 4)))


def test_rows_are_taken_without_a_copy_where_they_are_neighbours():
    rows = np.arange(40).reshape(10, 4)
    items = Items.of(np.arange(10), rows)
    assert np.shares_memory(items.take(np.arange(3, 7)), rows)
    assert items.take(np.array([1, 4])).tolist() == rows[[1, 4]].tolist()
    ragged = Ragged.of([np.full((i, 1), i) for i in range(5)], 1, np.uint8)
    taken = Items.of(np.arange(5), ragged).take(np.array([1, 3]))
    assert [taken[i].ravel().tolist() for i in range(2)] == [[1], [3, 3, 3]]
