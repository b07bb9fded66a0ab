"""The layout that a collection keeps, so that its map stays the same from day to day."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.files import read_snapshot, write_snapshot
from lookalike.arrays.rows import Ids
from lookalike.atlas.reduce import Floats, Places

EDITION = 1
"""Of the way layouts are made: those of other editions are made anew."""


@dataclass(frozen=True, slots=True, eq=False)
class KeptMap:
    """What is kept of a map.

    ids: (n,) int64, ascending. positions: (n, 2) float32. neighbours: (n, k) int64 ids, the nearest first.
    region: (n,) int64 number of each picture's region, -1 for none. names: of the regions, from 0 on.
    named: whether the names say what is seen.
    """

    ids: Ids
    positions: Floats
    neighbours: Ids
    region: Places
    names: tuple[str, ...]
    named: bool


def load(path: Path, made_from: dict[str, Any]) -> KeptMap | None:
    """The kept layout; None when there is none, it is damaged, or it was made from something else."""
    try:
        stamp, arrays = read_snapshot(path, "map")
    except (OSError, ValueError):
        return None
    named = stamp.pop("named", False)
    if stamp != _stamp(made_from):
        return None
    names = tuple(arrays.pop("names").tobytes().decode().split("\n")) if arrays["names"].size else ()
    return KeptMap(arrays["ids"], arrays["positions"], arrays["neighbours"], arrays["region"], names, named)


def save(path: Path, made_from: dict[str, Any], layout: KeptMap) -> None:
    """Replace the kept layout in one step; where the collection cannot be written, nothing is kept."""
    arrays: dict[str, NDArray[Any]] = {
        "ids": layout.ids,
        "positions": layout.positions,
        "neighbours": layout.neighbours,
        "region": layout.region,
        "names": np.frombuffer("\n".join(layout.names).encode(), np.uint8),
    }
    with contextlib.suppress(OSError):
        write_snapshot(path, "map", {**_stamp(made_from), "named": layout.named}, arrays)


def _stamp(made_from: dict[str, Any]) -> dict[str, Any]:
    return {"edition": EDITION, **made_from}
