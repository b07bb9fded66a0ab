"""Measure what photographs at large have in common, for population.npz and embedding-mean.npy:

    python tools/measure_population.py FOLDER [FOLDER ...]

Writes the mean and the spread of the concept space's raw features, and the mean of the network's rooted ones, over
all pictures in the folders: statistics only, from which
no picture can be told. Scores are standardised with them, so that they do not depend on the user's collection.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from lookalike.errors import ImageError
from lookalike.models.bundle import BUNDLED_FILES
from lookalike.models.concepts import FEATURES, ConceptSpace
from lookalike.models.network import ImageNetwork
from lookalike.pictures.open import open_image

SMALLEST_VARIANCE = 1e-5  # as a share of the greatest
RADIUS_PERCENTILE = 99.0  # the longest few are shortened rather than let them squeeze all others


def main(folders: list[str]) -> None:
    network, space = ImageNetwork(), ConceptSpace()
    rows, roots = [], []
    for path in sorted(p for folder in folders for p in Path(folder).rglob("*") if p.is_file()):
        try:
            sight = network.run(open_image(path))
        except ImageError:
            continue
        rows.append(space.features(sight.pixels, sight.logits))
        roots.append(network.run_roots(sight.pixels[None])[0][0])
    np.save(BUNDLED_FILES / "embedding-mean.npy", np.mean(roots, axis=0, dtype=np.float64).astype(np.float32))
    features = np.array(rows, np.float64)
    centred = features - features.mean(axis=0)
    root, evening = powers(centred.T @ centred / len(centred))
    upper = np.triu_indices(FEATURES)
    radius = np.percentile(np.linalg.norm(centred @ evening, axis=1), RADIUS_PERCENTILE)
    np.savez(
        BUNDLED_FILES / "population.npz",
        pictures=len(features),
        mean=features.mean(axis=0).astype(np.float32),
        root=root[upper].astype(np.float32),
        evening=evening[upper].astype(np.float32),
        radius=np.float32(radius),
    )
    print(f"{len(features)} pictures, radius {radius:.3f}")


def powers(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The covariance to the power 1/2 and -1/4; variances too small to be measured are raised."""
    variances, axes = np.linalg.eigh(covariance)
    variances = np.maximum(variances, SMALLEST_VARIANCE * variances.max())
    return (axes * variances**0.5) @ axes.T, (axes * variances**-0.25) @ axes.T


if __name__ == "__main__":
    main(sys.argv[1:])
