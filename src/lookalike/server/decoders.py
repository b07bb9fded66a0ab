"""Pictures from strangers, decoded by a few processes that may crash, hang or be taken over without harm."""

from __future__ import annotations

import hashlib
import json
import os
import queue
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from lookalike.errors import ImageError, QueryError
from lookalike.pictures.open import Image
from lookalike.pictures.region import Region
from lookalike.server.decoder import MOST_LINE
from lookalike.server.errors import busy
from lookalike.server.processes import environment

PATIENCE = 10.0  # seconds that a picture waits for a free process
STARTING = 60.0  # seconds that a process may take to start on a loaded machine
MOST_BODY = 1 << 28
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")

Source = bytes | str


@dataclass(frozen=True, slots=True)
class Small:
    """A WebP and the size of the picture that it shows."""

    webp: bytes
    width: int
    height: int
    format: str


class Decoders:
    """Hands pictures to the processes; safe for any number of threads, each of which waits for its answer."""

    def __init__(self, count: int, *, max_pixels: int, seconds: float) -> None:
        self._max_pixels, self._seconds = max_pixels, seconds
        self._idle: queue.LifoQueue[_Process] = queue.LifoQueue()
        for _ in range(count):
            self._idle.put(_Process())
        self._count = count

    def open(self, source: Source, name: str, region: Region | None = None) -> Image:
        """The picture, or a part of it, at the working size. name: for messages.

        Raises ImageError, QueryError for a region outside of it, and RefusedError when all processes are busy.
        """
        head, body = self._ask(source, name, {"want": "pixels", "region": region})
        height, width = (int(side) for side in head["shape"])
        if height < 1 or width < 1 or len(body) != 3 * height * width:
            raise ImageError(name, "could not be decoded")
        rgb = np.frombuffer(body, np.uint8).reshape(height, width, 3)
        origin = (0, 0) if region is None else region[:2]
        sha256 = hashlib.sha256(source).hexdigest() if isinstance(source, bytes) and region is None else None
        return Image(rgb, int(head["width"]), int(head["height"]), str(head["format"]), origin=origin, sha256=sha256)

    def thumbnail(self, source: Source, name: str, size: int) -> Small:
        """The picture as a small WebP. Raises as `open` does."""
        head, body = self._ask(source, name, {"want": "webp", "size": size})
        return Small(body, int(head["width"]), int(head["height"]), str(head["format"]))

    def close(self) -> None:
        """End the processes."""
        for _ in range(self._count):
            self._idle.get().stop()

    def _ask(self, source: Source, name: str, asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        try:
            process = self._idle.get(timeout=PATIENCE)
        except queue.Empty:
            raise busy("too many pictures at once: try again in a few seconds", 3) from None
        try:
            head, body = process.ask(source, {**asked, "max_pixels": self._max_pixels}, self._seconds)
        except TimeoutError:
            raise ImageError(name, f"takes more than {self._seconds:g} seconds to read") from None
        except (EOFError, OSError, ValueError):
            raise ImageError(name, "crashes its decoder: damaged") from None
        finally:
            self._idle.put(process)
        if "question" in head:
            raise QueryError(str(head["question"]))
        if "error" in head:
            raise ImageError(name, str(head["error"]))
        return head, body


class _Process:
    """One child; it starts when it is first asked, and again after it failed."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def ask(self, source: Source, asked: dict[str, Any], seconds: float) -> tuple[dict[str, Any], bytes]:
        """The answer; TimeoutError when it takes too long, EOFError or OSError when the process ends."""
        child = self._child or self._start()
        where = {"path": os.fsencode(source).hex()} if isinstance(source, str) else {"bytes": len(source)}
        line = json.dumps({**asked, **where}).encode() + b"\n"
        return self._talk(child, [line] if isinstance(source, str) else [line, source], seconds)

    def stop(self) -> None:
        """End the process."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            try:
                if stream:
                    stream.close()
            except OSError:
                continue  # a broken pipe of a process that is gone

    def _start(self) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            [sys.executable, "-m", "lookalike.server.decoder"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(**dict.fromkeys(ONE_THREAD, "1")),
            start_new_session=True,
        )
        self._child = child
        self._talk(child, [], STARTING)
        return child

    def _talk(self, child: subprocess.Popen[bytes], said: list[bytes], seconds: float) -> tuple[dict[str, Any], bytes]:
        assert child.stdin and child.stdout
        late = threading.Timer(seconds, child.kill)
        late.start()
        try:
            for part in said:
                child.stdin.write(part)
            child.stdin.flush()
            line = child.stdout.readline(MOST_LINE)
            if not line:
                raise EOFError
            head = json.loads(line)
            length = int(head["bytes"])
            if not 0 <= length <= MOST_BODY:
                raise ValueError
            body = child.stdout.read(length)
            if len(body) < length:
                raise EOFError
            return head, body
        except (EOFError, OSError, ValueError, KeyError, TypeError) as error:
            finished = not late.is_alive()
            self.stop()
            if finished:
                raise TimeoutError from error
            raise EOFError from error
        finally:
            late.cancel()
