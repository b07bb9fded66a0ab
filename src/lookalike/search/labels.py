"""What a found picture is to the query, in the words that users see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lookalike.methods.base import Traits
from lookalike.significance.evidence import Evidence

SAME_FILE = "same file"
SAME_PICTURE = "same picture"
EDITED_COPY = "edited copy"
CROP_OF, CONTAINS, SAME_SCENE = "crop of", "contains", "same scene"
SIMILAR = "similar"

COPY = 0.01
"""The greatest expected_false at which a hash or geometry says "copy"."""
SAME_HASH = 0.2
"""The greatest distance between hashes of two encodings of a picture, as a part of that between unrelated ones."""
SAME_COLORS = 0.5
"""The greatest colour distance between two encodings of one picture."""


def label(evidence: Sequence[Evidence], share: Mapping[str, float], asked: Mapping[str, Traits]) -> str:
    """What the evidence allows to say, each method asked paid for by its share among them (see `combine`).

    Only hashes and keypoints can tell copies: different pictures, too, may have the same colours or look alike. A copy
    is the "same picture" when it is upright and hardly differs in structure and colours; keypoints know whether one
    picture is only a part of the other.
    """
    if any(one.method == "file" for one in evidence):
        return SAME_FILE
    by = {asked[one.method].role: one for one in evidence if one.method in asked}
    copy, part_of, color = _certain(by.get("copy"), share), _certain(by.get("part"), share), by.get("color")
    if copy is None:
        part = part_of.detail.get("label") if part_of else None
        parts = (CROP_OF, CONTAINS, SAME_SCENE)
        return EDITED_COPY if part == SAME_PICTURE else next((one for one in parts if one == part), SIMILAR)
    recoloured = color.distance > SAME_COLORS if color else any(one.role == "color" for one in asked.values())
    upright = copy.variant == "as is" and copy.distance <= SAME_HASH * asked[copy.method].farthest
    return SAME_PICTURE if upright and not recoloured else EDITED_COPY


def _certain(evidence: Evidence | None, share: Mapping[str, float]) -> Evidence | None:
    if evidence is None or evidence.expected_false is None:
        return None
    return evidence if evidence.expected_false <= COPY * share[evidence.method] else None
