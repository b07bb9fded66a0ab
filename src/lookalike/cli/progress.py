"""How far long work is, on a terminal; nothing where nobody is watching."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from lookalike.ingest.run import Progress


class Silent:
    """No bar."""

    def update(self, progress: Progress) -> None:
        """Nothing to show."""


class Shown(Silent):
    """A bar with rate, remaining time and failures."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._task = bar.add_task("looking for files", total=None, failed="", rate="")

    def update(self, progress: Progress) -> None:
        """Move the bar."""
        speed = self._bar.tasks[0].speed
        self._bar.update(
            self._task,
            description="indexing",
            completed=progress.done,
            total=progress.total,
            rate=f"{speed:,.0f}/s" if speed else "",
            failed=f"{progress.failed:,} failed" if progress.failed else "",
        )


@contextmanager
def indexing() -> Iterator[Silent]:
    """A progress bar on standard error when that is a terminal."""
    if not sys.stderr.isatty():
        yield Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[failed]}", style="red"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Shown(bar)


class Work(Protocol):
    """How far something is: what is being done, how much of it, of how much."""

    @property
    def doing(self) -> str: ...

    @property
    def done(self) -> int: ...

    @property
    def total(self) -> int: ...


@contextmanager
def working() -> Iterator[Callable[[Work], None]]:
    """A progress bar on standard error when that is a terminal; it yields what moves it."""
    if not sys.stderr.isatty():
        yield lambda work: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:18}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda work: bar.update(task, description=work.doing, completed=work.done, total=work.total)
