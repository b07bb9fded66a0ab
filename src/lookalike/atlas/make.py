"""Making the map of a collection: kept where nothing changed, added to where little did, else laid out anew."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lookalike.arrays.rows import Ids
from lookalike.atlas.atlas import Atlas, MapRegion
from lookalike.atlas.kept import KeptMap, load, save
from lookalike.atlas.layout import GRAPH, lay_out, lay_out_by_sample, place
from lookalike.atlas.reduce import Floats, Places, neighbours, principal_components
from lookalike.atlas.regions import find_regions, name_regions
from lookalike.atlas.shown import Shown, words_shown
from lookalike.errors import CollectionError, QueryError
from lookalike.progress import Progress, Told

if TYPE_CHECKING:
    from lookalike.search.searcher import Searcher
    from lookalike.store.catalogue import Catalogue
    from lookalike.store.directory import Store

SHOWN_NEIGHBOURS = 12
MOST_NEW = 0.5  # share of pictures that a kept layout does not know: above, everything is laid out anew
WHOLE, SAMPLED = 100_000, 50_000  # pictures up to which all are arranged together; above, so many of them
EXACT = 30_000  # pictures up to which neighbours are sought among whole vectors; above, among their main components


def make_atlas(
    store: Store, searcher: Searcher, method: str, *, refresh: bool, grid: bool, seed: int, progress: Told | None
) -> Atlas:
    """The map of all pictures that can be found and have a vector of this method, see Collection.map."""
    stored = searcher.stored(method)
    if stored.layout.ragged or stored.layout.dtype != "float16":
        raise QueryError(f"a map is made from vectors, which {method!r} has none of: name embedding or embedding:MODEL")
    ids, vectors = _vectors(searcher, method)
    made_from = {"method": method, "params": stored.params, "seed": seed}
    kept = None if refresh else load(store.map_file(stored), made_from)
    words = next((name for name in searcher.methods if searcher.method(name).traits.role == "words"), None)
    if kept is None or kept.named != (words is not None) or not np.array_equal(kept.ids, ids):
        kept = _laid_out(kept, ids, vectors, seed, progress)
        kept = _named(kept, searcher, words, progress)
        # where it is busy, full or read-only, the map is made anew the next time
        with contextlib.suppress(CollectionError), store.writing():
            save(store.map_file(stored), made_from, kept)
    return _atlas(kept, searcher.catalogue, method, grid)


def _vectors(searcher: Searcher, method: str) -> tuple[Ids, Floats]:
    """Ids, ascending, and float32 vectors of the pictures that can be found."""
    items = searcher.items(method)
    places = np.arange(items.size) if items.live is None else np.flatnonzero(items.live)
    places = places[np.argsort(items.ids[places], kind="stable")]
    return items.ids[places], np.asarray(items.take(places), np.float32)


def _laid_out(kept: KeptMap | None, ids: Ids, vectors: Floats, seed: int, progress: Told | None) -> KeptMap:
    """The kept positions with the new pictures among them, or new positions for all. Without regions."""

    def step(doing: str, done: int, total: int) -> None:
        if progress:
            progress(Progress(doing, done, total))

    count = len(ids)
    space = vectors if count <= EXACT else principal_components(vectors)
    graph = neighbours(
        space, GRAPH if count <= WHOLE else SHOWN_NEIGHBOURS, lambda done: step("comparing", done, count)
    )
    known = np.zeros(count, bool) if kept is None else np.isin(ids, kept.ids)
    if kept is None or (~known).sum() > MOST_NEW * count:
        if count <= WHOLE:
            positions = lay_out(vectors, graph, seed, step)
        else:
            positions = lay_out_by_sample(space, graph[1][:, -1], SAMPLED, seed, step)
    else:
        positions = np.empty((count, 2), np.float32)
        positions[known] = kept.positions[np.searchsorted(kept.ids, ids[known])]
        if not known.all():
            positions[~known] = place(vectors[~known], vectors[known], positions[known])
    near = ids[graph[0][:, :SHOWN_NEIGHBOURS]]
    return KeptMap(ids, positions, near, np.full(count, -1), (), False, Shown.nothing(count))


def _named(layout: KeptMap, searcher: Searcher, words: str | None, progress: Told | None) -> KeptMap:
    """The layout with its regions, named by what they show, and the words that fit each picture; both only when the
    collection keeps a method of words."""
    if progress:
        progress(Progress("naming", 0, 1))
    groups = find_regions(layout.positions)
    region = np.full(len(layout.ids), -1)
    for number, group in enumerate(groups):
        region[group] = number
    names = [f"region {number}" for number in range(1, len(groups) + 1)]
    shown = Shown.nothing(len(layout.ids))
    if words is not None:
        from lookalike.models.concepts import shared_space

        ids, rows = _vectors(searcher, words)
        _, here, there = np.intersect1d(layout.ids, ids, assume_unique=True, return_indices=True)
        within: list[Places] = [there[region[here] == number] for number in range(len(groups))]
        clear = [number for number, group in enumerate(within) if len(group)]
        found = name_regions(rows, [within[number] for number in clear], shared_space())
        fitting = words_shown(rows, shared_space())
        shown.words[here], shown.relevance[here] = fitting.words[there], fitting.relevance[there]
        for number, name in zip(clear, found, strict=True):
            names[number] = name or names[number]
    return replace(layout, region=region, names=tuple(names), named=words is not None, shown=shown)


def _atlas(layout: KeptMap, catalogue: Catalogue, method: str, grid: bool) -> Atlas:
    records = catalogue.records(layout.ids)
    shown: list[Any] = [records[int(id_)] for id_ in layout.ids]
    coordinates, shape = layout.positions, None
    if grid:
        from lookalike.atlas.grid import assign_grid

        cells, *sides = assign_grid(layout.positions)
        coordinates, shape = cells.astype(np.float32), (sides[0], sides[1])
    regions = []
    for number, name in enumerate(layout.names):
        inside = layout.region == number
        x, y = np.median(coordinates[inside], axis=0)
        regions.append(MapRegion(name, (float(x), float(y)), layout.ids[inside]))
    return Atlas(
        ids=layout.ids,
        coordinates=coordinates,
        regions=tuple(regions),
        method=method,
        paths=tuple(record.path for record in shown),
        shapes=np.array([(record.width or 1, record.height or 1) for record in shown], np.int64).reshape(-1, 2),
        neighbours=layout.neighbours,
        shown=layout.shown,
        grid=shape,
        missing=np.setdiff1d(catalogue.living(), layout.ids),
    )
