"""Which pairs are laid over one another, besides those whose hashes are near."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lookalike.duplicates import links
from lookalike.duplicates.descriptors import Descriptors
from lookalike.duplicates.group import CROP, EDITED, SCENE
from lookalike.duplicates.links import Link
from lookalike.significance.model import gaussian, radius


def test_the_nearest_copies_of_a_look_alike_that_is_proven_are_candidates_too():
    by_hash = [Link(1, copy, EDITED, 1e-15, bits=copy / 100) for copy in range(2, 10)]
    part = Link(9, 20, CROP, 1e-9, whole=9)
    assert links._through(by_hash, [part]) == [(1, 20)]
    centre = replace(part, first=1, whole=1)
    assert links._through(by_hash, [centre]) == [(copy, 20) for copy in range(2, 2 + links.FAMILY)]
    assert links._through(by_hash, [replace(part, kind=SCENE, whole=None)]) == []
    assert links._through([replace(one, kind=SCENE) for one in by_hash], [part]) == []


def test_pictures_that_are_each_others_nearest_are_candidates_farther_away_than_others():
    null = gaussian(1.0, 0.1)
    close, far = radius(null, links.LOOK_ALIKE_FALSE, 6, 1, 1.0), radius(null, links.NEAREST_FALSE, 6, 1, 1.0)
    assert close < far
    rows = np.eye(12, dtype=np.float32)[:6]
    middle = 1 - (close + far) / 2  # the cosine of 0 and 1, of 2 and 3, and, a little less, of 1 and 2
    for one, other, cosine in ((1, 0, middle), (3, 2, middle)):
        rows[other] = cosine * rows[one] + np.sqrt(1 - cosine**2) * np.eye(12, dtype=np.float32)[6 + other]
    vectors = Descriptors(None, np.arange(6), np.arange(6), rows.astype(np.float16), null)
    assert list(links.look_alikes(vectors)) == [(0, 1), (2, 3)]
