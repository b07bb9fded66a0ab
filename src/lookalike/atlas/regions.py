"""Which pictures lie together on the map, and in a word what they show.

Clusters by ToMATo (F. Chazal, L. Guibas, S. Oudot, P. Skraba, "Persistence-based clustering in Riemannian manifolds",
2013): pictures are visited from the densest place outwards and join the cluster of their densest neighbour; two
clusters that meet become one unless both rise clearly above the pass between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.atlas.reduce import Floats, Places, neighbours_on_plane
from lookalike.atlas.shown import everyday, questions

if TYPE_CHECKING:
    from lookalike.models.concepts import ConceptSpace

GRAPH = 12  # neighbours on the map that a picture can join
SMOOTHED = 30  # neighbours that the density is measured over
RISE = 1.1  # how much denser than the pass a peak must be to stay one
FEWEST = 5
IN_A_NAME = 2
AT_LARGE = 0.5  # how much of what the whole collection shows is left out of the names of its regions
LEAST = 1.4  # by how much a word must fit, in standard deviations over photographs, less what is left out
NEARLY = 0.9  # of how well the first word fits, so well the second has to


def find_regions(positions: Floats) -> list[Places]:
    """Groups of places in `positions` (n, 2), the largest first; what belongs to none is left out."""
    count = len(positions)
    fewest = max(FEWEST, count // 150)
    if count < 2 * fewest:
        return [np.arange(count)] if count >= FEWEST else []
    near, distances = neighbours_on_plane(positions, min(SMOOTHED, count - 1))
    width = max(float(np.median(distances[:, -1])) / 2, 1e-9)
    density = np.exp(-((distances / width) ** 2) / 2).sum(axis=1)
    cluster = _clusters(near[:, :GRAPH], density)
    groups = [np.flatnonzero(cluster == top) for top in np.unique(cluster)]
    return sorted((group for group in groups if len(group) >= fewest), key=lambda group: (-len(group), group[0]))


def _clusters(near: Places, density: NDArray[np.floating]) -> Places:
    """For each point the peak of the cluster that it belongs to."""
    order = np.lexsort((np.arange(len(density)), -density))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    parent = np.arange(len(density))

    def top(point: int) -> int:
        while parent[point] != point:
            parent[point] = parent[parent[point]]
            point = int(parent[point])
        return point

    for point in order:
        tops = sorted({top(int(other)) for other in near[point] if rank[other] < rank[point]}, key=lambda t: rank[t])
        if not tops:
            continue
        parent[point] = tops[0]
        for lower in tops[1:]:
            if density[lower] < RISE * density[point]:
                parent[lower] = tops[0]
    return np.array([top(point) for point in range(len(density))])


def name_regions(rows: NDArray[np.floating], groups: Sequence[Places], space: ConceptSpace) -> list[str]:
    """A name of one or two words for each group of places in `rows` (n, 384) of the concept space, "" where none fits.

    The words that fit the group best, and better than they fit the collection as a whole.
    """
    if not groups:
        return []
    words = everyday()
    scores = np.stack([space.score(rows, query) for query in questions(space)], axis=1)
    usual = AT_LARGE * scores.mean(axis=0)
    names = []
    for group in groups:
        fits = scores[group].mean(axis=0) - usual
        best = np.argsort(-fits, kind="stable")[:IN_A_NAME]
        least = max(LEAST, NEARLY * fits[best[0]])
        names.append(", ".join(words[place] for place in best if fits[place] >= least))
    return names
