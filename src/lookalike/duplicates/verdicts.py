"""What was found out about pictures beside one another, kept in the collection, so that it is found out only once.

Verdicts are known by what they are of: the contents of the files, the parameters, and what was asked. So they hold
whatever is added, removed or moved, and a picture that changes leaves its verdicts behind.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.files import open_arrays, write_arrays
from lookalike.errors import CollectionError

EDITION = 2
"""Of the way in which pairs are judged: verdicts of other editions are not used."""
MOST = 1 << 22
"""Verdicts that are kept at most; above, those that the last run did not need go."""
_KIND = "pairs"

Verdict = list[Any]
"""Plain values for JSON; empty: nothing was found."""


def key_of(*parts: object) -> bytes:
    """What a verdict is known by, 16 bytes. parts: of types whose repr says all."""
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogateescape"), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class _Kept:
    """keys: (n, 2) uint64, ascending by the first column; ends: (n,) int64 of their texts, (m,) uint8."""

    keys: NDArray[np.uint64]
    ends: NDArray[np.int64]
    texts: NDArray[np.uint8]

    def place(self, key: bytes) -> int | None:
        head, tail = np.frombuffer(key, "<u8")
        at = int(np.searchsorted(self.keys[:, 0], head))
        while at < len(self.keys) and self.keys[at, 0] == head:
            if self.keys[at, 1] == tail:
                return at
            at += 1
        return None

    def text(self, place: int) -> bytes:
        return self.texts[self.ends[place - 1] if place else 0 : self.ends[place]].tobytes()


class Verdicts:
    """The verdicts of earlier runs and those of this one. Safe for threads: each key is only ever given one value."""

    def __init__(self, kept: _Kept | None = None) -> None:
        self._kept = kept
        self._used: set[int] = set()
        self._fresh: dict[bytes, bytes] = {}

    def recall(self, key: bytes) -> Verdict | None:
        """The verdict, None when there is none yet."""
        text = self._fresh.get(key)
        if text is None and self._kept is not None and (place := self._kept.place(key)) is not None:
            text = self._kept.text(place)
            self._used.add(place)
        if text is None:
            return None
        try:
            found = json.loads(text)
        except ValueError:
            return None
        return found if isinstance(found, list) else None

    def keep(self, key: bytes, verdict: Sequence[Any]) -> None:
        """Remember a verdict."""
        self._fresh[key] = json.dumps(verdict).encode()

    @property
    def new(self) -> bool:
        """Whether there is anything that `save` would add."""
        return bool(self._fresh)

    def save(self, path: Path) -> None:
        """Replace the file in one step; the caller holds the writer's lock."""
        texts = dict(self._fresh)
        if self._kept is not None:
            all_ = len(self._kept.keys) + len(texts) <= MOST
            for place in range(len(self._kept.keys)) if all_ else sorted(self._used):
                texts.setdefault(self._kept.keys[place].astype("<u8").tobytes(), self._kept.text(place))
        keys = np.frombuffer(b"".join(texts), "<u8").reshape(-1, 2)
        order = np.lexsort((keys[:, 1], keys[:, 0]))
        written = list(texts.values())
        sorted_ = [written[place] for place in order]
        ends = np.cumsum([len(text) for text in sorted_], dtype=np.int64)
        arrays = {"keys": keys[order], "ends": ends, "texts": np.frombuffer(b"".join(sorted_), np.uint8)}
        write_arrays(path, _KIND, {"edition": EDITION}, arrays)


def load(path: Path) -> Verdicts:
    """What is kept; nothing when there is no file, it is damaged, or of another edition."""
    try:
        file = open_arrays(path, _KIND)
        file.check_all()
    except (OSError, ValueError, CollectionError):
        return Verdicts()
    arrays = file.arrays
    if file.params != {"edition": EDITION} or not _makes_sense(arrays):
        return Verdicts()
    return Verdicts(_Kept(arrays["keys"], arrays["ends"], arrays["texts"]))


def _makes_sense(arrays: dict[str, NDArray[Any]]) -> bool:
    """Whether the arrays are those of verdicts: a file can be made by anybody."""
    if arrays.keys() != {"keys", "ends", "texts"}:
        return False
    keys, ends, texts = arrays["keys"], arrays["ends"], arrays["texts"]
    if [array.dtype.str for array in (keys, ends, texts)] != ["<u8", "<i8", "|u1"] or texts.ndim != 1:
        return False
    if ends.ndim != 1 or keys.shape != (len(ends), 2) or not len(ends):
        return False
    heads = keys[:, 0]
    return bool((heads[1:] >= heads[:-1]).all() and (np.diff(ends, prepend=0) >= 0).all() and ends[-1] == len(texts))
