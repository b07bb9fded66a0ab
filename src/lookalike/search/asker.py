"""One picture, put to the methods of a collection; what each of them finds is weighed against chance."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lookalike.arrays.rows import Ids
from lookalike.index.keypoints import KeypointIndex
from lookalike.methods.base import Variant
from lookalike.pictures.open import Image
from lookalike.search.ask import Answer, ask
from lookalike.search.indexes import Indexes
from lookalike.search.local import ask_local, in_whole
from lookalike.search.match import THROUGH
from lookalike.significance.model import expected_false
from lookalike.significance.nulls import null_of
from lookalike.store.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is asked for: k pictures, or all within a radius; index: the kind of index of the one method asked;
    max_expected_false: only pictures that chance brings at most so often."""

    k: int = 10
    radius: float | None = None
    index: str = "auto"
    max_expected_false: float | None = None


class Asker:
    """Puts one picture to any methods of a collection, among all its pictures or the `allowed` ones."""

    def __init__(
        self,
        indexes: Indexes,
        catalogue: Catalogue,
        image: Image,
        limits: Limits,
        allowed: Ids | None,
    ) -> None:
        self.indexes, self.catalogue = indexes, catalogue
        self.image, self.limits, self.allowed = image, limits, allowed
        self._described: dict[str, list[Variant[Any]]] = {}

    def ask(self, name: str, k: int) -> Answer:
        """What a method finds, with expected_false."""
        started = time.perf_counter()
        method, index = self.indexes.method(name), self.indexes.get(name, self.limits.index)
        if isinstance(index, KeypointIndex):
            answer = self._local(name, index, k, self.allowed)
        else:
            answer = ask(method, index, self._variants(name), k=k, radius=self.limits.radius, allowed=self.allowed)
        return self._weighed(answer, started)

    def through(self, name: str, copy: int, k: int) -> Answer:
        """What a method finds with the descriptor that the collection holds of a copy of the query.

        It costs a look into the index only. The copy itself is left out: that it is like itself proves nothing.
        """
        started = time.perf_counter()
        method, index = self.indexes.method(name), self.indexes.get(name)
        try:
            variant = Variant(THROUGH, self.indexes.descriptors(name)(copy))
        except KeyError:
            return Answer(name, {}, 0, len(index), 0.0, method.nothing)
        if isinstance(index, KeypointIndex):
            answer = ask_local(name, index, self.indexes.descriptors(name), [variant], k + 1, self.allowed)
        else:
            answer = ask(method, index, [variant], k=k + 1, allowed=self.allowed)
        found = {id_: evidence for id_, evidence in answer.found.items() if id_ != copy}
        return self._weighed(replace(answer, found=found), started)

    def verify(self, answer: Answer, ids: Iterable[int]) -> Answer:
        """The answer of `local`, and those of some more pictures that geometry confirms."""
        started = time.perf_counter()
        doubtful = sorted(set(ids) - set(answer.found))
        index = self.indexes.get(answer.method)
        if not doubtful or not isinstance(index, KeypointIndex):
            return answer
        more = self._local(answer.method, index, len(doubtful), np.array(doubtful, np.int64))
        more = self._weighed(replace(more, found={**answer.found, **more.found}), started - answer.seconds)
        return replace(more, found=dict(sorted(more.found.items(), key=lambda item: (item[1].distance, item[0]))))

    def _local(self, name: str, index: KeypointIndex, k: int, allowed: Ids | None) -> Answer:
        answer = ask_local(name, index, self.indexes.descriptors(name), self._variants(name), k, allowed)
        x, y = self.image.origin
        if not (x or y):
            return answer
        return replace(answer, found={id_: in_whole(one, x, y) for id_, one in answer.found.items()})

    def _variants(self, name: str) -> list[Variant[Any]]:
        """The query's descriptors of a method, made once."""
        if name not in self._described:
            self._described[name] = self.indexes.method(name).describe_query(self.image)
        return self._described[name]

    def _weighed(self, answer: Answer, started: float) -> Answer:
        null = null_of(self.catalogue, self.indexes.stored(answer.method))
        found = answer.found
        pictures = answer.pictures if self.allowed is None else min(answer.pictures, len(self.allowed))
        if null is not None:
            found = {
                id_: replace(one, expected_false=expected_false(null, one.distance, pictures, answer.variants))
                for id_, one in found.items()
            }
        return replace(answer, found=found, pictures=pictures, seconds=time.perf_counter() - started)
