"""Pictures that share a caption are no copies of one another; a picture under a caption is one of what it was."""

import io

import numpy as np
import PIL.Image
import pytest
from PIL import ImageDraw, ImageFont
from skimage import data

from lookalike.methods.local import Local
from lookalike.pictures.open import Image, open_image
from lookalike.search.labels import SAME_SCENE
from lookalike.search.local import evidence_of, find_in
from lookalike.search.look import called
from lookalike.search.overlay import lay_over
from lookalike.search.versions import LITTLE
from lookalike.significance.evidence import Evidence

SIZE = 600, 400
BAR = 300  # where it begins


def photograph(name: str) -> PIL.Image.Image:
    return PIL.Image.fromarray(getattr(data, name)()).convert("RGB").resize(SIZE)


def captioned(picture: PIL.Image.Image) -> PIL.Image.Image:
    """With a black bar over its lower quarter, and words on that."""
    edited = picture.copy()
    draw = ImageDraw.Draw(edited)
    draw.rectangle((0, BAR, *SIZE), fill="black")
    draw.text((40, BAR + 25), "Having a great time!", "white", ImageFont.load_default(48))
    return edited


def opened(picture: PIL.Image.Image) -> Image:
    encoded = io.BytesIO()
    picture.save(encoded, "JPEG", quality=85)
    return open_image(encoded.getvalue())


def keypoints_say(one: Image, other: Image) -> Evidence:
    stored = Local().describe(other)
    assert stored is not None
    proof = find_in(Local().describe_query(one), stored)
    assert proof is not None
    return evidence_of(*proof)


@pytest.mark.parametrize(("one", "other"), [("coffee", "astronaut"), ("chelsea", "rocket"), ("coffee", "chelsea")])
def test_two_photographs_with_one_caption_are_not_called_copies(one, other):
    first, second = (opened(captioned(photograph(name))) for name in (one, other))

    evidence = keypoints_say(first, second)

    assert evidence.detail["support"] < LITTLE
    assert called(first, second, evidence) == SAME_SCENE


@pytest.mark.parametrize("name", ["coffee", "astronaut", "chelsea"])
def test_a_photograph_under_a_caption_is_a_copy_of_the_one_without(name):
    first, second = opened(captioned(photograph(name))), opened(photograph(name))

    evidence = keypoints_say(first, second)

    assert evidence.detail["support"] > LITTLE
    assert called(first, second, evidence) != SAME_SCENE


def test_what_a_bar_covers_is_left_out_of_the_comparison():
    plain = np.asarray(photograph("coffee"))

    overlay = lay_over(np.asarray(captioned(photograph("coffee"))), plain, np.eye(3))

    assert overlay is not None
    assert 0.2 < overlay.covered.mean() < 0.3
    assert np.median(overlay.likeness[overlay.textured]) > 0.95
    assert overlay.shared.sum() == (overlay.inside & ~overlay.covered).sum()


def test_nothing_is_covered_where_both_have_the_bar_or_neither_has():
    both = np.asarray(captioned(photograph("coffee")))
    neither = np.asarray(photograph("coffee"))

    for picture in (both, neither):
        overlay = lay_over(picture, picture, np.eye(3))
        assert overlay is not None and not overlay.covered.any()
