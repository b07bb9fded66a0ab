"""`lookalike compare`: how alike two pictures are, by every method, without a collection."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from lookalike.cli.options import JsonOption
from lookalike.cli.output import console, print_json, table


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A picture file.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another picture file.")],
    method: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Compare only by this method; may be repeated.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Tell how alike two pictures are by each method. Needs no collection."""
    from lookalike.compare import compare as compare_pictures

    found = compare_pictures(first, second, method or ())
    if json:
        print_json([asdict(one) for one in found])
        return
    rows = [
        (one.method, "-", "-", one.reason or "")
        if one.distance is None or one.score is None
        else (one.method, f"{round(one.distance, 3):g}", f"{one.score:.3f}", one.variant)
        for one in found
    ]
    console().print(table(("method", "distance", "score", "A compared"), rows, right=(1, 2)))
