"""What a file is, judged by its bytes: opened lazily as a PIL picture, or refused with a reason for a person.

Pillow's own `open` is not used: it would run PostScript through an outside program, warn and fail by the
process-wide MAX_IMAGE_PIXELS, and answer "cannot identify" to everything else.
"""

from __future__ import annotations

import codecs
import contextlib
import importlib
import threading
import warnings
from collections.abc import Iterator
from pathlib import PurePath
from typing import IO, Any

import PIL.Image

COMMON = ("BMP", "DIB", "GIF", "JPEG", "PPM", "PNG")
# Formats without a signature (the last line) are tried last: they claim nearly any bytes.
RARE = (
    *("AVIF", "BLP", "CUR", "PCX", "DCX", "DDS", "FITS", "FLI", "FTEX", "GBR", "JPEG2000", "ICNS", "ICO"),
    *("MCIDAS", "TIFF", "MSP", "PIXAR", "PSD", "QOI", "SGI", "SUN", "WEBP", "XBM", "XPM", "XVTHUMB"),
    *("IM", "IMT", "IPTC", "PCD", "SPIDER", "TGA"),
)
UNSIGNED = {"IM": {".im"}, "IMT": {".imt"}, "IPTC": {".iim"}, "PCD": {".pcd"}, "SPIDER": {".spi", ".spider"}}
TGA_SUFFIXES = {".tga", ".icb", ".vda", ".vst"}
TGA_FOOTER = b"TRUEVISION-XFILE.\0"

# The most pixels that one byte of the file can stand for, where Pillow decodes in Python (minutes for a lie) or where
# a few bytes could claim a giant: DXT1 keeps 16 pixels in 8 bytes, QOI repeats a pixel 62 times, MSP 255 bytes of 8
# pixels by 3, BMP 255 pixels by 2, deflate shrinks 1032 times at best, JPEG spends a bit on a block of 64 at least.
PIXELS_PER_BYTE = {
    **{"BLP": 256, "BMP": 256, "DDS": 2, "DIB": 256, "FITS": 1032, "FTEX": 2, "JPEG": 4096, "MPO": 4096, "MSP": 680},
    **{"PNG": 8 * 1032, "PPM": 8, "QOI": 62, "SGI": 64, "TGA": 64, "TIFF": 8 * 1032, "XBM": 8, "XPM": 1},
}

HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
HEIF_CONTAINERS = {b"mif1", b"msf1"}
AVIF_BRANDS = {b"avif", b"avis"}

RAW_SUFFIXES = (
    *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos"),
    *(".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
)
RAW_MAGIC = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM")
TIFF_MAGIC = (b"II*\0", b"MM\0*")
DNG_VERSION, NEW_SUBFILE_TYPE, SUB_IFDS = 50706, 254, 330

REFUSED = (
    (b"%PDF", "a PDF document, not a picture"),
    (b"%!PS", "a PostScript or EPS document: drawn by a program, not a picture of pixels"),
    (b"\xc5\xd0\xd3\xc6", "an EPS document: drawn by a program, not a picture of pixels"),
    (b"\xd7\xcd\xc6\x9a", "a Windows metafile: a drawing, not a picture of pixels"),
    (b"\1\0\t\0\0\3", "a Windows metafile: a drawing, not a picture of pixels"),
    (b"\x89HDF\r\n\x1a\n", "HDF5 data, not a picture"),
    (b"GRIB", "GRIB weather data, not a picture"),
    (b"BUFR", "BUFR weather data, not a picture"),
    (b"\0\0\1\xb3", "a film (MPEG), not a picture"),
    (b"\0\0\1\xba", "a film (MPEG), not a picture"),
    (b"\x1aE\xdf\xa3", "a film (Matroska or WebM), not a picture"),
    (b"PK\3\4", "an archive or office document (ZIP), not a picture"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an office document or FlashPix (OLE container), not a readable picture"),
    (b"\x1f\x8b", "a compressed file (gzip), not a picture"),
    (b"\x7fELF", "a program, not a picture"),
    (b"ID3", "a sound file, not a picture"),
)
SIGNS_OF_AN_END = ("truncated", "unexpected end", "unexpected eof", "requires a buffer", "not enough data")
NO_FORMAT = "not a picture in a format that can be read"


class UnreadableError(Exception):
    """Why these bytes are no picture, in words for a person; `open_image` turns it into ImageError."""


class Silence:
    """Ignores the warnings that Pillow's modules raise, for as long as any thread is inside.

    `warnings.catch_warnings` alone saves and restores one process-wide list, so that two threads leaving in
    the wrong order would keep their filter for ever; here only the first in and the last out touch it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._saved: warnings.catch_warnings[None] | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._saved = warnings.catch_warnings()
                self._saved.__enter__()
                warnings.filterwarnings("ignore", module=r"(PIL|pillow_heif|rawpy)\b")

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and self._saved is not None:
                self._saved.__exit__(None, None, None)
                self._saved = None


_silence = Silence()


@contextlib.contextmanager
def decoding(what: str = "picture", length: int | None = None) -> Iterator[None]:
    """The one boundary to other people's decoders: whatever they raise leaves as UnreadableError.

    Decoders meet hostile bytes with any exception at all (OSError, SyntaxError, struct.error, KeyError,
    AttributeError, RuntimeError, zlib.error, LibRawError, MemoryError ...); a list of types would only be a list of
    those met so far, and one file must never stop the rest. The original exception stays as `__cause__`.

    what, length: the format and the bytes of the file, for the message.
    """
    try:
        with _silence:
            yield
    except UnreadableError:
        raise
    except Exception as error:
        raise UnreadableError(_explain(error, what, length)) from error


def _explain(error: Exception, what: str, length: int | None) -> str:
    if isinstance(error, MemoryError):
        return "not enough memory to decode it"
    if isinstance(error, PIL.Image.DecompressionBombError):
        return f"a {what} that claims more pixels than any real picture has"
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
    head = file.read(512)
    if not head:
        raise UnreadableError("the file is empty")
    for magic, reason in REFUSED:
        if head.startswith(magic):
            raise UnreadableError(reason)
    if head[40:44] == b" EMF" and head.startswith(b"\1\0\0\0"):
        raise UnreadableError("a Windows metafile: a drawing, not a picture of pixels")
    if head[4:8] == b"ftyp" and is_heif(head):
        return _open_heif(file, length)
    picture, problem = _first_that_opens(file, head, suffix, length)
    if picture is None:
        raise UnreadableError(problem or describe_bytes(head))
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


def is_heif(head: bytes) -> bool:
    """Whether an ISO media file is HEIC/HEIF (and not AVIF, which Pillow reads)."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12]} | {head[at : at + 4] for at in range(16, end - 3, 4)}
    return bool(brands & HEIF_BRANDS) or (bool(brands & HEIF_CONTAINERS) and not brands & AVIF_BRANDS)


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


def describe_bytes(head: bytes) -> str:
    """What unreadable bytes seem to be: "not a picture: looks like HTML"."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "not a picture: looks like a web page (HTML)"
    if start.startswith(b"<svg") or (start.startswith(b"<?xml") and b"<svg" in head):
        return "an SVG drawing, not a picture of pixels"
    if head[4:8] == b"ftyp" or (head.startswith(b"RIFF") and head[8:12] == b"AVI "):
        return "not a picture: looks like a film"
    if looks_like_text(head):
        return "not a picture: looks like a text file"
    if not any(head):
        return "not a picture: nothing but zero bytes"
    return NO_FORMAT


def looks_like_text(head: bytes) -> bool:
    """Whether the bytes are the beginning of UTF-8 text without control characters."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # a character cut at the end is no error
    except UnicodeDecodeError:
        return False
    return all(c.isprintable() or c in "\t\r\n\f\x1b\ufeff" for c in text)


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
        raise UnreadableError('a camera raw file: install "lookalike[raw]" to read it') from None


def suffix_of(path: str) -> str:
    return PurePath(path).suffix.lower()
