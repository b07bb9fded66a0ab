"""Long work in a process of its own: `python -m lookalike.server.job FOLDER`.

The folder holds `job.json`, what is to be done; the process keeps `state.json` there up to date, replaced whole each
time, for any number of server processes to read. When a file `cancel` appears, or the folder is gone because the server
has ended, the work is interrupted as by Ctrl-C: what it has committed stays.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lookalike.collection import Collection
from lookalike.errors import LookalikeError
from lookalike.progress import Progress
from lookalike.server.results import Results
from lookalike.threads import BEHIND, lower_priority

TELL_SECONDS = 0.2  # between two changes of the state
LOOK_SECONDS = 0.2  # between two looks for `cancel`
WAIT_SECONDS = 24 * 3600.0  # for the turn among the writers of this server


class State:
    """What is told of a job, and where."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "state.json"
        self._told = 0.0
        self.values: dict[str, Any] = {"state": "queued", "progress": None, "started": None, "finished": None}

    def tell(self, **values: Any) -> None:
        """Change and write it."""
        self.values |= values
        write_json(self._file, self.values)

    def progress(self, done: Progress) -> None:
        """How far it is; written a few times a second."""
        self.values["progress"] = asdict(done)
        if time.monotonic() - self._told >= TELL_SECONDS:
            self._told = time.monotonic()
            self.tell()


def write_json(file: Path, value: Any) -> None:
    """Replace a file in one step."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.write_text(json.dumps(value), encoding="utf-8")
    os.replace(temporary, file)


def main() -> None:
    """Do the job of a folder."""
    folder = Path(sys.argv[1])
    lower_priority(BEHIND)  # whoever searches meanwhile does not wait for it
    state = State(folder)
    asked = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    # what a shell starts in the background inherits that this is ignored, and so do its processes
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_interrupted_by, args=(folder,), daemon=True).start()
    with contextlib.suppress(OSError):  # the server has ended and taken the folder along
        try:
            with Collection(asked["collection"]) as album:
                result = WORK[asked["kind"]](album, asked, state, folder)
        except KeyboardInterrupt:
            state.tell(state="cancelled", finished=time.time())
        except LookalikeError as error:
            state.tell(state="failed", finished=time.time(), error=type(error).__name__, message=str(error))
        except Exception:
            state.tell(state="failed", finished=time.time(), error="InternalError", message=_FAULT)
            raise
        else:
            state.tell(state="done", finished=time.time(), result=result)


_FAULT = "a fault of lookalike, please report it: the server's log tells more"


def _index(album: Collection, asked: Mapping[str, Any], state: State, folder: Path) -> dict[str, Any]:
    from lookalike.ingest.run import Options

    with _turn(folder):
        state.tell(state="running", started=time.time())
        paths = [os.fsdecode(bytes.fromhex(path)) for path in asked["paths"]]
        options = Options(retry=asked["retry"])
        report = album.index(paths, methods=asked["methods"], options=options, progress=state.progress)
    return report.to_json()


def _duplicates(album: Collection, asked: Mapping[str, Any], state: State, folder: Path) -> dict[str, Any]:
    state.tell(state="running", started=time.time())
    groups = album.duplicates(max_expected_false=asked["max_expected_false"])
    Results(album.path).keep_duplicates(groups, asked["max_expected_false"])
    return {"groups": len(groups)}


def _map(album: Collection, asked: Mapping[str, Any], state: State, folder: Path) -> dict[str, Any]:
    from lookalike.atlas.page import walk_data

    state.tell(state="running", started=time.time())
    atlas = album.map(asked["method"], refresh=asked["refresh"], progress=state.progress)
    unread: list[str] = []
    data, small, large = walk_data(atlas, unread, lambda done: state.progress(Progress("painting", done, len(atlas))))
    Results(album.path).keep_map(data, small.files, large.files)
    return {"pictures": len(atlas), "regions": len(atlas.regions), "missing": len(atlas.missing), "unread": len(unread)}


def _evaluate(album: Collection, asked: Mapping[str, Any], state: State, folder: Path) -> dict[str, Any]:
    from lookalike.evaluate import evaluate
    from lookalike.evaluate.report import report

    state.tell(state="running", started=time.time())
    found = evaluate(album, asked["sample"], seed=asked["seed"], progress=state.progress)
    Results(album.path).keep_evaluation(found.to_json(), report(found))
    return {"pictures": found.pictures}


Work = Callable[[Collection, Mapping[str, Any], State, Path], dict[str, Any]]
WORK: Mapping[str, Work] = MappingProxyType(
    {"index": _index, "duplicates": _duplicates, "map": _map, "evaluate": _evaluate}
)


@contextlib.contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """One writer after the other, instead of all but one being refused."""
    from filelock import FileLock

    with FileLock(folder.parent / "writing", timeout=WAIT_SECONDS):
        yield


def _interrupted_by(folder: Path) -> None:
    while folder.is_dir() and not (folder / "cancel").exists():
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    main()
