"""Our descriptors of SIFT keypoints match as well as OpenCV's, for less."""

import cv2
import numpy as np
import pytest
from skimage import data, transform

from lookalike.methods.sift import descriptors


def keypoints(grey: np.ndarray, count: int = 300):
    found = sorted(cv2.SIFT_create().detect(grey, None), key=lambda one: -one.response)[:count]
    return found, np.array([(*one.pt, one.size / 2, one.angle) for one in found], np.float32)


def ours(grey: np.ndarray, geometry: np.ndarray) -> np.ndarray:
    return descriptors(grey, geometry[:, :2], geometry[:, 2], geometry[:, 3])


def unit(values: np.ndarray) -> np.ndarray:
    return values / np.linalg.norm(values, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def grey():
    return np.ascontiguousarray(data.astronaut()[..., 1])


def test_they_are_about_what_opencv_computes_in_the_same_order(grey):
    found, geometry = keypoints(grey)
    _, theirs = cv2.SIFT_create().compute(grey, found)

    cosines = (unit(ours(grey, geometry)) * unit(theirs)).sum(axis=1)
    assert np.median(cosines) > 0.95


def test_after_turning_shrinking_and_darkening_as_many_match_as_with_opencv(grey):
    changed = (transform.rescale(transform.rotate(grey, 25, mode="edge"), 0.7, anti_aliasing=True) * 160).astype(
        np.uint8
    )
    (one, first), (other, second) = keypoints(grey), keypoints(changed)

    def matches(here: np.ndarray, there: np.ndarray) -> int:
        squares = ((unit(here)[:, None] - unit(there)[None]) ** 2).sum(axis=2)
        two = np.partition(squares, 1, axis=1)
        return int((two[:, 0] < 0.8**2 * two[:, 1]).sum())

    theirs = matches(cv2.SIFT_create().compute(grey, one)[1], cv2.SIFT_create().compute(changed, other)[1])
    assert theirs > 50
    assert matches(ours(grey, first), ours(changed, second)) >= 0.95 * theirs


def test_no_keypoints_have_no_descriptors_and_those_at_the_border_have_finite_ones(grey):
    assert ours(grey, np.zeros((0, 4), np.float32)).shape == (0, 128)
    corners = np.array([[0, 0, 40, 10], [511, 511, 2, 300], [0, 511, 0.1, 0]], np.float32)
    assert np.isfinite(ours(grey, corners)).all()
