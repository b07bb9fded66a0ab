"""Named arrays in a file: read back as written, or refused in one line, whatever the bytes are."""

from __future__ import annotations

import json
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike import CollectionError
from lookalike.arrays.files import DTYPES, open_arrays, verify_arrays, write_arrays

ARRAYS = {
    "codes": np.arange(90_000, dtype=np.uint8).reshape(-1, 9),
    "places": np.arange(7, dtype=np.int64),
    "none": np.zeros((0, 4), np.float32),
    "one": np.array(2.5, np.float64),
}


@pytest.fixture
def path(tmp_path):
    write_arrays(tmp_path / "file", "sample", {"bits": 4}, ARRAYS)
    return tmp_path / "file"


def test_arrays_are_read_back_as_they_were(path):
    file = open_arrays(path, "sample")
    file.check_all()
    assert file.params == {"bits": 4}
    for name, array in ARRAYS.items():
        assert file.arrays[name].dtype == array.dtype and np.array_equal(file.arrays[name], array)
        assert not file.arrays[name].flags.writeable
    assert np.array_equal(file.check("codes", 20, 30), ARRAYS["codes"][20:30])


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from(DTYPES), st.lists(st.integers(0, 40), max_size=3)), max_size=5),
    st.integers(0, 2**32 - 1),
)
def test_any_shapes_of_any_types_are_kept(tmp_path_factory, shapes, seed):
    random = np.random.default_rng(seed)
    arrays = {str(n): random.integers(0, 99, shape).astype(dtype) for n, (dtype, shape) in enumerate(shapes)}
    path = tmp_path_factory.mktemp("arrays") / "file"
    write_arrays(path, "any", {}, arrays)
    assert verify_arrays(path)
    found = open_arrays(path, "any").arrays
    assert found.keys() == arrays.keys()
    assert all(
        np.array_equal(found[name], array) and found[name].shape == array.shape for name, array in arrays.items()
    )


def test_a_file_of_another_kind_is_refused(path):
    with pytest.raises(ValueError, match="other"):
        open_arrays(path, "other")


def test_objects_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="no file holds"):
        write_arrays(tmp_path / "file", "sample", {}, {"a": np.array([None])})
    assert list(tmp_path.iterdir()) == []


def test_a_writer_that_fails_leaves_the_old_file(path, monkeypatch):
    import lookalike.arrays.files as files

    before = path.read_bytes()
    monkeypatch.setattr(files.os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(OSError, match="No space"):
        write_arrays(path, "sample", {}, {"codes": np.zeros(5, np.uint8)})
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_every_flipped_bit_is_found_or_does_not_matter(path):
    whole = path.read_bytes()
    for place in {*range(1200), *np.linspace(0, len(whole) - 1, 300).astype(int).tolist()}:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            file = open_arrays(path, "sample")
            file.check_all()
        except (ValueError, CollectionError):
            assert not verify_arrays(path)
            continue
        assert all(np.array_equal(file.arrays[name], array) for name, array in ARRAYS.items())


@pytest.mark.parametrize("length", [0, 1, 31, 40, 300, 16384, 60_000])
def test_a_file_cut_short_is_refused(path, length):
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match="damaged"):
        open_arrays(path, "sample")


def forged(path, header):
    """A file with this header and no body, its checksums right."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    body_at = -(-(32 + len(text)) // 64) * 64
    prefix = struct.pack("<16sIIII", b"lookalike\0arrays", len(text), zlib.crc32(text), zlib.crc32(b""), body_at)
    path.write_bytes((prefix + text).ljust(body_at, b"\0"))


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 100_000,
        b"{" * 100_000,
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b"1" * 10_000,
        {"kind": "sample", "params": {}, "arrays": None},
        {"kind": "sample", "params": [], "arrays": []},
        {"kind": ["sample"], "params": {}, "arrays": []},
        {"kind": "sample", "params": {}, "arrays": [["a", "O", [0]]]},
        {"kind": "sample", "params": {}, "arrays": [["a", "|V8", [0]]]},
        {"kind": "sample", "params": {}, "arrays": [["a", "<U4", [0]]]},
        {"kind": "sample", "params": {}, "arrays": [["a", ["<f4"], [0]]]},
        {"kind": "sample", "params": {}, "arrays": [["a", "<f4", [-1]]]},
        {"kind": "sample", "params": {}, "arrays": [["a", "<f4", [1 << 40]]]},
        {"kind": "sample", "params": {}, "arrays": [["a", "<f4", [1 << 62, 4]]]},
        {"kind": "sample", "params": {}, "arrays": [["a", "<f4", [10**30, 0]]]},
        {"kind": "sample", "params": {}, "arrays": [["a", "<f4", [0, 1 << 47, 1 << 47]]]},
        {"kind": "sample", "params": {}, "arrays": [["a", "<f4", [1.5]]]},
        {"kind": "sample", "params": {}, "arrays": [["a", "<f4", [True]]]},
        {"kind": "sample", "params": {}, "arrays": [["a", "<f4", "0"]]},
        {"kind": "sample", "params": {}, "arrays": [["a", "<f4", [0] * 40]]},
        {"kind": "sample", "params": {}, "arrays": [[7, "<f4", [0]]]},
        {"kind": "sample", "params": {}, "arrays": [["a"]]},
        {"kind": "sample", "params": {}, "arrays": [["a", "<f4", [0]]] * 1000},
    ],
)
def test_a_hostile_header_is_refused_in_one_line(tmp_path, header):
    forged(tmp_path / "file", header)
    with pytest.raises(ValueError, match="damaged, or no file") as caught:
        open_arrays(tmp_path / "file", "sample")
    assert "\n" not in str(caught.value) and not verify_arrays(tmp_path / "file")


def test_a_forged_file_that_holds_nothing_wrong_is_opened(tmp_path):
    forged(tmp_path / "file", {"kind": "sample", "params": {}, "arrays": [["a", "<f4", [0, 3]]]})
    assert open_arrays(tmp_path / "file", "sample").arrays["a"].shape == (0, 3)


def test_a_header_that_says_it_is_huge_is_not_read(tmp_path):
    (tmp_path / "file").write_bytes(struct.pack("<16sIIII", b"lookalike\0arrays", 2**32 - 1, 0, 0, 64).ljust(4096))
    with pytest.raises(ValueError, match="damaged"):
        open_arrays(tmp_path / "file", "sample")


def test_links_are_not_followed(path, tmp_path):
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(CollectionError, match="link"):
        open_arrays(tmp_path / "link", "sample")
    write_arrays(tmp_path / "link", "sample", {}, {})
    assert verify_arrays(path) and len(path.read_bytes()) > 90_000
