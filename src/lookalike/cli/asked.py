"""What is asked on the command line: pictures, words, or sums of both."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

import typer

from lookalike.errors import QueryError, printable

if TYPE_CHECKING:
    from lookalike.pictures.open import Source
    from lookalike.query.parse import Term

FETCHED = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Question:
    """One question. shown: as it was typed; either a picture or a query."""

    shown: str
    image: Source | None = None
    query: str | tuple[Term, ...] | None = None


def questions(what: Sequence[str], together: bool = False) -> list[Question]:
    """What the words on the command line ask: one question, or one for each of several pictures.

    together: all of it as one sum. QueryError for a folder, an address, or pictures among words.
    """
    words = [local_path(one) for one in what]
    for word in words:
        _refuse_places(word)
    if together:
        if len(words) < 2:
            raise QueryError("--together goes with several pictures or words: name what they are looked for with")
        return [Question(" + ".join(words), query=tuple(term for word in words for term in _terms(word)))]
    pictures = [word for word in words if word == "-" or os.path.isfile(word)]
    if len(pictures) == len(words):
        return [Question(word, image=sys.stdin.buffer.read() if word == "-" else word) for word in words]
    if pictures:
        other = next(word for word in words if word not in pictures)
        raise QueryError(f"{printable(other)}: no such picture; words beside pictures are asked with --together")
    query = " ".join(words)  # words without quotes
    return [Question(query, query=query)]


def local_path(word: str) -> str:
    """A file:// address, as a file manager drops it, as the path that it names; anything else as it is."""
    if not word.startswith("file://"):
        return word
    place = urlsplit(word)
    if place.netloc not in ("", "localhost"):
        raise QueryError(f"{printable(word)}: names a file of another machine")
    return url2pathname(place.path)


def box_of(region: str, question: Question) -> tuple[float, ...]:
    """The numbers X,Y,W,H in pixels; those in per cent are of the picture's width and height."""
    parts = [part.strip() for part in region.split(",")]
    try:
        numbers = [float(part.removesuffix("%")) for part in parts]
        if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
            raise ValueError(region)
    except ValueError:
        raise typer.BadParameter(
            f"{region!r} is not four numbers X,Y,W,H, in pixels or per cent", param_hint="--region"
        ) from None
    if not any(part.endswith("%") for part in parts):
        return tuple(numbers)
    if question.image is None:
        raise QueryError("a region in per cent goes with a picture file")
    from lookalike.pictures.open import open_image

    image = open_image(question.image)
    sides = (image.width, image.height) * 2
    return tuple(
        number * side / 100 if part.endswith("%") else number
        for part, number, side in zip(parts, numbers, sides, strict=True)
    )


def _refuse_places(word: str) -> None:
    if os.path.isdir(word):
        raise QueryError(
            f"{printable(word)} is a folder: name a picture in it, or ask for the word with '\"{printable(word)}\"'"
        )
    if word.startswith(FETCHED):
        raise QueryError(
            f"{printable(word)} is on another machine: save the picture and name the file, or ask for the address "
            "in the page of `lookalike serve`"
        )


def _terms(word: str) -> tuple[Term, ...]:
    from lookalike.query.parse import Term, parse_query

    if word == "-":
        return (Term("image", sys.stdin.buffer.read()),)
    return (Term("image", word),) if os.path.isfile(word) else parse_query(word)
