"""The learned part of text search: a linear map from what the network sees in a picture to what people say of it.

Ridge regression from features of captioned photographs to the mean sentence vector of their captions (the linear
map of Lazaridou et al. 2014, with a classifier's belief beside the pooled maps). The package holds its coefficients,
learned by tools/learn_words.py; the same code goes on learning from a user's own captions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import ModelError, printable
from lookalike.models.bundle import BUNDLED_FILES
from lookalike.models.network import unit_rows
from lookalike.models.sentences import DIMENSION as SENTENCE

FILE = "learned.npz"
PENALTY = 2.0  # of the ridge, for features of unit length in three parts
FEATURES = 1280 + 624 + SENTENCE

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LearnedMap:
    """features -> unit((features - mean) @ coefficients), in the space of sentences less `said`.

    mean: (2288,). coefficients: (2288, 384). said: (384,) the mean sentence vector of captions. told: (384,) the mean
    of the targets. axes: (2288, m) orthonormal, the directions in which the photographs learned from vary most, and
    strengths: (m,) their squared lengths there: what must be kept of the photographs to go on learning.
    """

    mean: Floats
    coefficients: Floats
    said: Floats
    told: Floats
    axes: Floats
    strengths: Floats

    def __call__(self, features: Floats) -> Floats:
        """What pictures (n, 2288) show, as directions among sentences: (n, 384), unit length.

        Without the step to unit length pictures of which little is known would never be found.
        """
        return unit_rows(np.asarray((features - self.mean) @ self.coefficients, np.float32))

    def more(self, features: Floats, targets: Floats, weight: float = 1.0) -> LearnedMap:
        """The map after learning from further captioned pictures (n, 2288), each `weight` times; see `targets`.

        The ridge of all pictures together, old and new, of which the old ones are known along their `axes`: exactly
        Bayesian linear regression with the old solution as prior mean and its precision as prior precision.
        """
        new = (features - self.mean).astype(np.float64)
        axes, strengths = self.axes.astype(np.float64), self.strengths.astype(np.float64)
        shrunk = (new - ((new @ axes) * (strengths / (strengths + PENALTY))) @ axes.T) / PENALTY
        missing = targets - self.told - new @ self.coefficients
        gain = np.linalg.solve(shrunk @ new.T + np.eye(len(new)) / weight, missing)
        return LearnedMap(
            self.mean,
            (self.coefficients + shrunk.T @ gain).astype(np.float32),
            self.said,
            self.told,
            self.axes,
            self.strengths,
        )

    def targets(self, captions: list[Floats]) -> Floats:
        """What to learn for pictures, from their captions' sentence vectors, (m, 384) for each picture: (n, 384)."""
        return np.array([unit_rows(vectors - self.said).mean(axis=0) for vectors in captions], np.float32)

    def save(self, path: Path, axes: bool = True) -> None:
        """Write the map, in 16 bits where that loses nothing. axes: also what is needed to go on learning."""
        kept = {"mean": self.mean, "said": self.said, "told": self.told, "strengths": self.strengths}
        arrays: dict[str, Any] = {**kept, "coefficients": self.coefficients.astype(np.float16)}
        if axes:
            arrays["axes"] = self.axes.astype(np.float16)
        with path.open("wb") as file:
            np.savez(file, **arrays)

    @staticmethod
    def load(path: Path) -> LearnedMap:
        """ModelError for a file that is missing or damaged."""
        try:
            with np.load(path, allow_pickle=False) as kept:
                axes = kept["axes"] if "axes" in kept else np.zeros((FEATURES, len(kept["strengths"])))
                found = [kept["mean"], kept["coefficients"], kept["said"], kept["told"], axes, kept["strengths"]]
        except (OSError, ValueError, KeyError, BadZipFile) as problem:
            raise ModelError(f"{printable(path)}: not a map learned from captions ({problem})") from problem
        return LearnedMap(*(values.astype(np.float32) for values in found))


def learn(features: Floats, captions: list[Floats], axes: int) -> LearnedMap:
    """The map from captioned pictures (n, 2288) and their captions' sentence vectors. In the dual form: n < 2288."""
    said = np.concatenate(captions).astype(np.float64).mean(axis=0).astype(np.float32)
    empty = np.zeros(0, np.float32)
    targets = LearnedMap(empty, empty, said, empty, empty, empty).targets(captions).astype(np.float64)
    mean, told = features.astype(np.float64).mean(axis=0), targets.mean(axis=0)
    centred = features - mean
    coefficients = centred.T @ np.linalg.solve(centred @ centred.T + PENALTY * np.eye(len(centred)), targets - told)
    values, vectors = np.linalg.eigh(centred @ centred.T)
    strengths, vectors = np.maximum(values[::-1][:axes], 0.0), vectors[:, ::-1][:, :axes]
    directions = centred.T @ vectors / np.sqrt(np.maximum(strengths, 1e-9))
    return LearnedMap(*(part.astype(np.float32) for part in (mean, coefficients, said, told, directions, strengths)))


def picture_features(roots: Floats, middle: Floats, meaning: Floats) -> Floats:
    """What the map reads of pictures: (n, 2288), three parts of unit length.

    roots: (n, 1280) of `ImageNetwork.run_roots`. middle: (n, 624) pooled maps of its middle, of any length. meaning:
    (n, 384) the classifier's belief as a sentence vector, of unit length.
    """
    return np.concatenate([roots, unit_rows(middle), meaning], axis=1).astype(np.float32)


@lru_cache(maxsize=1)
def shipped() -> LearnedMap:
    """The map that comes with lookalike."""
    return LearnedMap.load(BUNDLED_FILES / FILE)
