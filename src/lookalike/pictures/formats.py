"""What a file is, judged by its bytes: opened lazily as a PIL picture, or refused with a reason for a person.

Pillow's own `open` is not used: it would run PostScript through an outside program, warn and fail by the
process-wide MAX_IMAGE_PIXELS, and answer "cannot identify" to everything else.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import threading
import warnings
from collections.abc import Iterator
from pathlib import PurePath
from typing import IO, Any

import PIL.Image

from lookalike.extras import how_to_install
from lookalike.pictures.kinds import HEAD_BYTES, OTHER, RAW_SUFFIXES, Kind, is_heif, kind_of, looks_like_text

COMMON = ("BMP", "DIB", "GIF", "JPEG", "PPM", "PNG")
# Formats without a signature (the last line) are tried last: they claim nearly any bytes.
RARE = (
    *("AVIF", "BLP", "CUR", "PCX", "DCX", "DDS", "FITS", "FLI", "FTEX", "GBR", "JPEG2000", "ICNS", "ICO"),
    *("MCIDAS", "TIFF", "MSP", "PIXAR", "PSD", "QOI", "SGI", "SUN", "WEBP", "XBM", "XPM", "XVTHUMB"),
    *("IM", "IMT", "IPTC", "PCD", "SPIDER", "TGA"),
)
UNSIGNED = {"IM": {".im"}, "IMT": {".imt"}, "IPTC": {".iim"}, "PCD": {".pcd"}, "SPIDER": {".spi", ".spider"}}
TEXT_SUFFIXES = {".im", ".imt", ".iim"}
TGA_SUFFIXES = {".tga", ".icb", ".vda", ".vst"}
TGA_FOOTER = b"TRUEVISION-XFILE.\0"

# The most pixels that one byte of the file can stand for, where Pillow decodes in Python (minutes for a lie) or where
# a few bytes could claim a giant: DXT1 keeps 16 pixels in 8 bytes, QOI repeats a pixel 62 times, MSP 255 bytes of 8
# pixels by 3, BMP 255 pixels by 2, deflate shrinks 1032 times at best, JPEG spends a bit on a block of 64 at least.
PIXELS_PER_BYTE = {
    **{"BLP": 256, "BMP": 256, "DDS": 2, "DIB": 256, "FITS": 1032, "FTEX": 2, "JPEG": 4096, "MPO": 4096, "MSP": 680},
    **{"PNG": 8 * 1032, "PPM": 8, "QOI": 62, "SGI": 64, "TGA": 64, "TIFF": 8 * 1032, "XBM": 8, "XPM": 1},
}

RAW_MAGIC = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM")
TIFF_MAGIC = (b"II*\0", b"MM\0*")
DNG_VERSION, NEW_SUBFILE_TYPE, SUB_IFDS = 50706, 254, 330

SIGNS_OF_AN_END = ("truncated", "unexpected end", "unexpected eof", "requires a buffer", "not enough data")


class UnreadableError(Exception):
    """Why these bytes are no picture, in words for a person; `open_image` turns it into ImageError.

    kind: what they are instead, when that is known. temporary: whether the same file may be read another time.
    """

    def __init__(self, reason: str, *, kind: Kind | None = None, temporary: bool = False) -> None:
        super().__init__(reason)
        self.kind = kind
        self.temporary = temporary


class PillowState:
    """Keeps Pillow from warning and sets its process-wide limit of pixels, for as long as any thread is inside.

    `warnings.catch_warnings` alone saves and restores one process-wide list, so that two threads leaving in the
    wrong order would keep their filter for ever; here only the first in and the last out touch it. So with Pillow's
    limit: it is the largest that any thread inside wants, which each of them holds against its own as well.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limits: list[int] = []
        self._saved: warnings.catch_warnings[None] | None = None
        self._limit_before: int | None = None
        self._limit_set: int | None = None

    @contextlib.contextmanager
    def held(self, max_pixels: int) -> Iterator[None]:
        """Inside, Pillow decodes pictures of up to `max_pixels` without a word."""
        self._enter(max_pixels)
        try:
            yield
        finally:
            self._leave(max_pixels)

    def _enter(self, max_pixels: int) -> None:
        with self._lock:
            if not self._limits:
                self._saved = warnings.catch_warnings()
                self._saved.__enter__()
                warnings.filterwarnings("ignore", module=r"(PIL|pillow_heif|rawpy)\b")
                self._limit_before = self._limit_set = PIL.Image.MAX_IMAGE_PIXELS
            self._limits.append(max_pixels)
            self._set_limit()

    def _leave(self, max_pixels: int) -> None:
        with self._lock:
            self._limits.remove(max_pixels)
            self._set_limit()
            if not self._limits and self._saved is not None:
                self._saved.__exit__(None, None, None)
                self._saved = None

    def _set_limit(self) -> None:
        if self._limit_set == PIL.Image.MAX_IMAGE_PIXELS:  # else someone else has set it meanwhile
            largest = max(self._limits, default=0)
            # Pillow refuses twice as much
            self._limit_set = PIL.Image.MAX_IMAGE_PIXELS = -(-largest // 2) if largest else self._limit_before


_pillow = PillowState()


@contextlib.contextmanager
def decoding(what: str = "picture", length: int | None = None, max_pixels: int = 0) -> Iterator[None]:
    """The one boundary to other people's decoders: whatever they raise leaves as UnreadableError.

    Decoders meet hostile bytes with any exception at all (OSError, SyntaxError, struct.error, KeyError,
    AttributeError, RuntimeError, zlib.error, LibRawError, MemoryError ...); a list of types would only be a list of
    those met so far, and one file must never stop the rest. The original exception stays as `__cause__`.

    what, length: the format and the bytes of the file, for the message. max_pixels: what Pillow may decode; 0: what
    it may anyway.
    """
    try:
        with _pillow.held(max_pixels):
            yield
    except UnreadableError:
        raise
    except Exception as error:
        raise UnreadableError(_explain(error, what, length), temporary=isinstance(error, MemoryError)) from error


def _explain(error: Exception, what: str, length: int | None) -> str:
    if isinstance(error, MemoryError):
        return "not enough memory to decode it"
    if isinstance(error, PIL.Image.DecompressionBombError):
        claimed = re.search(r"\d+", str(error))
        return f"{int(claimed[0]) / 1e6 if claimed else 0:g} megapixels is over the limit"
    text = (error.strerror or "") if isinstance(error, OSError) and error.errno else str(error)
    text = " ".join(text.split()).removesuffix(" when reading image file")[:120]
    text = "broken data" if text.startswith("decoder error") else text
    if isinstance(error, EOFError | IndexError) or any(word in text.lower() for word in SIGNS_OF_AN_END):
        return f"cut short: {length or 'these'} bytes are not the whole of a {what}"
    return f"a damaged {what} ({text or type(error).__name__})"


def open_lazily(file: IO[bytes], length: int, suffix: str) -> PIL.Image.Image:
    """The file's picture with its header read and its pixels not yet decoded. Raises UnreadableError.

    length: bytes in the file. suffix: lower-case, only a hint for formats that have no signature of their own.
    """
    file.seek(0)
    head = file.read(HEAD_BYTES)
    kind = kind_of(head)
    if kind is not None and (kind.sure or suffix not in TEXT_SUFFIXES):
        raise UnreadableError(kind.reason, kind=kind)
    if head[4:8] == b"ftyp" and is_heif(head):
        return _open_heif(file, length)
    picture, problem = _first_that_opens(file, head, suffix, length)
    if picture is None:
        raise UnreadableError(problem) if problem else UnreadableError(OTHER.reason, kind=OTHER)
    return picture


def is_raw(file: IO[bytes], suffix: str) -> bool:
    """Whether the bytes are a camera's raw file. Raw files are mostly TIFFs whose first picture is a thumbnail."""
    file.seek(0)
    head = file.read(32)
    if head.startswith(RAW_MAGIC) or head[8:12] == b"CR\2\0" or head[4:12] == b"ftypcrx ":
        return True
    if not head.startswith(TIFF_MAGIC):
        return suffix in RAW_SUFFIXES and head[6:14] == b"HEAPCCDR"
    return suffix in RAW_SUFFIXES or _has_raw_tags(file)


def _has_raw_tags(file: IO[bytes]) -> bool:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    with contextlib.suppress(UnreadableError), decoding():
        file.seek(0)
        tags = ImageFileDirectory_v2(file.read(8))
        file.seek(tags.next)
        tags.load(file)
        thumbnail_first = tags.get(NEW_SUBFILE_TYPE) == 1 and SUB_IFDS in tags
        return DNG_VERSION in tags or (thumbnail_first and tags.get(271, "").startswith(("NIKON", "SONY")))
    return False


def _open_heif(file: IO[bytes], length: int) -> PIL.Image.Image:
    with decoding("HEIF picture", length):
        from pillow_heif.as_plugin import HeifImageFile

        file.seek(0)
        picture: PIL.Image.Image = HeifImageFile(file)
        return picture
    raise AssertionError("unreachable")


def _first_that_opens(
    file: IO[bytes], head: bytes, suffix: str, length: int
) -> tuple[PIL.Image.Image | None, str | None]:
    """The picture by the first format that takes it, else what the format that claimed its signature said."""
    problem: str | None = None
    for name in _candidates(file, head, suffix, length):
        factory, accept = PIL.Image.OPEN[name]
        if accept is not None and accept(head[:16]) is not True:
            continue
        try:
            with decoding(f"{name} picture", length):
                file.seek(0)
                return factory(file, ""), None
        except UnreadableError as error:
            # "not a ... file": the signature was an accident, as after all said the format's own reader.
            if accept is not None and problem is None and not str(error.__cause__).startswith("not a"):
                problem = str(error)
    return None, problem


def _candidates(file: IO[bytes], head: bytes, suffix: str, length: int) -> Iterator[str]:
    PIL.Image.preinit()
    yield from (name for name in COMMON if name in PIL.Image.OPEN)
    PIL.Image.init()
    for name in RARE:
        if name not in PIL.Image.OPEN:
            continue
        if name == "TGA" and not (suffix in TGA_SUFFIXES or _has_tga_footer(file, length)):
            continue
        if name in UNSIGNED and suffix not in UNSIGNED[name] and looks_like_text(head):
            continue
        yield name


def _has_tga_footer(file: IO[bytes], length: int) -> bool:
    file.seek(max(0, length - len(TGA_FOOTER)))
    return file.read() == TGA_FOOTER


def bytes_too_few(picture: PIL.Image.Image, length: int) -> bool:
    """Whether the header promises more pixels than `length` bytes of this format can hold."""
    if picture.format == "TIFF" and picture.mode == "1":
        return False  # fax coding spends one bit on a blank row
    most = PIXELS_PER_BYTE.get(picture.format or "")
    return most is not None and picture.width * picture.height > most * (length + 64)


def raw_reader() -> Any:
    """The rawpy module. Raises UnreadableError where it is not installed."""
    try:
        return importlib.import_module("rawpy")
    except ImportError:
        raise UnreadableError(f"a camera raw file, to be read after: {how_to_install('raw')}") from None


def suffix_of(path: str) -> str:
    return PurePath(path).suffix.lower()
