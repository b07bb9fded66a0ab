"""JSON as it is sent, and what of a picture is told to whom."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from lookalike.errors import printable
from lookalike.server.settings import Role

if TYPE_CHECKING:
    from lookalike.search.match import Match
    from lookalike.store.catalogue import Record


class Json(JSONResponse):
    """UTF-8 JSON of plain values."""

    def render(self, content: Any) -> bytes:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Eyes:
    """What one visitor gets to see of paths and places. roots: the collection's folders."""

    role: Role
    roots: Sequence[str]

    def path(self, path: str) -> str:
        """The whole path for an admin, for others from the name of the indexed folder on."""
        if self.role < Role.admin:
            inside = [root for root in self.roots if path == root or path.startswith(os.path.join(root, ""))]
            above = os.path.dirname(max(inside, key=len, default=path).rstrip(os.sep))
            path = os.path.relpath(path, above) if above else os.path.basename(path)
        return printable(path)

    def text(self, text: str) -> str:
        """A message without the names of folders above the indexed ones."""
        if self.role < Role.admin:
            for root in sorted(self.roots, key=len, reverse=True):
                text = text.replace(os.path.join(printable(os.path.dirname(root)), ""), "")
        return text

    def match(self, match: Match) -> dict[str, Any]:
        """The fields of a Match as plain values."""
        return {**match.to_json(), "path": self.path(match.path)}

    def record(self, record: Record) -> dict[str, Any]:
        """The fields of a Record; where a picture was taken is not for visitors."""
        found = {**asdict(record), "path": self.path(record.path), "name": printable(os.path.basename(record.path))}
        if self.role < Role.read:
            found |= {"latitude": None, "longitude": None}
        return found
