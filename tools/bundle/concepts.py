"""The class part of the concept space: what each ImageNet class means, and bases to keep pictures in few numbers."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bundle.wordnet import Synset, kinds
from lookalike.models.concepts import MEANING, SCORES
from lookalike.models.sentences import Sentences


def class_texts(name: str, offset: str, nouns: dict[str, Synset]) -> list[str]:
    """Four ways to say a class: as a photo, its synonyms, its definition, what it is a kind of."""
    synset = nouns[offset]
    above = kinds(nouns, offset)
    return [
        f"a photo of a {name}",
        ", ".join(synset.words),
        f"{synset.words[0]}: {synset.gloss}",
        f"{name}, a kind of {', '.join(above)}" if above else name,
    ]


def build(
    names: list[str], offsets: list[str], nouns: dict[str, Synset], head: NDArray[Any], sentences: Sentences
) -> bytes:
    """concepts.npz. head: (1000, 1280), the weights of the classifier.

    names: (1000,) text. classes: (1000, 384) float16 unit. meaning_basis: (384, 128) and score_basis: (1000, 239)
    float16, the principal axes of the class vectors and of the classifier's weights, columns orthonormal.
    """
    texts = [class_texts(name, offset, nouns) for name, offset in zip(names, offsets, strict=True)]
    # in float64 throughout: the last bit of a float32 sum may depend on where in memory its numbers lie
    sums = np.stack([sentences.encode(four).astype(np.float64).sum(axis=0) for four in texts])
    classes = (sums / np.sqrt((sums * sums).sum(axis=1, keepdims=True))).astype(np.float16)
    around = classes.astype(np.float64) - classes.astype(np.float64).mean(axis=0)
    scores = head.astype(np.float64) - head.astype(np.float64).mean(axis=0)
    file = io.BytesIO()
    np.savez(
        file,
        names=np.array(names),
        classes=classes,
        meaning_basis=_axes(around, MEANING).astype(np.float16),
        score_basis=_axes(scores.T, SCORES).astype(np.float16),
    )
    return file.getvalue()


def _axes(rows: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """(d, count) eigenvectors of rows^T rows, greatest first, each with its largest entry positive."""
    _, vectors = np.linalg.eigh(rows.T @ rows)
    axes = vectors[:, ::-1][:, :count]
    largest = np.abs(axes).argmax(axis=0)
    return np.asarray(axes * np.sign(axes[largest, np.arange(count)]))
