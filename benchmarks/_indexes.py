"""Our indexes as the benchmarks of them use them: over rows in memory, on one thread, as one segment."""

from __future__ import annotations

from typing import Any

import numpy as np
from _table import stopwatch

from lookalike import threads
from lookalike.arrays.rows import Ids, Rows
from lookalike.index.base import Index, IndexKind, Segment
from lookalike.index.items import Items


def on_one_thread() -> None:
    """From now on, scans of large arrays use one core like everything else."""
    threads.CORES = 1


def sealed(kind: IndexKind[Any, Any], rows: Rows, dead: Ids | None = None) -> tuple[Index[Any], float, float]:
    """An index, the seconds that sealing took, and the bytes an item that were derived from the rows."""
    items: Items[Any] = Items.of(np.arange(len(rows)), rows, dead)
    if kind.tail is None:
        return kind.open(items, ()), 0.0, 0.0
    seconds, made = stopwatch(lambda: kind.seal(rows))
    index = kind.open(items, [Segment(0, len(rows), kind.load(made, len(rows)))])
    return index, seconds, sum(array.nbytes for array in made.arrays.values()) / len(rows)
