"""What is asked: one committed state of a collection, wherever it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Protocol

from lookalike.arrays.rows import Ids, Rows
from lookalike.index.base import Index
from lookalike.methods.base import Method
from lookalike.query.filters import Filter
from lookalike.significance.model import Null
from lookalike.store.catalogue import Record
from lookalike.store.methods import StoredMethod
from lookalike.store.view import View


class Records(Protocol):
    """What is known of the pictures."""

    def records(self, ids: Iterable[int], /) -> dict[int, Record]:
        """The records of these ids, those that exist."""
        ...

    def ids_where(self, where: Filter, view: View, /) -> Ids:
        """Ids of a view's pictures for which a filter holds, ascending."""
        ...

    def ids_of_content(self, sha256: str, view: View, /) -> list[int]:
        """Ids of a view's pictures with this content, by its SHA-256 in hex, ascending."""
        ...

    def ids_with_word(self, word: str, column: Literal["path_text", "caption"], view: View, /) -> Ids:
        """Ids of a view's pictures that have a word (or a form of it) in their path or their caption, ascending."""
        ...


class Searched(Protocol):
    """The indexes, methods and null models of one `View`. Safe for threads."""

    @property
    def view(self) -> View: ...

    @property
    def catalogue(self) -> Records: ...

    @property
    def methods(self) -> Mapping[str, StoredMethod]:
        """What the collection holds, by name."""
        ...

    def method(self, name: str, /) -> Method[Any]:
        """The method as this collection keeps it; QueryError when it does not."""
        ...

    def index(self, name: str, kind: str = "auto", /) -> Index[Any]:
        """The index of a method; QueryError for a kind that it has not."""
        ...

    def descriptor(self, name: str, id_: int, /) -> Any:
        """What a method keeps of a picture; KeyError when that is nothing."""
        ...

    def sample(self, name: str, most: int, /) -> Rows:
        """Packed descriptors of so many pictures at most, from all over the collection."""
        ...

    def null(self, name: str, /) -> Null | None:
        """The null model of a method; None where nothing is known of it."""
        ...
