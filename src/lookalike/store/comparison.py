"""What changed on disk since the last time, found inside SQLite so that memory does not grow with the collection."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from itertools import islice

from lookalike.errors import CollectionError
from lookalike.store.catalogue import Catalogue, below
from lookalike.store.schema import SEEN

PAGE = 1000
MOST_OF_A_SIZE = 100


@dataclass(frozen=True, slots=True)
class Seen:
    """A file found by walking."""

    path: str
    bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Pending:
    """A file that needs a look, and its living record if it has one. unchanged: it has the size and date of then."""

    seen: Seen
    id: int | None
    status: str | None
    sha256: str | None
    described: int
    unchanged: bool = False


class Comparison:
    """One comparison of the files found with the files known; lives as long as one `index` run."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._sql = catalogue.sql
        self._sql.executescript(SEEN)

    def add(self, files: Iterable[Seen]) -> None:
        """Take in what the walk found; a path twice counts once."""
        rows = ((os.fsencode(file.path), file.bytes, file.mtime_ns) for file in files)
        while page := list(islice(rows, PAGE)):
            self._sql.execute("BEGIN")
            self._sql.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", page)
            self._sql.execute("COMMIT")

    def compare(self, wanted: int, retry: bool) -> int:
        """Find the files that need a look: new, changed, lacking a `wanted` method bit, or (retry) failed."""
        self._sql.execute("DELETE FROM pending")
        self._sql.execute(
            "INSERT INTO pending SELECT NULL, s.path, s.bytes, s.mtime_ns, i.id, i.status, i.sha256, i.described, "
            "i.bytes = s.bytes AND i.mtime_ns = s.mtime_ns "
            "FROM seen s LEFT JOIN images i ON i.path = s.path AND i.status != 'removed' "
            "WHERE i.id IS NULL OR i.bytes != s.bytes OR i.mtime_ns != s.mtime_ns "
            "OR (i.status = 'ok' AND (i.described & ?1) != ?1) OR (?2 AND i.status = 'failed')",
            (wanted, retry),
        )
        return int(self._sql.execute("SELECT count(*) FROM pending").fetchone()[0])

    def standing(self) -> dict[str, int]:
        """How many of the files found are known, and need no look, by status; after `compare`."""
        count = "SELECT i.status, count(*) FROM seen s JOIN images i ON i.path = s.path AND i.status != 'removed' "
        known = dict(self._sql.execute(f"{count} GROUP BY i.status"))
        for status, pending in self._sql.execute("SELECT status, count(*) FROM pending GROUP BY status"):
            if status is not None:
                known[status] -= pending
        return known

    def pending(self) -> Iterator[Pending]:
        """The files that need a look, in path order."""
        last = 0
        while rows := self._sql.execute(
            "SELECT * FROM pending WHERE place > ? ORDER BY place LIMIT ?", (last, PAGE)
        ).fetchall():
            for place, path, size, mtime_ns, id_, status, sha256, described, unchanged in rows:
                if type(described) not in (int, type(None)) or type(sha256) not in (bytes, type(None)):
                    raise CollectionError(f"record {id_} of the catalogue makes no sense: run `lookalike check`")
                seen = Seen(os.fsdecode(path), size, mtime_ns)
                yield Pending(seen, id_, status, sha256.hex() if sha256 else None, described or 0, bool(unchanged))
                last = place

    def contents_of_size(self, size: int, wanted: int) -> frozenset[str]:
        """Content hashes of fully described pictures with this many bytes, of so many at most: equal sizes are rare,
        but for uncompressed frames, which are then recognised after they are described."""
        rows = self._sql.execute(
            "SELECT sha256 FROM images WHERE bytes = ?1 AND status != 'failed' AND (described & ?2) = ?2 "
            "AND typeof(sha256) = 'blob' LIMIT ?3",
            (size, wanted, MOST_OF_A_SIZE),
        )
        return frozenset(sha256.hex() for (sha256,) in rows)

    def known(self, sha256: str, wanted: int) -> int | None:
        """A fully described picture of this content."""
        row = self._sql.execute(
            "SELECT id FROM images WHERE sha256 = ?1 AND status != 'failed' AND (described & ?2) = ?2 LIMIT 1",
            (bytes.fromhex(sha256), wanted),
        ).fetchone()
        return int(row[0]) if row else None

    def orphan(self, sha256: str, used: Set[int]) -> int | None:
        """A record of this content, not among `used`, whose file is no longer where it was: the picture moved."""
        rows = self._sql.execute(
            "SELECT id, path, status FROM images i WHERE sha256 = ? AND status != 'failed' AND typeof(path) = 'blob' "
            "AND (status = 'removed' OR NOT EXISTS (SELECT 1 FROM seen s WHERE s.path = i.path)) ORDER BY status, id",
            (bytes.fromhex(sha256),),
        )
        for id_, path, status in rows:
            if id_ not in used and (status == "removed" or not os.path.lexists(os.fsdecode(path))):
                return int(id_)
        return None

    def vanished(self, roots: Iterable[str], unreadable: Iterable[str]) -> list[int]:
        """Living records below the roots whose files were not found, sparing folders that could not be listed."""
        found: set[int] = set()
        for root in roots:
            found |= self._missing(root)
        for folder in unreadable:
            found -= self._missing(folder)
        return sorted(found)

    def _missing(self, folder: str) -> set[int]:
        rows = self._sql.execute(
            "SELECT id FROM images i WHERE status != 'removed' AND path >= ? AND path < ? "
            "AND NOT EXISTS (SELECT 1 FROM seen s WHERE s.path = i.path)",
            below(folder),
        )
        return {row[0] for row in rows}
