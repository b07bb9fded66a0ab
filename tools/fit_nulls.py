"""Measure the null models that the package ships: how close unrelated photos come by each method.

    python tools/fit_nulls.py FOLDER [--skip NAME ...] [--local-queries N]

FOLDER: a thousand or more unrelated photographs of many kinds; --skip leaves out subfolders that hold series, copies or
drawings (on white, all of them have the same colours).
Writes src/lookalike/significance/nulls.json. Distances between random pairs are kept as a few quantiles; nothing of a
picture is. For `local`, N pictures of one half are searched for in the other half, and what is found is counted.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from lookalike.arrays.rows import Ragged, Rows
from lookalike.errors import LookalikeError
from lookalike.index.items import Items
from lookalike.index.whole import index_of
from lookalike.methods.base import Method
from lookalike.methods.color import Color
from lookalike.methods.embedding import Embedding
from lookalike.methods.features import FEATURES
from lookalike.methods.local import Local
from lookalike.methods.phash import PHash
from lookalike.pictures.open import Image, open_image
from lookalike.search.geometry import FEWEST_INLIERS
from lookalike.search.local import search_local
from lookalike.significance.model import NullModel, fit, inlier_null
from lookalike.significance.nulls import BUNDLED, bundle_key, sample_distances


def measured_methods() -> list[Method[Any]]:
    """The methods with their selectable parameters."""
    return [*map(PHash, (8, 16, 24, 32)), *map(Color, (8, 16)), Embedding()]


def pictures(folder: Path, skip: set[str]) -> Iterator[Image]:
    """All pictures below a folder that can be read."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not skip & set(path.parts)]
    for path in track(files, "opening"):
        try:
            yield open_image(path)
        except LookalikeError:
            continue  # a text file beside the pictures, or a broken one: nothing to learn from


def stacked(method: Method[Any], packed: list[Any]) -> Rows:
    """Packed descriptors as an index takes them."""
    if method.layout.ragged:
        return Ragged.of(packed, method.layout.width, method.layout.dtype)
    return np.concatenate(packed)


def local_null(images: list[Image], queries: int, features: str) -> tuple[str, NullModel]:
    """The null model of `local` with some features: the worse of the usual and of a generous size and budget.

    It is kept for all sizes and budgets.
    """
    settings = [Local(features), Local(features, 640, 1000)]
    worst = max(
        (confirmed(method, images, queries) for method in settings), key=lambda found: (found[0] + 3) / found[1]
    )
    return bundle_key("local", {"features": features}), inlier_null(*worst, FEWEST_INLIERS)


def confirmed(method: Local, images: list[Image], queries: int) -> tuple[int, int]:
    """How many pairs of pictures that have nothing to do with each other `local` confirms, and of how many."""
    order = np.random.default_rng(0).permutation(len(images))
    kept, asking = order[: len(order) // 2], order[len(order) // 2 :][:queries]
    described = {int(i): method.describe(images[i]) for i in track(kept, "keypoints")}
    keypoints = {i: one for i, one in described.items() if one is not None}
    rows = stacked(method, [method.pack(one) for one in keypoints.values()])
    index: Any = index_of(method.index_kind(), rows, np.array(list(keypoints)), sealed=True)
    hits = asked = 0
    for i in track(asking, "searching"):
        variants = method.describe_query(images[i])
        asked += len(variants)
        found = search_local(index, keypoints.__getitem__, variants, len(keypoints)) if variants else []
        hits += len(found)
    Console().print(f"local {asdict(method.params)}: {hits} hits among {asked * len(keypoints)} pairs")
    return hits, asked * len(keypoints)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--skip", nargs="*", default=[])
    parser.add_argument("--local-queries", type=int, default=300)
    arguments = parser.parse_args()
    methods = measured_methods()
    packed: list[list[Any]] = [[] for _ in methods]
    images = list(pictures(arguments.folder, set(arguments.skip)))
    for image in track(images, "describing"):
        for method, rows in zip(methods, packed, strict=True):
            descriptor = method.describe(image)
            if descriptor is not None:
                rows.append(method.pack(descriptor))
    models = {}
    for features in FEATURES:
        key, null = local_null(images, arguments.local_queries, features)
        models[key] = null.to_json()
    for method, items in zip(methods, packed, strict=True):
        held = Items.of(np.arange(len(items)), stacked(method, items))
        index = method.index_kind().open(held, ())
        distances = np.concatenate([sample_distances(index, held.ids, held.source, seed) for seed in range(5)])
        model = method.traits.tail and fit(distances, method.traits.tail)
        if model is None:
            raise SystemExit(f"{method.name}: too few pictures")
        models[bundle_key(method.name, asdict(method.params))] = model.to_json()
        Console().print(f"{method.name} {asdict(method.params)}: {len(items)} pictures, scale {model.scale:.4g}")
    BUNDLED.write_text(json.dumps({"models": models}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
