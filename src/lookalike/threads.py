"""How many threads work on what: the one place that decides.

BLAS, OpenMP and OpenCV start a thread per core for work of a millisecond, and their threads spin while they wait: on a
machine with other work that makes a query many times slower. So whatever runs inside `one_thread` stays on the
thread that calls it. Scans of large arrays are cut into parts for the cores instead, by `in_parts`.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, TypeVar

T = TypeVar("T")

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
WORTH_SPLITTING = 24 << 20
"""Bytes; a scan of fewer is done sooner than other threads have woken up and shared the memory's speed."""


BEHIND, LAST = 10, 19
"""Priorities: of work that lets searches go first, and of work that comes after everything else."""
_IDLE_PRIORITY_CLASS = 0x40  # of Windows


def lower_priority(priority: int) -> None:
    """This process and the ones it starts come later, for the processor and, on Linux, with it for the disk."""
    if hasattr(os, "nice"):
        os.nice(priority)
    else:
        import ctypes

        kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
        kernel.SetPriorityClass(kernel.GetCurrentProcess(), _IDLE_PRIORITY_CLASS)


class _Quiet:
    """Counts who wants libraries to be quiet; the first one in turns their threads off, the last one on again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._restore: list[Callable[[], object]] = []

    def enter(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._restore = _turn_off()

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                for restore in self._restore:
                    restore()


@cache
def _quiet() -> _Quiet:
    return _Quiet()  # of the process, as the libraries' numbers of threads are


@contextmanager
def one_thread() -> Iterator[None]:
    """What runs inside starts no threads in BLAS, OpenMP or OpenCV; as it was before once nobody is inside any more."""
    _quiet().enter()
    openmp = _faiss_threads()
    if openmp > 1:
        sys.modules["faiss"].omp_set_num_threads(1)
    try:
        yield
    finally:
        if openmp > 1:
            sys.modules["faiss"].omp_set_num_threads(openmp)
        _quiet().leave()


def in_parts(work: Callable[[int, int], T], items: int, size: int) -> list[T]:
    """`work(start, stop)` over all items: at once when their `size` in bytes is small, else in a part for each core."""
    parts = CORES if size >= WORTH_SPLITTING else 1
    if parts == 1 or items < parts:
        return [work(0, items)]
    bounds = [items * part // parts for part in range(parts + 1)]

    def one(part: int) -> T:
        with one_thread():
            return work(bounds[part], bounds[part + 1])

    others = [_pool().submit(one, part) for part in range(1, parts)]
    return [one(0), *(other.result() for other in others)]


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, CORES - 1), thread_name_prefix="lookalike-scan")


def _faiss_threads() -> int:
    """faiss counts by the thread that asks; 1 when it is not loaded."""
    faiss: Any = sys.modules.get("faiss")
    return int(faiss.omp_get_max_threads()) if hasattr(faiss, "omp_get_max_threads") else 1  # not while it is imported


def _turn_off() -> list[Callable[[], object]]:
    """Libraries that count for the whole process, set to one thread; what sets each back."""
    restore: list[Callable[[], object]] = []
    for library in _blas("cv2" in sys.modules):
        before = library.get_num_threads()
        if before > 1:
            _set_threads(library, 1)
            restore.append(partial(_set_threads, library, before))
    cv2: Any = sys.modules.get("cv2")
    if hasattr(cv2, "setNumThreads") and (before := cv2.getNumThreads()) > 1:
        cv2.setNumThreads(1)
        restore.append(lambda: cv2.setNumThreads(before))
    return restore


def _set_threads(library: Any, number: int) -> None:
    if getattr(library, "threading_layer", "") != "pthreads":  # it counts by the thread that asks
        library.set_num_threads(number)
        return
    # threadpoolctl lets the first thread that asks decide for all others while it lives, so none that lives on asks
    asking = threading.Thread(target=library.set_num_threads, args=(number,))
    asking.start()
    asking.join()


@cache
def _blas(with_cv2: bool) -> list[Any]:
    """The BLAS libraries of this process; looked for again once OpenCV has brought another one."""
    from threadpoolctl import ThreadpoolController

    return list(ThreadpoolController().select(user_api="blas").lib_controllers)
