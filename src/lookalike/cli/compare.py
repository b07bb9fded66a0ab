"""`lookalike compare`: how alike two pictures are, by every method, without a collection."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lookalike.cli.options import JsonOption
from lookalike.cli.output import print_json, save_picture, show_table
from lookalike.errors import printable

if TYPE_CHECKING:
    from lookalike.search.compare import Comparison


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A picture file.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another picture file.")],
    method: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Compare only by this method; may be repeated.")
    ] = None,
    draw: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw both with their matched keypoints and outlines, as in match.png."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Tell how alike two pictures are by each method. Needs no collection."""
    from lookalike.search.compare import compare as compare_pictures
    from lookalike.search.compare import draw_comparison

    if draw:
        save_picture(draw_comparison(first, second), draw)
        typer.echo(f"drawn: {printable(draw)}", err=True)
    found = compare_pictures(first, second, method or ())
    if json:
        print_json([asdict(one) for one in found])
        return
    rows = [
        (one.method, "-", "-", one.reason or "")
        if one.distance is None or one.score is None
        else (one.method, f"{round(one.distance, 3):g}", f"{one.score:.3f}", _held(one))
        for one in found
    ]
    show_table(("method", "distance", "score", "A compared"), rows, right=(1, 2))


def _held(one: Comparison) -> str:
    """How the first picture was held, and for `local` what it is to the other: "mirrored, crop of (31 inliers)"."""
    if "inliers" not in one.detail:
        return one.variant
    label, covered = one.detail["label"], round(100 * one.detail["covered"])
    joint = {"same picture": " as", "same scene": " as", "edited copy": " of"}.get(label, "")
    return f"{one.variant}: {label}{joint} B ({one.detail['inliers']} inliers, {covered} % of B)"
