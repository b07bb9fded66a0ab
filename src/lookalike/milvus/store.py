"""A collection in Milvus: for whoever searches, nothing on this machine; for the one who writes, a working copy."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lookalike.errors import CollectionError, printable
from lookalike.milvus.address import Address, working_copy
from lookalike.milvus.catalogue import MilvusCatalogue
from lookalike.milvus.fetch import fetch
from lookalike.milvus.publish import publish, published_at
from lookalike.milvus.searcher import MilvusSearcher
from lookalike.milvus.server import Server
from lookalike.progress import Progress
from lookalike.store.directory import OwnLayout, Store

FRESH = 1.0
"""Seconds for which nobody asks whether something new was written."""


class MilvusStore:
    """What a `Store` is for a directory. Safe for threads."""

    def __init__(self, address: Address, own_layout: OwnLayout) -> None:
        self.address = address
        self._own_layout = own_layout
        self.server = Server(address)
        self.catalogue = MilvusCatalogue(self.server)
        self._known: MilvusSearcher | None = None
        self._lock = threading.Lock()
        self._asked, self._generation = -FRESH, 0

    @property
    def exists(self) -> bool:
        """Whether there is a collection."""
        return self.catalogue.state() is not None

    def close(self) -> None:
        """Hang up; the next use connects again."""
        self.server.close()

    def generation(self) -> int:
        """The number of the newest view, as it was a second ago at most."""
        now = time.monotonic()
        if now - self._asked > FRESH:
            self._generation, self._asked = self.catalogue.generation(), now
        return self._generation

    def searcher(self) -> MilvusSearcher:
        """The newest state, ready to be asked."""
        with self._lock:
            if self._known is None or self._known.view.generation != self.generation():
                self._known = MilvusSearcher(self.catalogue, self.catalogue.view())
            return self._known

    @contextmanager
    def writing(self, progress: Callable[[Progress], None]) -> Iterator[Store]:
        """A directory to change, which is as Milvus is; what was changed is written there in the end, also after an
        error, so that nothing that was done is lost."""
        store = Store(working_copy(self.address), self._own_layout)
        try:
            with store.writing(create=True):
                self._bring_up_to_date(store, progress)
                try:
                    yield store
                finally:
                    if store.view().newest or self.exists:  # what could not begin leaves nothing behind
                        publish(store, self.server, progress)
                    self._asked = -FRESH
        finally:
            store.close()

    def _bring_up_to_date(self, store: Store, progress: Callable[[Progress], None]) -> None:
        """Before any work: what another machine has written would be undone in the end, and is not."""
        state, stamps = self.catalogue.state(strong=True), store.catalogue.fact(published_at(self.server))
        if state is not None and stamps is None:
            fetch(self.server, store, progress)
        elif state is not None and state["stamp"] not in stamps:
            raise CollectionError(
                f"{self.address} was written by another machine since this one last did: delete this one's copy, "
                f"{printable(store.directory)}, and run the same command again"
            )
