"""The contact sheet of an answer: written to a file, shown in the desktop's viewer."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lookalike.cli.output import plural, save_pages
from lookalike.cli.words import kind
from lookalike.errors import printable

if TYPE_CHECKING:
    from lookalike.cli.asked import Question
    from lookalike.collection import Collection
    from lookalike.pictures.open import Source
    from lookalike.query.parse import Term
    from lookalike.render.sheet import Tile
    from lookalike.search.match import Match


def write_sheet(
    file: Path | None,
    question: Question,
    queries: Sequence[Tile],
    matches: Sequence[Match],
) -> list[Path]:
    """Draw the question and its answer. file: where to (a temporary file when None); returns the files of its
    pages. queries: of `asked_with`."""
    from lookalike.atlas.page import relative_paths
    from lookalike.render.sheet import Tile, contact_sheets, page_count

    root, names = relative_paths([match.path for match in matches])
    tiles = []
    for rank, (match, below) in enumerate(zip(matches, names, strict=True), 1):
        folder, name = os.path.split(below)
        captions = (f"{rank}.  {kind(match)}", name, *([folder] if folder else []))
        tiles.append(Tile(match.path, captions, _found_part(match), match.score))
    if file is None:
        descriptor, made = tempfile.mkstemp(".png", "lookalike-")
        os.close(descriptor)
        file = Path(made)
    note = f"{plural(len(matches), 'picture')} in {root}" if matches else ""
    pages = contact_sheets(_title(question), note, queries, tiles)
    return save_pages(pages, page_count(len(tiles)), file)


def _title(question: Question) -> str:
    if question.image is None:
        return question.shown
    return "a picture from standard input" if question.shown == "-" else os.path.basename(question.shown)


def asked_with(album: Collection, question: Question, region: Sequence[float] | None) -> list[Tile]:
    """The pictures of the question, each of a sum with its sign, weight and name."""
    from lookalike.query.parse import parse_query
    from lookalike.render.sheet import Tile

    if question.image is not None:
        return [Tile(question.image, (), _corners(region))]
    query = question.query or ()
    terms = parse_query(query) if isinstance(query, str) else query
    tiles = []
    for term in terms:
        source = _source(album, term)
        if source is not None:
            tiles.append(Tile(source, (_weighed(term, source),) if len(terms) > 1 else (), _corners(region)))
    return tiles


def _source(album: Collection, term: Term) -> Source | None:
    """The picture that a term asks with; None for words."""
    from lookalike.pictures.open import Image

    if term.kind == "text":
        return None
    if isinstance(term.value, int):
        record = album.record(term.value)
        return record.path if record else None
    return term.value.picture if isinstance(term.value, Image) else term.value


def _weighed(term: Term, source: Source) -> str:
    """ "− 2 × pool.jpg"."""
    name = os.path.basename(source) if isinstance(source, str) else "standard input"
    weight = "" if abs(term.weight) == 1 else f"{abs(term.weight):g} × "
    return f"{'−' if term.weight < 0 else '+'} {weight}{name}"


def show_sheet(page: Path) -> None:
    """Open a picture in the desktop's viewer, or say where it is when there is none."""
    if not _has_viewer() or typer.launch(str(page)):
        typer.echo(f"no picture viewer here: the contact sheet is {printable(page)}", err=True)


def _has_viewer() -> bool:
    if sys.platform in ("darwin", "win32"):
        return True
    desktop = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(desktop) and shutil.which("xdg-open") is not None


def _found_part(match: Match) -> list[tuple[float, float]] | None:
    """Where in the found picture the question lies, when matched keypoints tell."""
    for evidence in match.evidence:
        if evidence.detail.get("quad"):
            return [(x, y) for x, y in evidence.detail["quad"]]
    return None


def _corners(region: Sequence[float] | None) -> list[tuple[float, float]] | None:
    if region is None:
        return None
    x, y, width, height = region
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
