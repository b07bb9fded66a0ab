"""A last look at the first hits of an answer: versions of the query are told from other photographs of its scene.

Keypoints and hashes say that two pictures show the same; only their pixels say whether it is one photograph. Looking
costs as much as a hash search over a million, so only hits are looked at that may be either.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from lookalike.errors import ImageError
from lookalike.pictures.open import Image, open_image
from lookalike.search.labels import CONTAINS, CROP_OF, EDITED_COPY, SAME_SCENE
from lookalike.search.match import Match
from lookalike.search.versions import LITTLE, compare_versions, map_of, odds
from lookalike.significance.evidence import Evidence

MOST = 3
"""Hits that are looked at, at most: the first ones."""
VERSION, ANOTHER = 2.0, -4.0
"""The logarithm of the odds above and below which the pixels have the last word. Between them geometry is believed: an
edit that covers a part, or bends the picture, leaves as much over as another photograph from nearly the same place."""
EXACT, BENT = 0.2, 1.5
"""Misfits of keypoints (see `Verified`) that need no look: at most the first, no other photograph is likely to have; at
least the second, hardly a version has, so that the same scene stays that. Keypoints with LITTLE support prove neither:
two photographs may have one caption."""
_MOSTLY = 0.5  # of either picture must lie in the other: a smaller part is a crop, whatever it was cut from


def looked_at(matches: Sequence[Match], query: Callable[[], Image]) -> list[Match]:
    """The matches, called what their keypoints show where these leave no doubt, and the first of the others what their
    pixels show. Pictures that are away keep their label.

    query: the picture asked with, which is opened only if there is something to look at.
    """
    seen, worth = list(matches), {}
    for place, match in enumerate(matches):
        if evidence := _may_be_either(match):
            misfit = _misfit(evidence)
            if misfit is None:
                seen[place] = replace(match, label=SAME_SCENE)
                worth[place] = evidence
            elif misfit <= EXACT:
                seen[place] = replace(match, label=settled(match.label, math.inf))
            elif match.label != SAME_SCENE or misfit < BENT:
                worth[place] = evidence
    if worth:
        with contextlib.suppress(ImageError):
            asked = query()
            for place in list(worth)[:MOST]:
                seen[place] = _look(seen[place], asked, worth[place])
    return seen


def settled(name: str, said: float | None) -> str:
    """What hits of this label are called when the pixels have said how likely a version is (log odds or None)."""
    if said is None or ANOTHER <= said <= VERSION:
        return name
    if said < ANOTHER:
        return SAME_SCENE
    return EDITED_COPY if name == SAME_SCENE else name


def called(one: Image, other: Image, evidence: Evidence) -> str:
    """What the first of two pictures is to the second, by their keypoints and pixels."""
    name = SAME_SCENE if _misfit(evidence) is None else evidence.detail["label"]
    return settled(name, version_odds(one, other, evidence))


def version_odds(one: Image, other: Image, evidence: Evidence) -> float | None:
    """The logarithm of the odds that both are one photograph, laid over one another as keypoints say; None when they
    share too little to tell."""
    quads = (evidence.detail[name] for name in ("quad", "reverse_quad"))
    quad, reverse = (None if corners is None else np.asarray(corners, np.float64) for corners in quads)
    left = compare_versions(one, other, map_of(quad, reverse, (one.width, one.height), (other.width, other.height)))
    return None if left is None else odds(left, _misfit(evidence))


def _misfit(evidence: Evidence) -> float | None:
    """The misfit of keypoints, None where it says nothing about the whole."""
    misfit: float = evidence.detail["misfit"]
    return misfit if evidence.detail["support"] >= LITTLE else None


def _may_be_either(match: Match) -> Evidence | None:
    """What keypoints say of a match that may be a version or another photograph."""
    if match.label not in (EDITED_COPY, CROP_OF, CONTAINS, SAME_SCENE):
        return None
    mostly = (
        one for one in match.evidence if min(one.detail.get(area, 0) for area in ("visible", "covered")) >= _MOSTLY
    )
    return next(mostly, None)


def _look(match: Match, query: Image, evidence: Evidence) -> Match:
    try:
        found = open_image(match.path)
    except ImageError:
        return match
    return replace(match, label=settled(match.label, version_odds(query, found, evidence)))
