"""What an evaluation found out: one record a question, and the figures drawn from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from math import inf
from statistics import median, quantiles
from typing import Any

from lookalike.evaluate.metrics import mean_reciprocal_rank, micro_average_precision, recall_at, recall_at_precision
from lookalike.search.relevance import FAIR, FLOOR, STRONG

LEVELS = (0.01, 0.1, 1.0)
"""The values of expected_false at which false alarms are counted."""
SURE = LEVELS[0]
PRECISE = 0.9


@dataclass(frozen=True, slots=True)
class Outcome:
    """One edited copy, asked by one method.

    picture: id of the right one. rank: its place, counted from 1, None when not among the first ten.
    expected_false: of the right one, where it was found and that is known. wrong: id of what came first in its place,
    and wrong_expected_false.
    """

    picture: int
    edit: str
    method: str
    rank: int | None
    expected_false: float | None
    wrong: int | None
    milliseconds: float
    wrong_expected_false: float | None = None


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One picture, asked while it was left out of the index. hits: ids found, and their expected_false."""

    picture: int
    method: str
    hits: tuple[tuple[int, float | None], ...]

    def alarms(self, level: float) -> int | None:
        """How many hits have at most this expected_false; None where a hit's is not known."""
        if any(chance is None for _, chance in self.hits):
            return None
        return sum(chance is not None and chance <= level for _, chance in self.hits)


@dataclass(frozen=True, slots=True)
class Failure:
    """An edited copy that did not find its original, as JPEG to look at."""

    outcome: Outcome
    query: bytes


@dataclass(frozen=True, slots=True)
class IndexScore:
    """One kind of index beside exact search. recall: the share of the ten nearest that it finds, or others as near."""

    method: str
    kind: str
    exact: str
    questions: int
    recall: float
    milliseconds: float
    exact_milliseconds: float


@dataclass(frozen=True, slots=True)
class TruthScore:
    """One method on labelled groups. mean_average_precision: over the first hundred pictures of each answer.
    precision_5: the share of right ones among the first five, by questions that have as many; None without any."""

    method: str
    questions: int
    mean_average_precision: float
    recall_1: float
    recall_10: float
    median_milliseconds: float
    precision_5: float | None = None


@dataclass(frozen=True, slots=True)
class ThingOutcome:
    """A thing asked for by its name. there: whether the collection shows it. found: id of the best match by sight, and
    relevance: how likely it is said to be meant."""

    words: str
    there: bool
    found: int | None
    relevance: float


@dataclass(frozen=True, slots=True)
class Things:
    """How many things have a best match that is strong, that is fair or better, that is weak or better."""

    asked: int
    strong: int
    fair: int
    weak: int


@dataclass(frozen=True, slots=True)
class PlantedOutcome:
    """A file made from a picture, or another photograph of its scene, beside the picture's own file.

    grouped: whether `duplicates` calls them copies of one another. kept: whether another file than the one made is kept
    then, and reason: as it is told. shown: as JPEG where something is wrong.
    """

    picture: int
    kind: str
    is_shot: bool
    grouped: bool
    kept: bool | None
    reason: str
    shown: bytes | None = None


@dataclass(frozen=True, slots=True)
class Pairs:
    """Of pairs of one kind: how many `duplicates` calls copies, and in how many of those it keeps the original."""

    pairs: int
    grouped: int
    kept: int

    @classmethod
    def of(cls, outcomes: Sequence[PlantedOutcome]) -> Pairs:
        """The counts."""
        return cls(len(outcomes), sum(one.grouped for one in outcomes), sum(bool(one.kept) for one in outcomes))


@dataclass(frozen=True, slots=True)
class Score:
    """What became of a number of questions. sure: the share that came first with expected_false <= 0.01."""

    questions: int
    recall_1: float
    recall_10: float
    mrr: float
    sure: float
    median_milliseconds: float
    p90_milliseconds: float

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> Score:
        """The figures of at least one outcome."""
        ranks = [one.rank for one in outcomes]
        times = [one.milliseconds for one in outcomes]
        sure = [one.rank == 1 and one.expected_false is not None and one.expected_false <= SURE for one in outcomes]
        return cls(
            len(outcomes),
            recall_at(ranks, 1),
            recall_at(ranks, 10),
            mean_reciprocal_rank(ranks),
            sum(sure) / len(sure),
            median(times),
            quantiles(times, n=10, method="inclusive")[-1] if len(times) > 1 else times[0],
        )


@dataclass(frozen=True, slots=True)
class Detection:
    """How well one limit of expected_false tells copies from strangers, over all questions at once.

    copies: questions with a right picture; strangers: pictures left out, of which nothing is right.
    micro_average_precision: see `metrics`; recall_90: the share of copies found with a precision of 90 %.
    """

    copies: int
    strangers: int
    micro_average_precision: float
    recall_90: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that came out. paths: of every picture mentioned, by id. examples: each edit of one picture, as JPEG."""

    pictures: int
    seed: int
    methods: tuple[str, ...]
    edits: tuple[str, ...]
    outcomes: tuple[Outcome, ...] = ()
    held_out: tuple[HeldOut, ...] = ()
    indexes: tuple[IndexScore, ...] = ()
    truth: tuple[TruthScore, ...] = ()
    words: tuple[ThingOutcome, ...] = ()
    planted: tuple[PlantedOutcome, ...] = ()
    failures: tuple[Failure, ...] = ()
    examples: dict[str, bytes] = field(default_factory=dict)
    paths: dict[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def score(self, method: str, edit: str | None = None) -> Score | None:
        """The figures of a method, for one edit or all of them; None when nothing was asked."""
        asked = [one for one in self.outcomes if one.method == method and edit in (None, one.edit)]
        return Score.of(asked) if asked else None

    def detection(self, method: str) -> Detection | None:
        """Copies among strangers by what came first; None when either was not asked or nothing is known of chance."""
        copies = [one for one in self.outcomes if one.method == method]
        strangers = [one.hits[0][1] for one in self.held_out if one.method == method and one.hits]
        asked = sum(one.method == method for one in self.held_out)
        if not copies or not asked or all(one.expected_false is None for one in copies):
            return None
        firsts = [(one.expected_false if one.rank == 1 else one.wrong_expected_false, one.rank == 1) for one in copies]
        firsts += [(chance, False) for chance in strangers]
        found = [(inf if chance is None else chance, right) for chance, right in firsts]
        right = len(copies)
        precise = recall_at_precision(found, right, PRECISE)
        return Detection(right, asked, micro_average_precision(found, right), precise)

    def false_alarms(self, method: str, level: float) -> float | None:
        """Hits with at most this expected_false, per picture held out; None where not known. Ideally `level`."""
        counts = [one.alarms(level) for one in self.held_out if one.method == method]
        known = [count for count in counts if count is not None]
        return sum(known) / len(known) if known and len(known) == len(counts) else None

    def things(self, there: bool) -> Things | None:
        """Of things that are there, or that are not; None when none was asked."""
        found = [one.relevance for one in self.words if one.there == there]
        counts = (sum(relevance >= least for relevance in found) for least in (STRONG, FAIR, FLOOR))
        return Things(len(found), *counts) if found else None

    def pairs(self, are_shots: bool) -> dict[str, Pairs]:
        """What became of planted copies, or of other photographs, by their kind."""
        kinds = dict.fromkeys(one.kind for one in self.planted if one.is_shot == are_shots)
        return {kind: Pairs.of([one for one in self.planted if one.kind == kind]) for kind in kinds}

    def to_json(self) -> dict[str, Any]:
        """Plain values: the figures, every copy that did not find its original first, every false alarm."""
        return {
            "pictures": self.pictures,
            "seed": self.seed,
            "methods": {name: self._method_json(name) for name in self.methods},
            "edits": {edit: {name: _plain(self.score(name, edit)) for name in self.methods} for edit in self.edits},
            "indexes": [asdict(one) for one in self.indexes],
            "truth": [asdict(one) for one in self.truth],
            "words": {
                "there": _plain(self.things(True)),
                "not_there": _plain(self.things(False)),
                "asked": [
                    {"words": one.words, "there": one.there, "relevance": one.relevance, "found": self._path(one.found)}
                    for one in self.words
                ],
            },
            "copies": {kind: asdict(one) for kind, one in self.pairs(False).items()},
            "shots": {kind: asdict(one) for kind, one in self.pairs(True).items()},
            "missed": [self._missed_json(one) for one in self.outcomes if one.rank != 1],
            "false_alarms": [
                {"method": one.method, "path": self._path(one.picture), "found": self._path(id_), "expected_false": e}
                for one in self.held_out
                for id_, e in one.hits
                if e is not None and e <= LEVELS[-1]
            ],
            "notes": list(self.notes),
        }

    def _method_json(self, name: str) -> dict[str, Any]:
        alarms = {f"{level:g}": self.false_alarms(name, level) for level in LEVELS}
        found = self.detection(name)
        return {
            **(_plain(self.score(name)) or {}),
            "false_alarms": alarms,
            "detection": None if found is None else asdict(found),
        }

    def _missed_json(self, one: Outcome) -> dict[str, Any]:
        wrong = None if one.wrong is None else self._path(one.wrong)
        return {
            "method": one.method,
            "edit": one.edit,
            "path": self._path(one.picture),
            "rank": one.rank,
            "found_instead": wrong,
        }

    def _path(self, id_: int | None) -> str:
        """Valid text: undecodable bytes as escapes."""
        return self.paths.get(-1 if id_ is None else id_, "").encode("utf-8", "backslashreplace").decode()


def _plain(score: Score | Things | None) -> dict[str, Any] | None:
    return None if score is None else asdict(score)
