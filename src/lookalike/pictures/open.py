"""From a path, bytes, file object, PIL image or array to an upright RGB picture of bounded size."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import IO, Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from lookalike.errors import ImageError
from lookalike.pictures.files import open_regular
from lookalike.pictures.formats import (
    UnreadableError,
    bytes_too_few,
    decoding,
    is_raw,
    open_lazily,
    raw_reader,
    suffix_of,
)
from lookalike.pictures.metadata import NO_METADATA, Metadata, orientation_of, read_metadata
from lookalike.pictures.pixels import array_to_picture, fit, to_rgb

__all__ = ["MAX_PIXELS", "WORKING_SIZE", "Image", "Metadata", "Source", "describe_source", "open_image"]

Source = str | os.PathLike[str] | bytes | IO[bytes] | PIL.Image.Image | NDArray[Any]
WORKING_SIZE = 640
MAX_PIXELS = 250_000_000
# What decoding may take at once: one full picture of MAX_PIXELS as Pillow keeps RGB, 4 bytes a pixel.
MAX_DECODE_BYTES = 1 << 30

BYTES_PER_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
# What the decoder holds beside Pillow's picture, bytes a pixel: WebP two canvases and a copy, AVIF and HEIF
# planes and a copy, OpenJPEG 32 bits a channel.
DECODER_BYTES = {"WEBP": 12, "AVIF": 8, "HEIF": 8, "JPEG2000": 16, "PPM": 3, "QOI": 4, "BLP": 4}
ROWS_PER_STRIP, TILE_WIDTH = 278, 322
# A progressive JPEG is kept whole as coefficients: 16 bits in three channels, whatever the scale.
PROGRESSIVE_BYTES = 6

TURNS = {
    2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
    3: PIL.Image.Transpose.ROTATE_180,
    4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
    5: PIL.Image.Transpose.TRANSPOSE,
    6: PIL.Image.Transpose.ROTATE_270,
    7: PIL.Image.Transpose.TRANSVERSE,
    8: PIL.Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Image:
    """An upright picture, or an upright part of one.

    rgb: (h, w, 3) uint8, its longest side at most the working size. width, height: of the original, upright. origin:
    where the part begins (x, y) in the picture that it was cut from. sha256: of the file's bytes, where it is known.
    damage: what is missing of the file, None when it is whole.
    """

    rgb: NDArray[np.uint8]
    width: int
    height: int
    format: str
    metadata: Metadata = NO_METADATA
    origin: tuple[int, int] = (0, 0)
    sha256: str | None = None
    damage: str | None = None

    @cached_property
    def picture(self) -> PIL.Image.Image:
        """`rgb` for Pillow, made once for all methods that ask; not to be changed."""
        return PIL.Image.fromarray(self.rgb)


def open_image(
    source: Source, *, size: int = WORKING_SIZE, max_pixels: int = MAX_PIXELS, strict: bool = False
) -> Image:
    """The picture upright in RGB, its longest side reduced to at most `size` pixels (never enlarged).

    source: a path, a file's bytes, a binary file object (read from its start), a PIL picture, or an array (h, w) or
    (h, w, 1 | 3 | 4) of bool, uint8, uint16 or float 0..1. The format is recognised by content. EXIF orientation is
    applied, alpha is laid over white, of an animation the first frame is taken. A picture of more than
    `max_pixels`, or one whose decoding would take more than about 1 GiB, is refused before it is decoded. A JPEG that
    is cut short but mostly there is read as far as it goes, and its `damage` says so; strict: it is refused.

    Raises ImageError, and nothing else, for whatever cannot be read.
    """
    try:
        with decoding(max_pixels=max_pixels):
            if isinstance(source, np.ndarray):
                picture = array_to_picture(source)
                return _finish(picture, picture.size, size, "array")
            if isinstance(source, PIL.Image.Image):
                _check_size(source.size, max_pixels)
                return _finish(source, source.size, size, source.format or "PIL")
            with _as_file(source) as file:
                return _decode(file, suffix_of(describe_source(source)), size, max_pixels, strict)
    except UnreadableError as error:
        raise ImageError(
            describe_source(source), str(error), temporary=error.temporary, kind=error.kind
        ) from error.__cause__


def describe_source(source: Source) -> str:
    """A source in words for messages: its path or name, else what it is."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    if isinstance(source, bytes):
        return f"<{len(source)} bytes>"
    if isinstance(source, np.ndarray):
        return f"<array {'x'.join(map(str, source.shape))} {source.dtype}>"
    name = getattr(source, "filename", None) or getattr(source, "name", None)
    return name if isinstance(name, str) and name else f"<{type(source).__name__}>"


@contextlib.contextmanager
def _as_file(source: str | os.PathLike[str] | bytes | IO[bytes]) -> Iterator[IO[bytes]]:
    if isinstance(source, bytes):
        yield io.BytesIO(source)
    elif isinstance(source, str | os.PathLike):
        with open_regular(source) as file:
            yield file
    elif not hasattr(source, "read"):
        raise UnreadableError("not a path, bytes, a binary file, a PIL picture or an array")
    else:
        yield source if source.seekable() else io.BytesIO(source.read())


def _decode(file: IO[bytes], suffix: str, size: int, max_pixels: int, strict: bool) -> Image:
    length = file.seek(0, io.SEEK_END)
    if is_raw(file, suffix):
        return _decode_raw(file, length, size, max_pixels)
    picture = open_lazily(file, length, suffix)
    _check_size(picture.size, max_pixels)
    if bytes_too_few(picture, length):
        raise UnreadableError(f"its header promises {_by(*picture.size)} pixels, but the file has only {length} bytes")
    original = picture.size
    drafted = picture.format in ("JPEG", "MPO") and picture.draft(None, fit(*original, size)) is not None
    if picture.format == "WEBP" and _memory(picture, original) > MAX_DECODE_BYTES:
        return _decode_large_webp(file, picture, length, size)
    _check_memory(picture, original)
    damage = None
    try:
        with decoding(f"{picture.format} picture of {_by(*original)}", length):
            picture.load()
    except UnreadableError as error:
        if strict or picture.format not in ("JPEG", "MPO"):
            raise
        picture, damage = _rescued(file, fit(*original, size), error)
        drafted = True
    _check_size(picture.size, max_pixels)  # an icon's inner picture may be larger than its header says
    # Some decoders (AVIF, ICNS, TIFF turned upright) know the true size only now.
    image = _finish(picture, original if drafted else picture.size, size, picture.format or "unknown")
    return replace(image, damage=damage) if damage else image


def _rescued(file: IO[bytes], target: tuple[int, int], problem: UnreadableError) -> tuple[PIL.Image.Image, str]:
    """What is there of a damaged JPEG, and how much; the problem again when it is too little."""
    from lookalike.pictures.partial import LEAST_SHARE, rescue_jpeg

    with contextlib.suppress(UnreadableError), decoding():
        picture, share = rescue_jpeg(file, target)
        if share >= LEAST_SHARE:
            return picture, f"cut short: {min(99, int(100 * share))} % of it is there"
    raise problem


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    if size[0] * size[1] > max_pixels:
        raise UnreadableError(f"{_by(*size)} pixels is over the limit of {max_pixels / 1e6:g} megapixels")


def _decode_large_webp(file: IO[bytes], picture: PIL.Image.Image, length: int, size: int) -> Image:
    from lookalike.pictures.large import BYTES_PER_PIXEL as WEBP_BYTES
    from lookalike.pictures.large import decode_webp

    _refuse_larger(picture.width * picture.height * WEBP_BYTES, picture, picture.size)
    with decoding(f"WEBP picture of {_by(*picture.size)}", length):
        rgb = decode_webp(file, fit(*picture.size, size))
    return _upright(rgb, picture, picture.size, "WEBP")


def _check_memory(picture: PIL.Image.Image, original: tuple[int, int]) -> None:
    """Refuse before decoding what would not fit into MAX_DECODE_BYTES. original: the size before JPEG's draft."""
    _refuse_larger(_memory(picture, original), picture, original)


def _memory(picture: PIL.Image.Image, original: tuple[int, int]) -> int:
    """Bytes that Pillow and its decoder take for a picture."""
    own = BYTES_PER_PIXEL.get(picture.mode, 4)
    tags = getattr(picture, "tag_v2", {})  # of a TIFF, where libtiff holds one strip or tile beside the picture
    strip = 0 if TILE_WIDTH in tags else min(1.0, tags.get(ROWS_PER_STRIP, picture.height) / picture.height)
    beside = own * strip if tags else DECODER_BYTES.get(picture.format or "", 0)
    needed = int(picture.width * picture.height * (own + beside))
    if picture.info.get("progressive"):
        needed += original[0] * original[1] * PROGRESSIVE_BYTES
    return needed


def _refuse_larger(needed: int, picture: PIL.Image.Image, original: tuple[int, int]) -> None:
    if needed > MAX_DECODE_BYTES:
        raise UnreadableError(
            f"decoding {_by(*original)} pixels of {picture.format} would take {needed / 2**30:.1f} GiB of memory,"
            f" over the limit of {MAX_DECODE_BYTES / 2**30:.0f} GiB"
        )


def _by(width: int, height: int) -> str:
    return f"{width} x {height}"


def _finish(picture: PIL.Image.Image, original: tuple[int, int], size: int, form: str) -> Image:
    """A decoded picture (perhaps already smaller than the original) in RGB at the working size, then upright."""
    return _upright(to_rgb(picture, fit(*original, size)), picture, original, form)


def _upright(rgb: PIL.Image.Image, picture: PIL.Image.Image, original: tuple[int, int], form: str) -> Image:
    """Pixels in RGB turned as the picture's file says."""
    metadata, orientation = read_metadata(picture), orientation_of(picture)
    width, height = original
    if orientation in TURNS:
        rgb = rgb.transpose(TURNS[orientation])
    if orientation >= 5:
        width, height = height, width
    return Image(np.asarray(rgb), width, height, form, metadata)


def _decode_raw(file: IO[bytes], length: int, size: int, max_pixels: int) -> Image:
    """A camera's raw file by LibRaw, at half resolution where that is enough; LibRaw turns it upright."""
    rawpy = raw_reader()
    file.seek(0)
    with decoding("camera raw file", length), rawpy.imread(file) as raw:
        sizes = raw.sizes
        _check_size((sizes.raw_width, sizes.raw_height), max_pixels)
        half = max(sizes.iwidth, sizes.iheight) >= 2 * size
        upright = (sizes.iheight, sizes.iwidth) if sizes.flip in (5, 6) else (sizes.iwidth, sizes.iheight)
        rgb = PIL.Image.fromarray(raw.postprocess(use_camera_wb=True, half_size=half, output_bps=8))
    with contextlib.suppress(UnreadableError), decoding():  # most raw files are TIFFs: their tags are EXIF
        file.seek(0)
        rgb.getexif().load_from_fp(file)
    return Image(np.asarray(to_rgb(rgb, fit(*upright, size))), *upright, "RAW", read_metadata(rgb))
