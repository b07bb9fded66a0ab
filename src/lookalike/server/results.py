"""What jobs found out, kept in the collection until it is found out anew: duplicates, the map, the evaluation."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lookalike.duplicates import Group
from lookalike.errors import CollectionError, printable


class Results:
    """Those of one collection; each is replaced whole."""

    def __init__(self, collection: Path) -> None:
        self._collection, self._folder = collection, collection / "results"

    def keep_duplicates(self, groups: Sequence[Group], max_expected_false: float) -> None:
        found = {"max_expected_false": max_expected_false, "groups": [group.to_json() for group in groups]}
        self._keep("duplicates", {"duplicates.json": found})

    def keep_map(self, data: dict[str, Any], small: Sequence[bytes], large: Sequence[bytes]) -> None:
        sheets = {f"small-{number}.jpg": file for number, file in enumerate(small)}
        sheets |= {f"large-{number}.jpg": file for number, file in enumerate(large)}
        self._keep("map", {"map.json": data, **sheets})

    def keep_evaluation(self, figures: dict[str, Any], page: str) -> None:
        self._keep("evaluation", {"evaluation.json": figures, "evaluation.html": page.encode()})

    def read(self, name: str) -> tuple[dict[str, Any], float] | None:
        """What was kept under a name, and when; None when there is nothing."""
        file = self._folder / name / f"{name}.json"
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            return (found, file.stat().st_mtime) if isinstance(found, dict) else None
        except (OSError, ValueError):
            return None

    def file(self, name: str, inner: str) -> Path | None:
        """A file of a result, None when there is no such file. inner: a name of this module's making."""
        path = self._folder / name / inner
        return path if path.is_file() and not path.is_symlink() else None

    def _keep(self, name: str, files: dict[str, dict[str, Any] | bytes]) -> None:
        """Write a folder of files beside the one it then replaces."""
        try:
            if not self._collection.is_dir():
                raise FileNotFoundError
            self._folder.mkdir(exist_ok=True)
            new = Path(tempfile.mkdtemp(prefix=".new-", dir=self._folder))
            for inner, content in files.items():
                plain = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
                (new / inner).write_bytes(plain)
            old = self._folder / f".old-{name}-{time.time_ns()}"
            if (self._folder / name).exists():
                os.rename(self._folder / name, old)
            os.rename(new, self._folder / name)
            shutil.rmtree(old, ignore_errors=True)
        except OSError as error:
            place = printable(self._folder)
            raise CollectionError(f"{place} cannot be written: {error.strerror or 'it is gone'}") from error
