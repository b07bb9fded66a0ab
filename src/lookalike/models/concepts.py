"""Finding pictures by text without a text-image network: what a classifier sees, put into the space of sentences.

After ConSE (Norouzi et al., "Zero-Shot Learning by Convex Combination of Semantic Embeddings", 2014): a picture is
the average of its class names' sentence vectors, weighted by the classifier's belief, and is compared with the
sentence vector of the query. Two sources are added: the scores of those classes whose names are close to the query
(it keeps apart what the average blurs), and shares of colours for colour and mood words. Each source is a linear
function of one row per picture, so their weighted sum is one dot product.

Row, 384 numbers of unit length: 128 coordinates of the ConSE vector, 239 of the class scores, 16 colour cues, less
their means over many photographs, evened out and divided by a common radius, and one number that fills up the length
to 1 (the reduction of inner product to cosine of Bachrach et al. 2014). A query has 0 there, so cosine ranks by the
sum. Evened out: multiplied by the covariance to the power -1/4, the query by its inverse. No score changes, but texts
ask along directions in which pictures vary little, and 1-bit codes would lose those beside the others.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import printable
from lookalike.models.bundle import BUNDLED_FILES
from lookalike.models.colours import CUES, MOODS, cues_in, measure_cues
from lookalike.models.sentences import Sentences

MEANING, SCORES = 128, 239
FEATURES = MEANING + SCORES + len(CUES)
DIMENSION = FEATURES + 1
EDITION = "6585c74e1dedbb78"  # of the files that rows are made from: rows of other editions do not compare

BELIEF_TEMPERATURE = 2.0  # of the softmax over classes: flatter than trained, a scene is more than its first class
NAME_TEMPERATURE = 0.05  # of the softmax over class names close to a query
CUE_SCALE = 0.1  # keeps the cues, which no text may name, from using up the row's length
SCORES_WEIGHT = 0.5  # against 1 for the ConSE vector, both as z-scores
COLOUR_WEIGHT, MOOD_WEIGHT = 1.0, 2.0  # divided by the number of telling words: "a red flower" is about red, a long
CUE_LIMIT = 1.0  # caption with a red shirt in it is not
KNOWN = 0.43  # cosine of a word to the nearest class: "forest", "sky" are above, "people", "birthday" below
MAX_WORDS = 12
_SILENT = (
    "a an the and or of on in at to by for from with without near next beside behind under over above between into "
    "is are was were be being has have this that these those it its his her their my your our some many several few "
    "very one two three four five photo photos picture pictures image images photograph"
)
SILENT_WORDS = frozenset(_SILENT.split())
_WORD = re.compile(r"[^\W\d_]{2,}")

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ConceptQuery:
    """A text, or a weighted sum of several, as a direction among pictures.

    vector: (384,) float32, unit length. deviation: the standard deviation of its cosine with photographs at large
    (the mean is 0). unknown: words that the space has no concept for; known: how many others say something.
    """

    vector: Floats
    deviation: float
    unknown: tuple[str, ...] = ()
    known: int = 0

    @property
    def hint(self) -> str | None:
        """What to tell when most of the words mean nothing to the space, else None."""
        if len(self.unknown) <= self.known:
            return None
        words = ", ".join(printable(word) for word in self.unknown[:3])
        return f"the bundled concept space hardly knows: {words}. A CLIP model does: lookalike models get clip-vit-b32"


@dataclass(frozen=True, slots=True)
class _Population:
    """Statistics of the raw features of many photographs: mean (383,), the covariance to the power 1/2 and -1/4, both
    (383, 383) and symmetric, radius: the length that few evened features exceed."""

    mean: Floats
    root: Floats
    evening: Floats
    radius: float

    def evened(self, direction: Floats) -> Floats:
        """A direction among raw features as one among evened ones, and the reverse for a picture: the power 1/4."""
        return np.asarray(self.evening @ (self.root @ direction))


class ConceptSpace:
    """Rows for pictures, directions for texts. Files are opened when first needed."""

    def __init__(self, folder: Path = BUNDLED_FILES, sentences: Sentences | None = None) -> None:
        self._folder = folder
        self._sentences = sentences or Sentences(folder)

    def describe(self, rgb: NDArray[np.uint8], logits: Floats) -> Floats:
        """The row of a picture from its pixels (h, w, 3) uint8 and class scores (1000,): (384,) float32, unit."""
        population = self._population
        inside = population.evening @ (self.features(rgb, logits) - population.mean) / population.radius
        length = float(inside @ inside)
        if length > 1:
            inside, length = inside / np.sqrt(length), 1.0
        return np.append(inside, np.float32(np.sqrt(1 - length))).astype(np.float32)

    def features(self, rgb: NDArray[np.uint8], logits: Floats) -> Floats:
        """The (383,) numbers of a picture before they are centred and scaled."""
        belief = np.exp((logits - logits.max()) / BELIEF_TEMPERATURE)
        meaning = unit(belief @ self._meanings) @ self._meaning_basis
        scores = unit(logits - logits.mean()) @ self._score_basis
        return np.concatenate([meaning, scores, CUE_SCALE * measure_cues(rgb)]).astype(np.float32)

    def query(
        self, texts: Sequence[str], weights: Sequence[float] | None = None, rows: Floats | None = None
    ) -> ConceptQuery:
        """The weighted sum of texts, followed by pictures of the collection given by their rows (m, 384).

        weights: one for each text, then one for each row; 1 unless given. Every term counts by its z-score among
        photographs, so that weights mean the same for common and rare things.
        """
        terms = [
            self._direction(text, vector) for text, vector in zip(texts, self._sentences.encode(texts), strict=True)
        ]
        terms += [] if rows is None else list(np.asarray(rows, np.float32)[:, :FEATURES])
        total = np.zeros(FEATURES, np.float32)
        for term, weight in zip(terms, weights or [1.0] * len(terms), strict=True):
            total += np.float32(weight) * self._standard(term)
        direction = unit(total)
        deviation = self._deviation(direction) / self._population.radius or 1.0  # a sum may cancel out
        known, unknown = self.split_words(" ".join(texts))
        return ConceptQuery(np.append(direction, np.float32(0)), deviation, unknown, len(known))

    def score(self, rows: NDArray[np.floating], query: ConceptQuery) -> Floats:
        """Similarities of pictures (n, 384) in standard deviations from the average photograph: (n,) float32."""
        return np.asarray(np.asarray(rows, np.float32) @ query.vector / np.float32(query.deviation))

    def nearest_concepts(self, rows: Floats, n: int = 3) -> list[str]:
        """Names of the classes that stand out in a group of pictures (m, 384), or one (384,), the best first."""
        centre = np.atleast_2d(np.asarray(rows, np.float32)).mean(axis=0)
        centre = self._population.evened(centre[:FEATURES])
        scores = self._score_basis @ centre[MEANING : MEANING + SCORES]
        meaning = self._meanings @ (self._meaning_basis @ centre[:MEANING])
        standing = _standardised(scores) + _standardised(meaning)
        return [self._names[i] for i in np.argsort(-standing, kind="stable")[:n]]

    def split_words(self, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The telling words of a text, those with a concept near to them and those without; of the first twelve."""
        words = telling_words(text)[:MAX_WORDS]
        if not words:
            return (), ()
        nearness = (self._sentences.encode(words) @ self._classes.T).max(axis=1)
        sure = {word for word, near in zip(words, nearness, strict=True) if near >= KNOWN or cues_in(word)}
        return tuple(w for w in words if w in sure), tuple(w for w in words if w not in sure)

    def _direction(self, text: str, vector: Floats) -> Floats:
        """The three sources of a text, each of deviation 1 among photographs, weighted: (383,), evened."""
        direction = np.zeros(FEATURES, np.float32)
        direction[:MEANING] = vector @ self._meaning_basis
        direction = self._standard(self._population.evened(direction))
        near = vector @ self._classes.T
        belief = np.exp((near - near.max()) / NAME_TEMPERATURE)
        by_name = np.zeros(FEATURES, np.float32)
        by_name[MEANING : MEANING + SCORES] = belief @ self._score_basis
        direction += SCORES_WEIGHT * self._standard(self._population.evened(by_name))
        words = max(len(telling_words(text)), 1)
        for cue in cues_in(text):
            alone = np.zeros(FEATURES, np.float32)
            alone[MEANING + SCORES + CUES.index(cue)] = 1
            weight = (MOOD_WEIGHT if cue in MOODS else COLOUR_WEIGHT) / words
            direction += min(weight, CUE_LIMIT) * self._standard(self._population.evened(alone))
        return direction

    def _standard(self, direction: Floats) -> Floats:
        """The direction scaled so that photographs deviate by 1 along it."""
        return np.asarray(direction / np.float32(max(self._deviation(direction), 1e-9)), np.float32)

    def _deviation(self, direction: Floats) -> float:
        variance = float(direction @ self._population.root @ direction)
        return math.sqrt(max(variance, 0.0))

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
    def _population(self) -> _Population:
        with np.load(self._folder / "population.npz", allow_pickle=False) as kept:
            root, evening = (_symmetric(kept[name]) for name in ("root", "evening"))
            return _Population(kept["mean"], root, evening, float(kept["radius"]))


@lru_cache(maxsize=1)
def shared_space() -> ConceptSpace:
    """The space that the methods of one process share, so that its files are opened once."""
    return ConceptSpace()


def telling_words(text: str) -> list[str]:
    """The words that say what a picture shows, each once, in lower case."""
    return list(dict.fromkeys(word for word in _WORD.findall(text.lower()) if word not in SILENT_WORDS))


def unit(vector: Floats) -> Floats:
    """The vector with length 1, or zeros where it has none."""
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)


def _standardised(values: Floats) -> Floats:
    return np.asarray((values - values.mean()) / max(float(values.std()), 1e-12), np.float32)


def _symmetric(upper: Floats) -> Floats:
    """The (383, 383) matrix of its upper triangle, row by row."""
    matrix = np.zeros((FEATURES, FEATURES), np.float32)
    places = np.triu_indices(FEATURES)
    matrix[places] = upper
    matrix.T[places] = upper
    return matrix
