"""The worker process: `python -m lookalike.ingest.worker`, tasks in on stdin, outcomes out on stdout, both pickled.

A process of its own because decoders can crash or hang on hostile bytes; started by command rather than by
multiprocessing so that scripts without a main guard can index too.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys

from lookalike.errors import LookalikeError
from lookalike.ingest.describe import describe_file
from lookalike.methods.factory import make_all


def main() -> None:
    """Serve until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tasks = sys.stdin.buffer
    # libraries that write to stdout must not disturb the answers
    answers = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    methods = make_all(pickle.load(tasks))
    _answer(answers, "ready")
    while True:
        try:
            task = pickle.load(tasks)
        except EOFError:
            return
        try:
            outcome: object = describe_file(task, methods)
        except LookalikeError as error:  # not the file's fault: a model that does not work stops the whole run
            outcome = error
        _answer(answers, outcome)


def _answer(stream: object, value: object) -> None:
    pickle.dump(value, stream, protocol=pickle.HIGHEST_PROTOCOL)  # type: ignore[arg-type]
    stream.flush()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
