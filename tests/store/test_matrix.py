"""Append-only rows on disk: what was committed is read back, what was not does not exist."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike import CollectionError
from lookalike.arrays.rows import Layout, Ragged
from lookalike.store.matrix import Extent, MatrixFiles

FIXED, RAGGED = Layout("float16", 3), Layout("uint16", 2, ragged=True)


def items(layout, lengths, seed):
    random = np.random.default_rng(seed)
    return [random.integers(0, 9, (length, layout.width)).astype(layout.dtype) for length in lengths]


def append(files, extent, ids, rows):
    layout = files.layout
    ragged = Ragged.of(rows, layout.width, layout.dtype)
    return files.append(extent, np.array(ids, np.int64), ragged if layout.ragged else ragged.values)


def held(matrix):
    rows = matrix.slice(0, len(matrix))
    return [np.array(rows[i] if matrix.layout.ragged else rows[i : i + 1]) for i in range(len(matrix))]


@settings(deadline=None, derandomize=True, max_examples=30)
@given(
    ragged=st.booleans(),
    batches=st.lists(st.tuples(st.lists(st.integers(0, 4), max_size=5), st.booleans()), max_size=6),
)
def test_what_was_committed_is_read_back_and_nothing_else(tmp_path_factory, ragged, batches):
    layout = RAGGED if ragged else FIXED
    stem = tmp_path_factory.mktemp("matrix") / "m"
    extent, expected, ids = Extent(), [], []
    files = MatrixFiles(stem, layout)
    for number, (lengths, committed) in enumerate(batches):
        new = items(layout, lengths if ragged else [1] * len(lengths), number)
        names = list(range(100 * number, 100 * number + len(new)))
        after = append(files, extent, names, new)
        if committed:
            extent, expected, ids = after, expected + new, ids + names
        survey = files.survey(extent)
        assert survey.damaged == [] and survey.good.all() and survey.ids.tolist() == ids
        matrix = files.open(extent)
        assert matrix.ids().tolist() == ids
        assert all(np.array_equal(a, b) for a, b in zip(held(matrix), expected, strict=True))
        for id_, row in zip(ids, expected, strict=True):
            assert np.array_equal(matrix.find(id_), row)
        assert matrix.find(99_999) is None


def large(tmp_path, layout, pictures=900, batch=70):
    """A matrix of several blocks, appended in batches."""
    files, extent, rows = MatrixFiles(tmp_path / "m", layout), Extent(), []
    random = np.random.default_rng(5)
    for first in range(0, pictures, batch):
        count = min(batch, pictures - first)
        lengths = random.integers(0, 60, count) if layout.ragged else np.ones(count, int)
        new = [random.integers(0, 9, (length, layout.width)).astype(layout.dtype) for length in lengths]
        extent = append(files, extent, range(first, first + count), new)
        rows += new
    return files, extent, rows


WIDE, PIECES = Layout("float16", 130), Layout("uint8", 7, ragged=True)


@pytest.mark.parametrize("layout", [WIDE, PIECES])
def test_appending_in_pieces_keeps_every_block_verified(tmp_path, layout):
    files, extent, rows = large(tmp_path, layout)
    assert all(np.array_equal(a, b) for a, b in zip(held(files.open(extent)), rows, strict=True))
    assert files.survey(extent).good.all()
    taken = files.open(extent).take(np.array([899, 3, 450]))
    for place, item in enumerate((899, 3, 450)):
        assert np.array_equal(taken[place] if layout.ragged else taken[place : place + 1], rows[item])


@pytest.mark.parametrize("layout", [WIDE, PIECES])
@pytest.mark.parametrize("suffix", [".rows", ".ids", ".ends", ".rows.sums"])
def test_a_flipped_bit_is_never_handed_out(tmp_path, layout, suffix):
    """Either the bytes that are handed out are those written, or there is an error; the survey names what is lost."""
    files, extent, rows = large(tmp_path, layout, pictures=2500)
    path = tmp_path / f"m{suffix}"
    if not path.exists():
        return
    whole = path.read_bytes()
    for place in np.linspace(0, len(whole) - 1, 12).astype(int).tolist():
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 8]) + whole[place + 1 :])
        survey = files.survey(extent)
        good = np.flatnonzero(survey.good)
        assert survey.damaged == [f"m{suffix.removesuffix('.sums')}"] and 0 < len(good) < 2500
        kept = survey.take(good)
        for position, item in enumerate(good.tolist()):
            assert survey.ids[item] == item
            assert np.array_equal(kept[position] if layout.ragged else kept[position : position + 1], rows[item])
        with pytest.raises(CollectionError, match="lookalike check"):
            held(files.open(extent))
            files.open(extent).ids()
        if suffix.startswith(".rows"):
            matrix = files.open(extent)
            some = matrix.take(good[:50])
            for position, item in enumerate(good[:50].tolist()):
                assert np.array_equal(some[position] if layout.ragged else some[position : position + 1], rows[item])
            with pytest.raises(CollectionError, match="lookalike check"):
                matrix.take(np.flatnonzero(~survey.good))


def test_appending_writes_what_it_adds_and_no_more(tmp_path, monkeypatch):
    files, extent, _ = large(tmp_path, WIDE)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    extent = append(files, extent, [5000], items(WIDE, [1], 0))
    for path in tmp_path.iterdir():
        assert path.read_bytes().startswith(before[path.name])
        assert path.stat().st_size - len(before[path.name]) <= 260


def test_an_older_extent_is_read_while_a_newer_one_is_written(tmp_path):
    files, extent, rows = large(tmp_path, PIECES)
    append(files, extent, range(1000, 1300), items(PIECES, [40] * 300, 1))
    assert all(np.array_equal(a, b) for a, b in zip(held(files.open(extent)), rows, strict=True))


@pytest.mark.parametrize("ids", [[3, 3], [-1, 4]])
def test_ids_that_no_collection_has_are_refused(tmp_path, ids):
    files = MatrixFiles(tmp_path / "m", FIXED)
    extent = append(files, Extent(), ids, items(FIXED, [1, 1], 0))
    with pytest.raises(CollectionError, match="lookalike check"):
        files.open(extent).ids()


def test_bytes_are_those_of_the_files_without_their_checksums(tmp_path):
    for layout in (FIXED, RAGGED):
        files = MatrixFiles(tmp_path / layout.dtype, layout)
        extent = append(files, Extent(), [4, 5], items(layout, [1, 1], 0))
        assert files.bytes(extent) == sum(path.stat().st_size for path in tmp_path.glob(f"{layout.dtype}.*"))


def test_a_missing_file_is_told_from_one_cut_short(tmp_path):
    files = MatrixFiles(tmp_path / "m", FIXED)
    extent = append(files, Extent(), [1, 2], items(FIXED, [1, 1], 0))
    (tmp_path / "m.rows").write_bytes(b"")
    with pytest.raises(CollectionError, match="lookalike check"):
        files.open(extent)
    (tmp_path / "m.rows").unlink()
    with pytest.raises(FileNotFoundError):
        files.open(extent)


def test_deleting_leaves_no_file(tmp_path):
    files, _, _ = large(tmp_path, PIECES)
    files.delete()
    assert list(tmp_path.iterdir()) == []
