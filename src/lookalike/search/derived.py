"""What is derived from descriptors, by the methods that can be made here: kept up to date by the one who writes."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lookalike.errors import LookalikeError

if TYPE_CHECKING:
    from lookalike.arrays.rows import Layout
    from lookalike.methods.base import Method
    from lookalike.store.directory import Store
    from lookalike.store.matrix import Items
    from lookalike.store.methods import StoredMethod


def own_layout(name: str, params: Mapping[str, Any]) -> Layout | None:
    """What the descriptors of a method look like; None where the method cannot be made, so that nobody can ask it."""
    from lookalike.methods.factory import make

    try:
        layout: Layout = make(name, params).layout
    except LookalikeError:
        return None
    return layout


def made_here(store: Store) -> dict[str, Method[Any]]:
    """The methods of a collection by name; those that cannot be made here are not searched here either."""
    from lookalike.methods.factory import make

    made = {}
    for name, stored in store.catalogue.methods().items():
        with contextlib.suppress(LookalikeError):
            made[name] = make(name, store.arguments(stored))
    return made


def seal(store: Store) -> None:
    """Make the segments what they should be; the caller holds the writer's lock."""
    from lookalike.search.segments import seal_all

    seal_all(store, made_here(store))


def compact_with_segments(store: Store) -> int:
    """Free the space of removed pictures, taking segments over; bytes freed. The caller holds the writer's lock."""
    from lookalike.search.segments import carry_over
    from lookalike.store.upkeep import compact

    made = made_here(store)

    def carry(before: StoredMethod, kept: Items, after: StoredMethod) -> None:
        if before.name in made:
            carry_over(store, before, made[before.name].index_kind(), kept, after)

    freed = compact(store, carry)
    seal(store)
    return freed
