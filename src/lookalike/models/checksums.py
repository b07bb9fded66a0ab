"""SHA-256 of large files, computed once: remembered for as long as a file's size and time of change stay."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from lookalike.errors import ModelError, printable

FILE = "checksums.json"


class Checksums:
    """Digests of files, and the digests first seen of downloads that nobody published one for.

    Kept as JSON in `folder`. A folder that cannot be written only costs time: digests are computed again.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def of(self, path: Path, fresh: bool = False) -> str:
        """The file's SHA-256 in hexadecimal; with `fresh`, from its bytes even when remembered. Raises ModelError."""
        try:
            state = path.stat()
            stamp = [state.st_size, state.st_mtime_ns]
            known = self._read("files").get(str(path.absolute()))
            if not fresh and isinstance(known, list) and known[:2] == stamp:
                return str(known[2])
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as problem:
            raise ModelError(f"{printable(path)}: cannot be read ({problem.strerror or problem})") from problem
        self._write("files", str(path.absolute()), [*stamp, digest])
        return digest

    def first_seen(self, key: str) -> str | None:
        """The digest that was kept for a download, if any."""
        digest = self._read("first_seen").get(key)
        return digest if isinstance(digest, str) else None

    def keep(self, key: str, digest: str) -> None:
        """From now on a download called `key` must have this digest."""
        if self.first_seen(key) != digest:
            self._write("first_seen", key, digest)

    def _read(self, part: str) -> dict[str, Any]:
        values = self._content().get(part)
        return values if isinstance(values, dict) else {}

    def _content(self) -> dict[str, Any]:
        try:
            content = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _write(self, part: str, key: str, value: Any) -> None:
        content = self._content()
        content[part] = {**self._read(part), key: value}
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self._path.parent, prefix=FILE, delete=False) as file:
                json.dump(content, file, indent=1, sort_keys=True)
            # Readers see the old list or the new one, never half of it.
            os.replace(file.name, self._path)
