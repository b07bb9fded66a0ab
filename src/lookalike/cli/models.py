"""`lookalike models`: the networks behind the methods embedding and text."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from lookalike.cli.options import JsonOption
from lookalike.cli.output import print_json, show_table, size
from lookalike.errors import printable

models = typer.Typer(invoke_without_command=True, help="List the neural networks, and fetch more of them.")


@models.callback()
def list_them(ctx: typer.Context, json: JsonOption = False) -> None:
    """List the neural networks: what they do, their size and licence, and where they are installed."""
    from lookalike.models.hub import list_models

    if ctx.invoked_subcommand is not None:
        return
    found = list_models()
    if json:
        print_json([asdict(one) for one in found])
        return
    rows = [
        (
            one.name,
            "pictures and text" if one.kind == "image-text" else "pictures",
            "?" if one.size is None else size(one.size) if one.size else "-",
            one.licence,
            printable(one.installed) if one.installed else "no",
        )
        for one in found
    ]
    show_table(("model", "reads", "size", "licence", "installed"), rows, right=(2,))


@models.command()
def get(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name from the list of `lookalike models`.")],
) -> None:
    """Download a network, or check the one that is installed. An interrupted download goes on where it was."""
    from lookalike.models.hub import fetch

    status = fetch(name)
    typer.echo(f"{status.name} is installed and whole: {printable(status.installed or '')}")
    if status.installed != "bundled":
        typer.echo(f"next: lookalike index --method embedding:{status.name}")
        if status.kind == "image-text":
            typer.echo('after that, words are looked for with it: lookalike search "a sunset near the sea"')
