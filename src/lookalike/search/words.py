"""Words of a query in captions, keywords, file and folder names, by the catalogue's full-text index, and in captions
that were taught."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np

from lookalike.arrays.rows import Ids
from lookalike.models.lexicon import MAX_WORDS, telling_words
from lookalike.models.taught import Taught
from lookalike.search.base import Searched


@dataclass(frozen=True, slots=True)
class WordHit:
    """Which words of the query stand beside a picture.

    captioned: all of them stand in what somebody wrote into the file or taught the collection, not only in its name.
    share: 0..1, of all that the query's words could tell.
    """

    words: tuple[str, ...]
    captioned: bool
    share: float


class Words:
    """The pictures beside which words of a text stand.

    A word counts by its rarity in the collection (Robertson's inverse document frequency), so that a folder's name
    that all pictures share tells nothing; inflected forms count as the word (Porter's stemmer). allowed: only these.
    """

    def __init__(self, searcher: Searched, text: str, allowed: Ids | None) -> None:
        self.words = telling_words(text)[:MAX_WORDS]
        catalogue, view = searcher.catalogue, searcher.view
        taught = _taught(searcher)
        self._captioned: dict[str, Ids] = {}
        self._near: dict[str, Ids] = {}
        self._weights: dict[str, float] = {}
        for word in self.words:
            captioned, named = (catalogue.ids_with_word(word, column, view) for column in ("caption", "path_text"))
            if taught:
                captioned = np.union1d(captioned, view.living(taught.with_word(word)))
            near = np.union1d(captioned, named)
            self._weights[word] = max(0.0, math.log((view.pictures - len(near) + 0.5) / (len(near) + 0.5)))
            kept = near if self._weights[word] else captioned
            self._captioned[word] = captioned if allowed is None else captioned[np.isin(captioned, allowed)]
            self._near[word] = kept if allowed is None else kept[np.isin(kept, allowed)]
        self._whole = sum(self._weights.values())

    def groups(self) -> list[tuple[WordHit, Ids]]:
        """Pictures by what stands beside them, what tells most first."""
        places = np.unique(np.concatenate([np.zeros(0, np.int64), *self._near.values()]))
        if not len(places):
            return []
        has = np.stack([np.isin(places, self._near[word]) for word in self.words])
        captioned = np.all([np.isin(places, self._captioned[word]) for word in self.words], axis=0)
        patterns, group = np.unique(np.vstack([has, captioned]), axis=1, return_inverse=True)
        found = []
        for number, pattern in enumerate(patterns.T):
            words = tuple(word for word, there in zip(self.words, pattern[:-1], strict=True) if there)
            share = sum(self._weights[word] for word in words) / self._whole if self._whole else 0.0
            found.append((WordHit(words, bool(pattern[-1]), share), places[group.ravel() == number]))
        return sorted(found, key=lambda one: (one[0].captioned, one[0].share), reverse=True)


class _Learner(Protocol):
    """The method of words, which may have been taught."""

    @property
    def taught(self) -> Taught | None: ...


def _taught(searcher: Searched) -> Taught | None:
    methods = (searcher.method(name) for name in searcher.methods)
    return next((cast(_Learner, method).taught for method in methods if method.traits.role == "words"), None)


def hits(groups: list[tuple[WordHit, Ids]], ids: Ids) -> Mapping[int, WordHit]:
    """What stands beside those of the pictures that words point at."""
    return {int(id_): hit for hit, members in groups for id_ in ids[np.isin(ids, members)]}
