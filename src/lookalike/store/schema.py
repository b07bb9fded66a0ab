"""The tables of a collection, and the refusal of any others."""

from __future__ import annotations

import sqlite3
import zlib
from functools import lru_cache
from typing import Any

FORMAT = 2
"""Version of everything in a collection directory; others are refused."""

APPLICATION_ID = 0x6C6F6F6B

SUMMED = {
    "methods": ("id", "name", "params", "dtype", "width", "ragged", "epoch", "items", '"rows"', "tails"),
    "images": (
        *("id", "path", "path_text", "sha256", "bytes", "mtime_ns", "format", "width", "height", "taken", "camera"),
        *("latitude", "longitude", "caption", "status", "reason", "described"),
    ),
    "gaps": ("image", "method", "reason"),
    "roots": ("path",),
    "facts": ("key", "value"),
}
"""The columns that the checksum of each table's rows is of; the first one or two are its key."""

STATUSES = ("ok", "failed", "skipped", "removed")
"""What may have become of a file: a picture, none that can be read, none at all, gone."""

_TEXT = {
    *("name", "params", "dtype", "tails", "path_text", "format", "taken", "camera", "caption", "status", "reason"),
    *("key", "value"),
}
_KEYS = {"methods": ("id",), "images": ("id",), "gaps": ("image", "method"), "roots": ("path",), "facts": ("key",)}

_TABLES = f"""
CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 0), generation INTEGER NOT NULL);
CREATE TABLE methods (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    params TEXT NOT NULL,
    dtype TEXT NOT NULL,
    width INTEGER NOT NULL,
    ragged INTEGER NOT NULL,
    epoch INTEGER NOT NULL DEFAULT 0,
    items INTEGER NOT NULL DEFAULT 0,
    "rows" INTEGER NOT NULL DEFAULT 0,
    tails TEXT NOT NULL DEFAULT '[0, 0, 0]',
    sum INTEGER
);
CREATE TABLE images (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path BLOB NOT NULL,
    path_text TEXT NOT NULL,
    sha256 BLOB,
    bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    format TEXT,
    width INTEGER,
    height INTEGER,
    taken TEXT,
    camera TEXT,
    latitude REAL,
    longitude REAL,
    caption TEXT,
    status TEXT NOT NULL CHECK (status IN {STATUSES}),
    reason TEXT,
    described INTEGER NOT NULL DEFAULT 0,
    sum INTEGER
);
CREATE UNIQUE INDEX images_path ON images (path) WHERE status != 'removed';
CREATE INDEX images_bytes ON images (bytes);
CREATE INDEX images_sha256 ON images (sha256);
CREATE INDEX images_gone ON images (id) WHERE status != 'ok';
CREATE TABLE gaps (
    image INTEGER NOT NULL,
    method INTEGER NOT NULL,
    reason TEXT NOT NULL,
    sum INTEGER,
    PRIMARY KEY (image, method)
) WITHOUT ROWID;
CREATE TABLE roots (path BLOB PRIMARY KEY, sum INTEGER) WITHOUT ROWID;
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL, sum INTEGER) WITHOUT ROWID;

CREATE VIRTUAL TABLE words USING fts5 (
    path_text, caption, content='images', content_rowid='id', tokenize='porter unicode61'
);
CREATE TRIGGER images_words_insert AFTER INSERT ON images BEGIN
    INSERT INTO words (rowid, path_text, caption) VALUES (new.id, new.path_text, new.caption);
END;
CREATE TRIGGER images_words_delete AFTER DELETE ON images BEGIN
    INSERT INTO words (words, rowid, path_text, caption) VALUES ('delete', old.id, old.path_text, old.caption);
END;
CREATE TRIGGER images_words_update AFTER UPDATE OF path_text, caption ON images BEGIN
    INSERT INTO words (words, rowid, path_text, caption) VALUES ('delete', old.id, old.path_text, old.caption);
    INSERT INTO words (rowid, path_text, caption) VALUES (new.id, new.path_text, new.caption);
END;
"""

SEEN = """
CREATE TEMP TABLE IF NOT EXISTS seen (
    path BLOB PRIMARY KEY, bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TEMP TABLE IF NOT EXISTS pending (
    place INTEGER PRIMARY KEY, path BLOB NOT NULL, bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    id INTEGER, status TEXT, sha256 BLOB, described INTEGER, unchanged INTEGER
);
DELETE FROM seen;
DELETE FROM pending;
"""


def row_sum(*values: Any) -> int:
    """The checksum of a row: CRC-32 of its values, text in UTF-8, as Python writes them in ASCII."""
    plain = tuple(value.encode() if isinstance(value, str) else value for value in values)
    return zlib.crc32(ascii(plain).encode("ascii"))


def sum_of(table: str) -> str:
    """The checksum of a table's row in SQL, whatever bytes its text has become."""
    columns = [f"CAST({column} AS BLOB)" if column in _TEXT else column for column in SUMMED[table]]
    return f"row_sum({', '.join(columns)})"


def create(sql: sqlite3.Connection) -> None:
    """Make the tables in an empty database, in one transaction."""
    sql.executescript(
        f"BEGIN; {_TABLES} {_sums()} INSERT INTO state VALUES (0, 0); "
        f"PRAGMA user_version = {FORMAT}; PRAGMA application_id = {APPLICATION_ID}; COMMIT;"
    )


def strange(sql: sqlite3.Connection) -> list[str]:
    """Names of tables, views, triggers and indexes that are not exactly those that `create` makes."""
    return sorted({f"{kind} {name}" for kind, name, _ in _objects(sql) ^ _own()})


def _sums() -> str:
    """Triggers that keep every row's checksum up to date."""
    made = []
    for table, columns in SUMMED.items():
        same = " AND ".join(f"{key} = new.{key}" for key in _KEYS[table])
        body = f"UPDATE {table} SET sum = {sum_of(table)} WHERE {same};"
        made.append(f"CREATE TRIGGER {table}_sum_insert AFTER INSERT ON {table} BEGIN {body} END;")
        update = f"AFTER UPDATE OF {', '.join(columns)} ON {table}"
        made.append(f"CREATE TRIGGER {table}_sum_update {update} BEGIN {body} END;")
    return "\n".join(made)


def _objects(sql: sqlite3.Connection) -> frozenset[tuple[str, str, str | None]]:
    return frozenset(sql.execute("SELECT type, name, sql FROM sqlite_master"))


@lru_cache(maxsize=1)
def _own() -> frozenset[tuple[str, str, str | None]]:
    sql = sqlite3.connect(":memory:")
    try:
        sql.create_function("row_sum", -1, row_sum, deterministic=True)
        create(sql)
        return _objects(sql)
    finally:
        sql.close()
