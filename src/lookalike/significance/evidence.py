"""What a method says of the pictures that it finds: what there is to weigh. The same field names in JSON and HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lookalike.methods.base import Traits


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why one method thinks so.

    distance: in the method's unit. expected_false: how many pictures at least this close chance alone would
    bring (None where no null model is known). variant: "as is", "mirrored", "turned 90" ... detail: for
    `local` the inlier count and quadrilaterals in original pixels.
    """

    method: str
    distance: float
    expected_false: float | None = None
    variant: str = "as is"
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Findings:
    """What one method says of a query. found: id -> evidence, nearest first. variants: how many were asked, pictures:
    of how many.

    reason: why nothing could be asked, when nothing could.
    """

    method: str
    traits: Traits
    found: dict[int, Evidence]
    variants: int
    pictures: int
    seconds: float
    reason: str | None = None
