"""What the benchmarks share: timing, a table on the terminal, a verdict against the target, JSON beside it."""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Timing:
    """Milliseconds per query: the median, and the fastest (what the machine can do when left alone)."""

    median: float
    best: float


def timed(ask: Callable[[Any], Any], queries: Sequence[Any], seconds: float = 3.0) -> tuple[Timing, list[Any]]:
    """Ask one query after the other, once around to warm up when cheap, for at most about `seconds`."""
    answers, spent = [], []
    begun = time.perf_counter()
    for query in queries:
        start = time.perf_counter()
        answers.append(ask(query))
        spent.append(time.perf_counter() - start)
        if time.perf_counter() - begun > seconds:
            break
    if time.perf_counter() - begun < seconds / 3:
        spent.clear()
        while time.perf_counter() - begun < seconds / 2 or len(spent) < len(queries):
            for query in queries:
                start = time.perf_counter()
                ask(query)
                spent.append(time.perf_counter() - start)
    return Timing(1e3 * float(np.median(spent)), 1e3 * min(spent)), answers


def stopwatch(do: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what came of it."""
    start = time.perf_counter()
    made = do()
    return time.perf_counter() - start, made


def recall(expected: Sequence[Any], found: Sequence[Any]) -> float:
    """The mean share of each expected list of ids that was found; over as many queries as were answered."""
    pairs = list(zip(expected, found, strict=False))
    return float(np.mean([np.isin(want, have).mean() for want, have in pairs]))


@dataclass
class Report:
    """A table of measurements and what they say about the targets."""

    name: str
    title: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)

    def row(self, **cells: Any) -> None:
        self.rows.append({key: asdict(cell) if isinstance(cell, Timing) else cell for key, cell in cells.items()})

    def verdict(self, what: str, value: float, target: float, *, at_most: bool, unit: str = "") -> None:
        """One line: the measured value, the target, and whether it was met."""
        met = value <= target if at_most else value >= target
        sign = "<=" if at_most else ">="
        self.verdicts.append(
            f"{'met' if met else 'MISSED'}: {what}: {value:.4g}{unit} (target {sign} {target:g}{unit})"
        )

    def note(self, line: str) -> None:
        self.verdicts.append(line)

    def show(self) -> None:
        """Print the table and the verdicts, and write them to results/NAME.json."""
        console = Console() if sys.stdout.isatty() else Console(width=150)  # a piped table keeps its words
        columns = list(dict.fromkeys(key for row in self.rows for key in row))
        table = Table(title=self.title)
        for i, column in enumerate(columns):
            table.add_column(column, justify="left" if i == 0 else "right")
        for row in self.rows:
            table.add_row(*(_cell(row.get(column)) for column in columns))
        console.print(table)
        for line in self.verdicts:
            console.print(line, highlight=False)
        RESULTS.mkdir(exist_ok=True)
        machine = {"processor": platform.processor() or platform.machine(), "python": platform.python_version()}
        content = {"title": self.title, "machine": machine, "rows": self.rows, "verdicts": self.verdicts}
        (RESULTS / f"{self.name}.json").write_text(json.dumps(content, indent=1) + "\n")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return f"{value['median']:.3g} ({value['best']:.3g})"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
