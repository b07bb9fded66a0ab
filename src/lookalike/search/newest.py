"""The newest Searcher of a collection: renewed when there is something new, by one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import ref

if TYPE_CHECKING:
    from lookalike.search.searcher import Searcher
    from lookalike.store.catalogue import Catalogue
    from lookalike.store.directory import Store
    from lookalike.store.view import View


class Newest:
    """Keeps what is opened from one search to the next, but no state of the catalogue: that is for those who ask.

    Safe for threads.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._renewing = threading.Lock()
        self._opened: Searcher | None = None
        self._lent: Callable[[], Searcher | None] = lambda: None
        self._written = 0  # the generation that this process has committed last

    def searcher(self) -> Searcher:
        """One that stays as it is for as long as it is held.

        Another thread's renewal is not waited for while an answer from the state before is under way, unless what
        this process has committed itself would be missed.
        """
        held = self._store.catalogue.held()
        opened = self._opened
        if opened is not None and opened.view.generation == held.generation():
            return self._lend(opened, held)
        if not self._renewing.acquire(blocking=False):
            before = self._lent()
            if before is not None and before.view.generation >= self._written:
                return before
            self._renewing.acquire()
        try:
            return self._store.reading(self._renewed)
        finally:
            self._renewing.release()

    def wrote(self, generation: int) -> None:
        """This process has committed: what it finds from now on is no older than this."""
        self._written = generation

    def forget(self) -> None:
        """Release what is opened."""
        self._opened = None

    def _renewed(self, view: View, held: Catalogue) -> Searcher:
        from lookalike.search.searcher import Searcher

        opened = self._opened
        if opened is None or opened.view.generation != view.generation:
            opened = self._opened = Searcher(self._store, view, opened)
        return self._lend(opened, held)

    def _lend(self, opened: Searcher, held: Catalogue) -> Searcher:
        lent = opened.holding(held)
        self._lent = ref(lent)
        return lent
