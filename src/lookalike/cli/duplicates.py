"""`lookalike duplicates`: what is here twice, and moving copies away in a way that can be undone."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lookalike.cli.options import CollectionOption, JsonOption, finite, open_collection
from lookalike.cli.output import console, named_place, plural, print_json, short_path, show_table, size
from lookalike.cli.progress import shown
from lookalike.errors import printable

if TYPE_CHECKING:
    from lookalike.duplicates import Group, MoveReport

MOST_LEFT = 20
Kind = StrEnum("Kind", ["exact", "same", "edited", "crop", "scene"])
Keep = Literal["original", "largest", "smallest", "oldest", "newest", "most-bytes", "shortest-path"]

duplicates = typer.Typer(invoke_without_command=True, help="Find what is here twice, and move copies away.")


@duplicates.callback()
def find(
    ctx: typer.Context,
    max_expected_false: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="E",
            callback=finite,
            help="Count a pair when chance alone brings at most so many pairs as close in the whole collection.",
        ),
    ] = 0.01,
    between: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="A B",
            help="Only pairs with one picture below folder A and the other below B, as in train and test.",
        ),
    ] = None,
    kind: Annotated[
        list[Kind] | None, typer.Option(help="Only copies of this kind; may be given again. `scene` is as --shots.")
    ] = None,
    shots: Annotated[
        bool, typer.Option("--shots", help="Also show other photographs of one scene. They get into no plan.")
    ] = False,
    keep: Annotated[Keep, typer.Option(help="Which copy to keep.")] = "original",
    keep_in: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER", help="Keep what lies in this folder, whatever --keep says; may be given again."),
    ] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write a table, a line per picture.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write a page to look at the groups.")] = None,
    plan: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write which copies `apply` would move away.")
    ] = None,
    json: JsonOption = False,
    collection: CollectionOption = None,
) -> None:
    """Group pictures that are copies of one another: identical files, other sizes and formats, edits, crops.

    For each group it says which picture to keep and why. Nothing is changed, and nothing is ever deleted: --plan FILE
    writes a plan, `lookalike duplicates apply FILE --to FOLDER` moves the copies, and `undo` brings them back.
    """
    if ctx.invoked_subcommand is not None:
        return
    from lookalike.duplicates import write_plan
    from lookalike.duplicates.group import NAMED

    kinds = None if not kind else [NAMED[one] for one in kind]
    with open_collection(ctx, collection) as album, shown() as progress:
        groups = album.duplicates(
            max_expected_false=max_expected_false,
            between=between,
            kinds=kinds,
            shots=shots,
            keep=keep,
            keep_in=keep_in or (),
            progress=progress,
        )
    if csv or html:
        from lookalike.duplicates.report import write_csv, write_page

        if csv:
            write_csv(groups, csv)
        if html:
            write_page(groups, html)
    if plan:
        write_plan(groups, plan, shots="scene" in (kind or ()))
    if json:
        print_json([_plain(group) for group in groups])
        return
    _print(groups)
    if plan:
        typer.echo(f"look through {printable(plan)}, then: lookalike duplicates apply {printable(plan)} --to FOLDER")


def _plain(group: Group) -> dict[str, object]:
    """A group for programs; of each member also whether its file is gone."""
    told = group.to_json()
    members = [
        {**plain, "gone": not os.path.lexists(one.path)}
        for plain, one in zip(told["members"], group.members, strict=True)
    ]
    return {**told, "members": members}


@duplicates.command()
def apply(
    ctx: typer.Context,
    plan: Annotated[Path, typer.Argument(metavar="FILE", help="The plan that `--plan` wrote.")],
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to move the copies. Made when it is not there.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be moved, and what not.")] = False,
    json: JsonOption = False,
    collection: CollectionOption = None,
) -> None:
    """Move the copies that a plan names into a folder, and write a file there that undoes it.

    A file is left alone when it, or the one kept for it, is not what it was when the plan was made.
    """
    from lookalike.duplicates import apply_plan

    with open_collection(ctx, collection) as album:
        report = apply_plan(plan, to, album.sha256, dry_run=dry_run)
    _tell(report, json, "would be moved" if dry_run else "moved")
    if report.undo and not json:
        typer.echo(f"to bring them back: lookalike duplicates undo {printable(report.undo)}")


@duplicates.command()
def undo(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The undo file in the folder of the copies.")],
    json: JsonOption = False,
) -> None:
    """Move the copies back to where they were. Files that have taken their places are never overwritten."""
    from lookalike.duplicates import undo as move_back

    _tell(move_back(file), json, "moved back")


def _print(groups: Sequence[Group]) -> None:
    if not groups:
        typer.echo("nothing is here twice")
        return
    from lookalike.duplicates.group import SCENE

    out = console()
    rows = []
    for number, group in enumerate(groups, 1):
        for one in group.members:
            kept = one.id == group.keeper
            what = "keep" if kept else one.kind if one.variant == "as is" else f"{one.kind}, {one.variant}"
            number_once = str(number) if kept else ""
            chance = "" if not kept or not group.expected_false else f"{group.expected_false:.0e}"
            pixels = f"{one.width} x {one.height}"
            rows.append((number_once, what, pixels, size(one.bytes), chance, named_place(one.path)))
        rows.append(("", "", "", "", "", f"({group.reason})"))
    show_table(("", "", "pixels", "size", "by chance", "picture"), rows, right=(0, 2, 3, 4))
    kinds = Counter(group.kind for group in groups)
    copies = [one for group in groups if group.kind != SCENE for one in group.others]
    told = ", ".join(f"{count:,} of kind {kind!r}" for kind, count in kinds.items())
    out.print(f"{plural(len(groups), 'group')}: {told}", soft_wrap=True)
    out.print(
        f"{plural(len(copies), 'copy', 'copies')} besides the ones to keep, {size(sum(one.bytes for one in copies))}",
        soft_wrap=True,
    )
    unseen = sum(group.unseen for group in groups)
    if unseen:
        out.print(
            f"{plural(unseen, 'copy is', 'copies are')} told by hash and keypoints alone: files are away",
            soft_wrap=True,
        )


def _tell(report: MoveReport, json: bool, done: str) -> None:
    """What was moved and what was left alone; exit code 1 when nothing could be moved though something was asked."""
    if json:
        moved = [{"from": printable(a), "to": printable(b)} for a, b in report.moved]
        left = [{"path": printable(one.path), "reason": one.reason} for one in report.left]
        file = printable(report.undo) if report.undo else None
        print_json({"moved": moved, "left": left, "already": report.already, "undo": file})
    else:
        already = f", {report.already:,} there already" if report.already else ""
        typer.echo(f"{plural(len(report.moved), 'file')} {done}{already}")
        for one in report.left[:MOST_LEFT]:
            typer.echo(f"left alone: {short_path(one.path)}: {one.reason}")
        if len(report.left) > MOST_LEFT:
            typer.echo(f"left alone: {len(report.left) - MOST_LEFT:,} more; --json lists them all")
    if report.left and not report.moved:
        raise typer.Exit(1)
