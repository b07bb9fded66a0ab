"""Keypoints are spread over the picture and its scales, kept in original pixels, and survive being stored."""

import numpy as np
import PIL.Image
import pytest
from skimage import data

from lookalike.errors import LookalikeError, QueryError
from lookalike.index.codebook import shipped
from lookalike.index.keypoint_rows import Form, vectors
from lookalike.methods.features import features_named, levels, spread
from lookalike.methods.keypoints import Keypoints
from lookalike.methods.local import Local
from lookalike.pictures.open import open_image


@pytest.fixture(scope="module")
def cat():
    return open_image(data.cat())


@pytest.fixture(scope="module")
def described(cat):
    return Local(budget=200).describe(cat)


def test_a_picture_gets_at_most_its_budget_of_keypoints_and_a_query_twice_that(cat, described):
    queries = Local(budget=200).describe_query(cat)

    assert len(described) == 200
    assert [variant.name for variant in queries] == ["as is", "mirrored"]
    assert [len(variant.descriptor) for variant in queries] == [400, 400]


def test_every_part_of_a_picture_gets_keypoints_even_when_one_part_has_all_the_contrast():
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    noise[:200] = 128 + noise[:200] // 3
    found = Local(budget=160).describe(open_image(noise))

    upper = int((found.xy[:, 1] < 200).sum())
    assert 60 <= upper <= 100


def test_the_budget_goes_round_the_cells_and_levels_and_strongest_first():
    xy = np.array([[1, 1], [2, 2], [3, 3], [99, 99], [98, 98]], np.float32)
    response = np.array([5, 9, 7, 1, 2], np.float32)
    level = np.array([0, 0, 1, 0, 0])

    assert spread(xy, level, response, (100, 100), 3).tolist() == [1, 2, 4]
    assert spread(xy, level, response, (100, 100), 9).tolist() == [1, 2, 4, 0, 3]
    assert spread(xy, level, response, (100, 100), 3, strong=4).tolist() == [1, 2, 0]


def test_levels_are_octaves_from_the_finest_and_the_third_holds_all_coarser_ones():
    assert levels(np.array([1, 1.9, 2, 3.9, 4, 100], np.float32), 1).tolist() == [0, 0, 1, 1, 2, 2]


def test_keypoints_survive_packing(described):
    rows = described.pack()
    again = Keypoints.unpack(rows, Form(128))

    assert rows.shape == (200, 142) and rows.dtype == np.uint8
    assert again.size == described.size == (451, 300)
    np.testing.assert_array_equal(again.descriptors, described.descriptors)
    np.testing.assert_allclose(again.xy, described.xy, atol=0.01)
    np.testing.assert_allclose(again.scale, described.scale, rtol=0.035)
    assert np.abs((again.angle - described.angle + 180) % 360 - 180).max() < 1


def test_a_stored_keypoint_takes_30_bytes_and_looks_much_as_it_did(described):
    method = Local()
    rows = method.pack(described)
    again = method.unpack(rows)
    apart = vectors(again.descriptors, False) - vectors(described.descriptors, False)
    others = vectors(described.descriptors[::-1], False) - vectors(described.descriptors, False)

    assert rows.shape == (200, 30)
    np.testing.assert_allclose(again.xy, described.xy, atol=0.01)
    assert np.median((apart**2).sum(axis=1)) < 0.25 * np.median((others**2).sum(axis=1))


def test_descriptors_stored_by_another_codebook_are_refused():
    assert Local().params.codebook == shipped().name
    assert Local(features="orb").params.codebook == ""
    with pytest.raises(ValueError, match="codebook 12345678"):
        Local(codebook="12345678")


def test_coordinates_are_in_original_pixels_whatever_the_working_size(cat):
    large = open_image(PIL.Image.fromarray(data.cat()).resize((1804, 1200)), size=451)
    small, big = Local().describe(cat), Local().describe(large)

    assert big.size == (1804, 1200)
    assert big.xy.max() > 1000
    assert np.median(big.scale) == pytest.approx(4 * np.median(small.scale), rel=0.3)


def test_the_mirrored_query_describes_the_mirrored_picture_without_looking_again(cat):
    as_is, mirrored = (variant.descriptor for variant in Local().describe_query(cat))
    anew = Local().describe_query(open_image(data.cat()[:, ::-1]))[0].descriptor

    apart = np.linalg.norm(mirrored.xy[:, None] - anew.xy[None], axis=2)
    nearest = apart.argmin(axis=1)
    same = apart[np.arange(len(nearest)), nearest] < 0.5
    differences = mirrored.descriptors[same].astype(float) - anew.descriptors[nearest[same]]
    turned = (mirrored.angle[same] - anew.angle[nearest[same]] + 180) % 360 - 180
    assert len(mirrored) == len(as_is)
    assert same.mean() > 0.8
    assert np.median(np.linalg.norm(differences, axis=1)) < 60  # of a length of 512; unrelated ones differ by 400
    assert np.median(np.abs(turned)) < 1


def test_features_that_mirroring_changes_are_described_anew(cat):
    mirrored = Local(features="orb").describe_query(cat)[1].descriptor
    flipped = Local(features="orb").describe_query(open_image(data.cat()[:, ::-1]))[0].descriptor
    np.testing.assert_array_equal(mirrored.descriptors, flipped.descriptors)


def test_the_same_picture_is_described_the_same_way_twice(cat, described):
    np.testing.assert_array_equal(Local(budget=200).describe(cat).pack(), described.pack())


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((300, 300, 3), 77, np.uint8),
        data.cat()[:8, :8],
        np.full((1, 20000, 3), 9, np.uint8),
        np.tile(np.arange(256, dtype=np.uint8), (400, 2)),
    ],
    ids=["flat", "8 px", "20000 x 1", "gradient"],
)
def test_a_picture_without_keypoints_has_no_descriptor_and_asks_nothing(pixels):
    image = open_image(pixels)

    assert Local().describe(image) is None
    assert Local().describe_query(image) == []


@pytest.mark.parametrize("shape", [(40, 6000), (6000, 40), (2500, 2500)])
def test_huge_and_extremely_long_pictures_are_described_within_their_borders(shape):
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    found = Local().describe(open_image(pixels))

    if found is not None:
        assert (found.xy >= 0).all()
        assert (found.xy <= [shape[1], shape[0]]).all()
        assert len(found) <= 300


def test_orb_is_binary_and_takes_46_bytes_a_keypoint(cat):
    method = Local(features="orb")
    found = method.describe(cat)

    assert method.layout.width == 46 and found.binary
    assert method.unpack(method.pack(found)).binary
    one, other = found.descriptors[:2]
    apart = ((vectors(one[None], True) - vectors(other[None], True)) ** 2).sum()
    assert apart == np.bitwise_count(one ^ other).sum()


def test_surf_describes_or_says_what_to_install(cat):
    try:
        features_named("surf")
    except LookalikeError as error:
        assert ".[surf]" in str(error)
    else:
        found = Local(features="surf").describe(cat)
        assert found.descriptors.shape[1] == 64
        assert 50 < len(found) <= 300


def test_unknown_features_and_indexes_are_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match="rootsift, orb, surf"):
        Local(features="brisk")
    with pytest.raises(QueryError, match="rootsift, orb, surf"):
        features_named("brisk")
    with pytest.raises(ValueError, match="exhaustive"):
        Local().index_kind("hnsw")
