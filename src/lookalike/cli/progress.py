"""How far long work is, on a terminal; nothing where nobody is watching."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lookalike.progress import Told


@contextmanager
def shown() -> Iterator[Told]:
    """A progress bar on standard error when that is a terminal; it yields what moves it."""
    if not sys.stderr.isatty():
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
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("looking for files", total=None, failed="", rate="")

        def move(work: told.Progress) -> None:
            speed = bar.tasks[0].speed
            bar.update(
                task,
                description=work.doing,
                completed=work.done,
                total=work.total,
                rate=f"{speed:,.0f}/s" if speed else "",
                failed=f"{work.failed:,} failed" if work.failed else "",
            )

        yield move
