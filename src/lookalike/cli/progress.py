"""How far long work is, on a terminal; nothing where nobody is watching."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lookalike.cli.output import shortened

if TYPE_CHECKING:
    from lookalike.progress import Told


OTHER_COLUMNS = 90  # characters that everything but the name of what is worked on may take


@contextmanager
def shown(quiet: bool = False) -> Iterator[Told]:
    """A progress bar on standard error when that is a terminal, unless quiet; it yields what moves it."""
    if quiet or not sys.stderr.isatty():
        yield lambda progress: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from lookalike import progress as told

    columns = (
        TextColumn("{task.description:18}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[failed]}", style="red"),
        TextColumn("{task.fields[about]}", markup=False),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=None, failed="", rate="", about="")
        room = max(0, console.width - OTHER_COLUMNS)

        def move(work: told.Progress) -> None:
            speed = bar.tasks[0].speed
            bar.update(
                task,
                description=work.doing,
                completed=work.done,
                total=work.total or None,
                rate=f"{speed:,.0f}/s" if speed else "",
                failed=f"{work.failed:,} failed" if work.failed else "",
                about=shortened(work.about, room) if room else "",
            )

        yield move
