"""What a file says of itself: when, where and with what it was taken, and the words that people wrote into it.

Read from EXIF, XMP and IPTC. All of it is optional, nothing of it can make a picture unreadable.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any
from xml.etree import ElementTree

import PIL.Image
from PIL.ExifTags import GPS, IFD, Base

from lookalike.pictures.formats import UnreadableError, decoding

LONGEST_XMP = 1 << 20
LONGEST_CAPTION = 2000
PLACEHOLDERS = {
    *(
        "olympus digital camera",
        "konica minolta digital camera",
        "minolta digital camera",
        "kodak digital still camera",
    ),
    *("samsung digital camera", "digital camera", "sony dsc", "sony dscf", "dcf1.0", "exif_jpeg_picture", "exif jpeg"),
    *("jpeg", "default", "untitled", "unknown", "picture", "photo", "image", "mde", "dav", "samsung csc"),
}
PROGRAM_NOTES = ("created with ", "file written by ", "{")
WINDOWS_TEXT = (Base.XPTitle, Base.XPSubject, Base.XPComment, Base.XPKeywords)
IPTC_TEXT = ((2, 5), (2, 105), (2, 120), (2, 25))  # title, headline, caption, keywords
DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
RDF_ITEM = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"
DATE = re.compile(r"(\d{4})[:/-](\d\d)[:/-](\d\d)[ T](\d\d):(\d\d):(\d\d)")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file says of itself; None where it says nothing.

    taken: "YYYY-MM-DDTHH:MM:SS", the camera's local time. camera: make and model. latitude, longitude: degrees,
    north and east positive, both or neither. caption: title, description and keywords, joined by "; ".
    """

    taken: str | None = None
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    caption: str | None = None


NO_METADATA = Metadata()


def read_metadata(picture: PIL.Image.Image) -> Metadata:
    """What a decoded picture's file says; each part that is missing or damaged is None."""
    taken = camera = latitude = longitude = None
    with contextlib.suppress(UnreadableError), decoding():
        taken = _taken(picture.getexif())
    with contextlib.suppress(UnreadableError), decoding():
        camera = _camera(picture.getexif())
    with contextlib.suppress(UnreadableError), decoding():
        latitude, longitude = _place(picture.getexif())
    return Metadata(taken, camera, latitude, longitude, _caption(picture))


def orientation_of(picture: PIL.Image.Image) -> int:
    """The EXIF (or XMP) orientation of a decoded picture, 1..8; 1 where it is missing or invalid."""
    with contextlib.suppress(UnreadableError), decoding():
        value = picture.getexif().get(Base.Orientation)
        return value if isinstance(value, int) and 1 <= value <= 8 else 1
    return 1


def _taken(exif: PIL.Image.Exif) -> str | None:
    camera_part = exif.get_ifd(IFD.Exif)
    for tag in (Base.DateTimeOriginal, Base.DateTimeDigitized):
        found = DATE.match(_text(camera_part.get(tag)))
        if found:
            with contextlib.suppress(ValueError):
                return datetime(*map(int, found.groups())).isoformat()  # type: ignore[arg-type]
    return None


def _camera(exif: PIL.Image.Exif) -> str | None:
    make, model = _text(exif.get(Base.Make))[:60], _text(exif.get(Base.Model))[:60]
    if make and model.lower().startswith(make.split()[0].lower()):
        return model
    return f"{make} {model}".strip() or None


def _place(exif: PIL.Image.Exif) -> tuple[float, float] | tuple[None, None]:
    gps = exif.get_ifd(IFD.GPSInfo)
    latitude = _degrees(gps.get(GPS.GPSLatitude), _text(gps.get(GPS.GPSLatitudeRef)), "NS", 90)
    longitude = _degrees(gps.get(GPS.GPSLongitude), _text(gps.get(GPS.GPSLongitudeRef)), "EW", 180)
    return (None, None) if latitude is None or longitude is None else (latitude, longitude)


def _degrees(value: Any, reference: str, sides: str, limit: float) -> float | None:
    """Degrees, minutes, seconds (any of the last two may be missing) as signed degrees."""
    if not isinstance(value, tuple) or not 1 <= len(value) <= 3 or reference[:1].upper() not in tuple(sides):
        return None
    degrees: float = sum(float(part) / 60**place for place, part in enumerate(value))
    if not isfinite(degrees) or not 0 <= degrees <= limit:
        return None
    return round(-degrees if reference[:1].upper() == sides[1] else degrees, 7)


def _caption(picture: PIL.Image.Image) -> str | None:
    """All different words of title, description and keywords, without placeholders that cameras write."""
    parts: list[str] = []
    for source in (_exif_captions, _xmp_captions, _iptc_captions):
        with contextlib.suppress(UnreadableError), decoding():
            parts += source(picture)
    kept: dict[str, str] = {}
    for part in parts:
        folded = part.casefold()
        if part and folded not in PLACEHOLDERS and not folded.startswith(PROGRAM_NOTES):
            kept.setdefault(folded, part)
    return "; ".join(kept.values())[:LONGEST_CAPTION] or None


def _exif_captions(picture: PIL.Image.Image) -> Iterable[str]:
    exif = picture.getexif()
    yield _text(exif.get(Base.ImageDescription))
    for tag in WINDOWS_TEXT:
        value = exif.get(tag)
        data = bytes(value) if isinstance(value, tuple | bytes) else b""
        yield _clean(data[: 2 * LONGEST_CAPTION].decode("utf-16-le", "ignore"))


def _iptc_captions(picture: PIL.Image.Image) -> Iterable[str]:
    if picture.format not in ("JPEG", "MPO", "TIFF"):
        return
    from PIL.IptcImagePlugin import getiptcinfo

    records = getiptcinfo(picture) or {}  # type: ignore[arg-type]
    for key in IPTC_TEXT:
        values = records.get(key, [])
        for value in values if isinstance(values, list) else [values]:
            yield _text(value)


def _xmp_captions(picture: PIL.Image.Image) -> Iterable[str]:
    xmp = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp")
    if not xmp or len(xmp) > LONGEST_XMP:
        return
    parser = ElementTree.XMLParser(target=_PlainTree())
    parser.feed(xmp.strip("\0 ") if isinstance(xmp, str) else bytes(xmp).strip(b"\0 "))
    root = parser.close()
    for field in ("title", "description", "subject"):
        for element in root.iter(DUBLIN_CORE + field):
            yield from (_clean(item.text or "") for item in element.iter(RDF_ITEM))
            yield _clean(element.text or "")


class _PlainTree(ElementTree.TreeBuilder):
    """Refuses a document type, and with it every entity that could grow or reach outside."""

    def doctype(self, name: str, *_: str | None) -> None:
        raise ValueError(f"XMP with a document type {name}")


def _text(value: Any) -> str:
    """A tag's value as clean text; EXIF and IPTC text is UTF-8 where it can be, else Latin-1."""
    if isinstance(value, str):  # Pillow has read it as Latin-1
        value = value.encode("latin-1", "replace")
    if not isinstance(value, bytes):
        return ""
    try:
        return _clean(value[: 4 * LONGEST_CAPTION].decode("utf-8"))
    except UnicodeDecodeError:
        return _clean(value[: 4 * LONGEST_CAPTION].decode("latin-1"))


def _clean(text: str) -> str:
    """Without control characters (a NUL ends the text), white space as single spaces."""
    spaced = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text.split("\0")[0])
    return " ".join(spaced.split())
