from __future__ import annotations

import os
from pathlib import Path

import PIL.Image
import pytest
from maps import index

from samples import PHOTOS, fill, photo


@pytest.fixture(scope="session")
def mapped(tmp_path_factory):
    """The path of a collection of 27 photos and drawings with vectors and concepts. Not to be changed."""
    root = tmp_path_factory.mktemp("mapped")
    folder = fill(root / "pictures", 20)
    for name in PHOTOS:
        photo(name).save(folder / name)
    index(root / "album", folder)
    return root / "album"


@pytest.fixture
def hostile(tmp_path):
    """An album of pictures whose names are made to break out of a page."""
    folder = tmp_path / "</script><script>alert(1)</script>"
    names = [
        "<img src=x onerror=alert(2)>.png",
        "'\"&amp;\\u003c%%DATA%%.png",
        "line\nbreak\u2028.png",
        os.fsdecode(b"undecodable-\xff.png"),
        "]]>--><!--.png",
    ]
    for number, name in enumerate(names):
        path = Path(os.path.join(folder, name))
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.new("RGB", (40 + number, 30), (40 * number, 90, 120)).save(path, "PNG")
    index(tmp_path / "album", folder, methods=("embedding",))
    return tmp_path / "album"
