"""What the pixels of a pair tell: frames, marks, lost detail, noise, what was made from what."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from PIL import ImageDraw, ImageFilter, ImageOps

from lookalike.duplicates.compression import made_from
from lookalike.duplicates.group import CROP, EDITED, SAME, SCENE
from lookalike.duplicates.links import Link
from lookalike.duplicates.pixels import Eye
from lookalike.duplicates.resampling import enlarged_from
from lookalike.evaluate.edits import get
from lookalike.evaluate.shots import near_shot
from samples import skimage_file

ONE, OTHER = 1, 2


@pytest.fixture(params=["astronaut.png", "coffee.png"])
def picture(request) -> PIL.Image.Image:
    with PIL.Image.open(skimage_file(request.param)) as opened:
        return opened.convert("RGB").resize((480, 384), PIL.Image.Resampling.LANCZOS)


def saved(picture: PIL.Image.Image, path: Path, **options: object) -> str:
    picture.save(path, **options)
    return str(path)


def look(
    tmp_path: Path, one: PIL.Image.Image, other: PIL.Image.Image, kind: str = SAME, **about: object
) -> Link | None:
    files = {ONE: [saved(one, tmp_path / "one.png")], OTHER: [saved(other, tmp_path / "other.png")]}
    return Eye(files.__getitem__, lambda _: None).look(Link(ONE, OTHER, kind, 0.0, **about))


def test_another_encoding_shows_nothing_but_that(tmp_path, picture):
    link = look(tmp_path, picture, get("jpeg-8").apply(picture), bits=0.05)
    assert link.kind == SAME
    assert link.seen.odds > 0
    assert (link.seen.cropped, link.seen.framed, link.seen.marked) == (None, None, None)
    assert link.seen.density == pytest.approx(1, abs=0.01)


def test_another_shot_is_a_scene_and_no_copy(tmp_path, picture):
    assert look(tmp_path, picture, near_shot(picture, "all", 1)).kind == SCENE


@pytest.mark.parametrize("degrees", [3, 8])
def test_a_copy_turned_by_a_few_degrees_is_a_copy_and_no_other_photograph(tmp_path, picture, degrees):
    turned = picture.rotate(-degrees, PIL.Image.Resampling.BICUBIC, expand=True, fillcolor=(255, 255, 255))
    middle = np.array([[1, 0, -picture.width / 2], [0, 1, -picture.height / 2], [0, 0, 1.0]])
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    back = np.array([[1, 0, turned.width / 2], [0, 1, turned.height / 2], [0, 0, 1.0]])
    link = look(tmp_path, picture, turned, SCENE, start=back @ turn @ middle)
    assert link.kind == EDITED, link.seen


def test_two_parts_of_one_photograph_are_neither_copies_nor_two_photographs(tmp_path, picture):
    start = np.array([[1, 0, -120.0], [0, 1, 0], [0, 0, 1]])
    assert look(tmp_path, picture.crop((0, 0, 360, 384)), picture.crop((120, 0, 480, 384)), SCENE, start=start) is None


def test_a_frame_is_no_part_of_the_picture(tmp_path, picture):
    framed = ImageOps.expand(picture, 40, (255, 255, 255))
    start = np.array([[1, 0, 40.0], [0, 1, 40.0], [0, 0, 1]])
    link = look(tmp_path, picture, framed, CROP, whole=OTHER, start=start)
    assert (link.kind, link.whole, link.seen.framed) == (EDITED, None, OTHER)


def test_a_crop_stays_a_crop(tmp_path, picture):
    part = picture.crop((60, 40, 440, 350))
    start = np.array([[1, 0, -60.0], [0, 1, -40.0], [0, 0, 1]])
    link = look(tmp_path, picture, part, CROP, whole=ONE, start=start)
    assert (link.kind, link.whole, link.seen.cropped) == (CROP, ONE, OTHER)


def test_sky_that_was_cut_off_is_no_frame(tmp_path, picture):
    sky = np.full((480, 480, 3), (150, 180, 210), np.uint8)
    sky[96:] = np.asarray(picture)
    sky[96:136] = (150, 180, 210)
    whole = PIL.Image.fromarray(sky)
    start = np.array([[1, 0, 0], [0, 1, -96.0], [0, 0, 1]])
    link = look(tmp_path, whole, whole.crop((0, 96, 480, 480)), CROP, whole=ONE, start=start)
    assert (link.kind, link.seen.framed) == (CROP, None)


@pytest.mark.parametrize("swap", [False, True])
def test_text_is_on_the_one_that_has_it(tmp_path, picture, swap):
    marked = get("text-12").apply(picture, 1)
    pair = (marked, picture) if swap else (picture, marked)
    assert look(tmp_path, *pair).seen.marked == (ONE if swap else OTHER)


def test_a_pale_watermark_is_a_mark(tmp_path, picture):
    marked = picture.copy()
    layer = PIL.Image.new("L", picture.size)
    ImageDraw.Draw(layer).text((90, 150), "© SOMEBODY", 150, get_font())
    marked.paste((255, 255, 255), mask=layer)
    assert look(tmp_path, picture, marked).seen.marked == OTHER


def get_font() -> object:
    from PIL import ImageFont

    return ImageFont.load_default(48)


def test_a_blurred_one_is_softer(tmp_path, picture):
    assert look(tmp_path, picture.filter(ImageFilter.GaussianBlur(1.5)), picture).seen.softer == ONE


def test_noise_is_no_detail(tmp_path, picture):
    seen = look(tmp_path, picture, get("noise-25").apply(picture)).seen
    assert (seen.softer, seen.noisier) == (None, OTHER)


def test_colours_and_tones_leave_no_marks(tmp_path, picture):
    for edit in ("grey", "hue-90", "dark-40", "filter", "jpeg-8", "blur"):
        assert look(tmp_path, picture, get(edit).apply(picture)).seen.marked is None, edit


def test_a_picture_that_is_away_keeps_the_old_evidence(tmp_path, picture):
    link = Link(ONE, OTHER, SAME, 0.0)
    there = saved(picture, tmp_path / "there.png")
    assert Eye({ONE: [there], OTHER: ["/nowhere.png"]}.__getitem__, lambda _: None).look(link) == link


def test_half_the_size_has_a_quarter_of_the_pixels_for_each(tmp_path, picture):
    assert look(tmp_path, picture, picture.resize((240, 192))).seen.density == pytest.approx(4, rel=0.02)


def jpeg(picture: PIL.Image.Image, quality: int) -> PIL.Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return PIL.Image.open(file).convert("RGB")


def test_what_was_made_from_a_jpeg_lies_on_its_steps(tmp_path, picture):
    source = saved(picture, tmp_path / "source.jpg", quality=75)
    with PIL.Image.open(source) as opened:
        decoded = opened.convert("RGB")
    lossless = saved(decoded, tmp_path / "made.png")
    again = saved(decoded, tmp_path / "again.jpg", quality=97, subsampling=0)
    assert made_from(lossless, source, "as is")
    assert made_from(again, source, "as is")
    assert not made_from(source, again, "as is")


@pytest.mark.parametrize(("variant", "way"), [("mirrored", 0), ("turned 90", 4), ("turned 180", 3), ("turned 270", 2)])
def test_also_mirrored_and_turned(tmp_path, picture, variant, way):
    source = saved(picture, tmp_path / "source.jpg", quality=75)
    with PIL.Image.open(source) as opened:
        made = saved(opened.convert("RGB").transpose(PIL.Image.Transpose(way)), tmp_path / "made.png")
    assert made_from(made, source, variant)


def test_also_when_the_source_lies_on_its_side(tmp_path, picture):
    about = PIL.Image.Exif()
    about[0x0112] = 6
    source = saved(picture, tmp_path / "source.jpg", quality=75, exif=about)
    with PIL.Image.open(source) as opened:
        made = saved(ImageOps.exif_transpose(opened).convert("RGB"), tmp_path / "made.png")
    assert made_from(made, source, "as is")


def test_what_was_not_made_from_a_jpeg_does_not(tmp_path, picture):
    source = saved(picture, tmp_path / "source.jpg", quality=75)
    own = saved(picture, tmp_path / "own.png")
    assert made_from(own, source, "as is") is False
    assert made_from(saved(picture.resize((200, 100)), tmp_path / "other.png"), source, "as is") is None
    assert made_from(own, saved(picture, tmp_path / "a.png"), "as is") is None
    assert made_from(own, str(tmp_path / "nowhere.jpg"), "as is") is None


@pytest.mark.parametrize("factor", [1.25, 1.5, 2, 3])
def test_an_enlargement_is_told_from_a_true_size(tmp_path, picture, factor):
    size = tuple(round(factor * side) for side in picture.size)
    small = saved(picture, tmp_path / "small.jpg", quality=90)
    with PIL.Image.open(small) as opened:
        large = saved(opened.resize(size, PIL.Image.Resampling.BICUBIC), tmp_path / "large.jpg", quality=90)
    assert enlarged_from(large, small, "as is")
    less = tuple(round(side / factor) for side in picture.size)
    reduced = saved(picture.resize(less, PIL.Image.Resampling.BICUBIC), tmp_path / "reduced.jpg", quality=90)
    assert not enlarged_from(small, reduced, "as is")


@pytest.mark.parametrize("error", [KeyError("tag"), struct.error("short"), AttributeError("tile"), MemoryError()])
def test_whatever_a_decoder_raises_a_damaged_file_says_nothing_of_how_it_was_made(
    tmp_path, picture, monkeypatch, error
):
    one, other = (saved(picture, tmp_path / name) for name in ("one.jpg", "other.png"))

    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(PIL.Image.Image, "convert", broken)
    assert made_from(other, one, "as is") is None
    assert not enlarged_from(one, other, "as is")


def test_pillow_says_nothing_of_the_files_that_are_compared(tmp_path, picture, recwarn):
    there = saved(picture.quantize(16), tmp_path / "palette.png", transparency=bytes(range(16)))
    enlarged_from(there, there, "as is")
    made_from(there, saved(picture, tmp_path / "one.jpg"), "as is")
    assert [str(warning.message) for warning in recwarn] == []
