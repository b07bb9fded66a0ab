"""What a collection holds twice, which copy to keep, and a plan that can be undone."""

from lookalike.duplicates.find import Wanted, find_duplicates
from lookalike.duplicates.group import Group, Member
from lookalike.duplicates.keeper import RULES
from lookalike.duplicates.moves import LeftAlone, MoveReport, apply_plan, undo
from lookalike.duplicates.plan import write_plan

__all__ = [
    "RULES",
    "Group",
    "LeftAlone",
    "Member",
    "MoveReport",
    "Wanted",
    "apply_plan",
    "find_duplicates",
    "undo",
    "write_plan",
]
