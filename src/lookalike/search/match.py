"""The answer: matches, each with the evidence for it. The same field names in Python, JSON and HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from lookalike.significance.evidence import Evidence

THROUGH = "through its copy"
"""The variant of pictures that were found by what the collection knows of a copy of the query."""


@dataclass(frozen=True, slots=True)
class Match:
    """One picture of the collection that answers the question. score: 0..1, for display, 1 is identical."""

    id: int
    path: str
    score: float
    label: str
    expected_false: float | None
    evidence: list[Evidence]

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON; undecodable bytes of the path as escapes, everything else of it as it is."""
        return {**asdict(self), "path": self.path.encode("utf-8", "backslashreplace").decode("utf-8")}


@dataclass(frozen=True, slots=True)
class Step:
    """What one method did for an answer. variants: ways of asking, 0 when it was not asked (`reason` says why);
    pictures: among how many; nearest: the evidence for the picture nearest by this method."""

    method: str
    variants: int
    pictures: int
    seconds: float
    nearest: Evidence | None
    reason: str | None = None


class Matches(list[Match]):
    """A list of matches, best first. notes: what the user should know about the answer, one line each. steps: what each
    method did, in the order in which they were asked."""

    def __init__(self, matches: Iterable[Match] = (), notes: Iterable[str] = (), steps: Iterable[Step] = ()) -> None:
        super().__init__(matches)
        self.notes = tuple(notes)
        self.steps = tuple(steps)
