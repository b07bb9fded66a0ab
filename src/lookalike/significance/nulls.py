"""Which null model a collection goes by: measured on its own pictures, on the photos behind the package, or on both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ids
from lookalike.index.base import Index
from lookalike.index.items import Items, Source
from lookalike.methods.base import Method
from lookalike.significance.model import Blend, Null, NullModel, fit
from lookalike.store.catalogue import Facts
from lookalike.store.directory import Store
from lookalike.store.methods import StoredMethod

BUNDLED = Path(__file__).with_name("nulls.json")

FEWEST = 50  # pictures before a collection's own distances count at all
ENOUGH = 1000  # pictures from which on nothing else counts
ROUNDS, SIDE = 16, 50


def null_of(catalogue: Facts, stored: StoredMethod) -> Null | None:
    """The null model of a method in a collection; None where nothing is known of it (another model, few pictures).

    Below FEWEST pictures it is the bundled one, from ENOUGH on the collection's own, in between a mixture in
    proportion to the number of pictures that the own one was learnt from.
    """
    other = bundled(stored.name, stored.params)
    pictures, own = _learnt(catalogue, stored)
    if own is None:
        return other
    share = min(1.0, pictures / ENOUGH)
    return own if other is None or share == 1.0 else Blend(own, other, share)


def learn(store: Store, methods: Mapping[str, Method[Any]]) -> list[str]:
    """Bring the own null models up to date; names of the methods that got a new one. The caller holds the lock.

    A method's is learnt anew whenever its number of pictures has doubled or halved since the last time.
    """
    learnt = []
    view = store.view()
    for name, stored in view.methods.items():
        tail, pictures = methods[name].traits.tail, min(view.pictures, stored.extent.items)
        before = _learnt(store.catalogue, stored)[0]
        if tail is None or pictures < FEWEST or before / 2 < pictures < max(1, before) * 2:
            continue
        matrix = store.matrix(stored)
        index = methods[name].index_kind().open(Items(matrix.ids(), matrix, view.tombstones), ())
        model = fit(sample_distances(index, matrix.ids(), matrix), tail)
        with store.catalogue.transaction():
            kept = None if model is None else model.to_json()
            store.catalogue.remember(_key(stored), {"pictures": pictures, "model": kept})
        learnt.append(name)
    return learnt


def bundled(name: str, params: Mapping[str, Any]) -> NullModel | None:
    """The null model shipped for a method with these parameters, if there is one; it names those that it depends on."""
    for key, kept in _shipped().items():
        method, _, needed = key.partition(" ")
        if method == name and params.items() >= json.loads(needed).items():
            return NullModel.from_json(kept)
    return None


def bundle_key(name: str, params: Mapping[str, Any]) -> str:
    """What a null model is shipped under."""
    return f"{name} {json.dumps(params, sort_keys=True)}"


def sample_distances(index: Index[Any], ids: Ids, rows: Source, seed: int = 0) -> NDArray[np.float64]:
    """Up to ROUNDS * SIDE ** 2 distances between different random pictures, through the index itself.

    Each round asks with SIDE pictures among SIDE others; ids that the index does not hold are left out.
    """
    rng = np.random.default_rng(seed)
    side = min(SIDE, len(ids) // 2)
    found: list[NDArray[np.float32]] = [np.zeros(0, np.float32)]
    for _ in range(ROUNDS if side else 0):
        places = rng.choice(len(ids), 2 * side, replace=False)
        asking = np.sort(places[:side])
        near = index.search(rows.take(asking), side, np.sort(np.asarray(ids)[places[side:]]))
        found.append(near.distances[near.ids >= 0])
    return np.concatenate(found).astype(np.float64)


def _learnt(catalogue: Facts, stored: StoredMethod) -> tuple[int, NullModel | None]:
    """From how many pictures a collection's own null model was learnt, and the model; a senseless one is none."""
    fact = catalogue.fact(_key(stored))
    try:
        return int(fact["pictures"]), None if fact["model"] is None else NullModel.from_json(fact["model"])
    except (TypeError, KeyError, ValueError):
        return 0, None


def _key(stored: StoredMethod) -> str:
    return f"null:{stored.name}"


@lru_cache(maxsize=1)
def _shipped() -> dict[str, dict[str, Any]]:
    models: dict[str, dict[str, Any]] = json.loads(BUNDLED.read_text(encoding="utf-8"))["models"]
    return models
