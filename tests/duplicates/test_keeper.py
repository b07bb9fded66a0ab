"""The copy to keep is the one that shows most, and the reason says what told it from the others."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from PIL import ImageFilter

from lookalike.duplicates.keeper import Copy, choose, enlarged, preferring
from lookalike.errors import QueryError
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


def chosen(records: list[Record]) -> tuple[int, str]:
    """The choice where nothing is known of the pixels of one beside another."""
    return choose([Copy(record) for record in records])


@pytest.fixture
def original() -> PIL.Image.Image:
    return photo("astronaut.png")


def save(picture: PIL.Image.Image, path: Path, **options: object) -> Path:
    picture.save(path, **options)
    return path


def test_the_largest_is_kept(tmp_path, original):
    small = save(original.resize((128, 128)), tmp_path / "small.png")
    large = save(original, tmp_path / "large.png")
    keeper, reason = chosen([record(small, 1), record(large, 2)])
    assert keeper == 2
    assert reason == "largest: 256 x 256, the next 128 x 128"


def test_an_enlargement_is_not_larger(tmp_path, original):
    true = save(original, tmp_path / "true.png")
    swollen = save(original.resize((640, 640), PIL.Image.Resampling.BICUBIC), tmp_path / "swollen.png")
    keeper, reason = chosen([record(true, 1), record(swollen, 2)])
    assert keeper == 1
    assert reason == "256 x 256 of true detail; 640 x 640 is only blurred or enlarged"


def test_of_one_size_the_camera_s_own_file_is_kept(tmp_path, original):
    edited = save(original, tmp_path / "edited.png")
    own = save(original, tmp_path / "own.jpg", quality=90)
    keeper, reason = chosen([record(edited, 1), record(own, 2, camera="Canon EOS")])
    assert keeper == 2
    assert "the only one with camera data (EXIF)" in reason


def test_of_one_size_the_less_compressed_is_kept(tmp_path, original):
    coarse = save(original, tmp_path / "coarse.jpg", quality=40)
    fine = save(original, tmp_path / "fine.jpg", quality=95)
    keeper, reason = chosen([record(coarse, 1), record(fine, 2)])
    assert keeper == 2
    assert "most bytes" in reason


def test_a_grey_copy_is_not_kept_though_it_has_more_bytes(tmp_path, original):
    colour = save(original, tmp_path / "colour.jpg", quality=80)
    grey = save(original.convert("L"), tmp_path / "grey.png")
    assert grey.stat().st_size > colour.stat().st_size
    keeper, reason = chosen([record(colour, 1), record(grey, 2)])
    assert keeper == 1
    assert "in colour" in reason


def test_a_blurred_copy_is_not_kept_though_it_has_more_bytes(tmp_path, original):
    sharp = save(original, tmp_path / "sharp.jpg", quality=80)
    soft = save(original.filter(ImageFilter.GaussianBlur(1)), tmp_path / "soft.png")
    assert soft.stat().st_size > sharp.stat().st_size
    assert chosen([record(sharp, 1), record(soft, 2)])[0] == 1


def test_of_identical_files_the_oldest_is_kept(tmp_path, original):
    new, old = save(original, tmp_path / "new.png"), save(original, tmp_path / "old.png")
    os.utime(old, (1, 1))
    keeper, reason = chosen([record(new, 1, "a"), record(old, 2, "a")])
    assert (keeper, reason) == (2, "identical files; the oldest")


def test_a_file_is_kept_rather_than_a_link_to_it(tmp_path, original):
    file, link = save(original, tmp_path / "file with a long name.png"), tmp_path / "a.png"
    link.symlink_to(file)
    keeper, reason = chosen([record(link, 1, "a"), record(file, 2, "a")])
    assert (keeper, reason) == (2, "identical files; the file itself, not a link to it")


def test_a_picture_that_cannot_be_read_any_more_does_not_stop_the_choice(tmp_path, original):
    gone, there = save(original, tmp_path / "gone.png"), save(original, tmp_path / "there.jpg")
    records = [record(gone, 1), record(there, 2)]
    gone.unlink()
    assert chosen(records)[0] in (1, 2)


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


def copies(tmp_path: Path, original: PIL.Image.Image, **told: bool) -> list[Copy]:
    """Two copies of one date and size, the second of which has more bytes and is told to be something."""
    few, many = save(original, tmp_path / "a.jpg", quality=60), save(original, tmp_path / "b.jpg", quality=95)
    for path in (few, many):
        os.utime(path, (1, 1))
    return [Copy(record(few, 1), density=1.0), Copy(record(many, 2), density=1.0, **told)]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("softer", "sharper"),
        ("cropped", "uncropped"),
        ("framed", "without a frame"),
        ("marked", "without marks or text"),
        ("noisier", "without added noise"),
    ],
)
def test_what_an_edit_left_loses_and_is_named(tmp_path, original, told, reason):
    keeper, why = choose(copies(tmp_path, original, **{told: True}))
    assert keeper == 1
    assert reason in why
    assert choose(copies(tmp_path, original))[0] == 2


def test_the_older_is_kept_before_the_one_with_more_bytes(tmp_path, original):
    pair = copies(tmp_path, original)
    os.utime(tmp_path / "b.jpg", (10_000, 10_000))
    pair = [Copy(record(tmp_path / name, number), density=1.0) for number, name in enumerate(("a.jpg", "b.jpg"), 1)]
    keeper, why = choose(pair)
    assert keeper == 1
    assert "the oldest" in why


def test_seconds_between_two_copies_of_a_folder_do_not_count(tmp_path, original):
    pair = copies(tmp_path, original)
    os.utime(tmp_path / "b.jpg", (3, 3))
    pair = [Copy(record(tmp_path / name, number), density=1.0) for number, name in enumerate(("a.jpg", "b.jpg"), 1)]
    assert choose(pair)[0] == 2


def test_a_png_and_a_finer_jpeg_made_from_a_jpeg_are_not_kept(tmp_path, original):
    source = save(original.resize((480, 480)), tmp_path / "source.jpg", quality=75)
    with PIL.Image.open(source) as opened:
        decoded = opened.convert("RGB")
    for made in (save(decoded, tmp_path / "x.png"), save(decoded, tmp_path / "x.jpg", quality=98, subsampling=0)):
        for path in (source, made):
            os.utime(path, (1, 1))
        keeper, why = choose([Copy(record(made, 1), density=1.0), Copy(record(source, 2), density=1.0)])
        assert made.stat().st_size > source.stat().st_size
        assert keeper == 2
        assert "made from it" in why


@pytest.mark.parametrize(
    ("source_format", "made_format", "quality"),
    [
        ("jpg", "jpg", 60),
        ("jpg", "jpg", 99),
        ("jpg", "webp", 50),
        ("jpg", "webp", 92),
        ("webp", "jpg", 60),
        ("webp", "jpg", 99),
    ],
)
def test_what_was_encoded_from_the_other_is_not_kept(tmp_path, original, source_format, made_format, quality):
    source = save(original, tmp_path / f"source.{source_format}", quality=80)
    with PIL.Image.open(source) as opened:
        made = save(opened.convert("RGB"), tmp_path / f"made.{made_format}", quality=quality)
    for path in (source, made):
        os.utime(path, (1, 1))
    for order in (1, -1):
        records = [record(path, number) for number, path in enumerate((made, source)[::order])]
        keeper, why = choose([Copy(one, density=1.0) for one in records])
        assert records[keeper].path == str(source)
        assert "made from it" in why


@pytest.mark.parametrize(
    ("change", "variant"),
    [("FLIP_LEFT_RIGHT", "mirrored"), ("ROTATE_180", "turned 180"), ("ROTATE_270", "turned 90")],
)
def test_what_was_turned_and_encoded_again_is_not_kept(tmp_path, original, change, variant):
    source = save(original.crop((0, 0, 251, 203)), tmp_path / "source.jpg", quality=85)
    with PIL.Image.open(source) as opened:
        turned = opened.transpose(PIL.Image.Transpose[change])
    turned = save(turned, tmp_path / "turned.jpg", quality=93)
    for path in (source, turned):
        os.utime(path, (1, 1))
    assert turned.stat().st_size > source.stat().st_size
    keeper, why = choose([Copy(record(turned, 1), variant, 1.0), Copy(record(source, 2), density=1.0)])
    assert keeper == 2
    assert "made from it" in why


def test_changed_tones_do_not_hide_the_blocks_of_the_original(tmp_path, original):
    source = save(original, tmp_path / "source.jpg", quality=60)
    with PIL.Image.open(source) as opened:
        toned = opened.convert("RGB").point([round(255 * (level / 255) ** 0.8) for level in range(256)] * 3)
    toned = save(toned, tmp_path / "toned.jpg", quality=92)
    for path in (source, toned):
        os.utime(path, (1, 1))
    assert toned.stat().st_size > source.stat().st_size
    keeper, why = choose([Copy(record(toned, 1), density=1.0), Copy(record(source, 2), density=1.0)])
    assert keeper == 2
    assert "earlier compression" in why


def test_the_way_up_of_most_is_kept(tmp_path, original):
    pair = copies(tmp_path, original)
    third = Copy(record(save(original, tmp_path / "c.jpg", quality=50), 3), "as is", 1.0)
    os.utime(tmp_path / "c.jpg", (1, 1))
    third = replace(third, record=record(tmp_path / "c.jpg", 3))
    assert choose([pair[0], replace(pair[1], variant="mirrored"), third])[0] == 1


def test_a_folder_or_a_rule_overrides(tmp_path, original):
    pair = copies(tmp_path, original)
    assert choose(pair, preferring("smallest"))[0] in (1, 2)
    assert choose(pair, preferring("most-bytes")) == (2, "most bytes")
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
    one, other = (
        Copy(record(save(original, tmp_path / name, quality=quality), number), density=1.0)
        for number, (name, quality) in enumerate((("x/a.jpg", 50), ("y/b.jpg", 95)), 1)
    )
    keeper, why = choose([one, other], preferring("original", [tmp_path / "x"]))
    assert (keeper, why) == (1, f"in {tmp_path / 'x'}")
    assert choose([one, other], preferring("original", [tmp_path / "z", tmp_path / "y"]))[0] == 2
    with pytest.raises(QueryError, match="there are original, largest"):
        preferring("nicest")
