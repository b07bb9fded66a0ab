"""One picture, put to the methods of a collection; what each of them finds is weighed against chance."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lookalike.arrays.rows import Ids
from lookalike.errors import StoppedError
from lookalike.index.votes import Voting
from lookalike.methods.base import Method, Variant
from lookalike.pictures.open import Image
from lookalike.search.ask import find
from lookalike.search.base import Searched
from lookalike.search.local import confirmed, find_parts, in_whole, is_certain
from lookalike.search.match import THROUGH
from lookalike.significance.evidence import Evidence, Findings
from lookalike.significance.model import expected_false


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is asked for: k pictures, or all within a radius; index: the kind of index of the one method asked;
    max_expected_false: only pictures that chance brings at most so often. exclude_self: not the files that are asked
    with. stop: asked before each method; when it says
    yes, nobody waits for the answer any more."""

    k: int = 10
    radius: float | None = None
    index: str = "auto"
    max_expected_false: float | None = None
    exclude_self: bool = False
    stop: Callable[[], bool] | None = None


class Asker:
    """Puts one picture to any methods of a collection, among all its pictures or the `allowed` ones.

    picture: as it was opened, or the id of one of the collection: then the descriptors that are
    kept of it are the question.
    """

    def __init__(
        self,
        searcher: Searched,
        picture: Image | int,
        limits: Limits,
        allowed: Ids | None,
    ) -> None:
        self.searcher, self.picture, self.limits, self.allowed = searcher, picture, limits, allowed
        self._described: dict[str, list[Variant[Any]]] = {}

    def ask(self, name: str, k: int) -> Findings:
        """What a method finds, with expected_false. StoppedError when nobody waits for it any more."""
        self._go_on()
        started = time.perf_counter()
        method, index = self.searcher.method(name), self.searcher.index(name, self.limits.index)
        if isinstance(index, Voting):
            answer = self._verified(method, index, k)
        else:
            radius = self.limits.radius
            answer = find(method, index, self._variants(name), k=k, radius=radius, allowed=self.allowed)
        return self._weighed(answer, started)

    def _go_on(self) -> None:
        if self.limits.stop is not None and self.limits.stop():
            raise StoppedError("nobody waits for the answer any more")

    def through(self, name: str, copy: int, k: int) -> Findings:
        """What a method finds with the descriptor that the collection holds of a copy of the query.

        It costs a look into the index only. The copy itself is left out: that it is like itself proves nothing.
        """
        self._go_on()
        started = time.perf_counter()
        method, index = self.searcher.method(name), self.searcher.index(name)
        variants = self._kept(method, copy)
        if not variants:
            return Findings(name, method.traits, {}, 0, len(index), 0.0, method.nothing)
        variants[0] = replace(variants[0], name=THROUGH)
        if isinstance(index, Voting):
            answer = find_parts(method, index, self._fetch(name), variants, k, self.allowed, copy)
        else:
            answer = find(method, index, variants, k=k + 1, allowed=self.allowed)
        found = {id_: evidence for id_, evidence in answer.found.items() if id_ != copy}
        return self._weighed(replace(answer, found=found), started)

    def verify(self, answer: Findings, ids: Iterable[int]) -> Findings:
        """The answer of a method that finds parts, and those of some more pictures, the best first, that geometry
        confirms."""
        started = time.perf_counter()
        doubtful = [id_ for id_ in ids if id_ not in answer.found]
        if not doubtful or not isinstance(self.searcher.index(answer.method), Voting):
            return answer
        variants = self._variants(answer.method)
        found = confirmed(self._fetch(answer.method), variants, doubtful, is_certain(answer.found.values()))
        more = replace(answer, found={**answer.found, **self._in_whole(found)})
        more = self._weighed(more, started - answer.seconds)
        return replace(more, found=dict(sorted(more.found.items(), key=lambda item: (item[1].distance, item[0]))))

    def _verified(self, method: Method[Any], index: Voting, k: int) -> Findings:
        variants = self._variants(method.name)
        answer = find_parts(method, index, self._fetch(method.name), variants, k, self.allowed)
        return replace(answer, found=self._in_whole(answer.found))

    def _in_whole(self, found: dict[int, Evidence]) -> dict[int, Evidence]:
        x, y = (0, 0) if isinstance(self.picture, int) else self.picture.origin
        return {id_: in_whole(one, x, y) for id_, one in found.items()} if x or y else found

    def _variants(self, name: str) -> list[Variant[Any]]:
        """The query's descriptors of a method, made once."""
        if name not in self._described:
            method = self.searcher.method(name)
            if isinstance(self.picture, int):
                self._described[name] = self._kept(method, self.picture)
            else:
                self._described[name] = method.describe_query(self.picture)
        return self._described[name]

    def _kept(self, method: Method[Any], id_: int) -> list[Variant[Any]]:
        try:
            return method.query_of(self.searcher.descriptor(method.name, id_))
        except KeyError:
            return []

    def _fetch(self, name: str) -> Callable[[int], Any]:
        return partial(self.searcher.descriptor, name)

    def _weighed(self, answer: Findings, started: float) -> Findings:
        null = self.searcher.null(answer.method)
        found = answer.found
        pictures = answer.pictures if self.allowed is None else min(answer.pictures, len(self.allowed))
        if null is not None:
            found = {
                id_: Evidence(
                    *(one.method, one.distance, expected_false(null, one.distance, pictures, answer.variants)),
                    *(one.variant, one.detail),
                )
                for id_, one in found.items()
            }
        return replace(answer, found=found, pictures=pictures, seconds=time.perf_counter() - started)
