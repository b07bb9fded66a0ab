"""`lookalike methods`: the ways of being alike, and what may be chosen about each."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from lookalike.cli.options import JsonOption
from lookalike.cli.output import print_json, show_table

if TYPE_CHECKING:
    from lookalike.methods.factory import MethodKind


def methods(json: JsonOption = False) -> None:
    """List the methods: what each finds, and its parameters.

    They are chosen once, when a collection gets the method: lookalike index FOLDER --method phash:hash_size=32
    """
    from lookalike.methods.factory import KINDS

    if json:
        print_json([methods_json(kind) for kind in KINDS.values()])
        return
    rows = []
    for kind in KINDS.values():
        rows.append((kind.name, kind.finds, ""))
        rows += [(f"  {one.name}={one.default}", one.meaning, one.values) for one in kind.parameters]
    show_table(("method", "finds", "values"), rows)
    typer.echo(
        "choose as in: lookalike index FOLDER --method phash:hash_size=32 --method local:features=orb,budget=500"
    )


def methods_json(kind: MethodKind) -> dict[str, object]:
    """A method's fields as plain values."""
    return {"name": kind.name, "finds": kind.finds, "parameters": [asdict(one) for one in kind.parameters]}
