"""Speaking with a Milvus server: batches, patience while it restarts, and errors in one line."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from lookalike.errors import CollectionError
from lookalike.extras import how_to_install
from lookalike.milvus.address import Address

if TYPE_CHECKING:
    from pymilvus import MilvusClient

T = TypeVar("T")
Row = dict[str, Any]

ASKING = 10.0
"""Seconds within which a question is answered, or there is an error."""
WRITING = 120.0
"""Seconds for which a writer waits for a server that has gone: it takes 40 to come back."""
MOST = 16_384
"""Rows that Milvus returns at once, at most."""
_BATCH = 4 << 20  # bytes written at once, about; a request may have 64 MB
_AT_ONCE = 8  # tables that are made or indexed at once
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 5.0
_FOR_GOOD = (
    "cannot parse",
    "unsupported",
    "invalid",
    "auth",
    "permission",
    "privilege",
    "exceeds",
    "quota",
    "should be",
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table to be made. fields: arguments of `add_field`; index: of its vectors."""

    name: str
    fields: Sequence[tuple[str, Any, dict[str, Any]]]
    index: Mapping[str, Any]


class NoTableError(CollectionError):
    """What was asked for has never been made, or was deleted."""


class Server:
    """A connection that is made when it is first needed. Safe for threads.

    Answers hold what this process has written, and what others have written up to about a second ago (consistency
    "Session"), or all that was ever acknowledged where `strong` is asked for, which takes 0.2 s.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._client: MilvusClient | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Hang up; the next question connects again."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def create(self, tables: Sequence[Table]) -> None:
        """Make tables, those that are not there, ready to be searched; all at once, as each takes seconds."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda table: self._tried(partial(_create, table), WRITING), tables))

    def drop(self, table: str) -> None:
        """Delete a table, if there is one."""
        self._tried(lambda client: client.drop_collection(table, timeout=WRITING), WRITING)

    def upsert(self, table: str, rows: Sequence[Row]) -> None:
        """Write rows, in place of those with the same key."""
        for batch in _batches(rows):
            self._tried(partial(_upsert, table, batch), WRITING)

    def delete(self, table: str, keys: Sequence[int] | Sequence[str]) -> None:
        """Delete rows by their keys; those that are not there are ignored."""
        for start in range(0, len(keys), MOST):
            self._tried(partial(_delete, table, list(keys[start : start + MOST])), WRITING)

    def settle(self, tables: Sequence[str], tell: Callable[[int, int], None]) -> None:
        """Have all that was written indexed, and wait until it is. tell: how many rows are, of how many."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda table: self._tried(partial(_flush, table), WRITING), tables))
            while True:
                parts = list(pool.map(lambda table: self._tried(partial(_indexed, table), WRITING), tables))
                done, total = (sum(part) for part in zip(*parts, strict=True)) if parts else (0, 0)
                tell(done, total)
                if done >= total:
                    return
                time.sleep(_FIRST_WAIT)

    def query(self, table: str, condition: str, fields: Sequence[str], *, strong: bool = False) -> list[Row]:
        """The rows for which an expression holds, MOST at most, in no order."""
        level, patience = ("Strong", WRITING) if strong else ("Session", ASKING)
        return self._tried(
            lambda client: list(
                client.query(
                    table,
                    filter=condition,
                    output_fields=list(fields),
                    consistency_level=level,
                    timeout=patience,
                    limit=MOST,
                )
            ),
            patience,
        )

    def count(self, table: str, condition: str) -> int:
        """For how many rows an expression holds."""
        rows = self._tried(
            lambda client: client.query(
                table, filter=condition, output_fields=["count(*)"], consistency_level="Session", timeout=ASKING
            ),
            ASKING,
        )
        return int(rows[0]["count(*)"])

    def search(
        self,
        table: str,
        vectors: Sequence[Any],
        limit: int,
        condition: str,
        fields: Sequence[str],
        effort: Mapping[str, Any],
    ) -> list[list[Row]]:
        """The nearest rows of each vector: "id", "distance" and the fields of each. effort: see the table's index."""
        found = self._tried(
            lambda client: client.search(
                table,
                data=list(vectors),
                limit=min(limit, MOST),
                filter=condition,
                output_fields=list(fields),
                search_params={"params": dict(effort)},
                consistency_level="Session",
                timeout=ASKING,
            ),
            ASKING,
        )
        return [[{"distance": hit["distance"], "id": hit["id"], **hit["entity"]} for hit in answer] for answer in found]

    def _connected(self) -> MilvusClient:
        with self._lock:
            if self._client is None:
                os.environ.setdefault("GRPC_VERBOSITY", "NONE")
                try:
                    from pymilvus import MilvusClient
                except ImportError as error:
                    raise CollectionError(f"{self.address} needs pymilvus: {how_to_install('milvus')}") from error
                # both log what is handled here, with tracebacks
                logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
                address = self.address
                self._client = MilvusClient(address.uri, token=address.token, db_name=address.database, timeout=ASKING)
            return self._client

    def _tried(self, what: Callable[[MilvusClient], T], seconds: float) -> T:
        """What the server answers, asked again while it is away; CollectionError when that takes too long."""
        last, wait = time.monotonic() + seconds, _FIRST_WAIT
        while True:
            try:
                return what(self._connected())
            except Exception as error:
                if not _is_of_the_server(error):
                    raise
                if "collection not found" in str(error):
                    raise NoTableError(f"{self.address}: there is no such collection (any more)") from error
                if refused := next(filter(_is_for_good, _causes(error)), None):
                    raise CollectionError(f"{self.address}: {_said(refused)}") from error
                if time.monotonic() + wait > last:
                    raise CollectionError(
                        f"{self.address} does not answer ({_said(error)}): start the server or check the address, "
                        "then run the same command again"
                    ) from error
            time.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)


def _create(table: Table, client: MilvusClient) -> None:
    if client.has_collection(table.name, timeout=ASKING):
        client.load_collection(table.name, timeout=WRITING)
        return
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    for name, kind, more in table.fields:
        schema.add_field(name, kind, **more)
    indexes = client.prepare_index_params()
    indexes.add_index("vector", **table.index)
    client.create_collection(
        table.name, schema=schema, index_params=indexes, consistency_level="Session", timeout=WRITING
    )


def _flush(table: str, client: MilvusClient) -> None:
    client.flush(table, timeout=WRITING)


def _indexed(table: str, client: MilvusClient) -> tuple[int, int]:
    """How many rows are indexed, of how many."""
    about = client.describe_index(table, "vector", timeout=ASKING)
    if about.get("state") == "Failed":
        raise CollectionError(f"Milvus could not index {table}: its log says why; then run the same command again")
    total, waiting = (int(about.get(key, 0)) for key in ("total_rows", "pending_index_rows"))
    return total - waiting, total


def _upsert(table: str, batch: list[Row], client: MilvusClient) -> None:
    client.upsert(table, batch, timeout=WRITING)


def _delete(table: str, keys: list[Any], client: MilvusClient) -> None:
    client.delete(table, ids=keys, timeout=WRITING)


def _is_of_the_server(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] in ("pymilvus", "grpc") or isinstance(error, ConnectionError)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it came of: pymilvus wraps a refused password in a connection that failed."""
    one: BaseException | None = error
    seen: list[BaseException] = []
    while one is not None and one not in seen:  # what is raised again in a retry may be its own context
        seen.append(one)
        yield one
        one = one.__cause__ or one.__context__


def _is_for_good(error: BaseException) -> bool:
    said = str(error).lower()
    return type(error).__name__ == "ParamError" or any(word in said for word in _FOR_GOOD)


def _said(error: BaseException) -> str:
    """The message alone, in one line."""
    details = getattr(error, "details", None)
    message = details() if callable(details) else getattr(error, "message", None)
    return " ".join(str(message or error or type(error).__name__).split())[:200]


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | bytes) else getattr(value, "nbytes", 8)


def _batches(rows: Sequence[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(map(_size, row.values()))
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
