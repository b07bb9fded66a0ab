"""How far long work is, told to whoever wants to know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """What is being done, how much of it is done, and how much there is (0: not known yet); failed: how much of what
    is done failed. about: with what it is busy, such as a file's path."""

    doing: str
    done: int
    total: int
    failed: int = 0
    about: str = ""


Told = Callable[[Progress], None]
