"""One collection directory: catalogue, a matrix per method, caches, and the lock of its one writer."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lookalike.arrays.blocks import damaged
from lookalike.arrays.inside import open_reading, open_writing, refuse_link, sync_folder
from lookalike.arrays.rows import Layout
from lookalike.errors import CollectionError, printable
from lookalike.store.catalogue import Catalogue, create_catalogue
from lookalike.store.changes import Change, Changes
from lookalike.store.connection import explain
from lookalike.store.matrix import Matrix, MatrixFiles
from lookalike.store.methods import StoredMethod
from lookalike.store.sweep import sweep
from lookalike.store.view import View

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
OwnLayout = Callable[[str, Mapping[str, Any]], Layout | None]

FOLDERS = ("matrices", "caches", "segments")
DAMAGED = "damaged"
"""The file that says that `check` has found the catalogue damaged."""


@dataclass(frozen=True, slots=True)
class Cache:
    """A saved index: its kind, how many descriptors it covers, its file."""

    kind: str
    items: int
    path: Path


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """A sealed index over the items first..last of a method's matrix: its kind and its file."""

    kind: str
    first: int
    last: int
    path: Path


class SupersededError(CollectionError):
    """Files that were there when a view was read are gone: a newer one says where they are now."""


class Store:
    """A directory that holds a collection. Opening reads; only `writing` changes anything. Safe for threads.

    own_layout: what a method's descriptors look like, by its name and parameters (None where it cannot be made here);
    those of a collection that says otherwise are not opened.
    """

    def __init__(self, directory: Path, own_layout: OwnLayout = lambda name, params: None) -> None:
        self.directory = directory
        self._own_layout = own_layout
        self._catalogue: Catalogue | None = None

    @property
    def exists(self) -> bool:
        """Whether there is a collection."""
        return os.path.lexists(self.directory / "catalogue.sqlite")

    @property
    def catalogue(self) -> Catalogue:
        """The open catalogue; CollectionError when there is no collection."""
        if self._catalogue is None:
            if not self.exists:
                raise self._missing()
            self.refuse_links()
            self._catalogue = Catalogue(self.directory / "catalogue.sqlite")
        return self._catalogue

    def close(self) -> None:
        """Close the catalogue; the next use opens it again."""
        if self._catalogue is not None:
            self._catalogue.close()
            self._catalogue = None

    # -- reading

    def view(self) -> View:
        """What is committed now."""
        return self.catalogue.view()

    def generation(self) -> int:
        """The number of the newest view: the cheap question whether there is another one."""
        return self.catalogue.generation()

    def reading(self, make: Callable[[View, Catalogue], T]) -> T:
        """What `make` makes of the newest view, or of the next one if a compaction took its files away meanwhile.

        It is given the catalogue of the view too, which stays as it is for as long as it is held.
        """
        while True:
            held = self.catalogue.held()
            view = held.view()
            try:
                return make(view, held)
            except SupersededError:
                if self.generation() == view.generation:
                    raise

    def matrix(self, method: StoredMethod, before: Matrix | None = None) -> Matrix:
        """The committed rows of a method, opened at once; SupersededError when its files are not there any more.

        before: an earlier one; what has been verified of the same files need not be again.
        """
        own = self.refuse_foreign(method)
        files = MatrixFiles(self.files(method).stem, own or method.layout)
        try:
            return files.open(method.extent, before)
        except FileNotFoundError as error:
            raise SupersededError(str(damaged(Path(error.filename or files.stem)))) from error

    def refuse_foreign(self, method: StoredMethod) -> Layout | None:
        """The method's own layout, where it is known; CollectionError when the descriptors kept are of another."""
        own = self._own_layout(method.name, method.params)
        if own is not None and own != method.layout:
            raise CollectionError(
                f"{printable(self.directory)} keeps descriptors of {method.name} that are none: it is damaged or was "
                "made by another program; index into another --collection"
            )
        return own

    def files(self, method: StoredMethod, epoch: int | None = None) -> MatrixFiles:
        """The files of a method's rows (or of another epoch of them)."""
        number = method.epoch if epoch is None else epoch
        return MatrixFiles(self.directory / "matrices" / f"{method.file_name}.{number}", method.layout)

    # -- what is derived

    def segment_file(self, method: StoredMethod, kind: str, first: int, last: int) -> Path:
        """Where a sealed index over the items first..last of a method is kept."""
        return self.directory / "segments" / f"{method.file_name}.{kind}.{method.epoch}.{first}-{last}"

    def segments(self, method: StoredMethod) -> list[SegmentFile]:
        """The sealed indexes over committed items of a method's present files, by their first item."""
        found = []
        for path in (self.directory / "segments").glob(f"{method.file_name}.*.{method.epoch}.*-*"):
            name, kind, _, run = path.name.rsplit(".", 3)
            first, _, last = run.partition("-")
            whole = name == method.file_name and first.isdecimal() and last.isdecimal()
            if whole and int(first) < int(last) <= method.extent.items:
                found.append(SegmentFile(kind, int(first), int(last), path))
        return sorted(found, key=lambda segment: (segment.first, -segment.last))

    def cache_file(self, method: StoredMethod, kind: str, items: int) -> Path:
        """Where the index of a method's first `items` descriptors is kept; the name is the stamp."""
        return self.directory / "caches" / f"{method.file_name}.{kind}.{method.epoch}.{items}"

    def map_file(self, method: StoredMethod) -> Path:
        """Where the layout of a map of a method is kept."""
        return self.directory / "caches" / f"{method.file_name}.map"

    def pairs_file(self, what: str) -> Path:
        """Where what `duplicates` found out is kept: "verdicts" on pairs, or the "links" of its last run."""
        return self.directory / "caches" / f"duplicates.{what}"

    def caches(self, method: StoredMethod, *, all_epochs: bool = False) -> list[Cache]:
        """The saved indexes of a method that fit its present files (or any earlier ones), the fullest first."""
        found = []
        for path in (self.directory / "caches").glob(f"{method.file_name}.*.*.*"):
            _, kind, epoch, items = path.name.rsplit(".", 3)
            if not (epoch.isdecimal() and items.isdecimal()):
                continue
            if all_epochs or (int(epoch) == method.epoch and int(items) <= method.extent.items):
                found.append(Cache(kind, int(items), path))
        return sorted(found, key=lambda cache: cache.items, reverse=True)

    # -- writing

    @contextmanager
    def writing(self, *, create: bool = False) -> Iterator[None]:
        """Hold the writer's lock; errors of the disk come out as one line. create: a collection that is not there."""
        if not create and not self.exists:
            raise self._missing()
        with self.locked():
            if (self.directory / DAMAGED).exists():
                raise CollectionError(
                    f"the catalogue of {printable(self.directory)} is damaged, so nothing is written to it: make a new "
                    "collection of what can still be read with `lookalike check --salvage NEW`"
                )
            if not self.exists:
                self._create_catalogue()
            try:
                sweep(self.directory, self.catalogue.methods().values())
                yield
            finally:
                self.catalogue.close_writer()

    @contextmanager
    def checking(self) -> Iterator[list[str]]:
        """Hold the writer's lock with what is wrong with the catalogue, found without writing to it.

        Whether it is damaged is remembered: `writing` refuses from then on, until it is found sound again.
        """
        if not self.exists:
            raise self._missing()
        with self.locked():
            self.close()
            problems = self.catalogue.damage()
            mark = self.directory / DAMAGED
            if problems:
                with os.fdopen(open_writing(mark), "w") as file:
                    file.write(problems[0])
                self.close()
                yield problems
                return
            mark.unlink(missing_ok=True)
            try:
                sweep(self.directory, self.catalogue.methods().values())
                yield []
            finally:
                self.catalogue.close_writer()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the writer's lock alone; errors of the disk come out as one line."""
        from filelock import FileLock, Timeout

        try:
            with _plain_errors(self.directory):
                self._make_directory()
                refuse_link(self.directory / "lock")
                with FileLock(self.directory / "lock", timeout=0):
                    self.refuse_links()
                    self._sign()
                    yield
        except Timeout:
            raise CollectionError(
                f"{printable(self.directory)} is being written by process {self._writer()}: "
                "wait until it has finished, or stop it"
            ) from None

    def apply(self, changes: Sequence[Change]) -> None:
        """Write a batch of changes, all or none; the caller holds the lock."""
        Changes(self.catalogue, self.files).apply(changes)

    def add_method(self, name: str, params: DataclassInstance, layout: Layout) -> None:
        """Begin to keep a method; the same parameters again are fine, others are refused."""
        known = self.catalogue.methods().get(name)
        if known is None:
            with self.catalogue.transaction():
                self.catalogue.add_method(name, params, layout)
        elif known.params != asdict(params) or known.layout != layout:
            raise CollectionError(
                f"{printable(self.directory)} keeps {name} with {known.params}, not {asdict(params)}: "
                "index into another --collection, or ask with the parameters it has"
            )

    def arguments(self, method: StoredMethod) -> dict[str, Any]:
        """What a method is made of again: its parameters, and where what it has learned is kept."""
        return method.params | ({"folder": str(self.directory.absolute())} if method.params.get("learned") else {})

    def _missing(self) -> CollectionError:
        return CollectionError(f"no collection at {printable(self.directory)}: make one with `lookalike index FOLDER`")

    def _create_catalogue(self) -> None:
        unfinished = self.directory / "catalogue.new"
        for suffix in ("", "-journal", "-wal", "-shm"):
            unfinished.with_name(unfinished.name + suffix).unlink(missing_ok=True)
        try:
            create_catalogue(unfinished)
        except CollectionError:
            unfinished.unlink(missing_ok=True)
            raise
        unfinished.rename(self.directory / "catalogue.sqlite")
        sync_folder(self.directory)

    def _make_directory(self) -> None:
        matrices = self.directory / "matrices"
        if not matrices.is_dir() and self.directory.is_dir() and any(self.directory.iterdir()):
            raise CollectionError(
                f"{printable(self.directory)} is a folder with other things in it, not a collection: "
                "name a new or empty directory"
            )
        for name in FOLDERS:
            (self.directory / name).mkdir(parents=True, exist_ok=True)

    def refuse_links(self) -> None:
        """CollectionError when anything in the directory that is written to is a link."""
        for name in (*FOLDERS, "lock", "writer", DAMAGED, "catalogue.sqlite", "catalogue.new"):
            refuse_link(self.directory / name)

    def _sign(self) -> None:
        """Say who writes; never into a file that somebody linked here."""
        (self.directory / "writer").unlink(missing_ok=True)
        with os.fdopen(open_writing(self.directory / "writer"), "w") as file:
            file.write(str(os.getpid()))

    def _writer(self) -> str:
        try:
            with os.fdopen(open_reading(self.directory / "writer"), "rb") as file:
                text = file.read(20).decode("ascii", "replace").strip()
        except (OSError, CollectionError):
            return "?"
        return text if text.isdecimal() else "?"


@contextmanager
def _plain_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise CollectionError(explain(directory / "catalogue.sqlite", error)) from error
    except OSError as error:
        place = printable(directory)
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            message = f"the disk of {place} is full: free some space and run the same command again, nothing is lost"
        elif isinstance(error, PermissionError) or error.errno == errno.EROFS:
            message = f"{place} cannot be written: check its permissions or name another --collection"
        elif isinstance(error, FileExistsError | NotADirectoryError):
            message = f"{place} is a file, not a directory: name another --collection"
        else:
            raise
        raise CollectionError(message) from error
