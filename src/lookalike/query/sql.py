"""Conditions as SQL on a row of the table `images`.

Only constants of this file reach the SQL text; whatever the user typed travels as a parameter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from lookalike.errors import QueryError
from lookalike.query.conditions import (
    FIELDS,
    KILOMETRES_A_DEGREE,
    All,
    Any,
    Compared,
    Condition,
    Known,
    Like,
    Near,
    Not,
    Parameter,
)
from lookalike.query.syntax import shortened

Sql = tuple[str, tuple[Parameter, ...]]
"""An expression and its parameters, in order."""

_FOLDER = "rtrim(path_text, replace(path_text, '/', ''))"  # strips all that is not a slash from the right
_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "path": "path_text",
        "folder": f"rtrim({_FOLDER}, '/')",
        "name": f"substr(path_text, length({_FOLDER}) + 1)",
        "megapixels": "width * height / 1e6",
        "ratio": "width * 1.0 / height",
        "orientation": "CASE WHEN width > height THEN 'landscape' WHEN width < height THEN 'portrait'"
        " WHEN width = height THEN 'square' END",
        "modified": "mtime_ns",
    }
)
# A date is a period [first, end): its conditions compare with one or both of these.
_PERIODS = MappingProxyType(
    {
        "=": ("({0} >= ? AND {0} < ?)", (0, 1)),
        "!=": ("({0} < ? OR {0} >= ?)", (0, 1)),
        "<": ("{0} < ?", (0,)),
        "<=": ("{0} < ?", (1,)),
        ">": ("{0} >= ?", (1,)),
        ">=": ("{0} >= ?", (0,)),
    }
)


def sql_of(condition: Condition) -> Sql:
    """A condition for the WHERE clause of a query on `images`."""
    match condition:
        case All(parts):
            return _joined(" AND ", parts)
        case Any(parts):
            return _joined(" OR ", parts)
        case Not(Known(field)):
            return f"{column(field.name)} IS NULL", ()
        case Not(inner):
            sql, params = sql_of(inner)
            return f"NOT {sql}", params  # binds weaker than any comparison
        case Known(field):
            return f"{column(field.name)} IS NOT NULL", ()
        case Like(field, pattern):
            return _likely(field.name, pattern, _of_any_case(column(field.name), "LIKE", pattern))
        case Near():
            return _near(condition)
        case Compared():
            return _compared(condition)


def column(field: str) -> str:
    """The SQL that computes a field."""
    return _COLUMNS.get(field, field)


def expression(field: str) -> str:
    """The SQL that computes a field, or the year in which a picture was taken. Raises QueryError."""
    if field == "year":
        return "substr(taken, 1, 4)"
    if field not in FIELDS:
        raise QueryError(f"no field {shortened(field)}: the fields are {', '.join(FIELDS)}")
    return column(field)


def _joined(word: str, parts: Sequence[Condition]) -> Sql:
    made = [sql_of(part) for part in parts]
    return f"({word.join(sql for sql, _ in made)})", tuple(one for _, params in made for one in params)


def _compared(condition: Compared) -> Sql:
    sql = column(condition.field.name)
    if len(condition.value) == 2:
        pattern, ends = _PERIODS[condition.operator]
        return pattern.format(sql), tuple(condition.value[end] for end in ends)
    if condition.field.kind == "text":
        text = str(condition.value[0])
        found = _of_any_case(sql, condition.operator, text)
        return _likely(condition.field.name, text, found) if condition.operator == "=" else found
    return f"{sql} {condition.operator} ?", condition.value


def _likely(field: str, pattern: str, found: Sql) -> Sql:
    """What follows from a condition on a part of the path is asked first of the whole path, which is there already:
    the parts are computed of the few that are left, a tenth of the work."""
    if field not in ("folder", "name"):
        return found
    sql, params = _of_any_case("path_text", "LIKE", f"{pattern}%" if field == "folder" else f"%{pattern}")
    return f"({sql} AND {found[0]})", (*params, *found[1])


def _of_any_case(sql: str, operator: str, text: str) -> Sql:
    """SQLite itself knows the case of A to Z only, which is faster."""
    if text.isascii():
        return f"{sql} {operator} ?" if operator == "LIKE" else f"{sql} COLLATE NOCASE {operator} ?", (text,)
    return f"folded({sql}) {operator} ?", (text.casefold(),)


def _near(place: Near) -> Sql:
    east = KILOMETRES_A_DEGREE * math.cos(math.radians(place.latitude))
    turn = "min(abs(longitude - ?), 360 - abs(longitude - ?))"
    return (
        f"(latitude - ?) * (latitude - ?) * ? + {turn} * {turn} * ? <= ?",
        (
            *(place.latitude, place.latitude, KILOMETRES_A_DEGREE**2),
            *(*[place.longitude] * 4, east**2, place.kilometres**2),
        ),
    )
