"""The tables of a collection."""

FORMAT = 1
"""Version of everything in a collection directory; a reader refuses higher ones."""

APPLICATION_ID = 0x6C6F6F6B

TABLES = """
CREATE TABLE methods (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    params TEXT NOT NULL,
    dtype TEXT NOT NULL,
    width INTEGER NOT NULL,
    ragged INTEGER NOT NULL,
    epoch INTEGER NOT NULL DEFAULT 0,
    items INTEGER NOT NULL DEFAULT 0,
    "rows" INTEGER NOT NULL DEFAULT 0
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
    status TEXT NOT NULL CHECK (status IN ('ok', 'failed', 'skipped', 'removed')),
    reason TEXT,
    described INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX images_path ON images (path) WHERE status != 'removed';
CREATE INDEX images_bytes ON images (bytes);
CREATE INDEX images_sha256 ON images (sha256);
CREATE INDEX images_gone ON images (id) WHERE status != 'ok';
CREATE TABLE gaps (
    image INTEGER NOT NULL,
    method INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (image, method)
) WITHOUT ROWID;
CREATE TABLE roots (path BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

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
