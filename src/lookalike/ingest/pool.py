"""Worker processes that survive what they are fed: a crash or a hang costs one file, never the run."""

from __future__ import annotations

import os
import pickle
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lookalike.errors import LookalikeError
from lookalike.ingest.describe import Outcome, Task, Unreadable

SECONDS_PER_FILE = 60.0
QUEUED_PER_WORKER = 4
_PYTHON_ERROR = re.compile(r"[\w.]+(Error|Exception|Warning)\b")

Kept = Sequence[tuple[str, Mapping[str, Any]]]
"""Methods by name and parameters, as the worker makes them anew."""


class Worker:
    """One child process; `ask` restarts it after a crash or when it takes too long."""

    def __init__(self, methods: Kept) -> None:
        self._methods = methods
        self._process: subprocess.Popen[bytes] | None = None
        self._asked_at: float | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the worker)

    def ask(self, task: Task) -> Outcome:
        """The outcome of one task, whatever happens to the process; LookalikeError when a method cannot work at all."""
        process = self._process or self._start()
        assert process.stdin and process.stdout
        self._asked_at = time.monotonic()
        try:
            pickle.dump(task, process.stdin)
            process.stdin.flush()
            outcome: Outcome | LookalikeError = pickle.load(process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError):
            late = self._late()
            self.stop()
            return Unreadable(f"takes more than {SECONDS_PER_FILE:.0f} seconds to read" if late else self._last_words())
        finally:
            self._asked_at = None
        if isinstance(outcome, LookalikeError):
            raise outcome
        return outcome

    def kill_when_late(self) -> None:
        """Called by the watchdog: ends a process that has been busy with one file for too long."""
        if self._late():
            self.kill()

    def kill(self) -> None:
        """End the process from another thread; the one that asks notices and tidies up."""
        process = self._process
        if process:
            process.kill()

    def stop(self) -> None:
        """End the process; the next `ask` starts another."""
        if self._process:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream:
                    _close_quietly(stream)
            self._process = None

    def _last_words(self) -> str:
        """Why a process ended by itself: Python's error if it was one, else a crash outside of Python."""
        last = self._complaint()
        if _PYTHON_ERROR.match(last):
            return f"cannot be described ({last}): a fault of lookalike, please report it"
        return "crashes its decoder: damaged"

    def _complaint(self) -> str:
        """The last line that the process wrote on standard error."""
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        self._errors.seek(0)
        self._errors.truncate()
        return lines[-1] if lines else ""

    def _late(self) -> bool:
        return self._asked_at is not None and time.monotonic() - self._asked_at > SECONDS_PER_FILE

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "lookalike.ingest.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=_environment(),
            start_new_session=True,
        )
        self._process = process
        assert process.stdin and process.stdout
        try:
            pickle.dump(self._methods, process.stdin)
            process.stdin.flush()
            pickle.load(process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            self.stop()
            raise LookalikeError(f"the indexing process does not start: {self._complaint() or error}") from error
        return process


class Pool:
    """Describes files on several processes; use as a context manager."""

    def __init__(self, methods: Kept, workers: int) -> None:
        self._workers = [Worker(methods) for _ in range(workers)]
        self._tasks: queue.Queue[Task | None] = queue.Queue()
        self._results: queue.Queue[tuple[Task, Outcome | BaseException]] = queue.Queue()
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._serve, args=(worker,), daemon=True) for worker in self._workers]
        self._threads.append(threading.Thread(target=self._watch, daemon=True))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        for worker in self._workers:
            self._tasks.put(None)
            worker.kill()
        for thread in self._threads:
            thread.join()

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Outcomes as they come, not in order; only a few tasks per worker are taken from the iterable ahead."""
        waiting = 0
        for task in tasks:
            self._tasks.put(task)
            waiting += 1
            if waiting >= QUEUED_PER_WORKER * len(self._workers):
                yield self._result()
                waiting -= 1
        for _ in range(waiting):
            yield self._result()

    def _result(self) -> tuple[Task, Outcome]:
        task, outcome = self._results.get()
        if isinstance(outcome, BaseException):
            raise outcome
        return task, outcome

    def _serve(self, worker: Worker) -> None:
        while (task := self._tasks.get()) is not None and not self._done.is_set():
            try:
                self._results.put((task, worker.ask(task)))
            except LookalikeError as error:
                self._results.put((task, error))
        worker.stop()

    def _watch(self) -> None:
        while not self._done.wait(1.0):
            for worker in self._workers:
                worker.kill_when_late()


def _environment() -> dict[str, str]:
    """One thread per process (there is a process per core), and the package where this process found it."""
    here = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH", "")]))
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1")
    return {**os.environ, **one, "PYTHONPATH": path}


def _close_quietly(stream: Any) -> None:
    try:
        stream.close()
    except OSError:
        return  # a broken pipe of a process that is gone
