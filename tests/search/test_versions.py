"""Versions of one photograph are told from photographs of one scene by what no plane-to-plane map explains."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest

from lookalike.evaluate.edits import get
from lookalike.evaluate.shots import KINDS, near_shot
from lookalike.pictures.open import Image, open_image
from lookalike.search.look import VERSION
from lookalike.search.overlay import lay_over, outline, project
from lookalike.search.versions import Residual, coefficients, compare_versions, odds, terms_of, whole_frame
from samples import skimage_file

EDITS = ("jpeg-8", "grey", "dark-40", "hue-90", "noise-25", "resize-25", "blur", "mirror", "turn-180", "stretch-140")
VARIANTS = {"mirror": "mirrored", "turn-180": "turned 180"}


def large(name: str) -> PIL.Image.Image:
    with PIL.Image.open(skimage_file(name)) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((512, 512))
    return picture


def residual(one: Image, other: Image, variant: str = "as is") -> Residual:
    found = compare_versions(one, other, whole_frame((one.width, one.height), (other.width, other.height), variant))
    assert found is not None
    return found


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", ["astronaut.png", "coffee.png"])
def test_an_edit_is_a_version(name, edit):
    picture = large(name)
    changed = open_image(get(edit).apply(picture, 1))
    assert odds(residual(open_image(picture), changed, VARIANTS.get(edit, "as is"))) > 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["astronaut.png", "coffee.png"])
def test_another_shot_is_none(name, kind):
    picture = large(name)
    limit = VERSION if kind == "refocus" else 0  # another focus from nearly the same place is nearest to an edit
    assert odds(residual(open_image(picture), open_image(near_shot(picture, kind, 3)))) < limit


def test_two_pictures_of_a_stereo_pair_are_two_photographs():
    left, right = (open_image(skimage_file(f"motorcycle_{side}.png")) for side in ("left", "right"))
    assert odds(residual(left, right)) < 0


def test_what_one_map_explains_leaves_nothing_over():
    picture = large("astronaut.png")
    turned = picture.rotate(3, PIL.Image.Resampling.BICUBIC)
    found = residual(open_image(picture), open_image(turned))
    assert found.flow_50 < 0.2
    assert found.likeness_50 > 0.98


def test_the_map_found_is_the_map_that_was_applied():
    one = np.asarray(large("coffee.png"))
    other = np.ascontiguousarray(one[20:300, 30:430])
    overlay = lay_over(one, other, np.array([[1, 0, -26.0], [0, 1, -23.0], [0, 0, 1]]))
    onto = np.linalg.inv(overlay.maps[1]) @ overlay.maps[0]
    corners = np.array([[30.0, 20.0], [430.0, 300.0]])
    assert project(onto, corners) == pytest.approx(np.array([[0.0, 0.0], [400.0, 280.0]]), abs=0.3)


@pytest.mark.parametrize(
    "variant", ["as is", "mirrored", "turned 90", "turned 180", "turned 270", "mirrored, turned 90"]
)
def test_the_whole_frame_in_each_variant(variant):
    picture = PIL.Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3))
    changed = picture
    if variant.startswith("mirrored"):
        changed = changed.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
    turns = next((q for q in (1, 2, 3) if variant.endswith(str(90 * q))), 0)
    changed = changed.rotate(-90 * turns, expand=True)
    map_ = whole_frame(picture.size, changed.size, variant)
    for x, y in ((0, 0), (2, 0), (1, 1)):
        there = project(map_, np.array([[x + 0.5, y + 0.5]]))[0]
        assert changed.getpixel((int(there[0]), int(there[1]))) == picture.getpixel((x, y))


@pytest.mark.parametrize("map_", [np.zeros((3, 3)), np.full((3, 3), np.nan), np.diag([1e-9, 1e-9, 1])])
def test_an_impossible_map_says_nothing(map_):
    picture = np.asarray(large("coffee.png"))
    assert lay_over(picture, picture, map_) is None


@pytest.mark.parametrize("shape", [(1, 1, 3), (4, 900, 3), (64, 64, 3)])
def test_plain_and_tiny_pictures_say_nothing(shape):
    plain = np.full(shape, 90, np.uint8)
    assert lay_over(plain, plain, np.eye(3)) is None


def test_corners_of_an_outline():
    assert outline(3, 2).tolist() == [[0, 0], [3, 0], [3, 2], [0, 2]]


def test_the_shipped_coefficients_fit_the_terms():
    residual = Residual(*[0.5] * len(Residual.__slots__))
    for name, misfit in (("pixels", None), ("keypoints", 0.3)):
        known, count = coefficients(name), len(terms_of(residual, misfit))
        assert len(known.weights) == len(known.lowest) == len(known.highest) == count


def test_keypoints_that_one_affine_map_takes_there_speak_for_a_version():
    left, right = (open_image(skimage_file(f"motorcycle_{side}.png")) for side in ("left", "right"))
    said = [odds(residual(left, right), misfit) for misfit in (0.1, 0.5, 1.5, 3)]
    assert said == sorted(said, reverse=True)
    assert said[0] > said[-1] + 3
