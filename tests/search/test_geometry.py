"""A picture is found in another only where geometry proves it, and the proof says where in original pixels."""

import numpy as np
import PIL.Image
import pytest
from PIL import ImageDraw
from skimage import data

from lookalike.arrays.rows import Ragged
from lookalike.index.whole import index_of
from lookalike.methods.base import Variant
from lookalike.methods.local import Local
from lookalike.pictures.open import open_image
from lookalike.render.matches import draw_match
from lookalike.search.geometry import verify
from lookalike.search.local import confirmed, find_in, in_whole, is_certain, search_local

LOCAL = Local()
PHOTOS = ("cat", "coffee", "astronaut", "rocket", "brick", "camera", "gravel", "moon", "coins", "page")


def picture(name: str) -> PIL.Image.Image:
    return PIL.Image.fromarray(getattr(data, name)()).convert("RGB")


def keypoints(shown: PIL.Image.Image):
    return LOCAL.describe(open_image(shown))


def asked(shown: PIL.Image.Image):
    return LOCAL.describe_query(open_image(shown))


@pytest.fixture(scope="module")
def stored():
    return {number: keypoints(picture(name)) for number, name in enumerate(PHOTOS)}


@pytest.fixture(scope="module")
def index(stored):
    rows = Ragged.of([LOCAL.pack(one) for one in stored.values()], LOCAL.layout.width, np.uint8)
    return index_of(LOCAL.index_kind(), rows, np.array(list(stored)))


@pytest.fixture(scope="module")
def exhaustive(stored):
    rows = Ragged.of([LOCAL.pack(one) for one in stored.values()], LOCAL.layout.width, np.uint8)
    return index_of(LOCAL.index_kind("exhaustive"), rows, np.array(list(stored)))


def search(index, stored, shown, k=3, allowed=None):
    return search_local(index, stored.__getitem__, asked(shown), k, allowed)


def test_a_crop_is_found_where_it_was_cut(stored):
    found = verify(keypoints(picture("coffee").crop((200, 100, 500, 350))), stored[1])

    assert found.label == "crop of"
    np.testing.assert_allclose(found.quad, [[200, 100], [500, 100], [500, 350], [200, 350]], atol=3)
    assert found.visible == pytest.approx(1, abs=0.02)
    assert found.covered == pytest.approx(300 * 250 / (600 * 400), abs=0.01)


def test_the_whole_of_a_picture_contains_its_crop(stored):
    found = verify(stored[1], keypoints(picture("coffee").crop((200, 100, 500, 350))))

    assert found.label == "contains"
    np.testing.assert_allclose(found.reverse_quad, [[200, 100], [500, 100], [500, 350], [200, 350]], atol=3)
    assert found.covered == pytest.approx(1, abs=0.02)


def test_a_smaller_copy_is_the_same_picture(stored):
    found = verify(keypoints(picture("coffee").resize((300, 200))), stored[1])

    assert found.label == "same picture"
    np.testing.assert_allclose(found.quad, [[0, 0], [600, 0], [600, 400], [0, 400]], atol=6)


def test_a_photo_taken_at_a_slant_is_outlined_in_perspective(stored):
    corners = np.array([[60, 40], [520, 90], [560, 380], [30, 330]], float)
    whole = np.array([[0, 0], [600, 0], [600, 400], [0, 400]], float)
    rows = [
        row
        for (x, y), (u, v) in zip(corners, whole, strict=True)
        for row in ([x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y])
    ]
    slanted = picture("coffee").transform(
        (600, 400), PIL.Image.Transform.PERSPECTIVE, np.linalg.solve(rows, whole.ravel()), PIL.Image.Resampling.BICUBIC
    )
    found = verify(keypoints(slanted), stored[1])

    np.testing.assert_allclose(found.reverse_quad, corners, atol=8)


def test_a_mirrored_crop_is_found_mirrored_and_its_corners_are_those_of_the_query(index, stored):
    crop = picture("coffee").crop((200, 100, 500, 350)).transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
    ((id_, evidence), *_) = search(index, stored, crop)

    assert (id_, evidence.variant) == (1, "mirrored")
    np.testing.assert_allclose(evidence.detail["quad"], [[500, 100], [200, 100], [200, 350], [500, 350]], atol=4)


def test_a_mirror_image_is_never_accepted_as_it_is(stored):
    turned = picture("coffee").transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
    assert verify(keypoints(turned), stored[1]) is None


def test_different_photos_are_not_found_in_each_other(stored):
    pairs = [(a, b) for a in stored for b in stored if a != b]
    assert [pair for pair in pairs if verify(stored[pair[0]], stored[pair[1]])] == []


def test_the_same_question_has_the_same_answer(stored):
    crop = keypoints(picture("astronaut").crop((100, 50, 300, 250)).rotate(20))
    one, other = verify(crop, stored[2]), verify(crop, stored[2])

    np.testing.assert_array_equal(one.quad, other.quad)
    assert one.inliers == other.inliers > 10


def test_evidence_holds_the_distance_and_plain_values(index, stored):
    ((id_, evidence),) = search(index, stored, picture("cat").crop((100, 50, 350, 250)))

    assert id_ == 0 and evidence.method == "local" and evidence.variant == "as is"
    assert evidence.distance == pytest.approx(1 / (1 + evidence.detail["inliers"]))
    assert set(evidence.detail) == {
        "inliers",
        "label",
        "quad",
        "reverse_quad",
        "visible",
        "covered",
        "misfit",
        "support",
    }
    assert all(isinstance(x, float) for corner in evidence.detail["quad"] for x in corner)


def test_asked_with_a_region_the_found_picture_is_outlined_in_the_whole_query(index, stored):
    sheet = PIL.Image.new("RGB", (1100, 400))
    sheet.paste(picture("cat"), (620, 20))
    ((_, evidence),) = search(index, stored, sheet.crop((600, 0, 1100, 400)))

    corners = [[620, 20], [1071, 20], [1071, 320], [620, 320]]
    np.testing.assert_allclose(in_whole(evidence, 600, 0).detail["reverse_quad"], corners, atol=4)


def test_what_the_exhaustive_index_finds_is_verified_too(exhaustive, stored):
    ((id_, evidence),) = search(exhaustive, stored, picture("coffee").crop((200, 100, 500, 350)))
    # good matches alone find these two in each other
    brick = exhaustive.search(Ragged.of([stored[4].pack()], 142, np.uint8), 9)

    assert (id_, evidence.detail["label"]) == (1, "crop of")
    assert evidence.distance == pytest.approx(1 / (1 + evidence.detail["inliers"]))
    assert (brick.ids[0] >= 0).sum() >= 1
    assert {id_ for id_, _ in search(exhaustive, stored, picture("brick"))} == {4}


def test_both_pictures_of_a_collage_are_found(index, stored):
    sheet = PIL.Image.new("RGB", (1100, 400))
    sheet.paste(picture("coffee"), (0, 0))
    sheet.paste(picture("cat"), (620, 20))

    assert {id_ for id_, _ in search(index, stored, sheet, k=2)} == {0, 1}


def test_what_the_first_picture_explains_does_not_hide_a_small_one_pasted_on_it(index, stored):
    sheet = picture("coffee")
    sheet.paste(picture("cat").resize((203, 135)), (350, 30))

    assert [id_ for id_, _ in search(index, stored, sheet, k=2)] == [1, 0]


def test_only_allowed_pictures_are_answers(index, stored):
    assert search(index, stored, picture("cat"), allowed=np.array([1, 2])) == []


def chessboard() -> PIL.Image.Image:
    return PIL.Image.fromarray((np.indices((400, 400)).sum(axis=0) // 25 % 2 * 255).astype(np.uint8))


def page_of_text() -> PIL.Image.Image:
    page = PIL.Image.new("L", (500, 600), 255)
    for line in range(28):
        ImageDraw.Draw(page).text((20, 20 * line + 10), "the same words again and again " * 3, 0, font_size=14)
    return page


def logos() -> PIL.Image.Image:
    sheet, logo = PIL.Image.new("RGB", (600, 600)), picture("cat").crop((150, 60, 250, 160))
    for x in range(6):
        for y in range(6):
            sheet.paste(logo, (100 * x, 100 * y))
    return sheet


@pytest.mark.parametrize("make", [chessboard, page_of_text, logos])
def test_pictures_that_repeat_themselves_are_answered_and_match_no_other_picture(index, stored, make):
    shown = make()
    expected = {0} if make is logos else set()

    assert {id_ for id_, _ in search(index, stored, shown)} <= expected


def test_the_picture_itself_is_no_answer_and_not_verified_but_its_relatives_are(stored):
    part = picture("coffee").crop((100, 50, 500, 350))
    known = {**stored, 20: keypoints(part), 21: stored[1]}
    rows = Ragged.of([LOCAL.pack(one) for one in known.values()], LOCAL.layout.width, np.uint8)
    index, fetched = index_of(LOCAL.index_kind(), rows, np.array(list(known))), []

    def fetch(id_):
        fetched.append(id_)
        return known[id_]

    found = search_local(index, fetch, LOCAL.query_of(known[1]), 5, itself=1)
    assert {id_ for id_, _ in found} == {20, 21}
    assert 1 not in fetched


def test_two_keypoints_or_fewer_prove_nothing(stored):
    for count in (0, 1, 2):
        few = stored[0].where(np.arange(len(stored[0])) < count)
        assert verify(few, stored[0]) is None
        assert verify(stored[0], few) is None
        assert (
            search_local(
                index_of(LOCAL.index_kind(), Ragged.of([], 142, np.uint8)),
                stored.__getitem__,
                [Variant("as is", few)],
                3,
            )
            == []
        )


def test_all_keypoints_in_one_spot_prove_nothing(stored):
    one = stored[0]
    spot = type(one)(np.ones_like(one.xy), one.scale, one.angle, one.descriptors, one.size)
    assert verify(spot, one) is None


def test_the_proof_is_drawn_with_the_outline_in_the_found_picture():
    crop = open_image(picture("coffee").crop((200, 100, 500, 350)))
    whole = open_image(picture("coffee"))
    found, _ = find_in(LOCAL.describe_query(crop), LOCAL.describe(whole))
    page = np.asarray(draw_match(crop, whole, found, ("crop.jpg", "coffee.jpg"))).astype(int)

    orange = np.argwhere(np.abs(page - [255, 92, 40]).sum(axis=2) < 12)
    right = orange[orange[:, 1] > page.shape[1] / 2 + 20]
    zoom = 460 / 400
    assert np.ptp(right[:, 1]) == pytest.approx(300 * zoom, abs=12)
    assert np.ptp(right[:, 0]) == pytest.approx(250 * zoom, abs=12)


@pytest.mark.parametrize(("certain", "looked_at"), [(False, 5), (True, 2)])
def test_of_doubtful_pictures_no_more_are_looked_at_than_patience_allows(stored, certain, looked_at):
    read = []

    def fetch(number):
        read.append(number)
        return stored[number]

    others = [number for number in stored if number != 0]
    assert confirmed(fetch, asked(picture("cat")), others, certain) == {}
    assert read == others[:looked_at]


def test_a_doubtful_picture_that_is_confirmed_renews_the_patience_and_one_without_keypoints_costs_none(stored):
    found = confirmed(stored.__getitem__, asked(picture("cat")), [1, 2, 99, 3, 4, 0, 5], certain=False)
    assert (list(found), found[0].detail["label"], is_certain(found.values())) == ([0], "same picture", True)
    assert confirmed(stored.__getitem__, asked(picture("cat")), [1, 2, 3, 0], certain=True) == {}
