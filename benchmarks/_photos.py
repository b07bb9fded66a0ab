"""A folder of photographs with a manifest.csv: which class each shows, which captions belong to it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lookalike.errors import ImageError
from lookalike.pictures.open import Image, open_image


@dataclass(frozen=True)
class Photo:
    """set: the folder it is in. label: its class, "" for none. captions: the `|` separated ones."""

    path: Path
    set: str
    label: str
    captions: tuple[str, ...]


def read_photos(folder: Path) -> list[Photo]:
    """From columns path, gt_type, class and caption; without a manifest every file, of no class."""
    manifest = folder / "manifest.csv"
    if not manifest.exists():
        return [Photo(path, path.parent.name, "", ()) for path in sorted(folder.rglob("*")) if path.is_file()]
    with manifest.open(newline="", encoding="utf-8") as file:
        return [_photo(folder, row) for row in csv.DictReader(file)]


def opened(photos: list[Photo]) -> Iterator[tuple[Photo, Image]]:
    """Those that can be read."""
    for photo in photos:
        try:
            yield photo, open_image(photo.path)
        except ImageError:
            continue


def _photo(folder: Path, row: dict[str, str]) -> Photo:
    kind = row.get("gt_type", "")
    captions = row.get("caption", "").split("|") if kind.startswith("caption") else []
    if kind == "caption+tags":  # the second part is a list of tags
        captions = captions[:1]
    label = row.get("class", "") if kind == "class" else ""
    return Photo(
        folder / row["path"], Path(row["path"]).parts[0], label, tuple(c.strip() for c in captions if c.strip())
    )
