"""Pictures made for tests, and a collection's truth laid open for checking."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import PIL.Image

from lookalike import Collection
from lookalike.ingest.run import Options

PHOTOS = ("astronaut.png", "brick.png", "chelsea.png", "coffee.png", "rocket.jpg", "retina.jpg", "page.png")
METHODS = ("phash", "color")  # quick, and enough where the methods are not what is tested
HERE = Options(workers=0)  # describe in this process: quick, and visible to monkeypatch


def drawing(seed: int, width: int = 96, height: int = 64) -> PIL.Image.Image:
    """A soft pattern of colours; every seed another one."""
    cells = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return PIL.Image.fromarray(cells).resize((width, height), PIL.Image.Resampling.BICUBIC)


def draw(path: str | os.PathLike[str], seed: int) -> Path:
    """Save drawing number `seed`."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        drawing(seed).save(file, "PNG")
    return Path(path)


def skimage_file(name: str) -> Path:
    """A file that comes with the scikit-image package."""
    spec = find_spec("skimage")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "data" / name


def photo(name: str) -> PIL.Image.Image:
    """A real picture out of the scikit-image package, at most 256 pixels wide."""
    with PIL.Image.open(skimage_file(name)) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((256, 256))
    return picture


def fill(folder: Path, count: int) -> Path:
    """Drawings 0..count-1 as 000.png, 001.png ..."""
    for seed in range(count):
        draw(folder / f"{seed:03}.png", seed)
    return folder


def living(album: Collection) -> dict[str, int]:
    """File name -> id of every picture that can be found."""
    return {os.path.basename(album.record(int(i)).path): int(i) for i in album.ids()}


def consistent(album: Collection) -> None:
    """Every living picture is found by itself, once, and nothing needs repair."""
    report = album.check()
    assert report.problems == [] and report.repaired == []
    for name, id_ in living(album).items():
        (first, *_) = album.search(id=id_, k=1, methods="color")
        assert [evidence.distance < 0.001 for evidence in first.evidence if evidence.method == "color"] == [True], name
    paths = [album.record(int(i)).path for i in album.ids()]
    assert len(paths) == len(set(paths))
