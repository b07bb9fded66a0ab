"""Filling a collection: what `Collection.index` and `Collection.merge` do while they hold the writer's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lookalike.errors import CollectionError
from lookalike.ingest.merge import Part, accept_methods, merge, together
from lookalike.ingest.run import Failure, IndexReport, Options, index
from lookalike.ingest.shards import begin_shard, count_merged, finish_shard, refuse_another
from lookalike.methods.base import Method
from lookalike.methods.factory import NAMES, make, parse
from lookalike.progress import Progress
from lookalike.search.derived import made_here
from lookalike.search.segments import seal_all
from lookalike.significance.nulls import learn
from lookalike.store.directory import Store

NOTHING_TO_INDEX = "nothing to index: name a folder of pictures"


def fill(
    store: Store, paths: Sequence[str], methods: Sequence[str], options: Options, told: Callable[[Progress], None]
) -> IndexReport:
    """Bring a collection up to date with absolute paths, or without any with those of earlier runs."""
    refuse_another(store, options.shard)
    if options.shard is not None:
        begin_shard(store, options.shard, paths)
    before = store.catalogue.methods()
    asked = [(text, parse(text)) for text in methods or (() if before else NAMES)]
    held = {name: store.arguments(stored) for name, stored in before.items()}
    # made before any is added: a model that is missing must not leave half of them behind
    for method in [make(text, held.get(choice.name)) for text, choice in asked]:
        store.add_method(method.name, method.params, method.layout)
    roots = list(paths) or store.catalogue.roots()
    if not roots:
        raise CollectionError(NOTHING_TO_INDEX)
    # A remembered folder may be on a drive that is not there today; one named now was mistyped.
    away = [] if paths else [root for root in roots if not os.path.exists(root)]
    there = [root for root in roots if root not in away] or roots
    passing = {choice.name: choice.passing for _, choice in asked}
    held = {name: store.arguments(stored) for name, stored in store.catalogue.methods().items()}
    kept = [(name, {**arguments, **passing.get(name, {})}) for name, arguments in held.items()]
    made = {name: make(name, params) for name, params in kept}  # one that cannot be is refused before any work
    for stored in store.catalogue.methods().values():
        store.matrix(stored)  # and so is one whose descriptors are not what the catalogue says
    report = index(store, there, kept, options, told, lambda: seal_all(store, made))
    report.failed += [Failure(root, "not there now; `lookalike remove` forgets it") for root in away]
    _finish(store, made)
    if options.shard is not None:
        finish_shard(store, options.shard, paths)
    return report


def take_over(store: Store, parts: Sequence[Part], told: Callable[[Progress], None]) -> IndexReport:
    """Merge parts into a collection."""
    refuse_another(store, None)
    accept_methods(store, parts)
    methods = made_here(store)
    report = together([merge(store, part, told, lambda: seal_all(store, methods)) for part in parts])
    _finish(store, methods)
    report.missing = count_merged(store, [(part.shard, part.roots) for part in parts if part.shard is not None])
    return report


def _finish(store: Store, methods: Mapping[str, Method[Any]]) -> None:
    seal_all(store, methods)
    learn(store, methods)
