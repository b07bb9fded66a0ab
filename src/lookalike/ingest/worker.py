"""The worker process: `python -m lookalike.ingest.worker PARENT`, tasks in on stdin, answers out on stdout, pickled.

A process of its own because decoders can crash or hang on hostile bytes; started by command rather than by
multiprocessing so that scripts without a main guard can index too.

A worker never outlives its parent, whatever it is doing: on Linux the kernel ends it with the parent; elsewhere the
thread that reads stdin sees its end; and a decoder that holds Python's lock, so that no thread runs, is ended by
a watchdog that needs none (faulthandler's).
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import pickle
import queue
import signal
import sys
import threading
from typing import IO, Any

import numpy as np

from lookalike.errors import LookalikeError
from lookalike.ingest.describe import Opened, Outcome, Task, Unreadable, describe, read_file
from lookalike.ingest.messages import LOADED, LOADING, READY, Fault
from lookalike.methods.base import Method
from lookalike.methods.factory import make_all
from lookalike.pictures.open import Image

LONGEST_SECONDS = 660.0
"""After so long with one file or with loading models a worker ends itself; its parent loses patience much earlier."""

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with(int(sys.argv[1]))
    # libraries that write to stdout must not disturb the answers
    answers = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, tasks), daemon=True).start()
    try:
        methods = make_all(tasks.get())
    except LookalikeError as error:
        _answer(answers, Fault(type(error).__name__, str(error)))
        return
    _answer(answers, READY)
    loaded = False
    while True:
        task: Task = tasks.get()
        faulthandler.dump_traceback_later(LONGEST_SECONDS, exit=True)
        try:
            outcome: Outcome | Fault | Opened = read_file(task)
            if isinstance(outcome, Opened):
                if not loaded:
                    _answer(answers, LOADING)
                    _load(methods)
                    _answer(answers, LOADED)
                    loaded = True
                outcome = describe(outcome, methods)
        except LookalikeError as error:  # not the file's fault: a model that does not work stops the whole run
            outcome = Fault(type(error).__name__, str(error))
        except MemoryError:
            outcome = Unreadable("not enough memory to describe it", temporary=True)
        except Exception as error:  # noqa: BLE001 (one file must never stop the rest)
            cause = " ".join(f"{type(error).__name__}: {error}".split())
            outcome = Unreadable(f"cannot be described ({cause}): a fault of lookalike, please report it")
        faulthandler.cancel_dump_traceback_later()
        _answer(answers, outcome)


def _read(stream: IO[bytes], tasks: queue.SimpleQueue[Any]) -> None:
    """Ends the process when there is nobody left to ask it, also while it is busy."""
    try:
        while True:
            tasks.put(pickle.load(stream))
    finally:
        os._exit(0)


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before
        os._exit(0)


def _load(methods: list[Method[Any]]) -> None:
    """Have every method ready for work, on a small picture: opening a model is not the first file's time."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    for method in methods:
        method.describe(Image(noise, 64, 64, "array"))


def _answer(stream: IO[bytes], value: object) -> None:
    pickle.dump(value, stream, protocol=pickle.HIGHEST_PROTOCOL)
    stream.flush()


if __name__ == "__main__":
    main()
    os._exit(0)  # the thread that reads stdin cannot be ended
