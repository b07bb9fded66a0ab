"""Why a picture was found, in a few words."""

from __future__ import annotations

from lookalike.search.match import THROUGH, Match
from lookalike.search.relevance import HARDLY, MATCHES
from lookalike.significance.evidence import Evidence


def why(match: Match) -> str:
    """The label and the evidence that decides: "similar (phash 12 mirrored)"."""
    best = next(iter(match.evidence), None)
    if best is None or best.method == "file" or match.label == HARDLY:
        return match.label
    return f"{match.label} ({reason(best)})"


def kind(match: Match) -> str:
    """What the picture is to the query, for those who want no numbers: "the query is 36 % of it, mirrored"."""
    from lookalike.search.labels import CONTAINS, CROP_OF

    best = next(iter(match.evidence), None)
    variant = "" if best is None or best.variant in ("as is", THROUGH) else f", {best.variant}"
    covered = next((one.detail["covered"] for one in match.evidence if "covered" in one.detail), None)
    if match.label == CROP_OF:
        part = "a part" if covered is None else f"{round(100 * covered)} %"
        return f"the query is {part} of it{variant}"
    if match.label == CONTAINS:
        return f"a part of the query{variant}"
    if match.label == MATCHES and best is not None and "words" in best.detail:
        return reason(best)
    if match.label == MATCHES and best is not None and "strength" in best.detail:
        return f"{best.detail['strength']} match"
    return f"{match.label}{variant}"


def reason(evidence: Evidence) -> str:
    """One method's distance in its own unit, or what it found, and how the question was turned when it was."""
    variant = "" if evidence.variant in ("as is", THROUGH) else f" {evidence.variant}"
    if "inliers" in evidence.detail:
        share = evidence.detail.get("covered")
        part = "" if share is None else f", {share:.0%} of the picture".replace("%", " %")
        return f"{evidence.detail['inliers']} inliers{part}{variant}"
    if "words" in evidence.detail:
        where = "captioned" if evidence.detail["in"] == "caption" else "named"
        return f"{where} {', '.join(evidence.detail['words'])}"
    if "strength" in evidence.detail:
        return str(evidence.detail["strength"])
    return f"{evidence.method} {round(evidence.distance, 3):g}{variant}"


def chance(expected_false: float | None) -> str:
    """How many pictures as close as this chance alone would bring: "0.07", "< 1e-9", nothing when it is unknown."""
    if expected_false is None:
        return ""
    return (
        "< 1e-9"
        if expected_false < 1e-9
        else f"{expected_false:,.0f}"
        if expected_false >= 10
        else f"{expected_false:.2g}"
    )
