"""Pictures of a collection, drawn and edited by chance, the same for the same seed."""

from __future__ import annotations

import io
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import PIL.Image

from lookalike.errors import ImageError
from lookalike.evaluate.edits import Edit, Picture
from lookalike.pictures.open import open_image

if TYPE_CHECKING:
    from lookalike.collection import Collection

SIZE = 1024  # pixels of the longest side of what is edited: what the web makes of a photo
OTHERS = 3
THUMBNAIL = 176


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture of the collection in memory. twins: its id and those of all files with the same bytes."""

    id: int
    picture: Picture
    twins: frozenset[int]


@dataclass(frozen=True, slots=True)
class Question:
    """An edited copy. beside: ids of other pictures that are in it and are rightly found, too."""

    edit: str
    picture: Picture
    beside: frozenset[int]


@dataclass(slots=True)
class Sample:
    """Draws pictures and makes questions of them. skipped: path and reason of those that cannot be read any more."""

    collection: Collection
    seed: int
    skipped: list[tuple[str, str]] = field(default_factory=list)
    _before: deque[Drawn] = field(default_factory=lambda: deque(maxlen=OTHERS))

    def draw(self, count: int) -> Iterator[Drawn]:
        """Up to `count` readable pictures, each decoded when it is its turn; at most OTHERS + 1 are in memory."""
        twins = _twins(self.collection)
        order = np.random.default_rng(self.seed).permutation(self.collection.ids()).tolist()
        self._before.extend(self._readable(order[: -OTHERS - 1 : -1], twins, OTHERS))
        for drawn in self._readable(order, twins, count):
            yield drawn
            self._before.append(drawn)

    def questions(self, drawn: Drawn, edits: Iterable[Edit]) -> Iterator[Question]:
        """The edited copies of a picture just drawn; those that need others only when there are any."""
        others = [other for other in self._before if not other.twins & drawn.twins]
        for edit in edits:
            beside = others if edit.needs_others else []
            if beside or not edit.needs_others:
                picture = edit.apply(drawn.picture, self.seed + drawn.id, [other.picture for other in beside])
                yield Question(edit.name, picture, frozenset[int]().union(*(other.twins for other in beside)))

    def _readable(self, order: Iterable[int], twins: dict[int, frozenset[int]], count: int) -> Iterator[Drawn]:
        for id_ in order:
            if count < 1:
                return
            record = self.collection.record(id_)
            if record is None:
                continue
            try:
                picture = open_image(record.path, size=SIZE).picture
            except ImageError as error:
                if (error.path, error.reason) not in self.skipped:
                    self.skipped.append((error.path, error.reason))
                continue
            count -= 1
            yield Drawn(id_, picture, twins[id_])


def thumbnail(picture: Picture) -> bytes:
    """A small JPEG."""
    small = picture.copy()
    small.thumbnail((THUMBNAIL, THUMBNAIL), PIL.Image.Resampling.LANCZOS)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=82)
    return file.getvalue()


def _twins(collection: Collection) -> dict[int, frozenset[int]]:
    """Every id with all ids of the same bytes: which of them is found first says nothing."""
    same: dict[str, list[int]] = defaultdict(list)
    for id_ in collection.ids().tolist():
        record = collection.record(id_)
        same[(record.sha256 if record else None) or str(id_)].append(id_)
    return {id_: frozenset(ids) for ids in same.values() for id_ in ids}
