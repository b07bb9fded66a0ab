"""Append-only rows on disk: what was committed is read back, what was not does not exist."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike import CollectionError
from lookalike.arrays.rows import Layout, Ragged
from lookalike.store.matrix import Extent, Matrix

FIXED, RAGGED = Layout("float16", 3), Layout("uint16", 2, ragged=True)


def items(layout, lengths, seed):
    random = np.random.default_rng(seed)
    return [random.integers(0, 9, (length, layout.width)).astype(layout.dtype) for length in lengths]


def append(matrix, ids, rows):
    layout = matrix.layout
    ragged = Ragged.of(rows, layout.width, layout.dtype)
    return matrix.append(np.array(ids, np.int64), ragged if layout.ragged else ragged.values)


def held(matrix):
    rows = matrix.rows()
    return [np.array(rows[i] if matrix.layout.ragged else rows[i : i + 1]) for i in range(matrix.extent.items)]


@settings(deadline=None, derandomize=True, max_examples=30)
@given(
    ragged=st.booleans(),
    batches=st.lists(st.tuples(st.lists(st.integers(0, 4), max_size=5), st.booleans()), max_size=6),
)
def test_what_was_committed_is_read_back_and_nothing_else(tmp_path_factory, ragged, batches):
    layout = RAGGED if ragged else FIXED
    stem = tmp_path_factory.mktemp("matrix") / "m"
    extent, expected, ids = Extent(), [], []
    for number, (lengths, committed) in enumerate(batches):
        new = items(layout, lengths if ragged else [1] * len(lengths), number)
        names = list(range(100 * number, 100 * number + len(new)))
        after = append(Matrix(stem, layout, extent), names, new)
        if committed:
            extent, expected, ids = after, expected + new, ids + names
        matrix = Matrix(stem, layout, extent)
        assert matrix.problems() == []
        assert matrix.ids().tolist() == ids
        assert all(np.array_equal(a, b) for a, b in zip(held(matrix), expected, strict=True))
        for id_, row in zip(ids, expected, strict=True):
            assert np.array_equal(matrix.find(id_), row)
        assert matrix.find(99_999) is None


def test_bytes_on_disk_are_those_of_the_files(tmp_path):
    for layout in (FIXED, RAGGED):
        matrix = Matrix(tmp_path / layout.dtype, layout, Extent())
        matrix.extent = append(matrix, [4, 5], items(layout, [1, 1], 0))
        assert matrix.bytes_on_disk() == sum(path.stat().st_size for path in tmp_path.glob(f"{layout.dtype}.*"))


def test_a_missing_file_is_one_clear_error(tmp_path):
    with pytest.raises(CollectionError, match="lookalike check"):
        Matrix(tmp_path / "m", FIXED, Extent(2, 2)).rows()


def test_deleting_leaves_no_file(tmp_path):
    matrix = Matrix(tmp_path / "m", RAGGED, Extent())
    append(matrix, [1], items(RAGGED, [3], 0))
    matrix.delete()
    assert list(tmp_path.iterdir()) == []
