"""What a worker process says beside outcomes."""

from __future__ import annotations

from dataclasses import dataclass

READY, LOADING, LOADED = "ready", "loading", "loaded"


@dataclass(frozen=True, slots=True)
class Fault:
    """An error that is no file's fault, by its class's name and its text: exceptions themselves may not unpickle."""

    name: str
    text: str
