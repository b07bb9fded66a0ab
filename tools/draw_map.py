"""Draw docs/map.jpg: the map of pictures that may be published, from the scikit-image and scikit-learn packages.

python tools/draw_map.py docs/map.jpg

Of each picture several edited copies are made, so that there is something to lie together.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path

import PIL.Image

from lookalike import Collection
from lookalike.evaluate.edits import get

FREE = (  # CC0 or public domain, as the docstrings of skimage.data say; china and flower: CC BY 2.0
    *("skimage/data/astronaut.png", "skimage/data/brick.png", "skimage/data/camera.png", "skimage/data/chelsea.png"),
    *("skimage/data/clock_motion.png", "skimage/data/coffee.png", "skimage/data/coins.png", "skimage/data/grass.png"),
    *("skimage/data/gravel.png", "skimage/data/horse.png", "skimage/data/hubble_deep_field.jpg"),
    *("skimage/data/retina.jpg", "skimage/data/rocket.jpg", "skimage/data/text.png"),
    *("sklearn/datasets/images/china.jpg", "sklearn/datasets/images/flower.jpg"),
)
EDITS = (
    *("mirror", "filter", "hue-90", "bright-170", "flat-40", "grey", "blur", "straighten-5"),
    *("crop-70", "crop-40", "crop-20", "mirrored-crop-40", "stretch-140"),
)
SIDE, SIZE, QUALITY = 480, 1200, 72


def make_copies(folder: Path) -> None:
    """The pictures, at most SIDE pixels wide, and every edit of each."""
    for name in FREE:
        package, _, inside = name.partition("/")
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            sys.exit(f"{package} is not installed: pip install 'lookalike[demo]'")
        with PIL.Image.open(Path(spec.origin).parent / inside) as opened:
            picture = opened.convert("RGB")
        picture.thumbnail((SIDE, SIDE))
        stem = Path(name).stem
        picture.save(folder / f"{stem}.png")
        for edit in EDITS:
            get(edit).apply(picture).save(folder / f"{stem}-{edit}.png")


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "pictures"
        folder.mkdir()
        make_copies(folder)
        with Collection(Path(name) / "album") as album:
            album.index([folder], methods=["embedding", "text"])
            atlas = album.map()
        atlas.save_picture(Path(name) / "map.png", SIZE)
        with PIL.Image.open(Path(name) / "map.png") as picture:
            picture.save(sys.argv[1], quality=QUALITY)
        print([region.name for region in atlas.regions])


if __name__ == "__main__":
    main()
