"""What a found picture is to the query, in the words that users see."""

from __future__ import annotations

from collections.abc import Sequence, Set

from lookalike.ranking.match import Evidence

SAME_FILE = "same file"
SAME_PICTURE = "same picture"
EDITED_COPY = "edited copy"
CROP_OF, CONTAINS = "crop of", "contains"
SIMILAR = "similar"

COPY = 0.01
"""The greatest expected_false at which a hash or geometry says "copy"."""
SAME_HASH = 0.1
"""The greatest share of differing bits between two encodings of one picture."""
SAME_COLORS = 0.5
"""The greatest colour distance between two encodings of one picture."""


def label(evidence: Sequence[Evidence], asked: Set[str], tried: int, bits: int) -> str:
    """What evidence of expected_false, times the number of methods tried, allows to say.

    Only `phash` and `local` can tell copies: different pictures, too, may have the same colours or look alike. A copy
    is the "same picture" when it is upright and hardly differs in structure and colours; local evidence knows whether
    one picture is only a part of the other. asked: the methods asked; bits: of the collection's hash.
    """
    by = {one.method: one for one in evidence}
    if "file" in by:
        return SAME_FILE
    phash, local, color = _certain(by.get("phash"), tried), _certain(by.get("local"), tried), by.get("color")
    if phash is None:
        part = local.detail["label"] if local else None
        return {"same picture": EDITED_COPY, "crop of": CROP_OF, "contains": CONTAINS}.get(str(part), SIMILAR)
    recoloured = color.distance > SAME_COLORS if color else "color" in asked
    upright = phash.variant == "as is" and phash.distance <= SAME_HASH * bits
    return SAME_PICTURE if upright and not recoloured else EDITED_COPY


def _certain(evidence: Evidence | None, tried: int) -> Evidence | None:
    chance = None if evidence is None else evidence.expected_false
    return evidence if chance is not None and chance * tried <= COPY else None
