"""What is known of a file that is no picture can be read, and is not taken for damage."""

from __future__ import annotations

from lookalike import Collection
from samples import HERE, METHODS


def test_the_record_of_a_skipped_file(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "notes.txt").write_text("not a picture")
    with Collection(tmp_path / "album") as album:
        album.index([tmp_path / "pictures"], methods=METHODS, options=HERE)
        record = album.record_of(tmp_path / "pictures" / "notes.txt")
        assert record is not None and (record.status, record.format) == ("skipped", "texts")
        assert album.record(record.id) == record
