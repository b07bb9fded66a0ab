"""What a found picture is to the query, in the words that users see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lookalike.search.match import Evidence

SAME_FILE = "same file"
SAME_PICTURE = "same picture"
EDITED_COPY = "edited copy"
CROP_OF, CONTAINS, SAME_SCENE = "crop of", "contains", "same scene"
SIMILAR = "similar"

COPY = 0.01
"""The greatest expected_false at which a hash or geometry says "copy"."""
SAME_HASH = 0.1
"""The greatest share of differing bits between two encodings of one picture."""
SAME_COLORS = 0.5
"""The greatest colour distance between two encodings of one picture."""


def label(evidence: Sequence[Evidence], share: Mapping[str, float], bits: int) -> str:
    """What the evidence allows to say, each method paid for by its share among those asked (see `combine`).

    Only `phash` and `local` can tell copies: different pictures, too, may have the same colours or look alike. A copy
    is the "same picture" when it is upright and hardly differs in structure and colours; local evidence knows whether
    one picture is only a part of the other. bits: of the collection's hash.
    """
    by = {one.method: one for one in evidence}
    if "file" in by:
        return SAME_FILE
    phash, local, color = _certain(by.get("phash"), share), _certain(by.get("local"), share), by.get("color")
    if phash is None:
        part = local.detail.get("label") if local else None
        parts = (CROP_OF, CONTAINS, SAME_SCENE)
        return EDITED_COPY if part == SAME_PICTURE else next((one for one in parts if one == part), SIMILAR)
    recoloured = color.distance > SAME_COLORS if color else "color" in share
    upright = phash.variant == "as is" and phash.distance <= SAME_HASH * bits
    return SAME_PICTURE if upright and not recoloured else EDITED_COPY


def _certain(evidence: Evidence | None, share: Mapping[str, float]) -> Evidence | None:
    if evidence is None or evidence.expected_false is None:
        return None
    return evidence if evidence.expected_false <= COPY * share[evidence.method] else None
