"""Files of equal size, such as uncompressed frames: recognised by content however many there are."""

from __future__ import annotations

import lookalike.store.comparison as comparison
from lookalike import Collection
from samples import HERE, METHODS, drawing


def test_moved_frames_of_equal_size_keep_their_ids(tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "MOST_OF_A_SIZE", 2)
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(6):
        drawing(number).save(folder / f"{number}.bmp")
    assert len({path.stat().st_size for path in folder.iterdir()}) == 1
    with Collection(tmp_path / "album") as album:
        album.index([folder], methods=METHODS, options=HERE)
        before = {int(album.record(int(i)).path[-5]): int(i) for i in album.ids()}
        folder.rename(tmp_path / "moved")
        (tmp_path / "frames").mkdir()
        (tmp_path / "moved").rename(tmp_path / "frames" / "inside")
        report = album.index([folder], options=HERE)
        after = {int(album.record(int(i)).path[-5]): int(i) for i in album.ids()}
    assert (report.moved, report.added, report.removed) == (6, 0, 0)
    assert after == before
