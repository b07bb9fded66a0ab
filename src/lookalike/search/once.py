"""Values made when they are first asked for, once, whichever threads ask."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Once:
    """Values by key. One that fails to be made is tried again by the next who asks."""

    def __init__(self, known: dict[Hashable, _Slot] | None = None) -> None:
        self._slots = known or {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of a key; `make` is called by one thread only, others that want the same value wait for it."""
        slot = self._slots.get(key)
        if slot is None:
            with self._lock:
                slot = self._slots.setdefault(key, _Slot())
        value: T = slot.get(make)
        return value

    def those(self, wanted: Callable[[Any], bool]) -> dict[Hashable, _Slot]:
        """The values of the keys that are wanted, made or not, to begin another one with."""
        with self._lock:
            return {key: slot for key, slot in self._slots.items() if wanted(key)}


class _Slot:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: tuple[Any] | None = None

    def get(self, make: Callable[[], Any]) -> Any:
        if self._made is None:
            with self._lock:
                if self._made is None:
                    self._made = (make(),)
        return self._made[0]
