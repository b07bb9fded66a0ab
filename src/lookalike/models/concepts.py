"""Finding pictures by text without a text-image network: what people would say of them, what a classifier sees.

Four sources. What a linear map learned from captioned photographs makes of a picture (models/learned.py), by its
cosine with the query's sentence vector. The average of the class names' sentence vectors by the classifier's belief
(ConSE, Norouzi et al., "Zero-Shot Learning by Convex Combination of Semantic Embeddings", 2014), by its cosine too.
The scores of those classes whose names are close to the query: it keeps apart what averages blur. And shares of
colours for colour and mood words. Their weighted sum is the log-odds that somebody who captions the picture would
say what the query says, fitted on captioned photographs by tools/learn_words.py.

Each source is a linear function of one row per picture, so the sum is one dot product. Row, 512 numbers of unit length:
128 coordinates of the learned direction, 128 of the ConSE vector, 238 of the class scores, 17 colour cues, less
their means over many photographs, evened out and divided by a common radius, and one number that fills up the length
to 1 (the reduction of inner product to cosine of Bachrach et al. 2014). A query has 0 there, so cosine ranks by the
sum. Evened out: multiplied by the covariance to the power -1/4, the query by its inverse. No score changes, but texts
ask along directions in which pictures vary little, and 1-bit codes would lose those beside the others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.models.bundle import BUNDLED_FILES
from lookalike.models.colours import CUES, MOODS, PHOTOGRAPHIC, cues_in, measure_cues
from lookalike.models.learned import FILE, LearnedMap, picture_features, shipped
from lookalike.models.lexicon import Lexicon, telling_words
from lookalike.models.network import NetworkOutput
from lookalike.models.sentences import Sentences

LEARNED, MEANING, SCORES = 128, 128, 238
FEATURES = LEARNED + MEANING + SCORES + len(CUES)
_LEARNED, _MEANING = slice(0, LEARNED), slice(LEARNED, LEARNED + MEANING)
_SCORES = slice(LEARNED + MEANING, LEARNED + MEANING + SCORES)
_CUES = slice(LEARNED + MEANING + SCORES, FEATURES)
DIMENSION = FEATURES + 1
EDITION = "e4186df5aaf137d4"  # of the files that rows are made from: rows of other editions do not compare

BELIEF_TEMPERATURE = 2.0  # of the softmax over classes: flatter than trained, a scene is more than its first class
NAME_TEMPERATURE = 0.05  # of the softmax over class names close to a query
CUE_SCALE = 0.1  # keeps the cues, which no text may name, from using up the row's length
COLOUR_WEIGHT, MOOD_WEIGHT = 0.6, 1.2  # log-odds a standard deviation, divided by the number of telling words: "a
CUE_LIMIT = 1.0  # red flower" is about red, a long caption with a red shirt in it is not
PHOTOGRAPHIC_WEIGHT = 5.0  # log-odds: a photograph is black and white or it is not, whatever else it shows

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ConceptQuery:
    """A text, or a weighted sum of several, as a direction among pictures.

    vector: (512,) float32, unit length. deviation: the standard deviation of its cosine with photographs at large
    (the mean is 0). scale, offset: of a single text, such that scale * cosine + offset are the log-odds that it would
    be said of the picture; scale 0 for a sum, of which nobody knows. unknown: words without a meaning here; known: how
    many others there are.
    """

    vector: Floats
    deviation: float
    scale: float = 0.0
    offset: float = 0.0
    unknown: tuple[str, ...] = ()
    known: int = 0


@dataclass(frozen=True, slots=True)
class _Population:
    """Statistics of the raw features of many photographs: mean (511,), the covariance to the power 1/2 and -1/4, both
    (511, 511) and symmetric, radius: the length that few evened features exceed."""

    mean: Floats
    root: Floats
    evening: Floats
    radius: float

    def evened(self, direction: Floats) -> Floats:
        """A direction among raw features as one among evened ones, and the reverse for a picture: the power 1/4."""
        return np.asarray(self.evening @ (self.root @ direction))


class ConceptSpace:
    """Rows for pictures, directions for texts. Files are opened when first needed.

    learned: the file of the map to describe pictures by, the shipped one unless given.
    """

    def __init__(
        self, folder: Path = BUNDLED_FILES, sentences: Sentences | None = None, learned: Path | None = None
    ) -> None:
        self._folder = folder
        self._sentences = sentences or Sentences(folder)
        self._own = learned
        self.lexicon = Lexicon(folder)

    def describe(self, seen: NetworkOutput) -> Floats:
        """The row of a picture from what the network saw: (512,) float32, unit."""
        population = self._population
        inside = population.evening @ (self.features(seen) - population.mean) / population.radius
        length = float(inside @ inside)
        if length > 1:
            inside, length = inside / np.sqrt(length), 1.0
        return np.append(inside, np.float32(np.sqrt(1 - length))).astype(np.float32)

    def features(self, seen: NetworkOutput) -> Floats:
        """The (511,) numbers of a picture before they are centred and scaled."""
        said = (self._learned(self.read(seen)[None])[0] - self._usual) @ self._learned_basis
        scores = unit(seen.logits - seen.logits.mean()) @ self._score_basis
        cues = CUE_SCALE * measure_cues(seen.pixels)
        return np.concatenate([said, self.meaning(seen.logits) @ self._meaning_basis, scores, cues]).astype(np.float32)

    def meaning(self, logits: Floats) -> Floats:
        """The classifier's belief as a sentence vector: (384,), unit length."""
        belief = np.exp((logits - logits.max()) / BELIEF_TEMPERATURE)
        return unit(belief @ self._meanings)

    def read(self, seen: NetworkOutput) -> Floats:
        """What the learned map reads of a picture: (2288,)."""
        parts = (seen.root, seen.middle, self.meaning(seen.logits))
        return np.asarray(picture_features(*(part[None] for part in parts))[0])

    def query(
        self, texts: Sequence[str], weights: Sequence[float] | None = None, rows: Floats | None = None
    ) -> ConceptQuery:
        """The weighted sum of texts, followed by pictures of the collection given by their rows (m, 512).

        weights: one for each text, then one for each row; 1 unless given. A single text of weight 1 is calibrated.
        In a sum every term counts by its z-score among photographs, so that weights mean the same for common and rare
        things. Words without a meaning here are left out, so that they do not dilute the others.
        """
        known, unknown = self.lexicon.split(" ".join(texts))
        said = [self.lexicon.understood(text) for text in texts]
        terms = [self._direction(text, vector) for text, vector in zip(said, self._sentences.encode(said), strict=True)]
        if len(terms) == 1 and rows is None and not weights:
            (direction, offset), *_ = terms
            length = max(float(np.linalg.norm(direction)), 1e-9)
            scale = length * self._population.radius
            deviation = self._deviation(direction / length) / self._population.radius or 1.0
            vector = np.append(direction / length, np.float32(0)).astype(np.float32)
            return ConceptQuery(vector, deviation, scale, offset, unknown, len(known))
        directions = [direction for direction, _ in terms]
        directions += [] if rows is None else list(np.asarray(rows, np.float32)[:, :FEATURES])
        total = np.zeros(FEATURES, np.float32)
        for direction, weight in zip(directions, weights or [1.0] * len(directions), strict=True):
            total += np.float32(weight) * self._standard(direction)
        direction = unit(total)
        deviation = self._deviation(direction) / self._population.radius or 1.0  # a sum may cancel out
        return ConceptQuery(np.append(direction, np.float32(0)), deviation, 0.0, 0.0, unknown, len(known))

    def score(self, rows: NDArray[np.floating], query: ConceptQuery) -> Floats:
        """Similarities of pictures (n, 512) in standard deviations from the average photograph: (n,) float32."""
        return np.asarray(np.asarray(rows, np.float32) @ query.vector / np.float32(query.deviation))

    def nearest_concepts(self, rows: Floats, n: int = 3) -> list[str]:
        """Names of the classes that stand out in a group of pictures (m, 512), or one (512,), the best first."""
        centre = np.atleast_2d(np.asarray(rows, np.float32)).mean(axis=0)
        centre = self._population.evened(centre[:FEATURES])
        scores = self._score_basis @ centre[_SCORES]
        meaning = self._meanings @ (self._meaning_basis @ centre[_MEANING])
        standing = _standardised(scores) + _standardised(meaning)
        return [self._names[i] for i in np.argsort(-standing, kind="stable")[:n]]

    def _direction(self, text: str, vector: Floats) -> tuple[Floats, float]:
        """The sources of a text, weighted, as a direction among evened features (511,), and the log-odds of the mean
        photograph."""
        said, named, by_name, constant = self._odds
        direction = np.zeros(FEATURES, np.float32)
        asked = unit(vector - self._said)
        direction[_LEARNED] = said * (asked @ self._learned_basis)
        direction[_MEANING] = named * (unit(vector - self._classes.mean(axis=0)) @ self._meaning_basis)
        near = vector @ self._classes.T
        belief = np.exp((near - near.max()) / NAME_TEMPERATURE)
        direction[_SCORES] = by_name * (belief / belief.sum() @ self._score_basis)
        usual = direction @ self._population.mean + said * float(asked @ self._usual)
        evened = self._population.evened(direction)
        words = max(len(telling_words(text)), 1)
        for cue in cues_in(text):
            alone = np.zeros(FEATURES, np.float32)
            alone[FEATURES - len(CUES) + CUES.index(cue)] = 1
            alone = self._population.evened(alone)
            if cue == PHOTOGRAPHIC:
                evened += PHOTOGRAPHIC_WEIGHT / CUE_SCALE * alone
            else:
                weight = min((MOOD_WEIGHT if cue in MOODS else COLOUR_WEIGHT) / words, CUE_LIMIT)
                evened += weight * self._standard(alone)
        return evened, float(usual) + constant

    def _standard(self, direction: Floats) -> Floats:
        """The direction scaled so that photographs deviate by 1 along it."""
        return np.asarray(direction / np.float32(max(self._deviation(direction), 1e-9)), np.float32)

    def _deviation(self, direction: Floats) -> float:
        variance = float(direction @ self._population.root @ direction)
        return math.sqrt(max(variance, 0.0))

    @cached_property
    def _learned(self) -> LearnedMap:
        if self._own is None and self._folder == BUNDLED_FILES:
            return shipped()
        return LearnedMap.load(self._own or self._folder / FILE)

    @cached_property
    def _bundle(self) -> dict[str, NDArray[np.generic]]:
        with np.load(self._folder / "concepts.npz", allow_pickle=False) as bundle:
            return dict(bundle)

    @cached_property
    def _names(self) -> list[str]:
        return [str(name) for name in self._bundle["names"]]

    @cached_property
    def _classes(self) -> Floats:
        """(1000, 384) sentence vectors of the classes, unit length."""
        return self._bundle["classes"].astype(np.float32)

    @cached_property
    def _meanings(self) -> Floats:
        """The same less their mean: what tells classes apart."""
        return np.asarray(self._classes - self._classes.mean(axis=0))

    @cached_property
    def _meaning_basis(self) -> Floats:
        return self._bundle["meaning_basis"].astype(np.float32)

    @cached_property
    def _score_basis(self) -> Floats:
        return self._bundle["score_basis"].astype(np.float32)

    @cached_property
    def _odds(self) -> tuple[float, ...]:
        """Weights of the learned direction, the ConSE vector and the class scores, and a constant: log-odds."""
        with np.load(self._folder / FILE, allow_pickle=False) as kept:
            return tuple(kept["odds"].tolist())

    @cached_property
    def _said(self) -> Floats:
        """(384,) the mean sentence vector of captions."""
        with np.load(self._folder / FILE, allow_pickle=False) as kept:
            return np.asarray(kept["said"], np.float32)

    @cached_property
    def _usual(self) -> Floats:
        """(384,) the mean of learned directions over many photographs."""
        with np.load(self._folder / "population.npz", allow_pickle=False) as kept:
            return np.asarray(kept["usual"], np.float32)

    @cached_property
    def _learned_basis(self) -> Floats:
        """(384, 128) the directions in which learned directions vary most, orthonormal."""
        with np.load(self._folder / "population.npz", allow_pickle=False) as kept:
            return np.asarray(kept["learned_basis"], np.float32)

    @cached_property
    def _population(self) -> _Population:
        with np.load(self._folder / "population.npz", allow_pickle=False) as kept:
            root, evening = (_symmetric(kept[name]) for name in ("root", "evening"))
            return _Population(kept["mean"], root, evening, float(kept["radius"]))


@lru_cache(maxsize=2)
def shared_space(learned: Path | None = None) -> ConceptSpace:
    """The space that the methods of one process share, so that its files are opened once. learned: another map."""
    return ConceptSpace(learned=learned)


def unit(vector: Floats) -> Floats:
    """The vector with length 1, or zeros where it has none."""
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)


def _standardised(values: Floats) -> Floats:
    return np.asarray((values - values.mean()) / max(float(values.std()), 1e-12), np.float32)


def _symmetric(upper: Floats) -> Floats:
    """The (511, 511) matrix of its upper triangle, row by row."""
    matrix = np.zeros((FEATURES, FEATURES), np.float32)
    places = np.triu_indices(FEATURES)
    matrix[places] = upper
    matrix.T[places] = upper
    return matrix
