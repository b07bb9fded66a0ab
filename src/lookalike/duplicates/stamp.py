"""The pairs of the last run, and all that they were made from: while that is the same, so are they."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.arrays.files import open_arrays, write_arrays
from lookalike.duplicates.group import AS_IS, KINDS
from lookalike.duplicates.links import ROLES, Link
from lookalike.duplicates.pixels import Seen
from lookalike.duplicates.turns import between
from lookalike.duplicates.verdicts import EDITION
from lookalike.errors import CollectionError
from lookalike.search.searcher import Searcher
from lookalike.store.catalogue import Content

_KIND = "links"


def stamp_of(searcher: Searcher, contents: Sequence[Content], *asked: object) -> str:
    """A digest of everything that pairs depend on: the pictures, their descriptors, and what is asked for."""
    digest = hashlib.sha256(repr((EDITION, asked)).encode("utf-8", "surrogateescape"))
    for content in contents:
        digest.update(repr(content).encode())
    for name, stored in searcher.methods.items():
        if searcher.method(name).traits.role in ROLES:
            ids = np.setdiff1d(searcher.items(name).ids, searcher.view.tombstones)
            digest.update(repr((name, stored.params, searcher.null(name))).encode())
            digest.update(ids.astype("<i8").tobytes())
    return digest.hexdigest()


def load(path: Path, stamp: str) -> list[Link] | None:
    """The pairs that were made from the same; None when there are none, or the file is damaged."""
    try:
        file = open_arrays(path, _KIND)
        if file.params != {"stamp": stamp}:
            return None
        file.check_all()
        return [_link(one) for one in json.loads(file.arrays["links"].tobytes())]
    except (OSError, ValueError, TypeError, KeyError, CollectionError):
        return None


def save(path: Path, stamp: str, links: Sequence[Link]) -> None:
    """Replace what is kept in one step; the caller holds the writer's lock."""
    text = json.dumps([asdict(replace(link, start=None)) for link in links]).encode()
    write_arrays(path, _KIND, {"stamp": stamp}, {"links": np.frombuffer(text, np.uint8)})


def _link(values: dict[str, Any]) -> Link:
    """ValueError, TypeError or KeyError for what is no pair."""
    seen = values.pop("seen")
    link = Link(**values, seen=None if seen is None else Seen(**seen))
    if link.kind not in KINDS or not link.first < link.second:
        raise ValueError("no pair")
    between(AS_IS, link.variant)
    return link
