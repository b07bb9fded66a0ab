"""Measure how photographs at large spread in the concept space, for population.npz:

    python tools/measure_population.py FOLDER [FOLDER ...]

Writes the mean and covariance of the raw features over all pictures in the folders: statistics only, from which
no picture can be told. Scores are standardised with them, so that they do not depend on the user's collection.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from lookalike.errors import ImageError
from lookalike.image import open_image
from lookalike.models.bundle import BUNDLED_FILES
from lookalike.models.concepts import FEATURES, ConceptSpace
from lookalike.models.network import ImageNetwork

RADIUS_PERCENTILE = 99.0  # the longest few are shortened rather than let them squeeze all others


def main(folders: list[str]) -> None:
    network, space = ImageNetwork(), ConceptSpace()
    rows = []
    for path in sorted(p for folder in folders for p in Path(folder).rglob("*") if p.is_file()):
        try:
            sight = network.run(open_image(path))
        except ImageError:
            continue
        rows.append(space.features(sight.pixels, sight.logits))
    features = np.array(rows, np.float64)
    centred = features - features.mean(axis=0)
    radius = np.percentile(np.linalg.norm(centred, axis=1), RADIUS_PERCENTILE)
    np.savez(
        BUNDLED_FILES / "population.npz",
        pictures=len(features),
        mean=features.mean(axis=0).astype(np.float32),
        covariance=(centred.T @ centred / len(centred))[np.triu_indices(FEATURES)].astype(np.float32),
        radius=np.float32(radius),
    )
    print(f"{len(features)} pictures, radius {radius:.3f}")


if __name__ == "__main__":
    main(sys.argv[1:])
