"""How well each method finds what it should, on the user's own pictures."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from lookalike.errors import CollectionError, QueryError, printable
from lookalike.evaluate.asking import MOST_RUNS, methods_to_ask, runs, timed_search
from lookalike.evaluate.edits import EDITS, Edit, Picture, get
from lookalike.evaluate.indexes import QUESTIONS, compare_indexes
from lookalike.evaluate.metrics import rank_of
from lookalike.evaluate.planted import ask_planted, can_be_planted
from lookalike.evaluate.result import (
    Evaluation,
    Failure,
    HeldOut,
    IndexScore,
    Outcome,
    PlantedOutcome,
    ThingOutcome,
    TruthScore,
)
from lookalike.evaluate.sample import Drawn, Question, Sample, thumbnail
from lookalike.evaluate.truth import ask_truth, read_truth
from lookalike.evaluate.words import ask_words, can_be_asked, read_things
from lookalike.progress import Progress

if TYPE_CHECKING:
    from lookalike.collection import Collection

SECTIONS = ("copies", "groups", "words", "duplicates")
NO_SAMPLE = "a sample of 0 pictures asks nothing: take 1 or more, leave some out, or give labelled groups"
NO_TRUTH = "groups: which pictures belong together is not known: give a file or a folder (truth)"
K = 10
FEW = 100
SHOWN = 4  # failures of each method and edit that are kept to look at, beside one of each picture
HITS = 30  # of a picture held out: more than chance brings below the greatest level of expected_false


def evaluate(
    collection: Collection,
    sample: int = 50,
    *,
    only: Sequence[str] = (),
    edits: Sequence[str] = (),
    methods: Sequence[str] = (),
    held_out: int | None = None,
    truth: str | os.PathLike[str] | None = None,
    words: str | os.PathLike[str] | None = None,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
) -> Evaluation:
    """Ask with edited copies of pictures of the collection, and tell how often each method finds the original.

    sample: how many pictures, drawn by the seed; 0 for none. edits: names, all without any. methods: names and
    "auto"; without any, all of the collection but `text`, and "auto". held_out: how many pictures (twice the sample
    unless given) are also asked as they are while they are left out of the index: then everything found is a false
    alarm. truth: a CSV file of labelled groups, or a folder of folders, see `read_truth`; a picture held out takes its
    group along. words: a CSV file of things that are there or not, see `read_things`.
    only: sections, of SECTIONS; all that can be asked without any, but only "copies" when edits or methods are named
    and only "groups" beside copies when a truth is given.
    Neither collection nor pictures are changed. The same seed gives the same questions and answers; only the times
    differ.

    Raises QueryError for unknown names, an unusable truth file and when there is nothing to ask, CollectionError for
    a collection without pictures.
    """
    if sample < 0 or (held_out or 0) < 0:
        raise QueryError("a sample has 0 or more pictures")
    sections = _sections(only, sample, held_out or 0, truth, words, narrowed=bool(edits or methods))
    things = read_things(words) if "words" in sections else []
    chosen = [get(name) for name in dict.fromkeys(edits)] or list(EDITS)
    asked = methods_to_ask(collection, methods)
    if not len(collection):
        raise CollectionError(f"{printable(collection.path)} holds no pictures: `lookalike index FOLDER` first")
    labelled = None if truth is None or "groups" not in sections else read_truth(truth, collection)
    run = _Run(collection, chosen, asked, seed, labelled.related if labelled else {}, progress or (lambda _: None))
    left_out = 2 * sample if held_out is None else held_out
    asks_words = bool(things) and can_be_asked(collection)
    planted = sample if "duplicates" in sections and can_be_planted(collection) else 0
    others = (len(things) if asks_words else 0) + 2 * min(planted, len(collection))
    labelled_questions = len(labelled.questions) if labelled else 0
    run.plan(*((sample, left_out) if "copies" in sections else (0, 0)), labelled_questions, others)
    run.ask_copies()
    scores = ask_truth(collection, labelled, run.methods, run.tick) if labelled else ()
    found = ask_words(collection, things, run.tick) if asks_words else ()
    pairs = ask_planted(collection, Sample(collection, seed), planted, run.tick) if planted else ()
    notes = [*(labelled.notes if labelled else ())]
    if "words" in only and not asks_words:
        notes.append("words: nothing tells here how likely a match is meant (`lookalike index --method text` does)")
    if "duplicates" in only and not planted:
        notes.append("duplicates: needs phash or local, which this collection does not have")
    return run.result(scores, notes, found, pairs)


def _sections(
    only: Sequence[str],
    sample: int,
    held_out: int,
    truth: str | os.PathLike[str] | None,
    words: str | os.PathLike[str] | None,
    *,
    narrowed: bool,
) -> frozenset[str]:
    """What is to be asked. QueryError for a name that there is not, and when it is nothing."""
    for name in only:
        if name not in SECTIONS:
            raise QueryError(f"no section {name!r}; there are {', '.join(SECTIONS)}")
    able = {
        "copies": bool(sample or held_out),
        "groups": truth is not None,
        "words": True,
        "duplicates": sample > 0,
    }
    for name in only:
        if not able[name]:
            raise QueryError(NO_TRUTH if name == "groups" else f"{name}: {NO_SAMPLE}")
    if only:
        return frozenset(only)
    if not (sample or held_out or truth or words):
        raise QueryError(NO_SAMPLE)
    whole = sample > 0 and not (narrowed or truth)
    wanted = {"copies": True, "groups": True, "words": whole or words is not None, "duplicates": whole}
    return frozenset(name for name in SECTIONS if able[name] and wanted[name])


class _Run:
    """One evaluation under way."""

    def __init__(
        self,
        collection: Collection,
        edits: list[Edit],
        methods: tuple[str, ...],
        seed: int,
        related: Mapping[int, frozenset[int]],
        progress: Callable[[Progress], None],
    ) -> None:
        self.collection, self.edits, self.methods, self.seed = collection, edits, methods, seed
        self._related = related
        self._progress = progress
        self._sample = Sample(collection, seed)
        self._copies = self._held = self._done = self._total = 0
        self._outcomes: list[Outcome] = []
        self._held_out: list[HeldOut] = []
        self._indexes: tuple[IndexScore, ...] = ()
        self._failures: list[Failure] = []
        self._shown: Counter[tuple[str, str | int]] = Counter()
        self._examples: dict[str, bytes] = {}

    def plan(self, sample: int, held_out: int, labelled: int, others: int) -> None:
        """How many questions there will be. others: that are not asked by each method."""
        self._copies, self._held = min(sample, len(self.collection)), min(held_out, len(self.collection))
        self._total = len(self.methods) * (self._copies * len(self.edits) + self._held + labelled) + others

    def tick(self, doing: str) -> None:
        """One more question is answered."""
        self._done += 1
        self._progress(Progress(doing, min(self._done, self._total), self._total))

    def ask_copies(self) -> None:
        """Ask with the edited copies of each picture drawn, and with the picture itself left out."""
        seen: list[Picture] = []
        for number, drawn in enumerate(self._sample.draw(max(self._copies, self._held))):
            if number == 0:
                for method in self.methods:  # loads indexes and networks, which is not a question's time
                    timed_search(self.collection, drawn.picture, method, K)
            if number < self._copies:
                for question in self._sample.questions(drawn, self.edits):
                    self._ask_copy(drawn, question)
            if number < self._held:
                self._ask_held_out(drawn)
            if number < min(self._copies, QUESTIONS):
                seen.append(drawn.picture)
        if self._copies and not seen:
            reason = "; ".join(f"{printable(path)}: {reason}" for path, reason in self._sample.skipped[:1])
            raise CollectionError(f"no picture of {printable(self.collection.path)} can be read any more ({reason})")
        if seen:
            self._progress(Progress("comparing indexes", self._done, self._total))
            self._indexes = compare_indexes(self.collection, self.methods, seen)

    def result(
        self,
        truth: Sequence[TruthScore],
        notes: Iterable[str],
        words: tuple[ThingOutcome, ...],
        planted: tuple[PlantedOutcome, ...],
    ) -> Evaluation:
        """All that was found out."""
        mentioned = {*self._mentioned(), *(one.picture for one in planted)}
        mentioned |= {one.found for one in words if one.found is not None}
        return Evaluation(
            pictures=len(self.collection),
            seed=self.seed,
            methods=self.methods,
            edits=tuple(edit.name for edit in self.edits) if self._copies else (),
            outcomes=tuple(self._outcomes),
            held_out=tuple(self._held_out),
            indexes=self._indexes,
            truth=tuple(truth),
            words=words,
            planted=planted,
            failures=tuple(self._failures),
            examples=self._examples,
            paths={one.id: one.path for one in self.collection.records(sorted(mentioned))},
            notes=(*self._notes(), *notes),
        )

    def _ask_copy(self, drawn: Drawn, question: Question) -> None:
        self._examples.setdefault(question.edit, thumbnail(question.picture))
        for method in self.methods:
            answer = timed_search(self.collection, question.picture, method, K + len(question.beside))
            rank = rank_of(answer.ids, drawn.twins, question.beside)
            found = next((match for match in answer.matches if match.id in drawn.twins), None)
            wrong = next((match for match in answer.matches if match.id not in drawn.twins | question.beside), None)
            missed = wrong if rank != 1 else None
            outcome = Outcome(
                picture=drawn.id,
                edit=question.edit,
                method=method,
                rank=rank if rank is not None and rank <= K else None,
                expected_false=found.expected_false if found else None,
                wrong=missed.id if missed else None,
                milliseconds=answer.milliseconds,
                wrong_expected_false=missed.expected_false if missed else None,
            )
            self._outcomes.append(outcome)
            seen = (method, question.edit), (method, drawn.id)
            if rank != 1 and (self._shown[seen[0]] < SHOWN or not self._shown[seen[1]]):
                self._shown.update(seen)
                self._failures.append(Failure(outcome, thumbnail(question.picture)))
            self.tick(question.edit)

    def _ask_held_out(self, drawn: Drawn) -> None:
        left_out = drawn.twins | self._related.get(drawn.id, frozenset())
        if len(runs(left_out)) > MOST_RUNS:
            return
        for method in self.methods:
            answer = timed_search(self.collection, drawn.picture, method, HITS, left_out)
            hits = tuple((match.id, match.expected_false) for match in answer.matches)
            self._held_out.append(HeldOut(drawn.id, method, hits))
            self.tick("held out")

    def _mentioned(self) -> Iterator[int]:
        for one in self._outcomes:
            yield from (one.picture, *([] if one.wrong is None else [one.wrong]))
        for held in self._held_out:
            yield from (held.picture, *(id_ for id_, _ in held.hits))

    def _notes(self) -> Iterator[str]:
        pictures = len(self.collection)
        if pictures < FEW:
            yield f"only {pictures} in the collection: among so few, finding the right one proves little"
        skipped = self._sample.skipped
        for path, reason in islice(skipped, 3):
            yield f"not asked with: {printable(path)}: {reason}"
        if len(skipped) > 3:
            yield f"and {len(skipped) - 3} more that cannot be read any more: `lookalike index` takes them out"
        asked = {one.edit for one in self._outcomes}
        left_out = [edit.name for edit in self.edits if edit.needs_others and edit.name not in asked]
        if self._copies and left_out:
            yield f"left out for want of other pictures: {', '.join(left_out)}"
