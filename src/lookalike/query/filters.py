"""Filters on what is known of a picture, `taken >= 2020 and width > 1000`, compiled to SQL with parameters.

Only constants of this file reach the SQL text; whatever the user typed travels as a parameter.

    any        = all {"or" all}          all  = one {"and" one}       one = "not" one | "(" any ")" | condition
    condition  = "has" FIELD | FIELD "is" ["not"] "null" | FIELD ("=" | "!=" | "<" ...) value
               | FIELD ["not"] ("like" STRING | "in" "(" value {"," value} ")" | "between" value "and" value)
               | "near" "(" LATITUDE "," LONGITUDE "," KILOMETRES ")"
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from lookalike.errors import QueryError
from lookalike.query.dates import FORMS, PATTERN, period
from lookalike.query.syntax import mistake, shortened

MAX_LENGTH = 2_000
MAX_DEPTH = 10  # a level takes up to 7 of the 100 symbols that SQLite keeps on its parser stack
MAX_NEAR_KM = 100.0

Parameter = str | int | float
Kind = Literal["text", "number", "bytes", "taken", "modified"]


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on one row of the table `images`: an SQL expression and its parameters, in order.

    hints: what may have been meant, for when nothing is found.
    """

    sql: str
    params: tuple[Parameter, ...] = ()
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """What can be asked for: the kind of its values and the SQL expression that computes it."""

    kind: Kind
    sql: str


_FOLDER = "rtrim(path_text, replace(path_text, '/', ''))"  # strips all that is not a slash from the right
FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "id": Field("number", "id"),
        "path": Field("text", "path_text"),
        "folder": Field("text", f"rtrim({_FOLDER}, '/')"),
        "name": Field("text", f"substr(path_text, length({_FOLDER}) + 1)"),
        "format": Field("text", "format"),
        "width": Field("number", "width"),
        "height": Field("number", "height"),
        "megapixels": Field("number", "width * height / 1e6"),
        "ratio": Field("number", "width * 1.0 / height"),
        "orientation": Field(
            "text",
            "CASE WHEN width > height THEN 'landscape' WHEN width < height THEN 'portrait'"
            " WHEN width = height THEN 'square' END",
        ),
        "bytes": Field("bytes", "bytes"),
        "taken": Field("taken", "taken"),
        "modified": Field("modified", "mtime_ns"),
        "camera": Field("text", "camera"),
        "caption": Field("text", "caption"),
        "latitude": Field("number", "latitude"),
        "longitude": Field("number", "longitude"),
    }
)
_UNITS = MappingProxyType(
    {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
    | {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
)
_KEYWORDS = frozenset({"and", "or", "not", "has", "is", "null", "like", "in", "between", "near"})
_COMPARISONS = MappingProxyType({op: op for op in ("=", "!=", "<", "<=", ">", ">=")} | {"<>": "!=", "==": "="})
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
_TOKEN = re.compile(
    rf"""(?P<string>'(?:[^']|'')*' | "(?:[^"]|"")*")
      | (?P<date>(?=[0-9]{{4}}-[0-9]){PATTERN} | [0-9]{{1,2}}\.[0-9]{{1,2}}\.[0-9]{{4}}(?![\w.-]))
      | (?P<number>[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+))
      | (?P<word>[^\W\d]\w*)
      | (?P<mark><>|[<>!=]=|[<>=(),])""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # a group of _TOKEN, or "end"
    text: str
    at: int

    @property
    def word(self) -> str:
        """What keywords and marks are compared with; a quoted "and" is no keyword."""
        return self.text.lower() if self.kind in ("word", "mark") else ""


def compile_filter(text: str) -> Filter:
    """The SQL of a filter, for the WHERE clause of a query on `images`. Raises QueryError at the mistake.

    `taken` is compared as ISO 8601 text ("T" between date and time), `modified` as nanoseconds of local time.
    """
    if len(text) > MAX_LENGTH:
        raise QueryError(f"the filter is {len(text)} characters long: at most {MAX_LENGTH}")
    if not text.strip():
        raise QueryError("the filter is empty: write for example taken >= 2020 and width > 1000")
    return _Parser(text).parse()


def expression(field: str) -> str:
    """The SQL that computes a field, or the year in which a picture was taken. Raises QueryError."""
    if field == "year":
        return f"substr({FIELDS['taken'].sql}, 1, 4)"
    if field not in FIELDS:
        raise QueryError(f"no field {shortened(field)}: the fields are {', '.join(FIELDS)}")
    return FIELDS[field].sql


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        found = _TOKEN.match(text, at)
        if found is None:
            raise mistake(text, at, "this quote is never closed" if text[at] in "'\"" else "not understood here")
        tokens.append(_Token(found.lastgroup or "", found.group(), at))
        at = found.end()
    return [*tokens, _Token("end", "", len(text))]


class _Parser:
    """Recursive descent over the tokens; each rule of the grammar is a method that returns its SQL."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.next = 0

    def parse(self) -> Filter:
        whole = self.any(0)
        if self.peek.kind != "end":
            raise self.wrong("expected and, or, or the end")
        return whole

    @property
    def peek(self) -> _Token:
        return self.tokens[self.next]

    def take(self) -> _Token:
        token = self.peek
        self.next += token.kind != "end"
        return token

    def accept(self, word: str) -> bool:
        found = self.peek.word == word
        self.next += found
        return found

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise self.wrong(f"expected {word}")

    def wrong(self, problem: str, token: _Token | None = None) -> QueryError:
        return mistake(self.text, (token or self.peek).at, problem)

    def any(self, depth: int) -> Filter:
        if depth > MAX_DEPTH:
            raise self.wrong(f"nested too deeply: at most {MAX_DEPTH} levels")
        parts = [self.all(depth)]
        while self.accept("or"):
            parts.append(self.all(depth))
        return _joined(" OR ", parts)

    def all(self, depth: int) -> Filter:
        parts = [self.one(depth)]
        while self.accept("and"):
            parts.append(self.one(depth))
        return _joined(" AND ", parts)

    def one(self, depth: int) -> Filter:
        negated = False
        while self.accept("not"):
            negated = not negated
        if self.accept("("):
            inner = self.any(depth + 1)
            self.expect(")")
        else:
            inner = self.condition()
        return _not(inner) if negated else inner

    def condition(self) -> Filter:
        if self.accept("near"):
            return self.near()
        if self.accept("has"):
            return Filter(f"{self.field().sql} IS NOT NULL")
        token = self.peek
        field = self.field()
        if self.accept("is"):
            negated = self.accept("not")
            self.expect("null")
            return Filter(f"{field.sql} IS {'NOT ' if negated else ''}NULL")
        if self.peek.word in _COMPARISONS:
            operator = _COMPARISONS[self.take().word]
            value = self.value(token, field)
            found = _compared(field, operator, value)
            return replace(found, hints=_hints(token.text.lower(), value)) if operator == "=" else found
        negated = self.accept("not")
        if self.accept("like"):
            found = self.like(token, field)
        elif self.accept("in"):
            found = self.within(token, field)
        elif self.accept("between"):
            low = self.value(token, field)
            self.expect("and")
            high = self.value(token, field)
            found = _joined(" AND ", [_compared(field, ">=", low), _compared(field, "<=", high)])
        else:
            raise self.wrong("expected = != < <= > >= like, in, between or is")
        return _not(found) if negated else found

    def field(self) -> Field:
        token = self.take()
        name = token.text.lower()
        if token.kind != "word" or name in _KEYWORDS:
            raise self.wrong("expected a field, such as width, taken or path", token)
        if name not in FIELDS:
            near = difflib.get_close_matches(name, FIELDS, n=1, cutoff=0.6)
            remedy = f"did you mean {near[0]}?" if near else f"the fields are {', '.join(FIELDS)}"
            raise self.wrong(f"no field {shortened(token.text)}: {remedy}", token)
        return FIELDS[name]

    def like(self, name: _Token, field: Field) -> Filter:
        if field.kind != "text":
            raise self.wrong(f"like goes with text, and {name.text} is none: compare it with < = >", name)
        (pattern,) = self.value(name, field)
        return _of_any_case(f"{field.sql}", "LIKE", str(pattern))

    def within(self, name: _Token, field: Field) -> Filter:
        self.expect("(")
        parts = [_compared(field, "=", self.value(name, field))]
        while self.accept(","):
            parts.append(_compared(field, "=", self.value(name, field)))
        self.expect(")")
        return _joined(" OR ", parts)

    def near(self) -> Filter:
        """Within a distance on the ground, on a plane that touches the Earth there: 2 % off at most up to 70°."""
        self.expect("(")
        latitude = self.bounded("a latitude", -90, 90)
        self.expect(",")
        longitude = self.bounded("a longitude", -180, 180)
        self.expect(",")
        distance = self.bounded("a distance in kilometres", 0, MAX_NEAR_KM)
        self.expect(")")
        north = 6371.0 * math.pi / 180  # kilometres per degree
        east = north * math.cos(math.radians(latitude))
        turn = "min(abs(longitude - ?), 360 - abs(longitude - ?))"  # the shorter way around
        return Filter(
            f"(latitude - ?) * (latitude - ?) * ? + {turn} * {turn} * ? <= ?",
            (latitude, latitude, north**2, *[longitude] * 4, east**2, distance**2),
        )

    def bounded(self, what: str, low: float, high: float) -> float:
        token = self.take()
        if token.kind != "number" or not low <= float(token.text) <= high:
            raise self.wrong(f"expected {what}, a number from {low:g} to {high:g}", token)
        return float(token.text)

    def value(self, name: _Token, field: Field) -> tuple[Parameter, ...]:
        """The next value as parameters: one, or for dates the two ends of their period."""
        token = self.take()
        if token.kind not in ("string", "number", "date"):
            quoted = " (text goes in quotes)" if token.kind == "word" else ""
            raise self.wrong(f"expected a value{quoted}", token)
        unit = self.take() if token.kind == "number" and self.peek.word in _UNITS else None
        if unit and field.kind != "bytes":
            raise self.wrong(f"{unit.text} goes with bytes only", unit)
        match field.kind:
            case "text":
                if token.kind != "string":
                    raise self.wrong(f"{name.text} is text: put the value in quotes", token)
                return (self.string(token),)
            case "number" | "bytes":
                if token.kind != "number":
                    raise self.wrong(f"{name.text} is a number", token)
                return (_number(token.text, _UNITS[unit.word] if unit else 1),)
            case "taken":
                first, end = self.period(name, token)
                return _iso(first), _iso(end)
            case "modified":
                first, end = self.period(name, token)
                return int(first.timestamp()) * 10**9, int(end.timestamp()) * 10**9

    def string(self, token: _Token) -> str:
        quote = token.text[0]
        text = token.text[1:-1].replace(quote * 2, quote)
        if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
            raise self.wrong("this text holds a NUL character or bytes that are not valid text", token)
        return text

    def period(self, name: _Token, token: _Token) -> tuple[datetime, datetime]:
        """The first moment that a date covers, and the first after it."""
        try:
            found = period(self.string(token) if token.kind == "string" else token.text)
        except ValueError as error:
            raise self.wrong(str(error), token) from None
        if found is None:
            raise self.wrong(f"{name.text} is a date, such as {FORMS}", token)
        return found


def _compared(field: Field, operator: str, value: tuple[Parameter, ...]) -> Filter:
    if len(value) == 2:
        sql, ends = _PERIODS[operator]
        return Filter(sql.format(field.sql), tuple(value[end] for end in ends))
    if field.kind == "text":
        return _of_any_case(field.sql, operator, str(value[0]))
    return Filter(f"{field.sql} {operator} ?", value)


def _of_any_case(sql: str, operator: str, text: str) -> Filter:
    """SQLite itself knows the case of A to Z only, which is faster."""
    if text.isascii():
        return Filter(f"{sql} {operator} ?" if operator == "LIKE" else f"{sql} COLLATE NOCASE {operator} ?", (text,))
    return Filter(f"folded({sql}) {operator} ?", (text.casefold(),))


def _joined(word: str, parts: list[Filter]) -> Filter:
    if len(parts) == 1:
        return parts[0]
    params, hints = (tuple(one for part in parts for one in getattr(part, name)) for name in ("params", "hints"))
    return Filter(f"({word.join(part.sql for part in parts)})", params, hints)


def _not(inner: Filter) -> Filter:
    """In SQL, NOT binds weaker than any comparison."""
    return Filter(f"NOT {inner.sql}", inner.params)


def _hints(field: str, value: tuple[Parameter, ...]) -> tuple[str, ...]:
    """A folder is compared as a whole path, which nobody types."""
    if field not in ("folder", "path") or "'" in str(value[0]):
        return ()
    said = shortened(str(value[0]))
    return (f"no {field} is exactly '{said}': {field} like '%{said}%' finds it within a path",)


def _number(text: str, unit: int) -> Parameter:
    """An int when it is one and SQLite can hold it (64 bits), else a float."""
    if text.lstrip("+-").isdigit() and abs(int(text) * unit) < 2**63:
        return int(text) * unit
    return float(text) * unit


def _iso(moment: datetime) -> str:
    """Midnight as the date alone, so that a stored date without time compares right."""
    return moment.isoformat() if moment.time() != datetime.min.time() else moment.date().isoformat()
