"""Why a picture was found, in a few words."""

from __future__ import annotations

from lookalike.ranking.match import Evidence, Match


def why(match: Match) -> str:
    """The label, then each method's distance and how the question was turned: "similar: phash 12 mirrored"."""
    return f"{match.label}: {', '.join(map(reason, match.evidence))}"


def reason(evidence: Evidence) -> str:
    """One method's distance, in its own unit, and the variant that came closest unless it is the picture as it is."""
    variant = "" if evidence.variant == "as is" else f" {evidence.variant}"
    return f"{evidence.method} {round(evidence.distance, 3):g}{variant}"
