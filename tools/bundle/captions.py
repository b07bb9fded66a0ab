"""Captioned photographs to learn text search from: captions.jsonl beside a folder `photos`."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lookalike.models.concepts import ConceptSpace
from lookalike.models.lexicon import SILENT_WORDS
from lookalike.models.network import ImageNetwork
from lookalike.pictures.open import open_image

FREE = re.compile(r"^COCO photo: (Attribution License|Attribution-ShareAlike License|No known copyright restrictions)")
# words of captions that say how things stand to one another rather than what they are
_RELATING_WORDS = (
    "there while each other another out off down front back top side some through onto around up over are one two "
    "three four who him she they them can make take get use look see show stand sit hold put wear large small big "
    "little old young along various different several group inside outside something someone full together lot"
)
_RELATING = frozenset(_RELATING_WORDS.split())
FEWEST, MOST = 4, 450  # photographs whose captions hold a word, for it to be asked for


@dataclass(frozen=True)
class Captioned:
    """Photographs in one order. features: (n, 2288) what the learned map reads. scores: (n, 1000) class scores less
    their mean, unit length. meanings: (n, 384) the ConSE vectors."""

    captions: list[list[str]]
    features: np.ndarray
    scores: np.ndarray
    meanings: np.ndarray


def read(folder: Path, free_only: bool) -> Captioned:
    """All photographs, or only those that may be used freely, as the network sees them."""
    network, space = ImageNetwork(), ConceptSpace()
    captions, features, scores, meanings = [], [], [], []
    for line in (folder / "captions.jsonl").read_text("utf-8").splitlines():
        record = json.loads(line)
        if free_only and not FREE.match(record["licence"]):
            continue
        seen = network.run(open_image(folder / "photos" / record["file"]))
        captions.append(record["captions"])
        features.append(space.read(seen))
        meanings.append(space.meaning(seen.logits))
        centred = seen.logits - seen.logits.mean()
        scores.append(centred / np.linalg.norm(centred))
    return Captioned(captions, np.stack(features), np.stack(scores), np.stack(meanings))


def words_of(captions: list[list[str]]) -> tuple[list[str], np.ndarray]:
    """Words to ask for, and which photographs' captions hold them or a form of them: (words, n) bool."""
    forms: dict[str, Counter[str]] = {}
    holders: dict[str, set[int]] = {}
    for place, texts in enumerate(captions):
        for word in re.findall("[a-z]{3,}", " ".join(texts).lower()):
            if word not in SILENT_WORDS and word not in _RELATING:
                forms.setdefault(_stem(word), Counter())[word] += 1
                holders.setdefault(_stem(word), set()).add(place)
    stems = [stem for stem, places in holders.items() if FEWEST <= len(places) <= MOST]
    mentioned = np.zeros((len(stems), len(captions)), bool)
    for row, stem in zip(mentioned, stems, strict=True):
        row[list(holders[stem])] = True
    return [forms[stem].most_common(1)[0][0] for stem in stems], mentioned


def common_words(captions: list[list[str]]) -> list[str]:
    """Words of two or more photographs' captions, the commonest first."""
    counts = Counter(word for texts in captions for word in set(re.findall("[a-z]{2,}", " ".join(texts).lower())))
    return [word for word, count in counts.most_common() if count > 1]


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word
