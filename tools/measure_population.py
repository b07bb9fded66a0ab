"""Measure what photographs at large have in common, for population.npz and embedding-mean.npy:

    python tools/measure_population.py FOLDER [FOLDER ...]

Writes the mean and the spread of the concept space's raw features, the directions in which learned ones vary, and the
mean of the network's rooted ones, over all pictures in the folders: statistics only, from which no picture can be told.
Scores are standardised with them, so that they do not depend on the user's collection. The folders must not hold the
photographs that tools/learn_words.py learned from: what a map says of those varies more.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from lookalike.errors import ImageError
from lookalike.models.bundle import BUNDLED_FILES
from lookalike.models.concepts import FEATURES, LEARNED, ConceptSpace
from lookalike.models.learned import shipped
from lookalike.models.network import ImageNetwork
from lookalike.pictures.open import open_image

SMALLEST_VARIANCE = 1e-5  # as a share of the greatest
RADIUS_PERCENTILE, ROOM = 99.0, 1.3  # longer ones are shortened, and would be found as less relevant than they are


def main(folders: list[str]) -> None:
    network, space, learned = ImageNetwork(), ConceptSpace(), shipped()
    sights, said = [], []
    for path in sorted(p for folder in folders for p in Path(folder).rglob("*") if p.is_file()):
        try:
            seen = network.run(open_image(path))
        except ImageError:
            continue
        sights.append(seen)
        said.append(learned(space.read(seen)[None])[0])
    roots = np.mean([seen.root for seen in sights], axis=0, dtype=np.float64)
    np.save(BUNDLED_FILES / "embedding-mean.npy", roots.astype(np.float32))
    usual = np.mean(said, axis=0, dtype=np.float64)
    around = np.array(said, np.float64) - usual
    basis = axes(around.T @ around, LEARNED)
    np.savez(BUNDLED_FILES / "population.npz", usual=usual.astype(np.float32), learned_basis=basis.astype(np.float32))
    features = np.array([space.features(seen) for seen in sights], np.float64)
    centred = features - features.mean(axis=0)
    root, evening = powers(centred.T @ centred / len(centred))
    upper = np.triu_indices(FEATURES)
    radius = ROOM * np.percentile(np.linalg.norm(centred @ evening, axis=1), RADIUS_PERCENTILE)
    np.savez(
        BUNDLED_FILES / "population.npz",
        pictures=len(features),
        usual=usual.astype(np.float32),
        learned_basis=basis.astype(np.float32),
        mean=features.mean(axis=0).astype(np.float32),
        root=root[upper].astype(np.float32),
        evening=evening[upper].astype(np.float32),
        radius=np.float32(radius),
    )
    print(f"{len(features)} pictures, radius {radius:.3f}")


def axes(scatter: np.ndarray, count: int) -> np.ndarray:
    """(d, count) eigenvectors of the greatest eigenvalues, each with its largest entry positive."""
    vectors = np.linalg.eigh(scatter)[1][:, ::-1][:, :count]
    return vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(count)])


def powers(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The covariance to the power 1/2 and -1/4; variances too small to be measured are raised."""
    variances, axes = np.linalg.eigh(covariance)
    variances = np.maximum(variances, SMALLEST_VARIANCE * variances.max())
    return (axes * variances**0.5) @ axes.T, (axes * variances**-0.25) @ axes.T


if __name__ == "__main__":
    main(sys.argv[1:])
