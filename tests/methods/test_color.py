"""The colour histogram is OpenCV's, counted on a small copy and stored compactly."""

import cv2
import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import data

from lookalike.arrays.rows import Ragged
from lookalike.index.whole import index_of
from lookalike.methods import Color
from lookalike.methods.color import reduced
from lookalike.pictures.open import Image, open_image

pictures = arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)))
bins_choices = st.sampled_from([8, 16])


def by_opencv(rgb, bins):
    return cv2.calcHist([rgb], [0, 1, 2], None, [bins] * 3, [0, 256] * 3).ravel()


def image(rgb):
    return Image(rgb, rgb.shape[1], rgb.shape[0], "array")


@given(pictures, bins_choices)
def test_counts_equal_opencv_calc_hist(rgb, bins):
    assert np.array_equal(Color(bins).describe(image(rgb)).counts, by_opencv(rgb, bins))


@pytest.mark.parametrize("bins", [8, 16])
def test_a_large_picture_is_counted_on_its_small_copy(bins):
    photo = open_image(data.astronaut())
    small = reduced(photo)
    assert small.shape == (171, 171, 3)
    assert np.array_equal(Color(bins).describe(photo).counts, by_opencv(small, bins))


@given(pictures, pictures, bins_choices)
def test_the_difference_is_one_minus_opencv_histogram_intersection(left, right, bins):
    method = Color(bins)
    a, b = (by_opencv(rgb, bins) / (rgb.shape[0] * rgb.shape[1]) for rgb in (left, right))
    expected = 1 - cv2.compareHist(a.astype(np.float32), b.astype(np.float32), cv2.HISTCMP_INTERSECT)
    assert method.describe(image(left)) - method.describe(image(right)) == pytest.approx(expected, abs=1e-5)


def test_no_count_of_the_largest_flat_picture_overflows():
    counts = Color().describe(image(np.full((510, 510, 3), 255, np.uint8))).counts
    assert counts[-1] == 255 * 255
    assert counts.sum(dtype=np.int64) == 255 * 255


@given(pictures, bins_choices)
def test_a_histogram_survives_packing_without_its_empty_bins(rgb, bins):
    method = Color(bins)
    own = method.describe(image(rgb))
    rows = method.pack(own)
    assert rows.dtype == np.uint16
    assert rows.shape == (np.count_nonzero(own.counts), 2)
    assert np.array_equal(method.unpack(rows).counts, own.counts)
    assert method.unpack(rows) - own == pytest.approx(0, abs=1e-6)


def test_the_normalised_histogram_sums_to_one():
    shares = Color().describe(open_image(data.coffee())).normalised
    assert shares.dtype == np.float32
    assert shares.sum() == pytest.approx(1, abs=1e-5)


def test_turning_and_mirroring_keep_the_colours():
    photo = PIL.Image.fromarray(data.cat())
    turned = photo.transpose(PIL.Image.Transpose.ROTATE_90)
    assert Color().describe(open_image(photo)) - Color().describe(open_image(turned)) < 0.02
    assert [way.name for way in Color().describe_query(open_image(photo))] == ["as is"]


@pytest.mark.parametrize("shape", [(1, 640, 3), (640, 1, 3), (1, 1, 3)])
def test_the_thinnest_pictures_have_a_histogram(shape):
    reduced_to = 214 if max(shape) == 640 else 1  # pixels of the longest side, a third
    assert Color().describe(image(np.zeros(shape, np.uint8))).counts[0] == reduced_to


@pytest.mark.parametrize("bins", [4, 32, 16.5])
def test_other_numbers_of_bins_are_refused(bins):
    with pytest.raises(ValueError, match="8 or 16"):
        Color(bins)


@pytest.mark.parametrize("kind", ["auto", "exact", "l1", "l2", "hellinger", "hnsw"])
def test_each_documented_index_finds_the_picture_itself(kind):
    method = Color()
    rows = [method.pack(method.describe(open_image(getattr(data, name)()))) for name in ("cat", "coffee", "astronaut")]
    stored = Ragged.of(rows, 2, np.uint16)
    index = index_of(method.index_kind(kind), stored, np.array([7, 8, 9]))
    assert index.search(stored, 1).ids[:, 0].tolist() == [7, 8, 9]
