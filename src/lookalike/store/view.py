"""One committed state of a collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lookalike.arrays.rows import Ids
from lookalike.store.methods import StoredMethod


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a collection held at one moment, read in one transaction.

    generation: rises with every change that a reader can notice. methods: by name, in the order in which they were
    added. tombstones: ascending ids whose descriptors must not be found. pictures: how many can be found.
    """

    generation: int
    methods: Mapping[str, StoredMethod]
    tombstones: Ids
    pictures: int
