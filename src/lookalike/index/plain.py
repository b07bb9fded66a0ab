"""Kinds of index that need nothing but the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lookalike.index.base import Sealed
from lookalike.index.items import Mask


class DerivesNothing:
    """The part of an `IndexKind` that seals, for a kind that has nothing to seal."""

    __slots__ = ()
    name = "plain"
    tail = None

    def seal(self, rows: Any, like: Sealed | None = None) -> Sealed:
        return Sealed({}, {})

    def merge(self, seals: Sequence[Sealed], kept: Sequence[Mask]) -> Sealed | None:
        return Sealed({}, {})

    def load(self, sealed: Sealed, items: int) -> None:
        return None
