"""Records of pictures as rows of Milvus: the record as it is, and columns that filters and words are asked by."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from lookalike.errors import CollectionError, printable
from lookalike.query.conditions import FIELDS
from lookalike.query.sql import column
from lookalike.store.catalogue import Record
from lookalike.store.connection import folded

UNKNOWN_SIZE, UNKNOWN_DEGREES = -1.0, 1000.0
"""What stands for no number: no picture has such a size, and nowhere on Earth are such degrees."""
KEY_LENGTH = 200
"""Characters of a text that are compared by the engine; all of it is compared here."""
TEXTS = tuple(name for name, field in FIELDS.items() if field.kind == "text")
NUMBERS = tuple(name for name, field in FIELDS.items() if field.kind in ("number", "bytes") and name != "id")

_COLUMNS = (
    *("id", "path_text", "bytes", "mtime_ns", "format", "width", "height", "taken", "camera", "latitude"),
    *("longitude", "caption"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A record, and why it has no descriptor of which methods."""

    record: Record
    gaps: Mapping[str, str]

    def to_json(self) -> str:
        """In ASCII; undecodable bytes of paths survive."""
        return json.dumps([*astuple(self.record), dict(self.gaps)], separators=(",", ":"))

    @property
    def sum(self) -> int:
        """The checksum of all that it says."""
        return zlib.crc32(self.to_json().encode())


def read_entry(text: str, sum_: int) -> Entry:
    """The inverse of `Entry.to_json`; CollectionError for what is not as it was written."""
    if zlib.crc32(text.encode()) != sum_:
        raise CollectionError("a record in Milvus is not as it was written: migrate the collection again")
    *values, gaps = json.loads(text)
    return Entry(Record(*values), gaps)


class Keys:
    """What the engine compares: values of the fields of filters, and the words of captions and paths, computed by
    SQLite just as a directory's catalogue does, a batch at a time."""

    def __init__(self) -> None:
        self._sql = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._sql.create_function("folded", 1, folded, deterministic=True)
        self._sql.executescript(
            f"CREATE TABLE images ({', '.join(_COLUMNS)});"
            "CREATE VIRTUAL TABLE words USING fts5 (path_text, caption, tokenize='porter unicode61');"
            "CREATE VIRTUAL TABLE tokens USING fts5vocab (words, 'instance');"
        )

    def rows(self, entries: Sequence[Entry]) -> list[dict[str, Any]]:
        """The rows of records of pictures that can be found, and of the others."""
        self._fill([entry.record for entry in entries])
        fields = [name for name in FIELDS if name != "id"]
        asked = self._sql.execute(f"SELECT id, {', '.join(map(column, fields))} FROM images")
        values = {id_: dict(zip(fields, found, strict=True)) for id_, *found in asked}
        words: dict[int, tuple[set[str], set[str]]] = {entry.record.id: (set(), set()) for entry in entries}
        for token, id_, name in self._sql.execute("SELECT term, doc, col FROM tokens"):
            words[id_][name == "caption"].add(token)
        return [_row(entry, values[entry.record.id], *words[entry.record.id]) for entry in entries]

    def matching(self, records: Sequence[Record], sql: str, params: Sequence[Any]) -> list[int]:
        """The ids of those for which a compiled filter holds."""
        self._fill(records, words=False)
        return [id_ for (id_,) in self._sql.execute(f"SELECT id FROM images WHERE {sql}", params)]

    def values(self, records: Sequence[Record], expression: str) -> list[Any]:
        """What an SQL expression is for each of them that has it."""
        self._fill(records, words=False)
        asked = self._sql.execute(f"SELECT {expression} AS value FROM images WHERE value IS NOT NULL")
        return [value for (value,) in asked]

    def tokens(self, text: str) -> list[str]:
        """The words of a text as they are compared."""
        self._sql.execute("DELETE FROM words")
        self._sql.execute("INSERT INTO words (rowid, caption) VALUES (1, ?)", (text,))
        return [token for (token,) in self._sql.execute("SELECT term FROM tokens ORDER BY offset")]

    def having(self, records: Sequence[Record], match: str) -> list[int]:
        """The ids of those whose words match."""
        self._fill(records)
        return [id_ for (id_,) in self._sql.execute("SELECT rowid FROM words WHERE words MATCH ?", (match,))]

    def _fill(self, records: Sequence[Record], *, words: bool = True) -> None:
        self._sql.execute("DELETE FROM images")
        self._sql.execute("DELETE FROM words")
        self._sql.execute("BEGIN")
        marks = ", ".join("?" * len(_COLUMNS))
        self._sql.executemany(f"INSERT INTO images VALUES ({marks})", [_columns(one) for one in records])
        if words:
            self._sql.execute("INSERT INTO words (rowid, path_text, caption) SELECT id, path_text, caption FROM images")
        self._sql.execute("COMMIT")


def _columns(record: Record) -> tuple[Any, ...]:
    return tuple(printable(record.path) if name == "path_text" else getattr(record, name) for name in _COLUMNS)


def _row(entry: Entry, values: Mapping[str, Any], named: set[str], captioned: set[str]) -> dict[str, Any]:
    record = entry.record
    return {
        "id": record.id,
        "status": record.status,
        "sha256": record.sha256 or "",
        "record": entry.to_json(),
        "sum": entry.sum,
        "words": {"path_text": sorted(named), "caption": sorted(captioned)},
        "taken": (record.taken or "")[:KEY_LENGTH],
        "modified": record.mtime_ns,
        **{f"{name}_key": text_key(values[name]) for name in TEXTS},
        **{name: _number(name, values[name]) for name in NUMBERS},
        "vector": [0.0, 0.0],
    }


def text_key(text: str | None) -> str:
    """What the engine compares of a text: nothing for none."""
    return "" if text is None else "=" + text.casefold()[:KEY_LENGTH]


def _number(name: str, value: float | None) -> float:
    unknown = UNKNOWN_DEGREES if name in ("latitude", "longitude") else UNKNOWN_SIZE
    return unknown if value is None else float(value)
