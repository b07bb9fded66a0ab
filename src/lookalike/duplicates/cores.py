"""Work on many pairs, on all cores, with memory that does not grow with their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from lookalike.progress import Progress, Told
from lookalike.threads import CORES, one_thread

T = TypeVar("T")

_AT_ONCE = 16
"""Pairs for each core between two reports."""


def in_order(
    work: Callable[..., T], asked: Sequence[tuple[Any, ...]], doing: str, told: Told | None, done: int = 0
) -> Iterator[T]:
    """`work(*one)` for each one asked, in their order whatever core was first. done: how many were before these."""

    def one(arguments: tuple[Any, ...]) -> T:
        return work(*arguments)

    with one_thread(), ThreadPoolExecutor(CORES, thread_name_prefix="lookalike-pairs") as pool:
        step = _AT_ONCE * CORES
        for at in range(0, len(asked), step):
            yield from pool.map(one, asked[at : at + step])
            if told:
                told(Progress(doing, done + min(at + step, len(asked)), done + len(asked)))
