"""Edits: what each does to a picture, always the same for a seed, whatever the picture's size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
from PIL import ImageChops

from lookalike.errors import QueryError
from lookalike.evaluate import edits
from lookalike.evaluate.edits import EDITS, _homography, get, names
from samples import drawing, photo

OTHERS = [drawing(seed, 120, 90) for seed in (50, 51, 52)]
BY_CHANCE = {
    "noise-25",
    "text-12",
    "border-12",
    "perspective-15",
    "crop-40",
    "mirrored-crop-40",
    "pasted-45",
    "chain-5",
}


def pixels(picture):
    return np.asarray(picture).astype(int)


def apart(one, other):
    """The mean difference of two pictures of the same size, in grey levels."""
    assert one.size == other.size
    return float(np.abs(pixels(one) - pixels(other)).mean())


def test_there_are_many_edits_each_with_its_own_name_and_a_word_on_what_it_does():
    assert len(EDITS) >= 24
    assert len(set(names())) == len(EDITS)
    assert all(edit.about and edit.family and edit.strength > 0 for edit in EDITS)
    assert {get(name) for name in names()} == set(EDITS)


def test_an_unknown_name_is_answered_with_those_there_are():
    with pytest.raises(QueryError, match=r"no edit 'swirl'; there are .*crop-40.*mirror"):
        get("swirl")


@pytest.mark.parametrize("name", names())
def test_the_same_seed_gives_the_same_picture_and_leaves_the_original_alone(name):
    picture = drawing(1, 150, 100)
    before = picture.tobytes()
    one, same = (get(name).apply(picture, 7, OTHERS) for _ in range(2))
    assert one.mode == "RGB" and one.size == same.size and one.tobytes() == same.tobytes()
    assert picture.tobytes() == before
    assert one.size != picture.size or one.tobytes() != before


@pytest.mark.parametrize("name", sorted(BY_CHANCE))
def test_another_seed_gives_another_picture_where_chance_has_a_say(name):
    outcomes = {get(name).apply(drawing(1), seed, OTHERS).tobytes() for seed in range(5)}
    assert len(outcomes) > 1


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (3, 7), (9, 500)])
@pytest.mark.parametrize("name", names())
def test_any_size_can_be_edited(name, size):
    edited = get(name).apply(drawing(1, *size), 0, [drawing(2, 5, 2)])
    assert edited.mode == "RGB" and min(edited.size) >= 1


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1"])
def test_a_picture_of_any_mode_comes_out_in_rgb(mode):
    assert get("blur").apply(drawing(1).convert(mode)).mode == "RGB"


@pytest.mark.parametrize("name", ["collage-4", "pasted-45"])
def test_what_needs_other_pictures_says_so(name):
    assert get(name).needs_others
    with pytest.raises(ValueError, match="needs other pictures"):
        get(name).apply(drawing(1))


def test_only_edits_with_other_pictures_look_at_them():
    for edit in EDITS:
        alone = None if edit.needs_others else edit.apply(drawing(1), 3).tobytes()
        beside = edit.apply(drawing(1), 3, OTHERS).tobytes()
        assert edit.needs_others or alone == beside, edit.name


@pytest.mark.parametrize(("name", "share"), [("crop-70", 0.7), ("crop-40", 0.4), ("crop-20", 0.2), ("crop-10", 0.1)])
def test_a_crop_is_a_window_of_the_share_in_its_name(name, share):
    picture = drawing(3, 300, 200)
    for seed in range(5):
        window = get(name).apply(picture, seed)
        assert window.width * window.height == pytest.approx(share * 300 * 200, rel=0.02)
        assert window.width / window.height == pytest.approx(1.5, rel=0.02)
        assert pixels(window).tobytes() in {
            pixels(picture.crop((x, y, x + window.width, y + window.height))).tobytes()
            for x in range(300 - window.width + 1)
            for y in range(200 - window.height + 1)
            if picture.getpixel((x, y)) == window.getpixel((0, 0))
        }


def test_turns_go_clockwise_and_lose_nothing():
    picture = drawing(4)
    for name, quarters in (("turn-90", 1), ("turn-180", 2), ("turn-270", 3)):
        assert np.array_equal(pixels(get(name).apply(picture)), np.rot90(pixels(picture), -quarters))
    assert np.array_equal(pixels(get("mirror").apply(picture)), pixels(picture)[:, ::-1])


def test_sizes_are_as_named():
    picture = drawing(5, 400, 200)
    assert get("resize-25").apply(picture).size == (100, 50)
    assert get("thumbnail-96").apply(picture).size == (96, 48)
    assert get("thumbnail-96").apply(drawing(5, 40, 20)).size == (40, 20)
    assert get("stretch-140").apply(picture).size == (560, 200)


def test_pixelated_is_made_of_few_blocks():
    edited = pixels(get("pixelate-40").apply(photo("coffee.png")))
    steps = np.abs(np.diff(edited, axis=1)).sum(axis=2).any(axis=0).sum()
    assert 30 <= steps <= 39


def test_grey_has_no_colours_and_sixteen_colours_are_sixteen():
    assert np.ptp(pixels(get("grey").apply(photo("coffee.png"))), axis=2).max() <= 1
    assert len(get("palette-16").apply(photo("coffee.png")).getcolors()) <= 16


def test_light_goes_the_way_its_name_says():
    picture = photo("chelsea.png")
    mean, spread = pixels(picture).mean(), pixels(picture).std()
    assert pixels(get("dark-40").apply(picture)).mean() == pytest.approx(0.4 * mean, rel=0.02)
    assert pixels(get("bright-170").apply(picture)).mean() > 1.3 * mean
    assert pixels(get("flat-40").apply(picture)).std() == pytest.approx(0.4 * spread, rel=0.1)
    assert pixels(get("hard-200").apply(picture)).std() > 1.5 * spread


def test_a_hue_turned_by_120_degrees_three_times_comes_home():
    red = PIL.Image.new("RGB", (8, 8), (200, 40, 40))
    change = get("hue-90").change
    assert get("hue-90").apply(red).getpixel((0, 0)) == pytest.approx((120, 200, 40), abs=3)
    turned = red
    for _ in range(3):
        turned = change(turned, 120, None)
    assert apart(turned, red) < 6


def test_noise_has_the_deviation_in_its_name():
    grey = PIL.Image.new("RGB", (200, 200), (128, 128, 128))
    assert pixels(get("noise-25").apply(grey)).std() == pytest.approx(25, rel=0.03)


@pytest.mark.parametrize("name", ["jpeg-8", "webp-5", "blur", "palette-16"])
def test_poor_quality_stays_recognisable(name):
    picture = photo("coffee.png")
    assert 1 < apart(get(name).apply(picture), picture) < 25


def test_what_is_added_around_leaves_the_picture_whole():
    picture = drawing(6, 120, 80)
    for name in ("border-12", "screenshot"):
        edited = get(name).apply(picture)
        left, top = (edited.width - 120) // 2, (edited.height - 80) // 2
        assert edited.crop((left, top, left + 120, top + 80)).tobytes() == picture.tobytes()
        assert edited.height > 90
    assert get("screenshot").apply(picture).height > 2 * 120


def test_text_covers_a_part_only():
    picture = drawing(7, 300, 200)
    changed = np.asarray(ImageChops.difference(get("text-12").apply(picture), picture)).any(axis=2).mean()
    assert 0.05 < changed < 0.5


def test_a_straightened_picture_shows_no_corner():
    for size in ((300, 200), (200, 300), (200, 200)):
        white = PIL.Image.new("RGB", size, (255, 255, 255))
        assert pixels(get("straighten-5").apply(white)).min() == 255
        assert 0.75 * size[0] < get("straighten-5").apply(white).width < size[0]


def test_the_homography_of_unmoved_corners_changes_nothing():
    square = np.array([[0, 0], [4, 0], [4, 3], [0, 3]], float)
    assert _homography(square, square) == pytest.approx([1, 0, 0, 0, 1, 0, 0, 0], abs=1e-9)
    moved = np.array([[1, 1], [3, 0], [4, 3], [0, 2]], float)
    a, b, c, d, e, f, g, h = _homography(moved, square)
    for (x, y), (u, v) in zip(moved, square, strict=True):
        assert ((a * x + b * y + c) / (g * x + h * y + 1), (d * x + e * y + f) / (g * x + h * y + 1)) == pytest.approx(
            (u, v), abs=1e-9
        )


def test_a_collage_holds_the_picture_and_three_others():
    picture = drawing(8, 60, 40)
    sheet = get("collage-4").apply(picture, 1, OTHERS)
    assert sheet.size == (120, 80)
    quarters = [sheet.crop((x, y, x + 60, y + 40)).tobytes() for x in (0, 60) for y in (0, 40)]
    assert quarters.count(picture.tobytes()) == 1 and len(set(quarters)) == 4


def test_a_pasted_picture_leaves_most_of_the_other_in_sight():
    scene = PIL.Image.new("RGB", (200, 100), (1, 2, 3))
    pasted = get("pasted-45").apply(PIL.Image.new("RGB", (60, 60), (200, 0, 0)), 2, [scene])
    assert pasted.size == scene.size
    assert (pixels(pasted) == (200, 0, 0)).all(axis=2).sum() == 45 * 45
    assert (pixels(pasted) == (1, 2, 3)).all(axis=2).sum() == 200 * 100 - 45 * 45
    assert pixels(scene).max() == 3


def test_a_chain_is_made_of_edits_of_different_kinds(monkeypatch):
    done = []

    def noted(edit):
        return replace(edit, change=lambda picture, strength, chance: done.append(edit) or picture)

    chain = get("chain-5")
    monkeypatch.setattr(edits, "EDITS", tuple(noted(edit) for edit in EDITS))
    lengths = set()
    for seed in range(40):
        done.clear()
        chain.apply(photo("coffee.png"), seed)
        assert not any(edit.needs_others for edit in done)
        assert len({edit.family for edit in done}) == len(done)
        lengths.add(len(done))
    assert lengths == {2, 3, 4, 5}
