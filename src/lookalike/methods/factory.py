"""From a method's public name to the method: the one place that knows which there are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from lookalike.errors import QueryError
from lookalike.methods.base import Method, Parameter

NAMING = "model"
"""The parameter that is part of a method's name where it is not the default: "embedding:clip-vit-b32"."""

ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class MethodKind:
    """A way of being alike: its name, what it finds, and where its class is, which is loaded when it is needed."""

    name: str
    finds: str
    module: str
    cls: str

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What may be chosen about it."""
        found: tuple[Parameter, ...] = self._class.parameters
        return found

    def parameter(self, name: str) -> Parameter:
        """The parameter of a name. QueryError, with the names there are, for another one."""
        for one in self.parameters:
            if one.name == name:
                return one
        raise QueryError(f"{self.name} has no parameter {name!r}; {self.choices()}")

    def choices(self) -> str:
        """Its parameters on one line, for messages."""
        told = [f"{one.name} ({one.values}; default {one.default})" for one in self.parameters]
        return f"it takes {', '.join(told)}" if told else "it takes none"

    def make(self, arguments: Mapping[str, Any]) -> Method[Any]:
        """The method with these arguments. TypeError or ValueError for ones that do not belong to it."""
        method: Method[Any] = self._class(**arguments)
        return method

    @property
    def _class(self) -> Any:
        return getattr(import_module(f"lookalike.methods.{self.module}"), self.cls)


KINDS = {
    kind.name: kind
    for kind in (
        MethodKind("phash", "resized, re-encoded, retouched, mirrored and turned copies", "phash", "PHash"),
        MethodKind("color", "the same colours", "color", "Color"),
        MethodKind("local", "crops, collages, a cover on a table, any turn and scale", "local", "Local"),
        MethodKind("embedding", "what looks similar to a neural network", "embedding", "Embedding"),
        MethodKind("text", "what is described in words", "text", "ConceptText"),
    )
}
NAMES = tuple(KINDS)
"""Methods of a new collection unless others are asked for, in the order in which they are described."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A method as a person names it. name: the public one, under which a collection holds it; given: the parameters
    that were named; stored: those of them that make other descriptors."""

    kind: MethodKind
    name: str
    given: dict[str, int | str]

    @property
    def stored(self) -> dict[str, int | str]:
        return {name: value for name, value in self.given.items() if self.kind.parameter(name).stored}

    @property
    def passing(self) -> dict[str, int | str]:
        """Those that say only how descriptors are made."""
        return {name: value for name, value in self.given.items() if not self.kind.parameter(name).stored}


def parse(text: str) -> Choice:
    """ "phash", "phash:hash_size=32", "local:features=orb,budget=500", "embedding:clip-vit-b32,providers=cuda".

    QueryError for an unknown method, a parameter that it does not have, or a value that cannot be one.
    """
    name, _, rest = text.partition(":")
    kind = KINDS.get(name)
    if kind is None:
        raise QueryError(f"no method {name!r}; there are {', '.join(NAMES)}")
    given: dict[str, int | str] = {}
    # only a comma with an assignment behind it separates: the path of a model may have others
    for number, part in enumerate(re.split(r",(?=[A-Za-z_]\w*=)", rest) if rest else ()):
        assignment = ASSIGNMENT.fullmatch(part)
        if assignment is None:
            if number or all(one.name != NAMING for one in kind.parameters):
                raise QueryError(f"{text}: {part!r} is no parameter, as in NAME=VALUE; of {name}, {kind.choices()}")
            given[NAMING] = part
            continue
        key, value = assignment.groups()
        parameter = kind.parameter(key)
        if key in given:
            raise QueryError(f"{text}: {key} is given twice")
        given[key] = _value(parameter, value)
    model = given.get(NAMING)
    plain = model is None or model == kind.parameter(NAMING).default
    return Choice(kind, name if plain else f"{name}:{model}", given)


def make(text: str, kept: Mapping[str, Any] | None = None) -> Method[Any]:
    """The method of a public name, e.g. "phash" or "embedding:clip-vit-b32", with its parameters as in `parse`.

    kept: the parameters it has in a collection, which hold unless the text names others. QueryError for an unknown
    name or parameters that do not belong to it.
    """
    choice = parse(text)
    try:
        return choice.kind.make({**(kept or {}), **choice.given})
    except (TypeError, ValueError) as error:
        raise QueryError(f"{text}: {error}") from error


def make_all(kept: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Method[Any]]:
    """Several methods from names and kept parameters."""
    return [make(name, params) for name, params in kept]


def _value(parameter: Parameter, text: str) -> int | str:
    if isinstance(parameter.default, str):
        return text
    try:
        return int(text)
    except ValueError:
        raise QueryError(f"{parameter.name} is {text!r}: a whole number, {parameter.values}, is needed") from None
