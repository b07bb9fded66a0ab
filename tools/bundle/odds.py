"""How likely it is that a word would be said of a picture: the weights of the concept space's sources, as log-odds."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from bundle.captions import Captioned, words_of
from lookalike.models.concepts import NAME_TEMPERATURE
from lookalike.models.learned import PENALTY, LearnedMap, learn
from lookalike.models.sentences import Sentences

FOLDS, CLUSTERS = 5, 60
BY_NAME = 4.0
"""The weight of the class scores is held: fitted it is 12, because what these captions speak of are ImageNet's classes
more often than what users ask for; with 12 things that are not there come back as likely."""


def fit(photos: Captioned, sentences: Sentences, classes: np.ndarray) -> tuple[np.ndarray, list[tuple[float, ...]]]:
    """Weights of (learned direction, ConSE vector, class scores) and a constant: (4,); and the check, rows of
    (pairs, said, seen) by what is said.

    The words of the captions are asked for among photographs that the map did not learn from, twice: by maps that
    have met the words in other captions, and by maps that have not, since users ask for words of both kinds.
    """
    words, mentioned = words_of(photos.captions)
    vectors = sentences.encode(words).astype(np.float64)
    targets = [sentences.encode(texts) for texts in photos.captions]
    said = np.concatenate(targets).mean(axis=0)
    asked = _unit(vectors - said)
    by_meaning = _unit(vectors - classes.mean(axis=0)) @ photos.meanings.T
    near = vectors @ classes.T
    belief = np.exp((near - near.max(axis=1, keepdims=True)) / NAME_TEMPERATURE)
    by_name = belief / belief.sum(axis=1, keepdims=True) @ photos.scores.T
    learned = learn(photos.features, targets, 0)
    met = _predicted(photos, learned, targets, np.zeros(len(words), int), None, asked)
    strange = _predicted(photos, learned, targets, _clusters(vectors), mentioned, asked)
    y = np.concatenate([mentioned.ravel()] * 2).astype(np.float64)
    columns = [
        np.concatenate([met.ravel(), strange.ravel()]),
        np.concatenate([by_meaning.ravel()] * 2),
        np.ones(len(y)),
    ]
    held = BY_NAME * np.concatenate([by_name.ravel()] * 2)
    whole = ~np.isnan(columns[0])
    x, held, y = np.stack(columns, axis=1)[whole], held[whole], y[whole]
    weights = _logistic(x, held, y)
    probability = 1 / (1 + np.exp(-(x @ weights + held)))
    return np.array([weights[0], weights[1], BY_NAME, weights[2]]), _check(probability, y)


def _predicted(photos, learned: LearnedMap, targets, cluster, mentioned, asked) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Cosines of words with what maps say that learned neither from the photograph nor, with `mentioned`, from any
    whose captions hold words of the same cluster: (words, n); NaN where too few photographs would be left."""
    y = learned.targets(targets).astype(np.float64)
    gram = photos.features.astype(np.float64) @ photos.features.astype(np.float64).T
    fold = np.random.default_rng(0).integers(0, FOLDS, len(y))
    cosines = np.full((len(asked), len(y)), np.nan)
    for number in range(cluster.max() + 1):
        these = np.flatnonzero(cluster == number)
        banned = np.zeros(len(y), bool) if mentioned is None else mentioned[these].any(axis=0)
        for f in range(FOLDS):
            train, test = np.flatnonzero((fold != f) & ~banned), np.flatnonzero(fold == f)
            if len(these) and len(train) > len(y) // 4:
                cosines[np.ix_(these, test)] = asked[these] @ _ridge(gram, y, train, test).T
    return cosines


def _ridge(gram: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """What the map learned from `train` makes of `test`, by inner products of features alone."""
    inner = gram[np.ix_(train, train)]
    usual, level = inner.mean(axis=0), inner.mean()
    centred = inner - usual[:, None] - usual[None] + level
    dual = np.linalg.solve(centred + PENALTY * np.eye(len(train)), y[train] - y[train].mean(axis=0))
    across = gram[np.ix_(test, train)]
    return _unit((across - across.mean(axis=1, keepdims=True) - usual[None] + level) @ dual)


def _clusters(vectors: np.ndarray) -> np.ndarray:
    """Words in groups of like meaning (Lloyd's k-means)."""
    random = np.random.default_rng(1)
    centres = vectors[random.choice(len(vectors), CLUSTERS, replace=False)]
    for _ in range(20):
        cluster = (vectors @ _unit(centres).T).argmax(axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, cluster, vectors)
        centres = np.where(np.any(sums, axis=1, keepdims=True), sums, centres)
    return cluster


def _logistic(x: np.ndarray, held: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weights of greatest likelihood beside log-odds that are held, by Newton's method."""
    weights = np.zeros(x.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-(x @ weights + held)))
        weights += np.linalg.solve(x.T @ (x * (p * (1 - p))[:, None]), x.T @ (y - p))
    return weights


def _check(said: np.ndarray, y: np.ndarray) -> list[tuple[float, ...]]:
    edges = (0, 0.03, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0)
    found = []
    for low, high in pairwise(edges):
        here = (said >= low) & (said < high)
        if here.any():
            found.append((int(here.sum()), float(said[here].mean()), float(y[here].mean())))
    return found


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
