"""Putting answers on a terminal: paths as short as they can be read, tables, JSON. Names of files are never markup."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import typer

from lookalike.errors import CollectionError, QueryError, printable

if TYPE_CHECKING:
    from pathlib import Path

    import PIL.Image
    from rich.console import Console
    from rich.table import Table

PIPED_WIDTH = 10_000  # no line is folded for a program that reads
LEAST_ROOM = 24  # characters of a path that are shown however narrow the terminal is


def print_json(value: Any) -> None:
    """UTF-8 whatever the terminal's encoding, as the JSON standard wants it."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2).encode())


def short_path(path: str, here: str | None = None) -> str:
    """The path relative to `here` (the current directory) when it is below it; one line of valid text."""
    here = os.path.join(here or os.getcwd(), "")
    return printable(path[len(here) :] if path.startswith(here) and path != here else path)


def shortened(path: str, width: int) -> str:
    """A path on one line of at most `width` characters: what is too long loses its middle, the name's end stays."""
    text = short_path(path)
    if len(text) <= width:
        return text
    tail = (width - 1) * 2 // 3
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


def console() -> Console:
    """Standard output: as wide as the terminal, unfolded and plain in a pipe."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else PIPED_WIDTH
    return Console(width=width, highlight=False, markup=False, emoji=False)


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Print a plain table, without blanks at the ends of its lines. See `table`."""
    out = console()
    with out.capture() as lines:
        out.print(table(columns, rows, right))
    for line in lines.get().removesuffix("\n").split("\n"):
        out.out(line.rstrip(), highlight=False)


def named_place(path: str, room: int | None = None) -> str:
    """A picture's path for people: at most `room` characters, and whether it is gone."""
    gone = "" if os.path.lexists(path) else " (gone)"
    return (short_path(path) if room is None else shortened(path, max(room - len(gone), LEAST_ROOM))) + gone


def room_beside(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int | None:
    """How many characters a last column may take so that no line is folded; None where all lines are unfolded."""
    if not sys.stdout.isatty():
        return None
    widths = [max(len(row[number]) for row in (columns, *rows)) + 2 for number in range(len(columns) - 1)]
    return max(LEAST_ROOM, console().width - sum(widths))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> Table:
    """A plain table. right: columns of numbers. The last column takes what width is left and folds, losing nothing."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for number, name in enumerate(columns):
        made.add_column(
            name,
            justify="right" if number in right else "left",
            overflow="fold",
            no_wrap=number in right,
        )
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return made


def plural(count: int, one: str, many: str | None = None) -> str:
    """ "1 picture", "2,000 pictures"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def kinds(skipped: dict[str, int]) -> str:
    """Files that are no pictures, by kind, the most frequent first: "12 films, 1 text"."""
    ordered = sorted(skipped.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(plural(count, kind.removesuffix("s")) for kind, count in ordered)


def size(count: float) -> str:
    """Bytes for people: "3.4 MB"."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:,.0f} {unit}" if unit == "bytes" or count >= 100 else f"{count:.1f} {unit}"


def save_picture(picture: PIL.Image.Image, file: Path, append: bool = False) -> None:
    """Write a picture in the format that the file's name says; one clear line when that cannot be done. append: to a
    PDF, as its next page."""
    try:
        if append:
            picture.save(file, append=True)
        else:
            picture.save(file)
    except ValueError:
        raise QueryError(f"{printable(file)}: the name must end like a picture's, as in sheet.png") from None
    except OSError as error:
        raise CollectionError(f"{printable(file)} cannot be written: {error.strerror or error}") from error


def save_pages(pages: Iterator[PIL.Image.Image], count: int, file: Path) -> list[Path]:
    """Write pictures: into one file when it is a PDF, else the second as sheet-2.png and so on, over no other file."""
    if file.suffix.lower() == ".pdf":
        for number, page in enumerate(pages):
            save_picture(page, file, append=number > 0)
        return [file]
    files = [file, *(file.with_stem(f"{file.stem}-{number}") for number in range(2, count + 1))]
    for other in files[1:]:
        if os.path.lexists(other):
            raise CollectionError(
                f"{printable(other)} is there already and would be the next page: name another file, or a .pdf, "
                "which holds all pages"
            )
    for page, one in zip(pages, files, strict=True):
        save_picture(page, one)
    return files
