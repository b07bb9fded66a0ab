"""Two groups of files, a plan for them, and disks that are not like others."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path

import pytest

from lookalike.duplicates import transfer
from lookalike.duplicates.plan import FORMAT, VERSION

Contents = dict[str, bytes]


def described(path: Path) -> dict[str, object]:
    status = path.stat()
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"path": str(path), "sha256": sha256, "bytes": status.st_size, "mtime_ns": status.st_mtime_ns}


class Scene:
    """Two groups in a folder, a plan for them, and where the copies shall go."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pictures, self.away, self.plan = root / "pictures", root / "away", root / "plan.json"
        for name in ("keep.jpg", "a/copy.jpg", "a/b/copy.jpg", "other.png", "a/other.png"):
            path = self.pictures / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"content of {name}".encode() * 50)
        self.write(
            [
                {"keep": self.file("keep.jpg"), "move": [self.file("a/copy.jpg"), self.file("a/b/copy.jpg")]},
                {"keep": self.file("other.png"), "move": [self.file("a/other.png")]},
            ]
        )

    def file(self, name: str) -> dict[str, object]:
        return described(self.pictures / name)

    def write(self, groups: object) -> None:
        self.plan.write_text(json.dumps({"format": FORMAT, "version": VERSION, "groups": groups}))

    def read(self) -> list[dict[str, object]]:
        return json.loads(self.plan.read_text())["groups"]

    def contents(self) -> list[bytes]:
        """What all files hold, undo files aside."""
        files = [path for path in self.root.rglob("*") if path.is_file() and path.suffix in (".jpg", ".png")]
        return sorted(path.read_bytes() for path in files)

    def tree(self) -> Contents:
        files = (path for path in self.pictures.rglob("*") if path.is_file())
        return {str(path.relative_to(self.pictures)): path.read_bytes() for path in files}

    def undo_file(self) -> Path:
        return self.away / "undo-1.jsonl"


def refuse_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the folder were on another disk."""

    def link(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", link)


def refuse_second_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every file could have one name only, and nothing be renamed without replacing: FAT, some networks."""

    def link(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    monkeypatch.setattr(transfer, "_rename_exclusively", lambda *_: errno.ENOSYS)
