"""Conditions as expressions of Milvus.

An expression never misses a picture for which the condition holds. Where it may hold for others too - Milvus knows no
case, and patterns only by how they begin - it says so, and what it finds is compared again by the SQL of the condition.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from lookalike.milvus.records import UNKNOWN_DEGREES, text_key
from lookalike.query.conditions import (
    KILOMETRES_A_DEGREE,
    All,
    Any,
    Compared,
    Condition,
    Field,
    Known,
    Like,
    Near,
    Not,
    Operator,
    Parameter,
)

_OPPOSITE: dict[Operator, Operator] = {"=": "!=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_ALWAYS_KNOWN = ("id", "path", "folder", "name", "bytes", "modified")
_LARGEST = 2**53  # beyond, numbers of the engine are not exact


@dataclass(frozen=True, slots=True)
class Expression:
    """text: "" where it says nothing, so that all pictures are found. exact: whether no others are."""

    text: str
    exact: bool


def expression_of(condition: Condition) -> Expression:
    """What to ask Milvus for."""
    return _wanted(condition, True)


def _wanted(condition: Condition, so: bool) -> Expression:
    """Where a condition holds, or (so is False) where it surely does not: what is not known is neither."""
    match condition:
        case Not(inner):
            return _wanted(inner, not so)
        case All(parts):
            return _both(parts, so) if so else _either(parts, so)
        case Any(parts):
            return _either(parts, so) if so else _both(parts, so)
        case Known(field):
            return _known(field, so)
        case Like(field, pattern):
            return _like(field, pattern) if so else _inexact(_known(field))
        case Near():
            return _near(condition, so)
        case Compared(field, operator, value):
            return _compared(field, operator if so else _OPPOSITE[operator], value)


def _both(parts: Sequence[Condition], so: bool) -> Expression:
    found = [_wanted(part, so) for part in parts]
    return Expression(" and ".join(f"({one.text})" for one in found if one.text), all(one.exact for one in found))


def _either(parts: Sequence[Condition], so: bool) -> Expression:
    found = [_wanted(part, so) for part in parts]
    exact = all(one.exact for one in found)
    if not all(one.text for one in found):
        return Expression("", exact and any(not one.text and one.exact for one in found))
    return Expression(" or ".join(f"({one.text})" for one in found), exact)


def _known(field: Field, so: bool = True) -> Expression:
    """Where there is a value, or where there is none."""
    match field:
        case Field(name) if name in _ALWAYS_KNOWN:
            return Expression("" if so else "id < 0", True)
        case Field("taken"):
            return Expression(f'taken {"!=" if so else "=="} ""', True)
        case Field(name, "text"):
            return Expression(f'{name}_key {"!=" if so else "=="} ""', True)
        case Field("latitude" | "longitude" as name):
            return Expression(f"{name} {'<' if so else '>='} {UNKNOWN_DEGREES}", True)
        case _:
            return Expression(f"{field.name} {'>=' if so else '<'} 0", True)


def _inexact(found: Expression) -> Expression:
    return Expression(found.text, False)


def _compared(field: Field, operator: Operator, value: tuple[Parameter, ...]) -> Expression:
    known = _known(field)
    if field.kind == "text":
        if operator != "=":
            return _inexact(known)
        return Expression(f"{field.name}_key == {json.dumps(text_key(str(value[0])), ensure_ascii=False)}", False)
    if not all(_can_be_said(field, one) for one in value):
        return _inexact(known)
    said = _of_period(field.name, operator, value) if len(value) == 2 else _plain(field.name, operator, value[0])
    return Expression(f"{known.text} and ({said})" if known.text else said, True)


def _can_be_said(field: Field, value: Parameter) -> bool:
    if isinstance(value, str):
        return True
    if field.name in ("id", "modified"):
        return isinstance(value, int)
    return math.isfinite(value) and abs(value) < _LARGEST


def _plain(name: str, operator: Operator, value: Parameter) -> str:
    said = json.dumps(value) if isinstance(value, str) else repr(value)
    return f"{name} {'==' if operator == '=' else operator} {said}"


def _of_period(name: str, operator: Operator, value: tuple[Parameter, ...]) -> str:
    """A date is a period [first, end)."""
    first, end = value
    match operator:
        case "=":
            return f"{_plain(name, '>=', first)} and {_plain(name, '<', end)}"
        case "!=":
            return f"{_plain(name, '<', first)} or {_plain(name, '>=', end)}"
        case "<" | ">=":
            return _plain(name, operator, first)
        case "<=":
            return _plain(name, "<", end)
        case ">":
            return _plain(name, ">=", end)


def _like(field: Field, pattern: str) -> Expression:
    """What stands before the first sign that stands for others."""
    begins = re.split("[%_]", pattern, maxsplit=1)[0]
    key = text_key(begins)
    if not begins or "\\" in key:
        return _inexact(_known(field))
    return Expression(f"{field.name}_key like {json.dumps(key + '%', ensure_ascii=False)}", False)


def _near(place: Near, so: bool) -> Expression:
    """The rectangle around the circle, away from the poles and from where longitudes begin again."""
    known = _both([Known(Field("latitude", "number")), Known(Field("longitude", "number"))], True)
    high = place.kilometres / KILOMETRES_A_DEGREE * 1.001 + 1e-6
    wide = high / max(math.cos(math.radians(place.latitude)), 1e-3) * 1.001
    if not so or abs(place.longitude) + wide >= 180:
        return _inexact(known)
    return Expression(
        f"latitude >= {place.latitude - high!r} and latitude <= {place.latitude + high!r} and "
        f"longitude >= {place.longitude - wide!r} and longitude <= {place.longitude + wide!r}",
        False,
    )
