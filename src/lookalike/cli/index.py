"""`lookalike index`: bring a collection up to date with folders of pictures."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lookalike.cli.options import CollectionOption, JsonOption, QuietOption, finite, open_collection
from lookalike.cli.output import kinds, plural, print_json, short_path
from lookalike.cli.progress import shown
from lookalike.errors import printable
from lookalike.threads import LAST, lower_priority

if TYPE_CHECKING:
    from lookalike.collection import Collection
    from lookalike.ingest.run import Failure, IndexReport, Options
    from lookalike.ingest.shards import Missing

MOST_REASONS = 10
MOST_NAMES = 3
MOST_SHARDS = 8
INTERRUPTED = 130


def index(
    ctx: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Folders and files. Without any: those of earlier runs again."),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Also describe by this method, as in phash:hash_size=32 (see `lookalike methods`); may be repeated. "
            "A new collection gets all.",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Processes. Default: one per core.", show_default=False)
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Try files again that could not be read before.")] = False,
    max_megapixels: Annotated[
        float | None,
        typer.Option(
            min=0.01, metavar="MP", callback=finite, help="Refuse larger pictures. Default: 250.", show_default=False
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Skip files and folders of such a name, as in '*.tmp'; may be repeated."),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Refuse a JPEG of which the end is missing, instead of using what is there."),
    ] = False,
    low_priority: Annotated[
        bool, typer.Option("--low-priority", help="Leave processor and disk to other programs that want them.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Then follow the folders and index what changes, until interrupted.")
    ] = False,
    quiet: QuietOption = False,
    json: JsonOption = False,
    collection: CollectionOption = None,
) -> None:
    """Describe the pictures in folders, so that they can be found.

    Only new and changed files are read; moved ones are recognised by their content, vanished ones are taken out.
    Pictures are never changed. Interrupt it whenever you like: the same command goes on where it was.
    """
    from lookalike.ingest.run import Options
    from lookalike.ingest.walk import IGNORED
    from lookalike.pictures.open import MAX_PIXELS

    options = Options(
        workers=(os.cpu_count() or 1) if workers is None else workers,
        ignore=(*IGNORED, *(ignore or ())),
        max_pixels=MAX_PIXELS if max_megapixels is None else round(max_megapixels * 1e6),
        retry=retry,
        strict=strict,
    )
    if watch:
        from lookalike.ingest.watch import require_watchfiles

        require_watchfiles()
    if low_priority:
        lower_priority(LAST)
    with open_collection(ctx, collection) as album:
        with interruptible(album), shown(quiet) as progress:
            report = album.index(paths or (), methods=method or (), options=options, progress=progress)
        if json:
            print_json(report.to_json())
        elif not quiet:
            typer.echo(summary(report, len(album)))
        if watch:
            follow(album, options)
    if report.failed and not (report.added or report.updated or report.moved or report.unchanged or report.removed):
        raise typer.Exit(1)


@contextmanager
def interruptible(album: Collection) -> Iterator[None]:
    """Ctrl-C ends the command with one line and its exit code: nothing is lost."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(
            f"lookalike: interrupted; {plural(len(album), 'picture')} can be found already, "
            "and the same command goes on from here",
            err=True,
        )
        raise typer.Exit(INTERRUPTED) from None


def follow(album: Collection, options: Options) -> None:
    """Index folders again whenever something in them has changed and come to rest; ends with Ctrl-C."""
    from lookalike.ingest.watch import follow_folders

    roots = [root for root in album.info().roots if os.path.isdir(root)]
    tell(f"following {plural(len(roots), 'folder')}; Ctrl-C ends it")

    def look(folders: list[str]) -> None:
        report = album.index(folders, options=replace(options, named=False))
        if report.added or report.updated or report.moved or report.removed or report.failed:
            typer.echo(summary(report, len(album)))

    try:
        follow_folders(roots, look, tell)
    except KeyboardInterrupt:
        tell("no longer following")


def tell(line: str) -> None:
    """A note beside the results."""
    typer.echo(line, err=True)


def summary(report: IndexReport, pictures: int, what: str = "can be found now") -> str:
    """What a run did, in a few lines; at most MOST_REASONS reasons with MOST_NAMES files each. what: of the pictures
    that there are now."""
    looked_at = report.added + report.updated + report.moved + len(report.failed)
    rate = f", {looked_at / report.seconds:,.0f} files a second" if looked_at and report.seconds >= 0.1 else ""
    parts = [
        f"{count:,} {name}"
        for name in ("added", "updated", "moved", "unchanged", "removed")
        if (count := getattr(report, name))
    ]
    if report.failed:
        parts.append(f"{len(report.failed):,} failed")
    lines = [f"{', '.join(parts) or 'no pictures found'} ({report.seconds:.1f} s{rate})"]
    if report.skipped:
        lines.append(f"  skipped, no pictures: {kinds(report.skipped)}")
    if report.damaged:
        lines.append("  indexed by what is there (--strict refuses them):")
        lines += named([f"{short_path(one.path)}: {one.reason}" for one in report.damaged])
    lines += failure_lines(report.failed)
    if report.failed_before:
        lines.append(f"  {report.failed_before:,} failed before: `lookalike info --failed` lists, --retry tries again")
    lines += missing_lines(report.missing)
    lines.append(f"{plural(pictures, 'picture')} {what}")
    return "\n".join(lines)


def named(names: list[str]) -> list[str]:
    """The first few of some names, and how many more there are."""
    lines = [f"    {name}" for name in names[:MOST_NAMES]]
    return lines + [f"    and {len(names) - MOST_NAMES:,} more"] * (len(names) > MOST_NAMES)


def missing_lines(missing: list[Missing]) -> list[str]:
    """The shards that have not been merged yet, for each of their folders and divisions."""
    lines = []
    for one in missing:
        more = f" and {len(one.shards) - MOST_SHARDS:,} more" * (len(one.shards) > MOST_SHARDS)
        folders = ", ".join(map(short_path, one.folders))
        lines.append(f"  not merged yet of {folders}: {', '.join(one.shards[:MOST_SHARDS])}{more}")
    return lines


def failure_lines(failed: list[Failure]) -> list[str]:
    """Failures by reason, the most frequent first."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for failure in failed:
        by_reason[failure.reason + (" (tried again next time)" if failure.again else "")].append(failure.path)
    groups = sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0]))
    lines, shortened = [], len(groups) > MOST_REASONS
    for reason, names in groups[:MOST_REASONS]:
        lines.append(f"  {printable(reason)}:")
        lines += named([short_path(name) for name in names])
        shortened = shortened or len(names) > MOST_NAMES
    if len(groups) > MOST_REASONS:
        lines.append(f"  and {plural(len(groups) - MOST_REASONS, 'other reason')}")
    if shortened:
        lines.append("  all of them: lookalike info --failed")
    return lines
