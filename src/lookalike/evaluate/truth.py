"""Labelled groups from a CSV file: which pictures belong together, and how well each method knows."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING

from lookalike.errors import ImageError, QueryError, printable
from lookalike.evaluate.asking import MOST_RUNS, runs, timed_search
from lookalike.evaluate.metrics import Rank, average_precision, ranks_of, recall_at
from lookalike.evaluate.result import TruthScore
from lookalike.evaluate.tables import read_table
from lookalike.pictures.open import open_image

if TYPE_CHECKING:
    from lookalike.collection import Collection

DEPTH = 100
FIRST = 5
CLASS_QUESTIONS = 300
SIZE = 1024
NEEDED = ("path", "group")
ROLES = ("", "query", "reference")


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """path: of the picture to ask with. right: ids that should be found. neutral: ids that are left out meanwhile."""

    path: str
    right: frozenset[int]
    neutral: frozenset[int]


@dataclass(frozen=True, slots=True)
class Truth:
    """The questions of a truth file. related: every labelled id with all ids of its group. notes: what of the file
    could not be used."""

    questions: tuple[LabelledQuestion, ...]
    related: Mapping[int, frozenset[int]]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    path: str
    group: str
    role: str
    id: int | None


def read_truth(file: str | os.PathLike[str], collection: Collection) -> Truth:
    """The questions that a CSV file with the columns path, group and perhaps role asks of a collection.

    path: absolute, or relative to the file's folder or to a folder that was indexed. Pictures of the same group
    belong together; rows without a group are passed over. role: a "query" asks and is never an answer, a
    "reference" is found and does not ask, a row without role does both (leave-one-out). Other columns are ignored.

    file: of a folder, its folders are the groups, as classes often are; at most CLASS_QUESTIONS of the pictures ask.

    Raises QueryError when the file cannot be read, lacks a column or labels nothing of the collection.
    """
    if Path(file).is_dir():
        return _classes(Path(file), collection)
    rows = _located(Path(file), _rows(Path(file)), collection)
    groups: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        groups[row.group].append(row)
    questions = [question for members in groups.values() for question in _questions(members)]
    unknown = [row.path for row in rows if row.id is None and row.role != "query"]
    notes = []
    if unknown:
        notes.append(f"{len(unknown)} labelled pictures are not in the collection, the first: {printable(unknown[0])}")
    if not questions:
        raise QueryError(
            f"{printable(Path(file))}: no group has two pictures of this collection"
            + (f"; not in it, for one: {printable(unknown[0])}" if unknown else "")
        )
    return Truth(tuple(questions), _related(groups.values()), tuple(notes))


def ask_truth(
    collection: Collection, truth: Truth, methods: Sequence[str], tick: Callable[[str], None]
) -> tuple[TruthScore, ...]:
    """Ask every question by every method; pictures that cannot be read count as not found."""
    firsts: dict[str, list[Rank]] = {method: [] for method in methods}
    precisions: dict[str, list[float]] = {method: [] for method in methods}
    firsts_right: dict[str, list[float]] = {method: [] for method in methods}
    times: dict[str, list[float]] = {method: [] for method in methods}
    for question in truth.questions:
        try:
            picture = open_image(question.path, size=SIZE).rgb
        except ImageError:
            picture = None
        for method in methods:
            ranks: list[int] = []
            if picture is not None:
                left_out = question.neutral if len(runs(question.neutral)) <= MOST_RUNS else ()
                answer = timed_search(collection, picture, method, DEPTH + len(question.neutral), left_out)
                ranks = [rank for rank in ranks_of(answer.ids, question.right, question.neutral) if rank <= DEPTH]
                times[method].append(answer.milliseconds)
            firsts[method].append(ranks[0] if ranks else None)
            precisions[method].append(average_precision(ranks, len(question.right)))
            if len(question.right) >= FIRST:
                firsts_right[method].append(sum(rank <= FIRST for rank in ranks) / FIRST)
            tick("labelled groups")
    return tuple(
        TruthScore(
            method,
            len(truth.questions),
            sum(precisions[method]) / len(truth.questions),
            recall_at(firsts[method], 1),
            recall_at(firsts[method], 10),
            median(times[method] or [0.0]),
            fmean(firsts_right[method]) if firsts_right[method] else None,
        )
        for method in methods
    )


def _rows(file: Path) -> list[dict[str, str]]:
    """The rows with a group; errors as one line."""
    rows = []
    for line, row in read_table(file, NEEDED):
        role = row.get("role", "")
        if role not in ROLES:
            raise QueryError(f"{printable(file)}, line {line}: the role {role!r} is neither query nor reference")
        if row["group"] and row["path"]:
            rows.append(row)
    return rows


def _classes(folder: Path, collection: Collection) -> Truth:
    """The pictures of each folder in a folder belong together: some ask for all others."""
    root = os.path.abspath(folder)
    members: dict[str, list[_Row]] = defaultdict(list)
    for record in filter(None, (collection.record(id_) for id_ in collection.ids().tolist())):
        if record.path.startswith(os.path.join(root, "")):
            group, below, _ = os.path.relpath(record.path, root).partition(os.sep)
            if below:
                members[group].append(_Row(record.path, group, "", record.id))
    groups = [rows for rows in members.values() if len(rows) > 1]
    if not groups:
        raise QueryError(f"{printable(folder)}: no folder in it has two pictures of this collection")
    each = max(1, CLASS_QUESTIONS // len(groups))
    chosen = (rows[:: -(-len(rows) // each)] for rows in groups)
    everyone = (frozenset(row.id for row in rows if row.id is not None) for rows in groups)
    questions = tuple(
        LabelledQuestion(row.path, ids - {row.id}, frozenset({row.id}))
        for rows, ids in zip(chosen, everyone, strict=True)
        for row in rows
        if row.id is not None
    )
    return Truth(questions, {}, ())


def _located(file: Path, rows: Iterable[dict[str, str]], collection: Collection) -> list[_Row]:
    """Each row with the picture that it means: one of the collection, else a file that is there."""
    records = (collection.record(id_) for id_ in collection.ids().tolist())
    known = {record.path: record.id for record in records if record}
    folders = [os.path.abspath(file.parent), *collection.info().roots]
    located = []
    for row in rows:
        places = [os.path.abspath(os.path.join(folder, os.path.expanduser(row["path"]))) for folder in folders]
        in_collection = [place for place in places if place in known]
        there = in_collection or [place for place in places if os.path.isfile(place)] or [row["path"]]
        located.append(_Row(there[0], row["group"], row.get("role", ""), known.get(there[0])))
    return located


def _questions(members: Sequence[_Row]) -> list[LabelledQuestion]:
    found = frozenset(row.id for row in members if row.id is not None and row.role != "query")
    everyone = frozenset(row.id for row in members if row.id is not None)
    questions = []
    for row in members:
        right = found - {row.id}
        if row.role != "reference" and right and (row.id is not None or os.path.isfile(row.path)):
            questions.append(LabelledQuestion(row.path, right, everyone - right))
    return questions


def _related(groups: Iterable[Sequence[_Row]]) -> dict[int, frozenset[int]]:
    related: dict[int, frozenset[int]] = {}
    for members in groups:
        ids = frozenset(row.id for row in members if row.id is not None)
        related |= {id_: ids | related.get(id_, frozenset()) for id_ in ids}
    return related
