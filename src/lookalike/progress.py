"""How far long work is, told to whoever wants to know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """What is being done, how much of it is done, and how much there is; failed: how much of what is done failed."""

    doing: str
    done: int
    total: int
    failed: int = 0


Told = Callable[[Progress], None]
