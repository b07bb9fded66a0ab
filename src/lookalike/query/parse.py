"""What is asked: a weighted sum of texts and pictures, narrowed by a region and a filter.

    2:"golden retriever" + ./pool.jpg - fruit

A sum is terms joined by `+` and `-`. A sign counts only with a space (or the start) before it and a space, a
quote, a weight or a kind after it, so "black-and-white", "C++ code" and "T-shirt" stay text. A term is
`[WEIGHT:][text:|image:|id:]BODY`; the body is in double quotes (`""` stands for one) or goes up to the next
sign. Without a kind, a quoted body is text, and a bare one is a picture when it looks like a path (below).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lookalike.errors import QueryError
from lookalike.pictures.region import Region
from lookalike.query.filters import Filter, compile_filter
from lookalike.query.syntax import mistake, shortened

if TYPE_CHECKING:
    from lookalike.pictures.open import Image, Source

MAX_LENGTH = 10_000
MAX_TERMS = 32
MIN_WEIGHT, MAX_WEIGHT = 0.001, 1000.0
# fmt: off
PICTURE_SUFFIXES = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".gif", ".tif", ".tiff", ".bmp", ".jp2", ".j2k",
    ".jxl", ".heic", ".heif", ".pnm", ".ppm", ".pgm", ".pbm", ".ico", ".tga", ".qoi", ".dng", ".cr2", ".cr3",
    ".nef", ".arw", ".orf", ".rw2", ".raf",
})
# fmt: on

# A digit after the colon is a time or a ratio ("10:30 train", "16:9"), not a weight.
_WEIGHT = r"(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+):(?![0-9])"
_KIND = r"(?:text|image|id):"
_SIGN = re.compile(rf'(?:^|(?<=\s))[+-](?=\s|$|"|{_WEIGHT}|{_KIND})')
_PREFIX = re.compile(rf"(?:(?P<weight>{_WEIGHT})\s*)?(?:(?P<kind>{_KIND})\s*)?")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_SPACE = re.compile(r"\s*")

Kind = Literal["text", "image", "id"]


@dataclass(frozen=True, slots=True)
class Term:
    """One summand. value: the words (str) of a text, the Source of an image or the Image that it was opened
    to, the id (int) of a known picture.

    weight: not zero; negative for "unlike".
    """

    kind: Kind
    value: Source | Image | int
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Query:
    """A question. region: (x, y, width, height) of its only picture, in original pixels of the upright picture."""

    terms: tuple[Term, ...]
    region: Region | None = None
    where: Filter | None = None
    methods: tuple[str, ...] = ("auto",)


def make_query(
    *,
    image: Source | Image | None = None,
    text: str | None = None,
    query: str | Sequence[Term] | None = None,
    id: int | None = None,
    region: Sequence[float] | None = None,
    where: str | None = None,
    methods: Sequence[str] = ("auto",),
) -> Query:
    """The question made of the arguments of a search; what is given beside each other is summed.

    `text` is taken literally, `query` and `where` are parsed. An Image that is open already is asked with as it is: a
    region of it is cut by `open_region`. Raises QueryError.
    """
    terms = list(parse_query(query) if isinstance(query, str) else query or ())
    if image is not None:
        terms.append(Term("image", image))
    if id is not None:
        terms.append(Term("id", id))
    if text is not None:
        if len(text) > MAX_LENGTH:
            raise QueryError(f"the text is {len(text)} characters long: at most {MAX_LENGTH}")
        words = _words(text)
        if not words:
            raise QueryError("the text is empty: say in a few words what to look for")
        terms.append(Term("text", words))
    if not terms:
        raise QueryError("nothing to look for: give a picture, a text, a query or an id")
    return Query(
        tuple(terms),
        None if region is None else _region(region, terms),
        None if where is None else compile_filter(where),
        tuple(methods),
    )


def parse_query(text: str, exists: Callable[[Path], bool] = Path.is_file) -> tuple[Term, ...]:
    """The terms of a weighted sum, in order. Image values are paths as str, `~/` expanded.

    A bare term is a picture when it starts with `./`, `../`, `/` or `~`, or when it names a file that
    `exists` and has a picture's suffix or a path separator. Raises QueryError pointing at the mistake.
    """
    if len(text) > MAX_LENGTH:
        raise QueryError(f"the query is {len(text)} characters long: at most {MAX_LENGTH}")
    terms: list[Term] = []
    at = _skip(text, 0)
    if at == len(text):
        raise QueryError("the query is empty: say in a few words what to look for")
    while at < len(text):
        sign = _SIGN.match(text, at)
        if sign is None and terms:
            raise mistake(text, at, "join terms with + or - between spaces, or put the quotes around the whole text")
        start = _skip(text, sign.end()) if sign else at
        term, at = _term(text, start, -1.0 if sign and sign.group() == "-" else 1.0, exists)
        terms.append(term)
        if len(terms) > MAX_TERMS:
            raise mistake(text, start, f"too many terms: at most {MAX_TERMS}")
        at = _skip(text, at)
    if all(term.weight < 0 for term in terms):
        raise mistake(text, 0, "only minus: say also what to look for, as in: beach - people")
    return tuple(terms)


def format_query(terms: Sequence[Term]) -> str:
    """The sum in the query language: `parse_query` gives the same terms again. Image values must be paths."""
    pieces: list[str] = []
    for term in terms:
        sign = "-" if term.weight < 0 else "+" if pieces else ""
        size = abs(term.weight)
        weight = "" if size == 1 else f"{Decimal(repr(size)):f}:"
        if isinstance(term.value, int):
            body = f"id:{term.value}"
        elif isinstance(term.value, str | Path):
            quoted = str(term.value).replace('"', '""')
            body = f'"{quoted}"' if term.kind == "text" else f'image:"{quoted}"'
        else:
            raise TypeError(f"a picture in memory ({type(term.value).__name__}) has no text form")
        pieces.append(f"{sign} {weight}{body}".lstrip())
    return " ".join(pieces)


def _term(text: str, at: int, sign: float, exists: Callable[[Path], bool]) -> tuple[Term, int]:
    """The term that starts at `at`, and where it ends."""
    prefix = _PREFIX.match(text, at)
    assert prefix is not None  # every part is optional
    weight = float(prefix["weight"][:-1]) if prefix["weight"] else 1.0
    if not MIN_WEIGHT <= weight <= MAX_WEIGHT:
        raise mistake(text, at, f"a weight is a number from {MIN_WEIGHT:g} to {MAX_WEIGHT:g}")
    kind = prefix["kind"][:-1] if prefix["kind"] else None
    start = prefix.end()
    quoted = text.startswith('"', start)
    if quoted:
        closed = _QUOTED.match(text, start)
        if closed is None:
            raise mistake(text, start, 'this quote is never closed: add a " at the end')
        body, end = closed[1].replace('""', '"'), closed.end()
    else:
        sign_after = _SIGN.search(text, start)
        end = sign_after.start() if sign_after else len(text)
        body = text[start:end].strip()
    if not body.strip():
        raise mistake(text, start, "a term is missing here (a + or - that is meant as text goes in quotes)")
    if kind == "id":
        return Term("id", _identifier(text, start, body), sign * weight), end
    if kind == "image" or (kind is None and not quoted and _is_picture(text, start, body, exists)):
        return Term("image", _path(text, start, body), sign * weight), end
    words = _words(body)
    if not words:
        raise mistake(text, start, "this text holds only control characters")
    return Term("text", words, sign * weight), end


def _is_picture(text: str, at: int, body: str, exists: Callable[[Path], bool]) -> bool:
    if body.startswith(("./", "../", "/", "~", ".\\", "..\\")):
        return True
    suffix = Path(body).suffix.lower() in PICTURE_SUFFIXES
    if not suffix and "/" not in body and "\\" not in body:
        return False
    try:
        found = exists(Path(body))
    except OSError:  # e.g. too long for a file name
        found = False
    if suffix and not found:
        # Taken as text, a mistyped file name would silently look for something else.
        name = shortened(body)
        raise mistake(text, at, f'no such file: {name} (to look for these words, write text:"...")')
    return found


def _path(text: str, at: int, body: str) -> str:
    if "\0" in body:
        raise mistake(text, at, "a path cannot hold a NUL character")
    if not body.startswith("~/"):
        return body
    try:
        return str(Path(body).expanduser())
    except RuntimeError:
        raise mistake(text, at, "the home folder is not known here: write the whole path") from None


def _identifier(text: str, at: int, body: str) -> int:
    if not (body.isascii() and body.isdigit() and len(body) < 19):  # 18 digits always fit 64 bits
        raise mistake(text, at, 'id: takes the number of a picture, as in id:123 (text goes in quotes: "id: ...")')
    return int(body)


def _words(text: str) -> str:
    """Text on one line for a tokenizer: control characters and undecodable bytes become spaces."""
    return " ".join("".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in text).split())


def _region(region: Sequence[float], terms: Sequence[Term]) -> Region:
    if sum(term.kind != "text" for term in terms) != 1:
        raise QueryError("a region goes with exactly one picture")
    return make_region(region)


def make_region(region: Sequence[float]) -> Region:
    """A region in whole pixels. Raises QueryError for numbers that are none."""
    if len(region) != 4 or not all(math.isfinite(v) and 0 <= v < 2**31 for v in region):
        raise QueryError("a region is four numbers, x, y, width, height, in pixels of the original picture")
    x, y, width, height = (round(v) for v in region)
    if width < 1 or height < 1:
        raise QueryError(f"the region {width} x {height} is empty: width and height are at least 1 pixel")
    return x, y, width, height


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    assert space is not None  # matches nothing as well
    return space.end()
