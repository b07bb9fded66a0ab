"""The copy to keep is the one that shows most, and the reason says what told it from the others."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from PIL import ImageFilter

from lookalike.duplicates.keeper import choose, enlarged
from lookalike.store.catalogue import Record
from samples import photo


def record(path: Path, id_: int, sha256: str | None = None, **about: object) -> Record:
    with PIL.Image.open(path) as opened:
        form, (width, height) = opened.format, opened.size
    status = path.stat()
    known = {"taken": None, "camera": None, "latitude": None, "longitude": None, "caption": None, **about}
    sha = sha256 or f"{id_:064}"
    return Record(
        id_,
        str(path),
        sha,
        status.st_size,
        status.st_mtime_ns,
        form,
        width,
        height,
        status="ok",
        reason=None,
        **known,
    )


@pytest.fixture
def original() -> PIL.Image.Image:
    return photo("astronaut.png")


def save(picture: PIL.Image.Image, path: Path, **options: object) -> Path:
    picture.save(path, **options)
    return path


def test_the_largest_is_kept(tmp_path, original):
    small = save(original.resize((128, 128)), tmp_path / "small.png")
    large = save(original, tmp_path / "large.png")
    keeper, reason = choose([record(small, 1), record(large, 2)])
    assert keeper == 2
    assert reason == "largest: 256 x 256, the next 128 x 128"


def test_an_enlargement_is_not_larger(tmp_path, original):
    true = save(original, tmp_path / "true.png")
    swollen = save(original.resize((640, 640), PIL.Image.Resampling.BICUBIC), tmp_path / "swollen.png")
    keeper, reason = choose([record(true, 1), record(swollen, 2)])
    assert keeper == 1
    assert reason == "256 x 256 of true detail; 640 x 640 is only blurred or enlarged"


def test_of_one_size_the_camera_s_own_file_is_kept(tmp_path, original):
    edited = save(original, tmp_path / "edited.png")
    own = save(original, tmp_path / "own.jpg", quality=90)
    keeper, reason = choose([record(edited, 1), record(own, 2, camera="Canon EOS")])
    assert keeper == 2
    assert "the only one with camera data (EXIF)" in reason


def test_of_one_size_the_less_compressed_is_kept(tmp_path, original):
    coarse = save(original, tmp_path / "coarse.jpg", quality=40)
    fine = save(original, tmp_path / "fine.jpg", quality=95)
    keeper, reason = choose([record(coarse, 1), record(fine, 2)])
    assert keeper == 2
    assert "more bytes" in reason


def test_a_grey_copy_is_not_kept_though_it_has_more_bytes(tmp_path, original):
    colour = save(original, tmp_path / "colour.jpg", quality=80)
    grey = save(original.convert("L"), tmp_path / "grey.png")
    assert grey.stat().st_size > colour.stat().st_size
    keeper, reason = choose([record(colour, 1), record(grey, 2)])
    assert keeper == 1
    assert "in colour" in reason


def test_a_blurred_copy_is_not_kept_though_it_has_more_bytes(tmp_path, original):
    sharp = save(original, tmp_path / "sharp.jpg", quality=80)
    soft = save(original.filter(ImageFilter.GaussianBlur(1)), tmp_path / "soft.png")
    assert soft.stat().st_size > sharp.stat().st_size
    assert choose([record(sharp, 1), record(soft, 2)])[0] == 1


def test_of_identical_files_the_oldest_is_kept(tmp_path, original):
    new, old = save(original, tmp_path / "new.png"), save(original, tmp_path / "old.png")
    os.utime(old, (1, 1))
    keeper, reason = choose([record(new, 1, "a"), record(old, 2, "a")])
    assert (keeper, reason) == (2, "identical files; the oldest")


def test_a_file_is_kept_rather_than_a_link_to_it(tmp_path, original):
    file, link = save(original, tmp_path / "file with a long name.png"), tmp_path / "a.png"
    link.symlink_to(file)
    keeper, reason = choose([record(link, 1, "a"), record(file, 2, "a")])
    assert (keeper, reason) == (2, "identical files; the file itself, not a link to it")


def test_a_picture_that_cannot_be_read_any_more_does_not_stop_the_choice(tmp_path, original):
    gone, there = save(original, tmp_path / "gone.png"), save(original, tmp_path / "there.jpg")
    records = [record(gone, 1), record(there, 2)]
    gone.unlink()
    assert choose(records)[0] in (1, 2)


@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("name", ["astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"])
def test_enlargements_are_told_from_true_sizes(name, factor):
    grey = photo(name).convert("L")
    larger = grey.resize((grey.width * factor, grey.height * factor), PIL.Image.Resampling.BICUBIC)
    assert enlarged(np.asarray(grey, np.float32))[0] == 0
    assert enlarged(np.asarray(larger, np.float32))[0] >= 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (3, 3), (64, 64)])
def test_tiny_and_flat_pictures_have_no_detail_to_judge(shape):
    assert enlarged(np.full(shape, 90, np.float32))[0] == 0
