"""Somebody else's collection: whatever it says, nothing is run, read or written outside of it."""

from __future__ import annotations

import os
import sqlite3
import zlib

import numpy as np
import pytest

from lookalike import Collection, CollectionError
from lookalike.arrays.rows import Layout
from lookalike.store.directory import Store
from lookalike.store.schema import row_sum
from samples import HERE, drawing

USES = {
    "info": lambda album, folder: album.info(),
    "search": lambda album, folder: album.search(drawing(0)),
    "index": lambda album, folder: album.index([folder], options=HERE),
    "duplicates": lambda album, folder: album.duplicates(),
    "check": lambda album, folder: album.check(),
    "compact": lambda album, folder: album.compact(),
}


def change(path, *statements):
    """Change a catalogue as somebody would who knows how it is made: the checksums are right."""
    sql = sqlite3.connect(path / "catalogue.sqlite", isolation_level=None)
    sql.create_function("row_sum", -1, row_sum, deterministic=True)
    for statement in statements:
        sql.execute(statement)
    sql.close()


def refused(album, folder, use):
    """Whether a use ends in one line or, for `check`, in what is wrong."""
    try:
        result = USES[use](album, folder)
    except CollectionError as error:
        return "\n" not in str(error)
    return use == "check" and bool(result.problems or result.repaired)


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    "lie",
    [
        "dtype = 'O'",
        "dtype = 'object'",
        "dtype = 'V8'",
        "dtype = 'M8[ns]'",
        "dtype = 'float64'",
        "dtype = x'00ff'",
        "width = 0",
        "width = -32",
        "width = 1152921504606846976",
        "width = 'many'",
        "ragged = 7",
        "items = -1",
        "items = 9223372036854775807",
        'items = 1099511627775, "rows" = 1099511627775',
        'items = 1e300, "rows" = 1e300',
        '"rows" = -5',
        '"rows" = 3',
        "epoch = -1",
        "epoch = '../../../x'",
        "params = '[]'",
        "params = 'nonsense'",
        f"params = '{'[' * 5000}'",
        "tails = '[1]'",
        "tails = '[1, 2, 99999999999]'",
        "tails = '[1e999, 0, 0]'",
        "name = ''",
        "name = 'a' || char(10) || 'b'",
        "id = 63",
        "id = -4",
    ],
)
def test_a_method_that_lies_is_refused_in_one_line_everywhere(path, folder, lie, use):
    change(path, f"UPDATE methods SET {lie} WHERE name = 'phash'")
    with Collection(path) as album:
        assert refused(album, folder, use)


@pytest.mark.parametrize("use", ["search", "duplicates"])
@pytest.mark.parametrize("lie", ["dtype = 'uint16', width = 16", 'width = 16, items = 16, "rows" = 16'])
def test_descriptors_of_a_shape_that_the_method_does_not_make_are_refused(path, folder, lie, use):
    change(path, f"UPDATE methods SET {lie} WHERE name = 'phash'")
    with Collection(path) as album:
        assert refused(album, folder, use)


def test_the_store_itself_compares_with_the_methods_own_layout(path):
    store = Store(path, lambda name, params: Layout("uint8", 64))
    with pytest.raises(CollectionError, match="none"):
        store.matrix(store.catalogue.methods()["phash"])
    store.close()


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    "foreign",
    [
        "CREATE TRIGGER t AFTER UPDATE ON images BEGIN DELETE FROM images; END",
        "CREATE VIEW v AS SELECT load_extension('x')",
        "CREATE TABLE other (x)",
        "CREATE INDEX i ON images (caption)",
        "ALTER TABLE images ADD COLUMN more TEXT",
        "DROP TRIGGER images_sum_update",
    ],
)
def test_a_catalogue_with_anything_that_is_not_ours_is_refused(path, folder, foreign, use):
    change(path, foreign)
    with Collection(path) as album:
        assert refused(album, folder, use)


RECORDS = [
    "path = 'text'",
    "path = x'2f746d702f00ff'",
    "path_text = x'ff'",
    "sha256 = 'text'",
    "sha256 = 7",
    "bytes = 'many'",
    "mtime_ns = x'00'",
    "width = 'wide'",
    "height = 1e300",
    "latitude = 'north'",
    "caption = x'ff00'",
    "caption = CAST(x'fe00ff' AS TEXT)",
    "format = 3",
    "described = -1",
    "described = 'all'",
]


@pytest.mark.parametrize("lie", RECORDS)
def test_records_that_make_no_sense_are_told_in_one_line(path, folder, lie):
    change(path, "PRAGMA ignore_check_constraints = ON", f"UPDATE images SET {lie} WHERE id = 3")
    for use in USES:
        with Collection(path) as album:
            try:
                USES[use](album, folder)
            except CollectionError as error:
                assert "\n" not in str(error)


@pytest.mark.parametrize("value", ["", "{", "[]", "7", "{}", '{"pictures": "x", "model": {}}', "[" * 50_000])
def test_facts_that_make_no_sense_are_told_in_one_line(path, folder, value):
    change(path, f"INSERT INTO facts (key, value) VALUES ('null:phash', '{value}')")
    for use in USES:
        with Collection(path) as album:
            try:
                USES[use](album, folder)
            except CollectionError as error:
                assert "\n" not in str(error)


def test_bins_that_no_histogram_has_are_never_looked_up(path, folder):
    """With the right checksums, as somebody would write them who knows how."""
    from lookalike.arrays.blocks import BLOCK

    rows = path / "matrices" / "color.0.rows"
    values = np.frombuffer(rows.read_bytes(), np.uint16).copy()
    values[::2] = 65535
    rows.write_bytes(values.tobytes())
    sums = [zlib.crc32(values.tobytes()[start : start + BLOCK]) for start in range(0, values.nbytes, BLOCK)]
    (path / "matrices" / "color.0.rows.sums").write_bytes(np.array(sums[:-1], "<u4").tobytes())
    sql = sqlite3.connect(path / "catalogue.sqlite")
    tails = sql.execute("SELECT tails FROM methods WHERE name = 'color'").fetchone()[0]
    sql.close()
    tails = f"[{sums[-1]}, {tails.split(', ', 1)[1]}"
    change(path, f"UPDATE methods SET tails = '{tails}' WHERE name = 'color'")
    for use in ("search", "duplicates"):
        with Collection(path) as album:
            assert refused(album, folder, use)


def test_a_view_in_the_place_of_a_table_is_refused(path, folder):
    change(path, "ALTER TABLE facts RENAME TO real", "CREATE VIEW facts AS SELECT * FROM real")
    with Collection(path) as album:
        assert refused(album, folder, "search")


LINKED = [
    "catalogue.sqlite",
    "catalogue.sqlite-wal",
    "lock",
    "writer",
    "damaged",
    "matrices",
    "caches",
    "segments",
    "matrices/phash.0.rows",
    "matrices/phash.0.ids",
    "matrices/color.0.ends",
]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("name", LINKED)
def test_a_link_inside_a_collection_is_never_followed(path, folder, tmp_path, name, use):
    victim = tmp_path / "victim"
    inside = path / name
    if inside.is_dir():
        inside.rename(victim)
    else:
        victim.write_bytes(inside.read_bytes() if inside.exists() else b"mine")
        inside.unlink(missing_ok=True)
    inside.symlink_to(victim)
    before = state(victim)
    with Collection(path) as album:
        told = refused(album, folder, use)
    assert state(victim) == before
    assert told or name in ("lock", "writer", "damaged") or use in ("info", "compact", "index")


@pytest.mark.parametrize("name", ["writer", "matrices/phash.0.rows"])
def test_a_file_with_another_name_elsewhere_is_not_written_to(path, folder, tmp_path, name):
    victim = tmp_path / "victim"
    os.link(path / name, victim)
    before = victim.read_bytes()
    from samples import draw

    draw(tmp_path / "more" / "9.png", 9)
    with Collection(path) as album:
        try:
            album.index([tmp_path / "more"], options=HERE)
        except CollectionError as error:
            assert "link" in str(error)
    assert victim.read_bytes() == before


@pytest.mark.parametrize("name", ["matrices/phash.0.rows", "caches/phash.auto.0.8", "writer", "catalogue.sqlite"])
def test_a_pipe_inside_a_collection_makes_nobody_wait(path, folder, name):
    (path / name).unlink(missing_ok=True)
    os.mkfifo(path / name)
    with Collection(path) as album:
        for use in USES:
            try:
                USES[use](album, folder)
            except CollectionError as error:
                assert "\n" not in str(error)


def state(path):
    if path.is_dir():
        return {file.name: file.read_bytes() for file in path.iterdir()}
    return path.read_bytes()


@pytest.mark.parametrize("use", USES)
def test_descriptors_of_pictures_that_are_not_there_are_one_line_or_left_out(path, folder, use):
    change(path, "DELETE FROM images WHERE id = 1")
    with Collection(path) as album:
        try:
            USES[use](album, folder)
        except CollectionError as error:
            assert "\n" not in str(error)


def test_check_takes_out_descriptors_of_pictures_that_are_not_there(path, folder):
    change(path, "DELETE FROM images WHERE id = 1")
    with Collection(path) as album:
        assert album.check().repaired
        assert 1 not in [match.id for match in album.search(drawing(0), methods="color", k=8)]
        assert album.index([folder], options=HERE).added == 1
        assert album.check().repaired == []
