"""`lookalike info`: what a collection holds."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from lookalike.cli.options import CollectionOption, JsonOption, open_collection
from lookalike.cli.output import console, kinds, plural, print_json, short_path, show_table, size
from lookalike.errors import printable

if TYPE_CHECKING:
    from lookalike.contents import Info
    from lookalike.store.catalogue import Record

MOST_LEFT_OUT = 5


def info(
    ctx: typer.Context,
    failed: Annotated[
        bool, typer.Option("--failed", help="List the files that could not be read, or only in part, with the reason.")
    ] = False,
    json: JsonOption = False,
    collection: CollectionOption = None,
) -> None:
    """Show what the collection holds: pictures, methods and their indexes, folders, failures."""
    with open_collection(ctx, collection) as album:
        if failed:
            _failures(album.failures() + album.damaged(), json)
        elif json:
            print_json(info_json(album.info()))
        else:
            _overview(album.info())


def info_json(about: Info) -> dict[str, object]:
    """The fields of Info as plain values."""
    return {
        **asdict(about),
        "path": printable(about.path),
        "roots": [printable(root) for root in about.roots],
        "ignored": {printable(folder): names for folder, names in about.ignored.items()},
        "left_out": [printable(path) for path in about.left_out],
    }


def _failures(records: list[Record], json: bool) -> None:
    if json:
        print_json([{"path": printable(record.path), "reason": record.reason} for record in records])
    elif records:
        rows = [(printable(record.reason or ""), short_path(record.path)) for record in records]
        show_table(("reason", "file"), rows)
    else:
        typer.echo("no file has failed")


def _overview(about: Info) -> None:
    out = console()
    room = size(about.bytes) if about.bytes else "in Milvus"  # which alone knows how much that is
    out.print(f"{printable(about.path)}: {plural(about.pictures, 'picture')}, {room}", soft_wrap=True)
    rows = [
        (
            method.name,
            f"{method.pictures:,}",
            size(method.bytes) if about.bytes else "",
            str(method.segments) if about.bytes else "",
            ", ".join(f"{name}={value}" for name, value in method.params.items()),
        )
        for method in about.methods
    ]
    if rows:
        show_table(("method", "pictures", "descriptors", "segments", "parameters"), rows, right=(1, 2, 3))
    for root in about.roots:
        out.print(f"indexed: {printable(root)}", soft_wrap=True)
    for folder, names in about.ignored.items():
        out.print(f"ignored in {printable(folder)}: {printable(' '.join(names))}", soft_wrap=True)
    for path in about.left_out[:MOST_LEFT_OUT]:
        out.print(f"removed, left out until it is named again: {printable(path)}", soft_wrap=True)
    if len(about.left_out) > MOST_LEFT_OUT:
        out.print(f"and {len(about.left_out) - MOST_LEFT_OUT:,} more are left out (lookalike info --json)")
    if about.failed:
        out.print(f"{plural(about.failed, 'file')} could not be read: lookalike info --failed", soft_wrap=True)
    if about.damaged:
        whole = "picture is" if about.damaged == 1 else "pictures are"
        out.print(f"{about.damaged:,} {whole} not whole: lookalike info --failed", soft_wrap=True)
    if about.skipped:
        count = sum(about.skipped.values())
        out.print(
            f"{plural(count, 'file')} skipped, no picture{'s' * (count > 1)}: {kinds(about.skipped)}", soft_wrap=True
        )
    if about.removed:
        out.print(f"{plural(about.removed, 'picture')} removed, still taking space: lookalike check --compact")
