"""Collection: the one class most users meet."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from lookalike.contents import Facet, Info, contents_in_milvus, contents_of
from lookalike.errors import CollectionError, QueryError, printable
from lookalike.milvus.address import is_address, parse_address
from lookalike.search.derived import compact_with_segments, own_layout, seal
from lookalike.search.newest import Newest
from lookalike.store.catalogue import Record
from lookalike.store.directory import Store

if TYPE_CHECKING:
    from lookalike.arrays.rows import Ids
    from lookalike.atlas.atlas import Atlas
    from lookalike.duplicates import Group
    from lookalike.ingest.learn import LearnReport
    from lookalike.ingest.run import IndexReport, Options
    from lookalike.milvus.store import MilvusStore
    from lookalike.pictures.open import Image, Source
    from lookalike.progress import Progress
    from lookalike.query.parse import Term
    from lookalike.search.base import Searched
    from lookalike.search.match import Matches
    from lookalike.search.searcher import Searcher
    from lookalike.store.salvage import SalvageReport
    from lookalike.store.upkeep import CheckReport

MANY = 20_000
"""Pictures from which on whoever asks twice gets faiss imported: each further scan is then several times as fast."""


class Collection:
    """Pictures described and kept in one directory, which is created by the first `index`, or in Milvus.

        with Collection("album") as album:
            album.index(["~/Pictures"])
            for match in album.search("query.jpg"):
                print(match.score, match.label, match.path)

    Safe for threads, and to open by any number of processes; only one of them all writes at a time. What is committed
    is found by the next search, which those that are under way do not wait for.

    path: a directory, or an address such as "milvus://host:19530/name", where everything below works the same but
    for `learn`, `duplicates`, `map`, `check` and what they need, which raise CollectionError.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser()
        self._milvus: MilvusStore | None = None
        if is_address(path):
            from lookalike.milvus.store import MilvusStore

            self._milvus = MilvusStore(parse_address(path), own_layout)
        self._directory = Store(self.path, own_layout)
        self._newest = Newest(self._directory)
        self._asked = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release files; the collection can be used again afterwards."""
        self._newest.forget()
        self._kept.close()

    def __repr__(self) -> str:
        return f"Collection({os.fspath(self.path)!r})"

    def __len__(self) -> int:
        """How many pictures can be found."""
        return self._kept.catalogue.counts()["ok"] if self._kept.exists else 0

    @property
    def methods(self) -> list[str]:
        """Names of the methods that this collection holds."""
        return list(self._kept.catalogue.methods())

    @property
    def roots(self) -> list[str]:
        """Folders and files that were indexed by name, which `index` without paths looks at."""
        return self._kept.catalogue.roots() if self._kept.exists else []

    # -- filling

    def index(
        self,
        paths: Sequence[str | os.PathLike[str]] = (),
        *,
        methods: Sequence[str] = (),
        options: Options | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> IndexReport:
        """Bring the collection up to date with folders and files; without paths, with those of earlier runs.

        methods: names to describe by, beyond those the collection holds, with parameters if need be, as in
        "phash:hash_size=32"; a new collection gets all built-in ones.
        Unchanged files are not read again, moved ones are recognised, unreadable ones are listed in the report.
        Raises CollectionError when nothing can be done; interrupting it loses nothing that was reported as done.
        """
        from lookalike.ingest.fill import NOTHING_TO_INDEX, fill
        from lookalike.ingest.run import Options
        from lookalike.ingest.walk import check_root
        from lookalike.methods.factory import make

        started = time.monotonic()
        options = options or Options()
        named = [_absolute(path) for path in paths]
        if not named:
            options = replace(options, named=False)
        if not self._kept.exists:  # what cannot begin leaves nothing behind
            if not named:
                raise CollectionError(NOTHING_TO_INDEX)
            for path in named:
                check_root(path)
            for text in methods:
                make(text)
        told = progress or (lambda _: None)
        with self._writing(create=True, progress=told) as store:
            report = fill(store, named, methods, options, told)
        report.seconds = time.monotonic() - started
        return report

    def merge(
        self, parts: Sequence[str | os.PathLike[str]], *, progress: Callable[[Progress], None] | None = None
    ) -> IndexReport:
        """Take over what was described elsewhere: parts of shards, or other collections. Their pictures are not read.

        The result is that of indexing their files here; ids may differ. Parts come in any order, and again after an
        interruption. Raises CollectionError, before anything is changed, for parts that are unfinished, whose
        catalogue is damaged, or described by other parameters or weights; and when it comes to damaged descriptors.
        """
        from lookalike.ingest.fill import take_over
        from lookalike.ingest.merge import open_part

        started = time.monotonic()
        opened = [open_part(Path(part).expanduser(), self._directory) for part in parts]
        told = progress or (lambda _: None)
        with self._writing(create=True, progress=told) as store:
            report = take_over(store, opened, told)
        report.seconds = time.monotonic() - started
        return report

    def learn(
        self,
        captions: str | os.PathLike[str] | Mapping[str, Sequence[str]] | None = None,
        *,
        options: Options | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> LearnReport:
        """Learn from your own captions what words mean in your pictures; then describe all of them anew for `text`.

        captions: a CSV file of lines file,caption, or captions by path; those in the files themselves are learned from
        as well. A later call starts from the beginning again. The pictures are read again, and the folders brought
        up to date as by `index`. Raises QueryError for a file that is not like this, CollectionError when fewer than
        20 pictures have captions.
        """
        from lookalike.ingest.learn import learn_captions, read_captions

        file = Path(captions) if isinstance(captions, str | os.PathLike) else None
        told = captions if isinstance(captions, Mapping) else read_captions(file) if file is not None else {}
        with self._store.writing():
            beside = file.parent if file is not None else Path()
            report = learn_captions(self._store, told, beside, progress or (lambda _: None))
        report.described = self.index(options=options, progress=progress).updated
        return report

    def forget(self, *, options: Options | None = None, progress: Callable[[Progress], None] | None = None) -> bool:
        """Undo `learn`: back to what comes with lookalike. False when nothing was learned."""
        from lookalike.ingest.learn import forget_captions

        with self._store.writing():
            learned = forget_captions(self._store)
        if learned:
            self.index(options=options, progress=progress)
        return learned

    def remove(self, paths: Sequence[str | os.PathLike[str]]) -> int:
        """Take files, or all files below folders, out of the collection (never off the disk); how many files, with
        those that could not be read and those that are no pictures.

        The folders are forgotten as well. What lies below a folder that is still indexed stays out of later runs
        until it is named again.
        """
        from lookalike.ingest.scope import read_scope, remember_scope
        from lookalike.store.changes import Removed

        with self._writing() as store:
            catalogue = store.catalogue
            ids = sorted({id_ for path in paths for id_ in catalogue.ids_below(_absolute(path))})
            store.apply([Removed(id_) for id_ in ids])
            for path in paths:
                catalogue.forget_roots(_absolute(path))
            scope = read_scope(catalogue)
            rest = scope.removing([_absolute(path) for path in paths], catalogue.roots())
            if rest != scope:
                remember_scope(catalogue, rest)
        return len(ids)

    def compact(self) -> int:
        """Free the space of removed pictures; bytes freed."""
        with self._writing():
            return compact_with_segments(self._store)

    # -- looking

    def search(
        self,
        image: Source | Image | None = None,
        *,
        text: str | None = None,
        query: str | Sequence[Term] | None = None,
        id: int | None = None,
        k: int = 10,
        methods: str | Sequence[str] = "auto",
        radius: float | None = None,
        region: Sequence[float] | None = None,
        where: str | None = None,
        index: str = "auto",
        max_expected_false: float | None = None,
        exclude_self: bool = False,
        stop: Callable[[], bool] | None = None,
    ) -> Matches:
        """The pictures that answer a question, best first.

        image: path, bytes, file, PIL image or array, or what open_image made of one; text: words; query: a weighted sum
        of both such as '2:"golden retriever" + ./pool.jpg - fruit', or its terms; id: a picture of the collection.
        k: how many at most. methods: "auto" or names. radius: all within this distance, in the unit of the one
        method named. region: (x, y, width, height) of the picture to ask with, in original pixels.
        where: a filter such as "taken >= 2020 and width > 1000". index: which index of the one method named.
        max_expected_false: only pictures of which chance alone would bring at most so many, e.g. 0.01 for copies.
        exclude_self: leave out the very file that is asked with, and its exact copies.
        stop: asked before each method; when it says yes, StoppedError is raised.
        The answer's `steps` tell what each method did.
        Raises QueryError for a question that makes no sense, ImageError for a picture that cannot be read.
        """
        from lookalike.index import simd
        from lookalike.query.parse import make_query
        from lookalike.search.answer import answer
        from lookalike.search.asker import Limits
        from lookalike.threads import one_thread

        if k < 1:
            raise QueryError(f"k is {k}: ask for at least one picture")
        names = (methods,) if isinstance(methods, str) else tuple(methods)
        searcher = self.searcher()
        if names != ("auto",):
            for name in names:
                searcher.method(name)
        asked = make_query(image=image, text=text, query=query, id=id, region=region, where=where, methods=names)
        if self._asked and searcher.view.pictures >= MANY:
            simd.load_faiss()
        self._asked = True
        with one_thread():
            return answer(searcher, asked, Limits(k, radius, index, max_expected_false, exclude_self, stop))

    def duplicates(
        self,
        *,
        max_expected_false: float = 0.01,
        between: tuple[str | os.PathLike[str], str | os.PathLike[str]] | None = None,
        kinds: Sequence[str] | None = None,
        shots: bool = False,
        keep: str = "original",
        keep_in: Sequence[str | os.PathLike[str]] = (),
        progress: Callable[[Progress], None] | None = None,
    ) -> list[Group]:
        """Groups of exact, same-picture and near copies, each with the one to keep and why.

        max_expected_false: a pair counts when chance alone brings at most so many pairs as close in the whole
        collection. between: two folders; only pairs with one picture below each. kinds: of members, all copies when
        None. shots: also groups of different photographs of one scene, of kind "same scene". keep: which copy, a rule
        of `lookalike.duplicates.RULES`; keep_in: folders whose copies are kept, whatever the rule.
        Raises QueryError for folders of which nothing is in the collection and for a rule that does not exist.
        """
        from lookalike.duplicates.find import Wanted, find_duplicates

        wanted = Wanted(between, kinds, shots, keep, keep_in)
        return find_duplicates(self._store, self._own_searcher(), max_expected_false, wanted, progress)

    def sha256(self, path: str | os.PathLike[str]) -> str | None:
        """The SHA-256 (hex) that the collection knows of a file, None when it has no such file."""
        record = self.record_of(path)
        return None if record is None else record.sha256

    def record_of(self, path: str | os.PathLike[str]) -> Record | None:
        """What is known of a file, None when the collection has no such file."""
        return self._kept.catalogue.by_path(_absolute(path))

    def record(self, id: int) -> Record | None:
        """What is known of a picture."""
        return self._kept.catalogue.records([id]).get(id)

    def records(self, ids: Iterable[int]) -> list[Record]:
        """What is known of pictures, in the order of the ids; those that are not there are left out."""
        wanted = [int(id_) for id_ in ids]
        found = self._kept.catalogue.records(wanted)
        return [found[id_] for id_ in wanted if id_ in found]

    def ids(self, where: str | None = None) -> Ids:
        """(n,) int64, ascending: all pictures that can be found, or those for which a filter holds."""
        from lookalike.query.filters import compile_filter

        if where is None:
            return self._kept.catalogue.living()
        return self._kept.catalogue.ids_where(compile_filter(where))

    def map(
        self,
        method: str = "embedding",
        *,
        refresh: bool = False,
        grid: bool = False,
        seed: int = 0,
        progress: Callable[[Progress], None] | None = None,
    ) -> Atlas:
        """Where every picture lies on a map on which what looks alike lies together.

        method: whose vectors it is made from. The layout is kept: pictures that come later find their place without
        moving the others, until they are the majority; refresh lays out all of them anew. grid: one cell of a grid
        for each picture. seed: another one gives another arrangement.
        Raises LookalikeError when openTSNE is missing (the extra `map`), QueryError for a method
        without vectors.
        """
        from lookalike.atlas.make import make_atlas

        return make_atlas(
            self._store, self._own_searcher(), method, refresh=refresh, grid=grid, seed=seed, progress=progress
        )

    def info(self) -> Info:
        """What the collection holds. Opens no index."""
        return contents_of(self._store) if self._milvus is None else contents_in_milvus(self._milvus)

    def facets(self, field: str, limit: int = 100) -> list[Facet]:
        """The most frequent values of a field of filters, or of "year"; pictures without one are left out.

        Raises QueryError for a field that there is not.
        """
        from lookalike.query.sql import expression

        found = self._kept.catalogue.frequent(expression(field), limit)
        return [Facet(str(value), count) for value, count in found]

    def failures(self) -> list[Record]:
        """Files that could not be read, with their reasons."""
        return list(self._kept.catalogue.iterate("failed"))

    def damaged(self) -> list[Record]:
        """Pictures that are indexed by a part of them, and what is missing."""
        return list(self._kept.catalogue.iterate("ok", with_reason=True))

    def check(self) -> CheckReport:
        """Verify the catalogue, the descriptors and what is derived from them; repair what can be repaired.

        A catalogue that is found damaged is not written to any more, by this or any other command.
        """
        from lookalike.store.upkeep import CheckReport, check

        with self._store.checking() as problems:
            if problems:
                return CheckReport(problems)
            report = check(self._store)
            seal(self._store)
        return report

    def salvage(self, new: str | os.PathLike[str]) -> SalvageReport:
        """Make a new collection, in a new or empty directory, of what can still be read of this one.

        For when `check` finds the catalogue damaged. Records and descriptors are taken over where their checksums are
        right, ids stay; `index` of the new collection finds what is missing. Nothing is written to this one.
        """
        from lookalike.store.salvage import salvage

        if not self._store.exists:
            raise CollectionError(f"no collection at {printable(self.path)}")
        made = Store(Path(new).expanduser(), own_layout)
        try:
            return salvage(self._store, made)
        finally:
            made.close()

    def searcher(self) -> Searched:
        """The newest committed state, ready to be asked; it stays as it is for as long as it is held."""
        return self._own_searcher() if self._milvus is None else self._milvus.searcher()

    def _own_searcher(self) -> Searcher:
        self._refuse_milvus()
        return self._newest.searcher()

    @property
    def _kept(self) -> Store | MilvusStore:
        """Wherever it is kept."""
        return self._directory if self._milvus is None else self._milvus

    @property
    def _store(self) -> Store:
        """The directory, for what only a directory can do."""
        self._refuse_milvus()
        return self._directory

    def _refuse_milvus(self) -> None:
        if self._milvus is not None:
            raise CollectionError(
                f"{self._milvus.address} is searched, not worked on, in Milvus: take it into a directory with "
                f"`lookalike migrate --from {self._milvus.address} --to DIR`"
            )

    @contextlib.contextmanager
    def _writing(
        self, *, create: bool = False, progress: Callable[[Progress], None] = lambda _: None
    ) -> Iterator[Store]:
        """The directory to change, while nobody else does."""
        if self._milvus is not None:
            with self._milvus.writing(progress) as store:
                yield store
            return
        with self._store.writing(create=create):
            try:
                yield self._store
            finally:
                if self._store.exists:
                    self._newest.wrote(self._store.generation())


def _absolute(path: str | os.PathLike[str]) -> str:
    return os.path.abspath(os.path.expanduser(os.fspath(path)))
