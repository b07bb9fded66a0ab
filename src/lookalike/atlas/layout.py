"""Where each picture lies on the map: t-SNE, and room for pictures that come later.

t-SNE by openTSNE (P. Policar, M. Strazar, B. Zupan, 2019): from a start by principal components, so that the large
arrangement means something (D. Kobak, P. Berens, "The art of using t-SNE for single-cell transcriptomics", 2019);
Barnes-Hut (van der Maaten 2014) for few, interpolation by FFT (Linderman et al. 2019) for many points.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lookalike.atlas.reduce import Floats, Places, nearest, neighbours, principal_components
from lookalike.errors import LookalikeError
from lookalike.extras import how_to_install

Step = Callable[[str, int, int], None]
"""Called with what is being done, how far it is, and how far it has to go."""

Graph = tuple[Places, Floats]
"""Places of the nearest neighbours of each vector, itself left out, and their distances: both (n, k)."""

PERPLEXITY = 30
GRAPH = 3 * PERPLEXITY
FEWEST = 8  # points that t-SNE is asked to arrange
WORTH_THREADS = 500  # points below which one thread is as fast
MANY = 10_000  # points from which on interpolation is faster than Barnes-Hut
EARLY, ITERATIONS, EARLY_EXAGGERATION, TOLD_EVERY = 250, 500, 12, 25
START = 1e-4  # spread of the first positions
_PLACED = 8192  # at once
NEIGHBOURS = 10  # that say where a later picture belongs


def lay_out(vectors: Floats, graph: Graph, seed: int = 0, step: Step | None = None) -> Floats:
    """Positions (n, 2) float32 for vectors (n, d), within 0..1, centred, the longer side filling it.

    graph: the GRAPH nearest neighbours of each vector, or all others. The same vectors and seed give the same
    positions on the same machine. LookalikeError when openTSNE is missing.
    """
    count = len(vectors)
    reduced = principal_components(vectors, 2) if count > 1 else np.zeros((count, 1), np.float32)
    spread = float(reduced[:, 0].std()) if count else 0.0
    if spread < 1e-5:
        return _within_one(_disc(count))
    flat = np.pad(reduced, ((0, 0), (0, 2 - reduced.shape[1]))) / spread
    if count < FEWEST:
        return _within_one(flat + 0.05 * _disc(count))
    return _within_one(_embed(flat, graph, seed, step or _silent))


def lay_out_by_sample(vectors: Floats, apart: Floats, size: int, seed: int = 0, step: Step | None = None) -> Floats:
    """As `lay_out` for more vectors (n, d) than t-SNE can take: `size` of them arranged, the others put among those.

    apart: (n,) how far the neighbours of each vector are; where they are far, more of the vectors are arranged.
    """
    chance = np.log(np.random.default_rng(seed).random(len(vectors))) / np.maximum(apart, 1e-6)
    arranged = np.sort(np.argpartition(-chance, size - 1)[:size])  # by weights (Efraimidis, Spirakis 2006)
    sample = vectors[arranged]
    there = lay_out(sample, neighbours(sample, GRAPH), seed, step)
    positions = np.empty((len(vectors), 2), np.float32)
    positions[arranged] = there
    rest = np.setdiff1d(np.arange(len(vectors)), arranged, assume_unique=True)
    for start in range(0, len(rest), _PLACED):
        some = rest[start : start + _PLACED]
        positions[some] = place(vectors[some], sample, there)
    return positions


def place(vectors: Floats, among: Floats, positions: Floats) -> Floats:
    """Positions (m, 2) for new vectors (m, d) on a map that holds vectors `among` (n, d) at `positions` (n, 2).

    Each goes to where its nearest neighbours crowd: the average of those around the one that has most of the
    others' weight close by; the rest of them may lie elsewhere on the map.
    """
    places, distances = nearest(vectors, among, NEIGHBOURS)
    weights = np.exp(-((distances / np.maximum(distances[:, :1], 1e-3)) ** 2) + 1)
    there = positions[places]
    apart = ((there[:, :, None] - there[:, None]) ** 2).sum(axis=3)
    radius = 4 / np.sqrt(len(positions))  # holds about 16 pictures of an evenly filled map
    close = np.exp(-apart / radius**2 * 2) * weights[:, None, :]
    middle = (close.sum(axis=2) * weights).argmax(axis=1)
    share = close[np.arange(len(vectors)), middle]
    return np.asarray((share[:, :, None] * there).sum(axis=1) / share.sum(axis=1, keepdims=True), np.float32)


def _embed(start: Floats, graph: Graph, seed: int, step: Step) -> Floats:
    try:
        from openTSNE import TSNEEmbedding
        from openTSNE.affinity import PerplexityBasedNN
        from openTSNE.nearest_neighbors import PrecomputedNeighbors
    except ImportError as error:
        raise LookalikeError(f"maps need openTSNE: {how_to_install('map')}") from error
    count = len(start)
    jobs = 1 if count < WORTH_THREADS else os.cpu_count() or 1
    affinities = PerplexityBasedNN(
        perplexity=min(PERPLEXITY, (count - 1) / 3), knn_index=PrecomputedNeighbors(*graph), n_jobs=jobs
    )
    noise = np.random.default_rng(seed).standard_normal(start.shape)  # equal vectors must part
    embedding = TSNEEmbedding(
        START * (start + noise / 100).astype(np.float64),
        affinities,
        negative_gradient_method="bh" if count < MANY else "fft",
        n_jobs=jobs,
        random_state=seed,
    )
    total = EARLY + ITERATIONS
    for begun, iterations, exaggeration in ((0, EARLY, EARLY_EXAGGERATION), (EARLY, ITERATIONS, 1)):
        embedding.optimize(
            n_iter=iterations,
            exaggeration=exaggeration,
            momentum=0.8,
            inplace=True,
            callbacks=lambda done, error, points, begun=begun: step("arranging", begun + done, total),
            callbacks_every_iters=TOLD_EVERY,
        )
    return np.asarray(embedding, np.float32)


def _within_one(points: NDArray[np.floating]) -> Floats:
    """Moved and scaled into 0..1, centred on 0.5, the longer side filling it."""
    if not len(points):
        return np.zeros((0, 2), np.float32)
    low, high = points.min(axis=0), points.max(axis=0)
    return np.asarray((points - (low + high) / 2) / (max(float((high - low).max()), 1e-9)) + 0.5, np.float32)


def _disc(count: int) -> Floats:
    """Points evenly on a disc of radius 1, as in a sunflower (H. Vogel 1979)."""
    number = np.arange(count)
    angle, radius = number * np.pi * (3 - np.sqrt(5)), np.sqrt(number / max(count - 1, 1))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(np.float32)


def _silent(doing: str, done: int, total: int) -> None:
    """Nobody is told."""
