"""What a file is when it is no picture, told by its first bytes: films, sounds, documents, archives, texts ..."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

HEAD_BYTES = 1024

HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
HEIF_CONTAINERS = {b"mif1", b"msf1"}
AVIF_BRANDS = {b"avif", b"avis"}
RAW_BRANDS = {b"crx "}
RAW_SUFFIXES = (
    *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos"),
    *(".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
)
SOUND_BRANDS = {b"M4A ", b"M4B ", b"M4P "}


@dataclass(frozen=True, slots=True)
class Kind:
    """name: in the plural, for counting. reason: why such a file is not read as a picture, for a person.

    sure: whether a signature says so; else a file that is named like a picture is a broken picture to its owner.
    """

    name: str
    reason: str
    sure: bool = True


def _film(what: str) -> Kind:
    return Kind("films", f"a film ({what}), not a picture")


def _sound(what: str) -> Kind:
    return Kind("sounds", f"a sound file ({what}), not a picture")


def _archive(what: str) -> Kind:
    return Kind("archives", f"an archive ({what}), not a picture")


def _drawing(what: str) -> Kind:
    return Kind("drawings", f"{what}: drawn by a program, not a picture of pixels")


PROGRAM = Kind("programs", "a program, not a picture")
FONT = Kind("fonts", "a font, not a picture")
OFFICE = Kind("documents", "an office document or FlashPix (OLE container), not a readable picture")
EMPTY = Kind("empty files", "the file is empty", sure=False)
TEXT = Kind("texts", "not a picture: looks like a text file", sure=False)
WEB_PAGE = Kind("texts", "not a picture: looks like a web page (HTML)", sure=False)
ZEROS = Kind("other files", "not a picture: nothing but zero bytes", sure=False)
OTHER = Kind("other files", "not a picture in a format that can be read", sure=False)
SVG = Kind("drawings", "an SVG drawing, not a picture of pixels")

SIGNATURES = (
    (b"%PDF", Kind("documents", "a PDF document, not a picture")),
    (b"%!PS", _drawing("a PostScript or EPS document")),
    (b"\xc5\xd0\xd3\xc6", _drawing("an EPS document")),
    (b"\xd7\xcd\xc6\x9a", _drawing("a Windows metafile")),
    (b"\1\0\t\0\0\3", _drawing("a Windows metafile")),
    (b"\x89HDF\r\n\x1a\n", Kind("data files", "HDF5 data, not a picture")),
    (b"GRIB", Kind("data files", "GRIB weather data, not a picture")),
    (b"BUFR", Kind("data files", "BUFR weather data, not a picture")),
    (b"SQLite format 3\0", Kind("data files", "a database (SQLite), not a picture")),
    (b"\x93NUMPY", Kind("data files", "NumPy data, not a picture")),
    (b"\0\0\1\xb3", _film("MPEG")),
    (b"\0\0\1\xba", _film("MPEG")),
    (b"\x1aE\xdf\xa3", _film("Matroska or WebM")),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _film("Windows Media")),
    (b"FLV\1", _film("Flash")),
    (b".RMF", _film("RealMedia")),
    (b"\x06\x0e\x2b\x34", _film("MXF")),
    (b"YUV4MPEG2", _film("YUV4MPEG")),
    (b"OggS", Kind("sounds", "a sound file or film (Ogg), not a picture")),
    (b"ID3", _sound("MP3")),
    (b"fLaC", _sound("FLAC")),
    (b"MThd", _sound("MIDI")),
    (b"#!AMR", _sound("AMR")),
    (b"PK\3\4", Kind("archives", "an archive or office document (ZIP), not a picture")),
    (b"PK\5\6", _archive("ZIP")),
    (b"\x1f\x8b", Kind("archives", "a compressed file (gzip), not a picture")),
    (b"BZh", Kind("archives", "a compressed file (bzip2), not a picture")),
    (b"\xfd7zXZ\0", Kind("archives", "a compressed file (xz), not a picture")),
    (b"\x28\xb5\x2f\xfd", Kind("archives", "a compressed file (Zstandard), not a picture")),
    (b"7z\xbc\xaf\x27\x1c", _archive("7z")),
    (b"Rar!\x1a\x07", _archive("RAR")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OFFICE),
    (b"{\\rtf", Kind("documents", "a text document (RTF), not a picture")),
    (b"\x7fELF", PROGRAM),
    (b"\xcf\xfa\xed\xfe", PROGRAM),
    (b"\xca\xfe\xba\xbe", PROGRAM),
    (b"\0asm", PROGRAM),
    (b"OTTO", FONT),
    (b"\0\1\0\0\0", FONT),
    (b"wOFF", FONT),
    (b"wOF2", FONT),
    (b"ttcf", FONT),
)
TEXTS_THAT_ARE_PICTURES = (
    *(b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"P7", b"Pf", b"PF", b"Py"),
    *(b"/* XPM", b"#define", b"SIMPLE", b"Image type", b"GIF8"),
)
PICTURE_SUFFIXES = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".gif", ".webp", ".avif", ".heic", ".heif", ".hif", ".tif"),
    *(".tiff", ".bmp", ".dib", ".ico", ".cur", ".psd", ".tga", ".jp2", ".j2k", ".jpx", ".jpc", ".pcx", ".ppm", ".pgm"),
    *(".pbm", ".pnm", ".qoi", ".dds", ".icns", ".sgi", ".xbm", ".xpm", *RAW_SUFFIXES),
}


def kind_of(head: bytes) -> Kind | None:
    """What a file beginning with these bytes (HEAD_BYTES of them, or all there are) is, if not a picture.

    None for what may be a picture.
    """
    if not head:
        return EMPTY
    for magic, kind in SIGNATURES:
        if head.startswith(magic):
            return kind
    return _by_structure(head) or _text(head)


def is_skipped(kind: Kind, suffix: str) -> bool:
    """Whether nobody would take the file for a picture. suffix: of its name, in lower case."""
    return kind.sure or suffix not in PICTURE_SUFFIXES


def is_heif(head: bytes) -> bool:
    """Whether an ISO media file is HEIC/HEIF (and not AVIF, which Pillow reads)."""
    brands = _brands(head)
    return bool(brands & HEIF_BRANDS) or (bool(brands & HEIF_CONTAINERS) and not brands & AVIF_BRANDS)


def looks_like_text(head: bytes) -> bool:
    """Whether the bytes are the beginning of UTF-8 text without control characters."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # a character cut at the end is no error
    except UnicodeDecodeError:
        return False
    return all(c.isprintable() or c in "\t\r\n\f\x1b\ufeff" for c in text)


def _brands(head: bytes) -> set[bytes]:
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12]} | {head[at : at + 4] for at in range(16, end - 3, 4)}


def _by_structure(head: bytes) -> Kind | None:
    """Signatures that do not stand at the very beginning."""
    if head[4:8] == b"ftyp":
        if head[8:12] in SOUND_BRANDS:
            return _sound("MPEG-4")
        return None if _brands(head) & _PICTURE_BRANDS else _film("MP4 or QuickTime")
    if head[4:8] in (b"moov", b"mdat", b"wide") or (head[4:8] in (b"free", b"skip") and head[:2] == b"\0\0"):
        return _film("QuickTime")
    if head.startswith((b"RIFF", b"RIFX")) and head[8:12] in (b"AVI ", b"WAVE"):
        return _film("AVI") if head[8:12] == b"AVI " else _sound("WAV")
    if head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return _sound("AIFF")
    for start in (0, 4):  # MPEG transport streams: a packet of 188 bytes after another, .m2ts with 4 bytes before each
        if len(head) > 3 * 192 and all(head[start + n * (188 + start)] == 0x47 for n in range(4)):
            return _film("MPEG-TS")
    if head[:1] == b"\xff" and head[1:2] in (b"\xfb", b"\xfa", b"\xf3", b"\xf2", b"\xf1", b"\xf9"):
        return _sound("MP3 or AAC")
    if head[40:44] == b" EMF" and head.startswith(b"\1\0\0\0"):
        return _drawing("a Windows metafile")
    if head[257:262] == b"ustar":
        return _archive("tar")
    return PROGRAM if head.startswith(b"MZ") and b"\0" in head[:64] else None


def _text(head: bytes) -> Kind | None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return WEB_PAGE
    if start.startswith(b"<svg") or (start.startswith(b"<?xml") and b"<svg" in head):
        return SVG
    if not any(head):
        return ZEROS
    text = looks_like_text(head) and not head.lstrip().startswith(TEXTS_THAT_ARE_PICTURES)
    return TEXT if text else None


_PICTURE_BRANDS = HEIF_BRANDS | HEIF_CONTAINERS | AVIF_BRANDS | RAW_BRANDS
