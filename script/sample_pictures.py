"""Sample pictures for the demo: those inside the scikit-image and scikit-learn packages, and edited copies of them.

python sample_pictures.py TO            pictures to TO/pictures, edited copies of four of them to TO/edited
python sample_pictures.py FROM COPY     one edited copy of a picture below the folder FROM, to the file COPY
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

PLACES = {"skimage": "data", "sklearn": "datasets/images"}
SUFFIXES = {".png", ".jpg", ".jpeg", ".tif"}
UNLIKE_PHOTOS = {"microaneurysms", "multipage", "multipage_rgb", "phantom", "chessboard_GRAY"}


def small(picture: Image.Image) -> Image.Image:
    return picture.reduce(4)


def mirrored(picture: Image.Image) -> Image.Image:
    return ImageOps.mirror(picture)


def turned(picture: Image.Image) -> Image.Image:
    return picture.transpose(Image.Transpose.ROTATE_90)


def recoloured(picture: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(ImageEnhance.Color(picture).enhance(0.2)).enhance(1.2)


def cropped(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    return picture.crop((width // 5, height // 5, width - width // 5, height - height // 5))


def captioned(picture: Image.Image) -> Image.Image:
    copy = picture.copy()
    side = max(12, copy.height // 8)
    draw = ImageDraw.Draw(copy)
    draw.rectangle([0, copy.height - 2 * side, copy.width, copy.height], "black")
    draw.text((side, copy.height - 1.6 * side), "Having a great time!", "white", ImageFont.load_default(side))
    return copy


EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    edit.__name__: edit for edit in (small, mirrored, turned, recoloured, cropped, captioned)
}
EDITED = ("chelsea", "china", "coffee", "rocket")


def installed_pictures() -> Iterator[Path]:
    """The pictures that lie inside the installed packages."""
    for package, folder in PLACES.items():
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            sys.exit(f"{package} is not installed: pip install '.[demo]' in a clone of lookalike")
        for path in sorted((Path(spec.origin).parent / folder).iterdir()):
            if path.suffix in SUFFIXES and path.stem not in UNLIKE_PHOTOS:
                yield path


def make_samples(folder: Path) -> None:
    """Fill folder/pictures and folder/edited; what is there stays."""
    pictures, edited = folder / "pictures", folder / "edited"
    pictures.mkdir(parents=True, exist_ok=True)
    edited.mkdir(exist_ok=True)
    for path in installed_pictures():
        if not (pictures / path.name).exists():
            shutil.copyfile(path, pictures / path.name)
        if path.stem in EDITED:
            save_edits(path, edited)


def save_edits(path: Path, folder: Path) -> None:
    """Every edit of one picture, as strongly compressed JPEG."""
    for name, edit in EDITS.items():
        copy = folder / f"{path.stem}-{name}.jpg"
        if not copy.exists():
            with Image.open(path) as picture:
                edit(picture.convert("RGB")).save(copy, quality=40)


def copy_one(folder: Path, copy: Path) -> None:
    """A mirrored, reduced, strongly compressed copy of the first picture that can be read below a folder."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in SUFFIXES:
            continue
        try:
            with Image.open(path) as picture:
                upright = ImageOps.exif_transpose(picture).convert("RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue
        if min(upright.size) >= 64:
            upright.thumbnail((320, 320))
            mirrored(upright).save(copy, "JPEG", quality=40)
            print(path)
            return
    sys.exit(f"no picture to make a copy of below {folder}")


if __name__ == "__main__":
    if len(sys.argv) == 2:
        make_samples(Path(sys.argv[1]))
    elif len(sys.argv) == 3:
        copy_one(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        sys.exit(__doc__)
