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

from lookalike.cli.output import save_picture
from lookalike.cli.words import why
from lookalike.errors import printable

if TYPE_CHECKING:
    from lookalike.pictures.open import Source
    from lookalike.search.match import Match


def write_sheet(file: Path | None, asked: Source, region: Sequence[float] | None, matches: Sequence[Match]) -> Path:
    """Draw the question and its answer. file: where to (a temporary file when None); returns where it is."""
    from lookalike.pictures.open import describe_source
    from lookalike.render.sheet import Tile, contact_sheet

    words = isinstance(asked, str) and not os.path.isfile(asked)
    title = str(asked) if words else os.path.basename(describe_source(asked))
    query = None if words else Tile(asked, (), _corners(region))
    tiles = [
        Tile(match.path, (f"{rank}.  {match.score:.3f}", why(match), os.path.basename(match.path)), _found_part(match))
        for rank, match in enumerate(matches, 1)
    ]
    page = contact_sheet(query, title, tiles)
    if file is None:
        descriptor, name = tempfile.mkstemp(".png", "lookalike-")
        os.close(descriptor)
        file = Path(name)
    save_picture(page, file)
    return file


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
