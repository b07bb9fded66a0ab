"""Jobs as the server sees them: started, looked at, cancelled. What each does in its own process is in `job`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lookalike.server.errors import RefusedError, not_found
from lookalike.server.job import write_json
from lookalike.server.processes import environment

FINAL = frozenset({"done", "failed", "cancelled"})
MOST_OPEN = 20
MOST_KEPT = 100
MOST_SAID = 4000  # characters of what a job's process wrote on its standard error
LAST_WORDS = 10.0  # seconds that jobs get to commit when the server ends


class Jobs:
    """The jobs of one server, in a folder that all of its processes share."""

    def __init__(self, runtime: Path, collection: Path) -> None:
        self._folder, self._collection = runtime / "jobs", collection
        self._own: list[subprocess.Popen[bytes]] = []

    def start(self, kind: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Begin a job; what is told of it. RefusedError when too many are open."""
        if sum(job["state"] not in FINAL for job in self.all()) >= MOST_OPEN:
            raise RefusedError(503, "Busy", "too many jobs are open: wait for some to end", {"Retry-After": "30"})
        folder = self._new_folder()
        id_ = int(folder.name)
        about = {"id": id_, "kind": kind, "created": time.time()}
        queued = {"state": "queued", "progress": None, "started": None, "finished": None}
        write_json(folder / "state.json", queued)
        write_json(folder / "job.json", {**asked, **about, "collection": str(self._collection)})
        with open(folder / "log", "wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "lookalike.server.job", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=environment(),
                start_new_session=True,
            )
        self._own.append(child)
        threading.Thread(target=self._wait, args=(child, folder), daemon=True).start()
        self._forget_old()
        return self.get(id_)

    def get(self, id_: int) -> dict[str, Any]:
        """What is told of a job; RefusedError for one that there is not."""
        folder = self._folder / str(id_)
        try:
            about = json.loads((folder / "job.json").read_text(encoding="utf-8"))
            state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise not_found(f"there is no job {id_}") from None
        empty = {"result": None, "error": None, "message": None}
        return {**{key: about[key] for key in ("id", "kind", "created")}, **empty, **state}

    def all(self) -> list[dict[str, Any]]:
        """All jobs that are remembered, the last first."""
        found = []
        for id_ in self._ids():
            try:
                found.append(self.get(id_))
            except RefusedError:
                continue  # being made or forgotten at this moment
        return found

    def cancel(self, id_: int) -> dict[str, Any]:
        """Ask a job to end; what is told of it now. One that has ended stays as it is."""
        job = self.get(id_)
        if job["state"] not in FINAL:
            (self._folder / str(id_) / "cancel").touch()
        return job

    def close(self) -> None:
        """Interrupt the jobs that this process has started, and wait a little for what they commit."""
        for id_ in self._ids():
            try:
                self.cancel(id_)
            except (RefusedError, OSError):
                continue
        until = time.monotonic() + LAST_WORDS
        for child in self._own:
            try:
                child.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def _ids(self) -> Sequence[int]:
        try:
            names = os.listdir(self._folder)
        except OSError:
            return []
        return sorted((int(name) for name in names if name.isdigit()), reverse=True)

    def _new_folder(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        number = max(self._ids(), default=0)
        while True:
            number += 1
            folder = self._folder / str(number)
            try:
                folder.mkdir(mode=0o700)
            except FileExistsError:
                continue
            return folder

    def _wait(self, child: subprocess.Popen[bytes], folder: Path) -> None:
        """A process that ended without a word has failed, or was cancelled before it began."""
        child.wait()
        try:
            state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
            if state["state"] not in FINAL:
                last: dict[str, Any] = {"state": "cancelled"}
                if not (folder / "cancel").exists():
                    last = {"state": "failed", "error": "InternalError", "message": "its process has ended"}
                state = {**state, **last, "finished": time.time()}
                write_json(folder / "state.json", state)
            if state["state"] == "failed":  # one that was interrupted may say so at length
                sys.stderr.write((folder / "log").read_text(encoding="utf-8", errors="replace")[-MOST_SAID:])
        except (OSError, ValueError):
            return  # the server has ended and taken the folder along

    def _forget_old(self) -> None:
        for id_ in self._ids()[MOST_KEPT:]:
            try:
                if self.get(id_)["state"] in FINAL:
                    shutil.rmtree(self._folder / str(id_), ignore_errors=True)
            except RefusedError:
                continue
