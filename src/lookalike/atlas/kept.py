"""The layout that a collection keeps, so that its map stays the same from day to day."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.files import open_arrays, write_arrays
from lookalike.arrays.rows import Ids
from lookalike.atlas.reduce import Floats, Places
from lookalike.atlas.shown import Shown, everyday
from lookalike.errors import CollectionError

EDITION = 2
"""Of the way layouts are made: those of other editions are made anew."""


@dataclass(frozen=True, slots=True, eq=False)
class KeptMap:
    """What is kept of a map.

    ids: (n,) int64, ascending. positions: (n, 2) float32. neighbours: (n, k) int64 ids, the nearest first.
    region: (n,) int64 number of each picture's region, -1 for none. names: of the regions, from 0 on.
    named: whether the names say what is seen. shown: which words fit each picture.
    """

    ids: Ids
    positions: Floats
    neighbours: Ids
    region: Places
    names: tuple[str, ...]
    named: bool
    shown: Shown


def load(path: Path, made_from: dict[str, Any]) -> KeptMap | None:
    """The kept layout; None when there is none, it is damaged, or it was made from something else."""
    try:
        file = open_arrays(path, "map")
        file.check_all()
    except (OSError, ValueError, CollectionError):
        return None
    stamp, arrays = dict(file.params), file.arrays
    named = stamp.pop("named", False)
    if stamp != _stamp(made_from) or not _makes_sense(arrays):
        return None
    names = tuple(arrays["names"].tobytes().decode("utf-8", "replace").split("\n")) if arrays["names"].size else ()
    shown = Shown(arrays["words"], arrays["relevance"])
    return KeptMap(
        arrays["ids"], arrays["positions"], arrays["neighbours"], arrays["region"], names, bool(named), shown
    )


def save(path: Path, made_from: dict[str, Any], layout: KeptMap) -> None:
    """Replace the kept layout in one step; the caller holds the writer's lock."""
    arrays: dict[str, NDArray[Any]] = {
        "ids": layout.ids,
        "positions": layout.positions,
        "neighbours": layout.neighbours,
        "region": layout.region,
        "names": np.frombuffer("\n".join(layout.names).encode(), np.uint8),
        "words": layout.shown.words,
        "relevance": layout.shown.relevance,
    }
    write_arrays(path, "map", {**_stamp(made_from), "named": layout.named}, arrays)


def _makes_sense(arrays: dict[str, NDArray[Any]]) -> bool:
    """Whether the arrays are those of a layout: a file can be made by anybody."""
    if arrays.keys() != {"ids", "positions", "neighbours", "region", "names", "words", "relevance"}:
        return False
    ids, near, words = arrays["ids"], arrays["neighbours"], arrays["words"]
    if words.dtype.str != "<i2" or words.ndim != 2 or len(words) != len(ids) or (words >= len(everyday())).any():
        return False
    if arrays["relevance"].dtype != np.uint8 or arrays["relevance"].shape != words.shape:
        return False
    kinds = [(array.dtype.str, array.shape[:1]) for array in (ids, near, arrays["region"], arrays["positions"])]
    return (
        kinds == [("<i8", ids.shape)] * 3 + [("<f4", ids.shape)]
        and near.ndim == arrays["positions"].ndim == 2
        and arrays["positions"].shape[1] == 2
        and bool(np.isfinite(arrays["positions"]).all() and np.isin(near, ids).all() and np.all(ids[1:] > ids[:-1]))
    )


def _stamp(made_from: dict[str, Any]) -> dict[str, Any]:
    return {"edition": EDITION, **made_from}
