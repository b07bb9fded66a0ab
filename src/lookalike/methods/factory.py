"""From a method's public name to the method: the one place that knows which there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lookalike.errors import QueryError
from lookalike.methods.base import Method

NAMES = ("phash", "color", "local", "embedding", "text")
"""Methods of a new collection unless others are asked for, in the order in which they are described."""


def make(name: str, params: Mapping[str, Any] | None = None) -> Method[Any]:
    """The method of a public name, e.g. "phash" or "embedding:clip-vit-b32", with parameters as kept in a collection.

    QueryError for an unknown name or parameters that do not belong to it.
    """
    kind, _, model = name.partition(":")
    arguments = dict(params or {})
    try:
        if kind == "phash":
            from lookalike.methods.phash import PHash

            return PHash(**arguments)
        if kind == "color":
            from lookalike.methods.color import Color

            return Color(**arguments)
        if kind == "local":
            from lookalike.methods.local import Local

            return Local(**arguments)
        if kind == "embedding":
            from lookalike.methods.embedding import Embedding

            return Embedding(**({"model": model} if model and not arguments else arguments))
        if kind == "text":
            from lookalike.methods.text import ConceptText

            return ConceptText(**arguments)
    except (TypeError, ValueError) as error:
        raise QueryError(f"{name}: {error}") from error
    raise QueryError(f"no method {name!r}; there are {', '.join(NAMES)}")


def make_all(kept: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Method[Any]]:
    """Several methods from names and kept parameters."""
    return [make(name, params) for name, params in kept]
