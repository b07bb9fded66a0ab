"""The answer to "what do I have twice?": groups of pictures, which one to keep, and why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

from lookalike.errors import printable
from lookalike.store.catalogue import Record

EXACT, SAME, EDITED, CROP = "exact copy", "same picture", "edited copy", "crop"
SCENE = "same scene"
COPIES = (EXACT, SAME, EDITED, CROP)
KINDS = (EXACT, SAME, EDITED, CROP, SCENE)
"""What a picture can be to the one to keep, the surest first; SCENE: another photograph, no copy."""
NAMED = {"exact": EXACT, "same": SAME, "edited": EDITED, "crop": CROP, "scene": SCENE}
"""The kinds by the word that stands for each on the command line."""
AS_IS = "as is"


@dataclass(frozen=True, slots=True)
class Member:
    """A picture of a group. sha256: hex. width, height: upright pixels. bytes: of the file.

    kind: what it is to the picture to keep (see KINDS); for that one itself, what its surest copy is.
    variant: what makes it out of the picture to keep, "mirrored", "turned 90" (clockwise) ... or "as is".
    """

    id: int
    path: str
    sha256: str
    width: int
    height: int
    bytes: int
    mtime_ns: int
    kind: str
    variant: str = AS_IS

    @classmethod
    def of(cls, record: Record, kind: str, variant: str) -> Member:
        """The member that a record of the catalogue describes."""
        return cls(
            record.id,
            record.path,
            record.sha256 or "",
            record.width or 0,
            record.height or 0,
            record.bytes,
            record.mtime_ns,
            kind,
            variant,
        )


@dataclass(frozen=True, slots=True)
class Group:
    """Pictures that are copies of one another, the one to keep first.

    keeper: the id of the member to keep; reason: why that one, in words. expected_false: how many pairs as close as
    the least close of this group chance alone would bring in the whole collection. doubt: the least logarithm of the
    odds that a member is a version of the one in the middle, not another photograph; None for identical files.
    unseen: how many members were not looked at, because their files are away.
    """

    members: list[Member]
    keeper: int
    reason: str
    expected_false: float
    doubt: float | None = None
    unseen: int = 0

    def only(self, kinds: Collection[str]) -> Group | None:
        """The group without members of other kinds; None when nothing is left beside the one to keep."""
        members = [one for one in self.members if one.id == self.keeper or one.kind in kinds]
        return replace(self, members=members) if len(members) > 1 else None

    @property
    def kind(self) -> str:
        """The least sure kind among the members besides the one to keep."""
        return max((member.kind for member in self.others), key=KINDS.index)

    @property
    def kept(self) -> Member:
        return next(member for member in self.members if member.id == self.keeper)

    @property
    def others(self) -> list[Member]:
        return [member for member in self.members if member.id != self.keeper]

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON; undecodable bytes of paths as escapes."""
        members = [{**asdict(member), "path": printable(member.path)} for member in self.members]
        return {**asdict(self), "kind": self.kind, "members": members}
