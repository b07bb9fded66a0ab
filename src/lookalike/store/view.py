"""One committed state of a collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lookalike.arrays.rows import Ids
from lookalike.store.methods import StoredMethod


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a collection held at one moment, read in one transaction.

    generation: rises with every change that a reader can notice. methods: by name, in the order in which they were
    added. tombstones: ascending ids whose descriptors must not be found. pictures: how many can be found. newest: the
    highest id that there was.
    """

    generation: int
    methods: Mapping[str, StoredMethod]
    tombstones: Ids
    pictures: int
    newest: int

    def living(self, ids: Ids) -> Ids:
        """Those of ascending ids that could be found then: none that came later, none that was gone."""
        ids = ids[: np.searchsorted(ids, self.newest, "right")]
        return np.setdiff1d(ids, self.tombstones, assume_unique=True)
