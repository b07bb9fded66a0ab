"""An index over rows in memory, without any files."""

from __future__ import annotations

from typing import Any

import numpy as np

from lookalike.arrays.rows import Ids, Rows
from lookalike.index.base import Index, IndexKind, Segment
from lookalike.index.items import Items


def index_of(kind: IndexKind[Any, Any], rows: Rows, ids: Ids | None = None, *, sealed: bool = False) -> Index[Any]:
    """All of the rows under these ids (0, 1, 2 ... unless given); sealed: as one segment, else compared exactly."""
    items: Items[Any] = Items.of(np.arange(len(rows)) if ids is None else ids, rows)
    if not sealed or kind.tail is None:
        return kind.open(items, ())
    return kind.open(items, [Segment(0, items.size, kind.load(kind.seal(rows), items.size))])
