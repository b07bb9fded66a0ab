"""Connections to a catalogue: one that writes, and as many as there are threads that read.

A collection that cannot be written is read all the same: beside its owner's connections when there are any, from a
copy when changes were left in the write-ahead log, else as a file that does not change.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from weakref import finalize

from lookalike.arrays.inside import refuse_link
from lookalike.errors import CollectionError, printable
from lookalike.store.schema import APPLICATION_ID, FORMAT, row_sum, strange

Signature = tuple[int, ...]

_BUSY_SECONDS = 30
_UNCHANGING = "?immutable=1"


class Connections:
    """Open connections to one catalogue file. Reading is for any number of threads, writing for one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()  # a snapshot may be given back wherever it happens to be collected
        self._idle: list[sqlite3.Connection] = []
        self._signature: Signature | None = None
        self._uri = ""
        self._full = False
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self._writer: sqlite3.Connection | None = None
        self._writing_thread: int | None = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for this thread; inside its own transaction the writing one. Errors as CollectionError."""
        with plain_errors(self.path):
            if self._writer is not None and self._writing_thread == threading.get_ident():
                yield self._writer
                return
            signature, sql = self._borrow()
            try:
                yield sql
            except BaseException:
                sql.close()
                raise
            with self._lock:
                if signature == self._signature:
                    self._idle.append(sql)
                    return
            sql.close()

    def snapshot(self) -> Snapshot:
        """What is committed when it is first read, for as long as somebody holds it, whatever comes later."""
        with plain_errors(self.path):
            with self._lock:
                signature, sql = self._borrow()
                changeable = signature if self._uri.endswith(_UNCHANGING) else None
            try:
                sql.execute("BEGIN")
            except BaseException:
                sql.close()
                raise
        held = Snapshot(self, sql, changeable)
        finalize(held, self._give_back, signature, sql).atexit = False
        return held

    def unchanged(self, signature: Signature) -> bool:
        """Whether the file is still the one that had this signature."""
        return self._look() == signature

    @property
    def writer(self) -> sqlite3.Connection:
        """The connection that writes; the caller holds the writer's lock."""
        if self._writer is None:
            with plain_errors(self.path):
                self._refuse_links()
                self._writer = connect(f"{_uri(self.path)}?mode=rw")
                _recognise(self._writer, self.path)
                self._writer.execute("PRAGMA journal_mode = WAL")
                self._writer.execute("PRAGMA synchronous = FULL")  # old files are unlinked once a commit is durable
        return self._writer

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; whatever changes anything raises the generation."""
        sql = self.writer
        with plain_errors(self.path), sql:
            sql.execute("BEGIN IMMEDIATE")
            self._writing_thread = threading.get_ident()
            try:
                before = sql.total_changes
                yield sql
                if sql.total_changes != before:
                    sql.execute("UPDATE state SET generation = generation + 1")
            finally:
                self._writing_thread = None

    def close_writer(self) -> None:
        """Empty the write-ahead log, so that the directory can be copied and read anywhere, and stop writing."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            try:
                writer.execute("PRAGMA busy_timeout = 0")
                writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            except sqlite3.Error:
                pass  # readers at work, or a full disk: nothing is lost, the next one does it
            finally:
                writer.close()

    def close(self) -> None:
        """Close everything; the next use opens it again."""
        self.close_writer()
        with self._lock:
            self._forget()

    def _borrow(self) -> tuple[Signature | None, sqlite3.Connection]:
        with self._lock:
            if self._look() != self._signature:
                self._open_anew()
            signature = self._signature
            sql = self._idle.pop() if self._idle else connect(self._uri)
        sql.execute("PRAGMA query_only = ON")
        return signature, sql

    def _give_back(self, signature: Signature | None, sql: sqlite3.Connection) -> None:
        with suppress(sqlite3.Error):
            sql.execute("ROLLBACK")
            with self._lock:
                if signature == self._signature:
                    self._idle.append(sql)
                    return
        sql.close()

    def _open_anew(self) -> None:
        self._forget()
        self._full = False
        try:
            self._idle.append(self._first())
        except sqlite3.OperationalError as error:
            if not _for_lack_of_space(self.path, error):
                raise
            self._full = True  # what SQLite shares among its readers does not fit: read as where nothing can be written
            self._idle.append(self._first())
        self._signature = self._look()

    def _first(self) -> sqlite3.Connection:
        """A connection to a catalogue that is one, by the way that is open to us."""
        self._uri = self._way_to_read()
        sql = connect(self._uri)
        try:
            _recognise(sql, self.path)
        except BaseException:
            sql.close()
            raise
        return sql

    def _look(self) -> Signature:
        """What tells that the file is another one now, or (where SQLite cannot) that it has changed."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            raise CollectionError(f"{printable(self.path)} is not there any more") from None
        identity = (status.st_dev, status.st_ino)
        if self._writable():
            return identity
        log = self._beside("-wal")
        changes = log.stat() if log.exists() else None
        return (
            *identity,
            *(status.st_size, status.st_mtime_ns),
            *((changes.st_size, changes.st_mtime_ns) if changes else ()),
        )

    def _way_to_read(self) -> str:
        self._refuse_links()
        uri = _uri(self.path)
        if self._writable():
            return f"{uri}?mode=rw"
        log = self._beside("-wal")
        if not log.exists() or not log.stat().st_size:
            return uri + _UNCHANGING
        if self._beside("-shm").exists():
            return f"{uri}?mode=ro"
        self._copy = tempfile.TemporaryDirectory(prefix="lookalike-")
        for path in (self.path, log):
            shutil.copyfile(path, Path(self._copy.name) / path.name)
        return f"{_uri(Path(self._copy.name) / self.path.name)}?mode=rw"

    def _writable(self) -> bool:
        return not self._full and os.access(self.path.parent, os.W_OK) and os.access(self.path, os.W_OK)

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)

    def _refuse_links(self) -> None:
        for suffix in ("", "-wal", "-shm", "-journal"):
            refuse_link(self._beside(suffix))

    def _forget(self) -> None:
        while self._idle:
            self._idle.pop().close()
        self._signature = None
        if self._copy is not None:
            self._copy.cleanup()
            self._copy = None


class Snapshot:
    """One committed state, kept by an open transaction of SQLite. Safe for threads, which take turns.

    SQLite cannot keep a state of a file in a place where it can write nothing. When such a file has changed after
    all, by another way, it is read as it is now: late, but whole.
    """

    def __init__(self, connections: Connections, sql: sqlite3.Connection, changeable: Signature | None) -> None:
        """changeable: the signature of a file that SQLite takes to be one that does not change."""
        self._connections = connections
        self._sql = sql
        self._changeable = changeable
        self._turn = threading.RLock()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection that sees this state. Errors as CollectionError."""
        if self._changeable is not None and not self._connections.unchanged(self._changeable):
            with self._connections.reading() as sql:
                yield sql
            return
        with plain_errors(self._connections.path), self._turn:
            yield self._sql


@contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    """SQLite's errors, and what else a damaged database leads to, as CollectionError."""
    try:
        yield
    except (sqlite3.Error, MemoryError, UnicodeDecodeError) as error:  # the last: damaged names of tables
        raise CollectionError(explain(path, error)) from error


def _uri(path: Path) -> str:
    return path.absolute().as_uri()


def folded(text: str | bytes | float | None) -> str | bytes | float | None:
    """Text whose case does not matter, in any alphabet."""
    return text.casefold() if isinstance(text, str) else text


def connect(uri: str) -> sqlite3.Connection:
    """A connection that knows our functions."""
    sql = sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    sql.create_function("row_sum", -1, row_sum, deterministic=True)
    sql.create_function("folded", 1, folded, deterministic=True)
    sql.execute("PRAGMA cell_size_check = ON")
    return sql


def _recognise(sql: sqlite3.Connection, path: Path) -> None:
    """CollectionError unless it is a catalogue of this version, with our tables and nothing else."""
    (application,) = sql.execute("PRAGMA application_id").fetchone()
    (version,) = sql.execute("PRAGMA user_version").fetchone()
    place = printable(path.parent)
    if application != APPLICATION_ID:
        raise CollectionError(f"{printable(path)} is not a lookalike catalogue")
    if version > FORMAT:
        raise CollectionError(
            f"{place} was written by a newer lookalike (format {version}, this one reads {FORMAT}): "
            "upgrade lookalike, or index into another --collection"
        )
    if version < FORMAT:
        raise CollectionError(f"{place} was written by an early lookalike: index into another --collection")
    if others := strange(sql):
        raise CollectionError(
            f"{printable(path)} is damaged or was changed by another program ({printable(others[0])}): "
            "restore it from a backup, or index into another --collection"
        )


def explain(path: Path, error: Exception) -> str:
    """What a user is told of an error of SQLite."""
    text = str(error)
    place = printable(path.parent)
    if _for_lack_of_space(path, error):
        return f"the disk of {place} is full: free some space and run the same command again, nothing is lost"
    if "readonly" in text or "unable to open" in text:
        return f"{place} cannot be written or opened: check its permissions"
    if "locked" in text:
        return f"{place} is busy: another process is writing to it, try again when it has finished"
    if isinstance(error, sqlite3.ProgrammingError):
        return f"{place}: {text}"
    return (
        f"{printable(path)} is damaged ({text or 'it makes no sense'}): restore it from a backup, or make a new "
        "collection of what can still be read with `lookalike check --salvage NEW`"
    )


def _for_lack_of_space(path: Path, error: Exception) -> bool:
    text = str(error)
    try:
        return "full" in text or ("disk I/O error" in text and shutil.disk_usage(path.parent).free < 1 << 20)
    except OSError:
        return False
