"""A collection copied from a directory to Milvus, or back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from lookalike.errors import QueryError
from lookalike.milvus.address import is_address, parse_address
from lookalike.milvus.catalogue import MilvusCatalogue
from lookalike.milvus.fetch import compare, fetch
from lookalike.milvus.publish import MigrateReport, publish
from lookalike.milvus.server import Server
from lookalike.progress import Progress
from lookalike.search.derived import own_layout
from lookalike.store.directory import Store


def migrate(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    progress: Callable[[Progress], None] | None = None,
) -> MigrateReport:
    """Copy a collection from a directory to Milvus, or back into a new one; only what is missing or different there.

    In the end the checksums of all records and descriptors are compared. Raises QueryError unless exactly one of both
    is in Milvus; CollectionError when there is another collection, or the server cannot be reached.
    """
    if is_address(source) == is_address(target):
        raise QueryError("migrate goes from a directory to milvus://HOST:PORT/NAME, or from there to a directory")
    started, there = time.monotonic(), is_address(target)
    store = Store(Path(source if there else target).expanduser(), own_layout)
    server, told = Server(parse_address(target if there else source)), progress or (lambda _: None)
    try:
        if not there:
            MilvusCatalogue(server).view()  # what is not there leaves no directory behind
        with store.writing(create=not there):
            if there:
                report = publish(store, server, told)
                report.compared = compare(server, store)
            else:
                report = fetch(server, store, told)
    finally:
        server.close()
        store.close()
    report.seconds = time.monotonic() - started
    return report
