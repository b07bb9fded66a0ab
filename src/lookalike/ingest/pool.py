"""Worker processes that survive what they are fed: a crash or a hang costs one file, never the run.

Own code where pebble's ProcessPool could stand: that one starts its workers by multiprocessing, which runs the
caller's script once more in each of them (a script without a main guard fails), a worker that hangs in a decoder
outlives a killed parent, and it cannot tell the time that a model takes to load from that of a file.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lookalike.errors import CollectionError, LookalikeError, ModelError, QueryError
from lookalike.ingest.describe import Outcome, Task, Unreadable
from lookalike.ingest.messages import LOADING, READY, Fault

SECONDS_PER_FILE = 60.0
SECONDS_TO_LOAD = 600.0
WAITS = (0.5, 1.0, 2.0, 4.0)
"""Seconds between attempts to start a process."""

QUEUED_PER_WORKER = 4
KILLED = 9  # SIGKILL, which is not everywhere by name
_BROKEN = (EOFError, OSError, pickle.UnpicklingError, AttributeError, ImportError, IndexError, TypeError, ValueError)
"""What reading answers of a process that ended, or that something else wrote into, can raise."""

Kept = Sequence[tuple[str, Mapping[str, Any]]]
"""Methods by name and parameters, as the worker makes them anew."""


class Worker:
    """One child process; `ask` restarts it after a crash or when it takes too long."""

    def __init__(self, methods: Kept) -> None:
        self._methods = methods
        self._process: subprocess.Popen[bytes] | None = None
        self._deadline: float | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the worker)

    def ask(self, task: Task) -> Outcome:
        """The outcome of one task, whatever happens to the process; LookalikeError when a method cannot work at all."""
        process = self._process or self._start()
        self._deadline = time.monotonic() + SECONDS_PER_FILE
        try:
            _send(process, task)
            answer = _receive(process)
            if answer == LOADING:  # its models, which may take longer than a file
                self._deadline = time.monotonic() + SECONDS_TO_LOAD
                _receive(process)
                self._deadline = time.monotonic() + SECONDS_PER_FILE
                answer = _receive(process)
        except _BROKEN:
            late = self._late()
            code = self.stop()
            if late:
                return Unreadable(f"takes more than {SECONDS_PER_FILE:.0f} seconds to read")
            return self._last_words(code)
        finally:
            self._deadline = None
        return _checked(answer)

    def kill_when_late(self) -> None:
        """Called by the watchdog: ends a process that has been busy with one file for too long."""
        if self._late():
            self.kill()

    def kill(self) -> None:
        """End the process from another thread; the one that asks notices and tidies up."""
        process = self._process
        if process:
            process.kill()

    def stop(self) -> int:
        """End the process; the next `ask` starts another. Its exit code, the one it had if it ended by itself."""
        process, self._process = self._process, None
        if process is None:
            return 0
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)  # one that has closed its end is about to end: its own code tells why
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream:
                _close_quietly(stream)
        return process.wait()

    def _last_words(self, code: int) -> Unreadable:
        """Why a process ended by itself: by the system, or by a crash outside of Python."""
        if code == -KILLED:
            return Unreadable("the system ended the process that read it, perhaps for want of memory", temporary=True)
        return Unreadable("crashes its decoder: damaged")

    def _complaint(self) -> str:
        """The last line that the process wrote on standard error."""
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        self._errors.seek(0)
        self._errors.truncate()
        return lines[-1] if lines else ""

    def _late(self) -> bool:
        return self._deadline is not None and time.monotonic() > self._deadline

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = process = self._spawn()
        self._deadline = time.monotonic() + SECONDS_TO_LOAD
        try:
            _send(process, self._methods)
            answer = _receive(process)
        except _BROKEN as error:
            self.stop()
            raise LookalikeError(f"the indexing process does not start: {self._complaint() or error}") from error
        finally:
            self._deadline = None
        if answer != READY:
            self.stop()
            _checked(answer)
        return process

    def _spawn(self) -> subprocess.Popen[bytes]:
        """A new process; a system that has no room for one is given some seconds."""
        command = [sys.executable, "-m", "lookalike.ingest.worker", str(os.getpid())]
        for wait in (*WAITS, None):
            try:
                return subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._errors,
                    env=_environment(),
                    start_new_session=True,
                )
            except OSError as error:
                if wait is None:
                    raise LookalikeError(
                        f"no process can be started to read pictures ({error.strerror or error}): "
                        "try again later, or with --workers 0"
                    ) from error
                time.sleep(wait)
        raise AssertionError("unreachable")


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
            except BaseException as error:  # noqa: BLE001 (raised where the results are awaited)
                self._results.put((task, error))
        worker.stop()

    def _watch(self) -> None:
        while not self._done.wait(1.0):
            for worker in self._workers:
                worker.kill_when_late()


def _send(process: subprocess.Popen[bytes], value: object) -> None:
    assert process.stdin
    pickle.dump(value, process.stdin)
    process.stdin.flush()


def _receive(process: subprocess.Popen[bytes]) -> Any:
    assert process.stdout
    return pickle.load(process.stdout)


def _checked(answer: Any) -> Outcome:
    """What a worker answers, raised when it is no file's fault."""
    if isinstance(answer, Fault):
        kinds: dict[str, type[LookalikeError]] = {k.__name__: k for k in (ModelError, QueryError, CollectionError)}
        raise kinds.get(answer.name, LookalikeError)(answer.text)
    outcome: Outcome = answer
    return outcome


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
