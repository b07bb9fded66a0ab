"""Pairs for `duplicates`: beside pictures of the collection a file made from each, and another photograph of its scene.

They are planted in a collection of their own in a temporary folder, of copies of the files, all of one date and under
names that tell nothing. A copy should be found and its original kept; another photograph should be left alone.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.errors import CollectionError, ImageError
from lookalike.evaluate.remade import KINDS, remade
from lookalike.evaluate.result import PlantedOutcome
from lookalike.evaluate.sample import Drawn, Sample, thumbnail
from lookalike.evaluate.shots import KINDS as SHOTS
from lookalike.evaluate.shots import near_shot
from lookalike.pictures.open import open_image

if TYPE_CHECKING:
    from lookalike.collection import Collection
    from lookalike.duplicates.group import Group

LARGEST = 4096  # pixels of the longest side of what is made from a file
DATE = 1_700_000_000
ROLES = ("copy", "part", "color", "looks")


@dataclass(frozen=True, slots=True)
class _Plant:
    """A file made from a picture. original: the copy of the picture's file that lies beside it."""

    picture: int
    kind: str
    is_shot: bool
    file: Path
    original: Path


def can_be_planted(collection: Collection) -> bool:
    """Whether the collection is described by what finds copies."""
    searcher = collection.searcher()
    return any(searcher.method(name).traits.role in ("copy", "part") for name in searcher.methods)


def ask_planted(
    collection: Collection, sample: Sample, count: int, tick: Callable[[str], None]
) -> tuple[PlantedOutcome, ...]:
    """Plant pairs for `count` pictures of the sample, and tell what `duplicates` makes of them."""
    from lookalike.collection import Collection as Opened
    from lookalike.ingest.run import Options

    searcher = collection.searcher()
    methods = [name for name in searcher.methods if searcher.method(name).traits.role in ROLES]
    with tempfile.TemporaryDirectory(prefix="lookalike-") as folder:
        pictures = Path(folder) / "pictures"
        pictures.mkdir()
        planted = [one for drawn in _different(sample.draw(count)) for one in _plant(collection, drawn, pictures)]
        with Opened(Path(folder) / "album") as album:
            if not planted:
                return ()
            album.index([pictures], methods=methods, options=Options(workers=0))
            groups = album.duplicates()
        outcomes = []
        for one in planted:
            outcomes.append(_outcome(one, groups))
            tick("duplicates")
        return tuple(outcomes)


def _different(drawn: Iterable[Drawn]) -> Iterable[Drawn]:
    """Of files with the same bytes only the first."""
    seen: set[int] = set()
    for one in drawn:
        if not seen & one.twins:
            seen |= one.twins
            yield one


def _plant(collection: Collection, drawn: Drawn, folder: Path) -> list[_Plant]:
    """The copy and the shot of a picture, and its own file beside them; nothing when it is gone."""
    record = collection.record(drawn.id)
    if record is None:
        return []
    number = sum(1 for _ in folder.iterdir()) // 3
    kind, shot = list(KINDS)[number % len(KINDS)], SHOTS[number % len(SHOTS)]
    sides = ("a", "b") if number // len(KINDS) % 2 else ("b", "a")  # neither name comes first always
    try:
        content, suffix = remade(open_image(record.path, size=LARGEST).picture, kind)
        original = folder / f"{number:05}-{sides[0]}{Path(record.path).suffix}"
        copy, other = folder / f"{number:05}-{sides[1]}{suffix}", folder / f"{number:05}-c.jpg"
        shutil.copyfile(record.path, original)
        copy.write_bytes(content)
        near_shot(drawn.picture, shot, drawn.id).save(other, quality=92)
        for path in (original, copy, other):
            os.utime(path, (DATE, DATE))
    except ImageError:
        return []
    except OSError as error:
        raise CollectionError(
            f"no room for pairs in {folder}: {error.strerror or error} (TMPDIR names another)"
        ) from error
    return [_Plant(drawn.id, kind, False, copy, original), _Plant(drawn.id, shot, True, other, original)]


def _outcome(one: _Plant, groups: Iterable[Group]) -> PlantedOutcome:
    both = {str(one.file), str(one.original)}
    group = next((group for group in groups if both <= {member.path for member in group.members}), None)
    kept = None if group is None else group.kept.path != str(one.file)
    wrong = group is not None and (one.is_shot or not kept)
    shown = thumbnail(open_image(one.file, size=512).picture) if wrong else None
    return PlantedOutcome(
        one.picture, one.kind, one.is_shot, group is not None, kept, group.reason if group else "", shown
    )
