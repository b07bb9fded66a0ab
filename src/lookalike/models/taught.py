"""The words of captions that a collection was taught, and beside which pictures they stand.

What files say themselves is in the catalogue; what a list of captions says is kept with the map learned from it, and
goes with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import ModelError, printable
from lookalike.models.lexicon import forms, telling_words

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Taught:
    """ids: (n,) ascending, of the pictures by every form of a word in lower case."""

    ids: Mapping[str, Ids]

    def with_word(self, word: str) -> Ids:
        """The pictures beside which a word in lower case, or a form of it, stands: (n,) int64, ascending."""
        found = [self.ids[form] for form in forms(word) if form in self.ids]
        return np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)


def save_taught(captions: Mapping[int, Sequence[str]], path: Path) -> None:
    """Write the words of captions by picture id."""
    beside: dict[str, set[int]] = defaultdict(set)
    for id_, texts in captions.items():
        for word in telling_words(" ".join(texts)):
            beside[word].add(id_)
    words = sorted(beside)
    counts = np.array([len(beside[word]) for word in words], np.int64)
    ids = np.array([id_ for word in words for id_ in sorted(beside[word])], np.int64)
    with path.open("wb") as file:
        np.savez(file, words=np.frombuffer("\n".join(words).encode(), np.uint8), counts=counts, ids=ids)


def load_taught(path: Path) -> Taught:
    """What `save_taught` wrote. ModelError for a file that is damaged."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            words, counts, ids = kept["words"].tobytes().decode().split("\n"), kept["counts"], kept["ids"]
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise ModelError(f"{printable(path)} is damaged ({error}): `lookalike learn` makes it again") from error
    beside: dict[str, list[Ids]] = defaultdict(list)
    for word, some in _parts(words, counts, ids):
        for form in set(forms(word)):
            beside[form].append(some)
    return Taught({form: np.unique(np.concatenate(some)) for form, some in beside.items()})


def _parts(words: Sequence[str], counts: NDArray[np.int64], ids: Ids) -> Iterator[tuple[str, Ids]]:
    yield from zip(words, np.split(ids, np.cumsum(counts)[:-1]), strict=False)
