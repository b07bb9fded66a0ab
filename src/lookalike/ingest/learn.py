"""Learning words from captions: a collection's own map from pictures to what people say of them (models/learned.py)."""

from __future__ import annotations

import csv
import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lookalike.errors import CollectionError, ImageError, QueryError, printable
from lookalike.methods.text import LEARNED, ConceptText, map_file, taught_file
from lookalike.models.concepts import shared_space
from lookalike.models.learned import LearnedMap, shipped
from lookalike.models.network import shared_network
from lookalike.models.sentences import Sentences
from lookalike.models.taught import save_taught
from lookalike.pictures.open import open_image
from lookalike.progress import Progress
from lookalike.store.catalogue import Record
from lookalike.store.directory import Store
from lookalike.store.upkeep import begin_again

FEWEST = 20
"""Captioned pictures below which nothing is learned: their accidents would be."""
TRUSTED = 500
"""So many captions weigh twice as much, each, as those that the package learned from."""
LONGEST_FILE = 64 << 20

Captions = Mapping[str, Sequence[str]]


@dataclass(slots=True)
class LearnReport:
    """What was learned. pictures: that had captions; captions: in all; unknown: names that are not in the collection,
    or not of one picture only; described: pictures described anew."""

    pictures: int = 0
    captions: int = 0
    unknown: list[str] = field(default_factory=list)
    described: int = 0


def read_captions(path: str | os.PathLike[str]) -> dict[str, list[str]]:
    """Picture -> captions from a CSV file of two columns, `file,caption`; a picture may have several lines.

    A first line that says file (or path, image, filename) and caption is a header, which may name them in any order and
    among others. Relative names are looked for beside the CSV file. QueryError for a file that is not like this.
    """
    shown = printable(Path(path))
    try:
        if os.path.getsize(path) > LONGEST_FILE:
            raise QueryError(f"{shown}: larger than {LONGEST_FILE >> 20} MB, not a list of captions")
        with open(path, newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except OSError as error:
        raise QueryError(f"{shown}: cannot be read: {error.strerror or error}") from error
    except csv.Error as error:
        raise QueryError(f"{shown}: not a CSV file ({error})") from error
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    named = next((header.index(name) for name in ("file", "path", "image", "filename") if name in header), None)
    said = header.index("caption") if "caption" in header else None
    start, named, said = (1, named, said) if named is not None and said is not None else (0, 0, 1)
    captions: dict[str, list[str]] = defaultdict(list)
    for number, row in enumerate(rows[start:], start + 1):
        if len(row) <= max(named, said):
            raise QueryError(f"{shown}: line {number} has no two columns: write file,caption")
        if row[said].strip():
            captions[row[named].strip()].append(row[said].strip())
    return dict(captions)


def learn_captions(store: Store, captions: Captions, beside: Path, progress: Callable[[Progress], None]) -> LearnReport:
    """Learn from captioned pictures of the collection; the caller holds the writer's lock and describes anew.

    captions: by path, relative ones from the folder `beside` or as the end of a path; those in the files themselves
    (EXIF, IPTC, XMP) are learned from as well. The words of all of them find their picture from now on.
    CollectionError when there are too few.
    """
    records = list(store.catalogue.iterate("ok"))
    report = LearnReport()
    told: dict[int, list[str]] = {record.id: [record.caption] for record in records if record.caption}
    listed: dict[int, list[str]] = defaultdict(list)
    by_name = _by_name(records)
    for name, texts in captions.items():
        place = os.path.abspath(beside / os.path.expanduser(name))
        found = by_name.get(place) or by_name.get(os.path.basename(name)) or []
        if len(found) == 1:
            told.setdefault(found[0], []).extend(texts)
            listed[found[0]].extend(texts)
        else:
            report.unknown.append(name)
    paths = {record.id: record.path for record in records}
    features, vectors, sentences = [], [], Sentences()
    for done, (id_, texts) in enumerate(sorted(told.items())):
        progress(Progress("learning", done, len(told)))
        try:
            seen = shared_network().run(open_image(paths[id_]))
        except ImageError:
            continue
        features.append(shared_space().read(seen))
        vectors.append(sentences.encode(texts))
        report.captions += len(texts)
    report.pictures = len(features)
    if len(features) < FEWEST:
        raise CollectionError(
            f"{len(features)} of the collection's pictures have captions: {FEWEST} or more are needed to learn from"
        )
    base = shipped()
    _keep(store, base.more(np.stack(features), base.targets(vectors), 1 + len(features) / TRUSTED), listed)
    return report


def forget_captions(store: Store) -> bool:
    """Back to the map that comes with lookalike; False when nothing was learned. The caller describes anew."""
    kept = store.catalogue.methods().get("text")
    if kept is None or not kept.params.get("learned"):
        return False
    begin_again(store, kept, ConceptText().params)
    _clear(store, "")
    return True


def _keep(store: Store, learned: LearnedMap, listed: Mapping[int, Sequence[str]]) -> None:
    """listed: captions that are in no file, by id."""
    kept = store.catalogue.methods().get("text")
    if kept is None:
        raise QueryError("this collection cannot be asked with words: add them with `lookalike index --method text`")
    folder = store.directory / LEARNED
    folder.mkdir(exist_ok=True)
    unfinished, words = folder / "unfinished", folder / "unfinished.words"
    learned.save(unfinished, axes=False)
    save_taught(listed, words)
    digest = hashlib.sha256(unfinished.read_bytes() + words.read_bytes()).hexdigest()[:16]
    map_ = map_file(store.directory, digest)
    words.replace(taught_file(map_))
    unfinished.replace(map_)
    if kept.params.get("learned") != digest:
        begin_again(store, kept, ConceptText(learned=digest, folder=str(store.directory)).params)
    _clear(store, digest)


def _clear(store: Store, digest: str) -> None:
    """Remove maps that are no longer used."""
    for path in (store.directory / LEARNED).glob("*.npz"):
        if path.name.split(".")[0] != digest:
            path.unlink(missing_ok=True)


def _by_name(records: Iterable[Record]) -> dict[str, list[int]]:
    """Ids by whole path and by bare name."""
    found: dict[str, list[int]] = defaultdict(list)
    for record in records:
        found[record.path].append(record.id)
        found[os.path.basename(record.path)].append(record.id)
    return found
