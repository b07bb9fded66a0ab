"""What a filter asks for, as a tree: whoever keeps records turns it into the language of their engine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

KILOMETRES_A_DEGREE = 6371.0 * math.pi / 180

Parameter = str | int | float
Kind = Literal["text", "number", "bytes", "taken", "modified"]
Operator = Literal["=", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Field:
    """What can be asked for: its name and the kind of its values."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Known:
    """There is a value."""

    field: Field


@dataclass(frozen=True, slots=True)
class Compared:
    """value: one, or for a date the first moment of its period and the first after it. listed: as one of several.

    Text of any case is the same.
    """

    field: Field
    operator: Operator
    value: tuple[Parameter, ...]
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Like:
    """Text by a pattern: % is any characters, _ is one; of any case."""

    field: Field
    pattern: str


@dataclass(frozen=True, slots=True)
class Near:
    """Taken within so many kilometres of a place, in degrees.

    On a plane that touches the Earth there, the shorter way around: 2 % off at most up to 70 degrees.
    """

    latitude: float
    longitude: float
    kilometres: float


@dataclass(frozen=True, slots=True)
class Not:
    """What is not known is neither so nor not so."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any:
    parts: tuple[Condition, ...]


Condition: TypeAlias = Known | Compared | Like | Near | Not | All | Any

_KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "id": "number",
        "path": "text",
        "folder": "text",
        "name": "text",
        "format": "text",
        "width": "number",
        "height": "number",
        "megapixels": "number",
        "ratio": "number",
        "orientation": "text",
        "bytes": "bytes",
        "taken": "taken",
        "modified": "modified",
        "camera": "text",
        "caption": "text",
        "latitude": "number",
        "longitude": "number",
    }
)
FIELDS: Mapping[str, Field] = MappingProxyType({name: Field(name, kind) for name, kind in _KINDS.items()})
