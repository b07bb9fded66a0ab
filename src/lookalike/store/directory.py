"""One collection directory: catalogue, a matrix per method, caches, and the lock of its one writer."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lookalike.arrays.rows import Layout, Ragged
from lookalike.errors import CollectionError, printable
from lookalike.store.catalogue import Catalogue, StoredMethod
from lookalike.store.changes import Change, Changes
from lookalike.store.matrix import Extent, Matrix

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

COMPACT_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Cache:
    """A saved index: its kind, how many descriptors it covers, its file."""

    kind: str
    items: int
    path: Path


class Store:
    """A directory that holds a collection. Opening reads; only `writing` changes anything."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._catalogue: Catalogue | None = None

    @property
    def exists(self) -> bool:
        """Whether there is a collection."""
        return (self.directory / "catalogue.sqlite").exists()

    @property
    def catalogue(self) -> Catalogue:
        """The open catalogue; CollectionError when there is no collection."""
        if self._catalogue is None:
            if not self.exists:
                raise self._missing()
            self._catalogue = Catalogue(self.directory / "catalogue.sqlite")
        return self._catalogue

    def close(self) -> None:
        if self._catalogue is not None:
            self._catalogue.close()
            self._catalogue = None

    def matrix(self, method: StoredMethod) -> Matrix:
        """The committed rows of a method, as of when `method` was read."""
        stem = self.directory / "matrices" / f"{_file_name(method.name)}.{method.epoch}"
        return Matrix(stem, method.layout, method.extent)

    def cache_file(self, method: StoredMethod, kind: str, items: int) -> Path:
        """Where the index of a method's first `items` descriptors is kept; the name is the stamp."""
        return self.directory / "caches" / f"{_file_name(method.name)}.{kind}.{method.epoch}.{items}"

    def map_file(self, method: StoredMethod) -> Path:
        """Where the layout of a map of a method is kept."""
        return self.directory / "caches" / f"{_file_name(method.name)}.map"

    def caches(self, method: StoredMethod, *, all_epochs: bool = False) -> list[Cache]:
        """The saved indexes of a method that fit its present files (or any earlier ones), the fullest first."""
        found = []
        for path in (self.directory / "caches").glob(f"{_file_name(method.name)}.*.*.*"):
            _, kind, epoch, items = path.name.rsplit(".", 3)
            if not (epoch.isdigit() and items.isdigit()):
                continue
            if all_epochs or (int(epoch) == method.epoch and int(items) <= method.extent.items):
                found.append(Cache(kind, int(items), path))
        return sorted(found, key=lambda cache: cache.items, reverse=True)

    @contextmanager
    def writing(self, *, create: bool = False) -> Iterator[None]:
        """Hold the writer's lock; errors of the disk come out as one line. create: a collection that is not there."""
        from filelock import FileLock, Timeout

        if not create and not self.exists:
            raise self._missing()

        try:
            with _plain_errors(self.directory):
                self._make_directory()
                with FileLock(self.directory / "lock", timeout=0):
                    (self.directory / "writer").write_text(str(os.getpid()))
                    if not self.exists:
                        self._create_catalogue()
                    yield
        except Timeout:
            raise CollectionError(
                f"{printable(self.directory)} is being written by process {self._writer()}: "
                "wait until it has finished, or stop it"
            ) from None

    def apply(self, changes: Sequence[Change]) -> None:
        """Write a batch of changes, all or none; the caller holds the lock."""
        Changes(self.catalogue, self.matrix).apply(changes)

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

    def reset(self, method: StoredMethod) -> None:
        """Forget the descriptors of a method whose files are damaged; the next `index` describes them again."""
        with self.catalogue.transaction() as sql:
            sql.execute("UPDATE images SET described = described & ~?", (method.bit,))
            sql.execute("DELETE FROM gaps WHERE method = ?", (method.id,))
            self.catalogue.commit_extent(method, Extent(), method.epoch + 1)
        self.matrix(method).delete()

    def compact(self) -> int:
        """Rewrite the matrices without descriptors of removed pictures; bytes freed."""
        freed = 0
        gone = self.catalogue.gone()
        for method in self.catalogue.methods().values():
            freed += self._compact(method, gone)
        with self.catalogue.transaction() as sql:
            sql.execute("DELETE FROM gaps WHERE image IN (SELECT id FROM images WHERE status = 'removed')")
            sql.execute("DELETE FROM images WHERE status = 'removed'")
        return freed

    def _compact(self, method: StoredMethod, gone: np.ndarray) -> int:
        old = self.matrix(method)
        keep = np.flatnonzero(~np.isin(old.ids(), gone))
        if len(keep) == method.extent.items:
            return 0
        epoch = method.epoch + 1
        new = Matrix(old.stem.with_name(f"{_file_name(method.name)}.{epoch}"), method.layout, Extent())
        rows, ids = old.rows(), old.ids()
        for start in range(0, len(keep), COMPACT_BLOCK):
            part = keep[start : start + COMPACT_BLOCK]
            block = rows.take(part) if isinstance(rows, Ragged) else rows[part]
            new.extent = new.append(ids[part], block)
        with self.catalogue.transaction():
            self.catalogue.commit_extent(method, new.extent, epoch)
        freed = old.bytes_on_disk() - new.bytes_on_disk()
        old.delete()
        return freed

    def _missing(self) -> CollectionError:
        return CollectionError(f"no collection at {printable(self.directory)}: make one with `lookalike index FOLDER`")

    def _create_catalogue(self) -> None:
        unfinished = self.directory / "catalogue.new"
        unfinished.unlink(missing_ok=True)
        Catalogue(unfinished, create=True).close()
        unfinished.rename(self.directory / "catalogue.sqlite")

    def _make_directory(self) -> None:
        matrices = self.directory / "matrices"
        if not matrices.is_dir() and self.directory.is_dir() and any(self.directory.iterdir()):
            raise CollectionError(
                f"{printable(self.directory)} is a folder with other things in it, not a collection: "
                "name a new or empty directory"
            )
        for folder in (matrices, self.directory / "caches"):
            folder.mkdir(parents=True, exist_ok=True)

    def _writer(self) -> str:
        try:
            return (self.directory / "writer").read_text().strip() or "?"
        except OSError:
            return "?"


def _file_name(method: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "~", method.lower())


@contextmanager
def _plain_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = printable(directory)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            message = f"the disk of {place} is full: free some space and run the same command again, nothing is lost"
        elif isinstance(error, PermissionError) or error.errno == errno.EROFS:
            message = f"{place} cannot be written: check its permissions or name another --collection"
        elif isinstance(error, FileExistsError | NotADirectoryError):
            message = f"{place} is a file, not a directory: name another --collection"
        else:
            raise
        raise CollectionError(message) from error
