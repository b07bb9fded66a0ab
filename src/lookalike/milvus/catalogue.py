"""What a collection in Milvus knows of its pictures, as a directory's catalogue tells it; for reading."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lookalike.arrays.rows import Ids, Layout
from lookalike.errors import CollectionError
from lookalike.milvus.records import Entry, Keys, read_entry
from lookalike.milvus.server import MOST, NoTableError, Server
from lookalike.milvus.tables import NOWHERE, Tables
from lookalike.store.catalogue import Record
from lookalike.store.matrix import Extent
from lookalike.store.methods import StoredMethod
from lookalike.store.schema import STATUSES
from lookalike.store.view import View

if TYPE_CHECKING:
    from lookalike.query.filters import Filter

STATE, ROOTS = "state", "roots"
FAR, REMEMBERED = "far ", "fact "
"""Names of what the table of facts holds, and what the names of several begin with."""
FORMAT = 1
_FOUND = 'status == "ok"'


class MilvusCatalogue:
    """Records and facts of a collection in Milvus. Safe for threads."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.tables = Tables(server.address.name)
        self._lock = threading.Lock()
        self._keys: Keys | None = None

    # -- what it is

    def state(self, *, strong: bool = False) -> dict[str, Any] | None:
        """Revision, methods and counts, as the last who wrote left them; None when there is nothing."""
        try:
            state: dict[str, Any] | None = self._fact(STATE, strong=strong)
        except NoTableError:
            return None
        if state is not None and state.get("format") != FORMAT:
            raise CollectionError(f"{self.server.address} was written by another lookalike: upgrade, or migrate anew")
        return state

    def view(self) -> View:
        """What was complete when it was last written."""
        state = self.state()
        if state is None:
            raise CollectionError(
                f"no collection at {self.server.address}: make one with "
                f"`lookalike migrate --from DIR --to {self.server.address}`"
            )
        methods = {one.name: one for one in map(_method, state["methods"])}
        return View(state["revision"], methods, np.zeros(0, np.int64), state["pictures"], state["newest"])

    def generation(self) -> int:
        """The number of the newest view; 0 when there is nothing."""
        state = self.state()
        return 0 if state is None else int(state["revision"])

    def methods(self) -> dict[str, StoredMethod]:
        """The methods of this collection by name."""
        return dict(self.view().methods)

    # -- records

    def records(self, ids: Iterable[int]) -> dict[int, Record]:
        """The records of these ids, those that exist."""
        wanted = [int(id_) for id_ in ids]
        found: dict[int, Record] = {}
        for start in range(0, len(wanted), MOST):
            some = wanted[start : start + MOST]
            found |= {one.record.id: one.record for one in self.entries(f"id in {some}")} if some else {}
        return found

    def by_path(self, path: str) -> Record | None:
        """The living record of a path."""
        from lookalike.milvus.expressions import expression_of
        from lookalike.query.conditions import FIELDS, Compared

        same = expression_of(Compared(FIELDS["path"], "=", (path,)))
        return next((one.record for one in self.entries(same.text) if one.record.path == path), None)

    def iterate(self, status: str, *, with_reason: bool = False) -> Iterator[Record]:
        """All records of a status (with a reason) by ascending id, a page at a time."""
        for entries in self.pages(f'status == "{status}"'):
            yield from (one.record for one in entries if one.record.reason is not None or not with_reason)

    def pages(self, condition: str = "") -> Iterator[list[Entry]]:
        """All records for which an expression holds, by ascending id."""
        asked = f"({condition}) and " if condition else ""
        for low, high in self.ranges():
            yield self.entries(f"{asked}id >= {low} and id < {high}")

    def ranges(self) -> Iterator[tuple[int, int]]:
        """Runs of ids, no more of them than Milvus answers at once."""
        state = self.state()
        newest = 0 if state is None else state["newest"]
        for low in range(0, newest + 1, MOST):
            yield low, low + MOST

    def counts(self) -> dict[str, int]:
        """How many records there are of each status."""
        return {status: self.server.count(self.tables.records, f'status == "{status}"') for status in STATUSES}

    def damaged(self) -> int:
        """How many living pictures are not whole."""
        return sum(1 for _ in self.iterate("ok", with_reason=True))

    def skipped(self) -> dict[str, int]:
        """How many files of which kind are known to be no pictures."""
        found: dict[str, int] = {}
        for record in self.iterate("skipped"):
            found[record.format or ""] = found.get(record.format or "", 0) + 1
        return found

    def ids_where(self, condition: Filter | None, view: View | None = None) -> Ids:
        """Ids of pictures for which a filter holds, ascending."""
        from lookalike.milvus.expressions import Expression, expression_of

        asked = Expression("", True) if condition is None else expression_of(condition.condition)
        found: list[int] = []
        where = f"{_FOUND} and ({asked.text})" if asked.text else _FOUND
        for low, high in self.ranges():
            page = f"{where} and id >= {low} and id < {high}"
            if asked.exact or condition is None:
                found += [row["id"] for row in self.server.query(self.tables.records, page, ["id"])]
            else:
                records = [one.record for one in self.entries(page)]
                found += self._with_keys(partial(_matching, records, condition))
        return np.sort(np.array(found, np.int64))

    def ids_of_content(self, sha256: str, view: View) -> list[int]:
        """Ids of the pictures that have this content, by its SHA-256 in hex, ascending."""
        rows = self.server.query(self.tables.records, f'{_FOUND} and sha256 == "{sha256}"', ["id"])
        return sorted(row["id"] for row in rows)

    def ids_with_word(self, word: str, column: Literal["path_text", "caption"], view: View) -> Ids:
        """Ids of pictures that have a word (or a form of it) in their path or their caption, ascending."""
        tokens = self._with_keys(lambda keys: keys.tokens(word))
        if not tokens:
            return np.zeros(0, np.int64)
        each = [f'json_contains(words["{column}"], {json.dumps(token, ensure_ascii=False)})' for token in tokens]
        where = " and ".join([_FOUND, *each])
        found: list[int] = []
        for low, high in self.ranges():
            page = f"{where} and id >= {low} and id < {high}"
            if len(tokens) == 1:
                found += [row["id"] for row in self.server.query(self.tables.records, page, ["id"])]
            else:  # the words have to stand side by side
                records = [one.record for one in self.entries(page)]
                match = column + ' : "' + word.replace('"', '""') + '"'
                found += self._with_keys(partial(_having, records, match))
        return np.sort(np.array(found, np.int64))

    def frequent(self, expression: str, limit: int) -> list[tuple[Any, int]]:
        """The most frequent values of an SQL expression (never of a user's making) among living pictures."""
        found: Counter[Any] = Counter()
        for page in self.pages(_FOUND):
            found.update(self._with_keys(partial(_values, [one.record for one in page], expression)))
        return sorted(found.items(), key=lambda item: (-item[1], item[0]))[:limit]

    def roots(self) -> list[str]:
        """Folders and files that were indexed by name."""
        return list(self._fact(ROOTS) or ())

    def far(self, method: str) -> float:
        """The squared distance beyond which keypoints of a method do not match."""
        return float(self._fact(FAR + method) or 0.0)

    def fact(self, key: str) -> Any:
        """A remembered JSON value, None when there is none."""
        return self._fact(REMEMBERED + key)

    def facts(self) -> dict[str, Any]:
        """All that is remembered."""
        rows = self.server.query(self.tables.facts, f'name like "{REMEMBERED}%"', ["name"])
        names = sorted({row["name"] for row in rows})
        return {name.removeprefix(REMEMBERED): self._fact(name) for name in names}

    def living(self) -> Ids:
        """Ids of all pictures that can be found, ascending."""
        return self.ids_where(None)

    # -- below

    def entries(self, condition: str) -> list[Entry]:
        """The records for which an expression holds, no more of them than Milvus answers at once, by ascending id."""
        rows = self.server.query(self.tables.records, condition, ["id", "record", "sum"])
        return sorted((read_entry(row["record"], row["sum"]) for row in rows), key=lambda one: one.record.id)

    def _fact(self, key: str, *, strong: bool = False) -> Any:
        rows = self.server.query(self.tables.facts, f"name == {json.dumps(key)}", ["part", "value"], strong=strong)
        text = "".join(row["value"] for row in sorted(rows, key=lambda row: int(row["part"])))
        if not text:
            return None
        try:
            return json.loads(text)
        except ValueError:
            raise CollectionError(f"{self.server.address} is damaged: migrate the collection again") from None

    def _with_keys(self, ask: Callable[[Keys], Any]) -> Any:
        with self._lock:
            if self._keys is None:
                self._keys = Keys()
            return ask(self._keys)


def _matching(records: Sequence[Record], where: Filter, keys: Keys) -> list[int]:
    return keys.matching(records, where.sql, where.params)


def _values(records: Sequence[Record], expression: str, keys: Keys) -> list[Any]:
    return keys.values(records, expression)


def _having(records: Sequence[Record], match: str, keys: Keys) -> list[int]:
    return keys.having(records, match)


def fact_rows(key: str, value: Any, longest: int) -> list[dict[str, Any]]:
    """A JSON value under a key as rows, in parts that fit."""
    text = json.dumps(value)
    parts: Sequence[str] = [text[at : at + longest] for at in range(0, len(text), longest)]
    return [
        {"key": f"{key}#{number}", "name": key, "part": number, "value": part, "vector": NOWHERE}
        for number, part in enumerate(parts)
    ]


def method_json(method: StoredMethod, items: int) -> dict[str, Any]:
    """A method as the state keeps it; items: how many pictures it describes."""
    layout = method.layout
    return {
        **{"id": method.id, "name": method.name, "params": method.params},
        **{"dtype": layout.dtype, "width": layout.width, "ragged": layout.ragged, "items": items},
    }


def _method(kept: dict[str, Any]) -> StoredMethod:
    layout = Layout(kept["dtype"], kept["width"], kept["ragged"])
    return StoredMethod(kept["id"], kept["name"], kept["params"], layout, 0, Extent(kept["items"], kept["items"]))
