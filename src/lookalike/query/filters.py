"""Filters on what is known of a picture, `taken >= 2020 and width > 1000`: the language, read into conditions.

any        = all {"or" all}          all  = one {"and" one}       one = "not" one | "(" any ")" | condition
condition  = "has" FIELD | FIELD "is" ["not"] "null" | FIELD ("=" | "!=" | "<" ...) value
           | FIELD ["not"] ("like" STRING | "in" "(" value {"," value} ")" | "between" value "and" value)
           | "near" "(" LATITUDE "," LONGITUDE "," KILOMETRES ")"
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from lookalike.errors import QueryError
from lookalike.query.conditions import (
    FIELDS,
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
from lookalike.query.dates import FORMS, PATTERN, period
from lookalike.query.sql import sql_of
from lookalike.query.syntax import mistake, shortened

MAX_LENGTH = 2_000
MAX_DEPTH = 10  # a level takes up to 7 of the 100 symbols that SQLite keeps on its parser stack
MAX_NEAR_KM = 100.0


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that was understood.

    condition: what it asks for. sql, params: the same as an SQL expression on a row of the table `images` and its
    parameters, in order. hints: what may have been meant, for when nothing is found.
    """

    condition: Condition
    sql: str
    params: tuple[Parameter, ...] = ()
    hints: tuple[str, ...] = ()


_UNITS = MappingProxyType(
    {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
    | {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
)
_KEYWORDS = frozenset({"and", "or", "not", "has", "is", "null", "like", "in", "between", "near"})
_OPERATORS: tuple[Operator, ...] = ("=", "!=", "<", "<=", ">", ">=")
_COMPARISONS: Mapping[str, Operator] = MappingProxyType({op: op for op in _OPERATORS} | {"<>": "!=", "==": "="})
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
    """What a filter asks for. Raises QueryError at the mistake.

    `taken` is compared as ISO 8601 text ("T" between date and time), `modified` as nanoseconds of local time.
    """
    if len(text) > MAX_LENGTH:
        raise QueryError(f"the filter is {len(text)} characters long: at most {MAX_LENGTH}")
    if not text.strip():
        raise QueryError("the filter is empty: write for example taken >= 2020 and width > 1000")
    condition = _Parser(text).parse()
    return Filter(condition, *sql_of(condition), _hints(condition))


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
    """Recursive descent over the tokens; each rule of the grammar is a method that returns its condition."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.next = 0

    def parse(self) -> Condition:
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

    def any(self, depth: int) -> Condition:
        if depth > MAX_DEPTH:
            raise self.wrong(f"nested too deeply: at most {MAX_DEPTH} levels")
        parts = [self.all(depth)]
        while self.accept("or"):
            parts.append(self.all(depth))
        return _joined(Any, parts)

    def all(self, depth: int) -> Condition:
        parts = [self.one(depth)]
        while self.accept("and"):
            parts.append(self.one(depth))
        return _joined(All, parts)

    def one(self, depth: int) -> Condition:
        negated = False
        while self.accept("not"):
            negated = not negated
        if self.accept("("):
            inner = self.any(depth + 1)
            self.expect(")")
        else:
            inner = self.condition()
        return Not(inner) if negated else inner

    def condition(self) -> Condition:
        if self.accept("near"):
            return self.near()
        if self.accept("has"):
            return Known(self.field())
        token = self.peek
        field = self.field()
        if self.accept("is"):
            negated = self.accept("not")
            self.expect("null")
            return Known(field) if negated else Not(Known(field))
        if self.peek.word in _COMPARISONS:
            operator = _COMPARISONS[self.take().word]
            return Compared(field, operator, self.value(token, field))
        negated = self.accept("not")
        if self.accept("like"):
            found = self.like(token, field)
        elif self.accept("in"):
            found = self.within(token, field)
        elif self.accept("between"):
            low = self.value(token, field)
            self.expect("and")
            high = self.value(token, field)
            found = All((Compared(field, ">=", low), Compared(field, "<=", high)))
        else:
            raise self.wrong("expected = != < <= > >= like, in, between or is")
        return Not(found) if negated else found

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

    def like(self, name: _Token, field: Field) -> Condition:
        if field.kind != "text":
            raise self.wrong(f"like goes with text, and {name.text} is none: compare it with < = >", name)
        (pattern,) = self.value(name, field)
        return Like(field, str(pattern))

    def within(self, name: _Token, field: Field) -> Condition:
        self.expect("(")
        parts: list[Condition] = [Compared(field, "=", self.value(name, field), listed=True)]
        while self.accept(","):
            parts.append(Compared(field, "=", self.value(name, field), listed=True))
        self.expect(")")
        return _joined(Any, parts)

    def near(self) -> Condition:
        self.expect("(")
        latitude = self.bounded("a latitude", -90, 90)
        self.expect(",")
        longitude = self.bounded("a longitude", -180, 180)
        self.expect(",")
        distance = self.bounded("a distance in kilometres", 0, MAX_NEAR_KM)
        self.expect(")")
        return Near(latitude, longitude, distance)

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


def _joined(kind: type[All] | type[Any], parts: list[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


def _hints(condition: Condition) -> tuple[str, ...]:
    """A folder is compared as a whole path, which nobody types."""
    match condition:
        case All(parts) | Any(parts):
            return tuple(hint for part in parts for hint in _hints(part))
        case Compared(Field(name), "=", (value,), listed=False) if name in ("folder", "path") and "'" not in str(value):
            said = shortened(str(value))
            return (f"no {name} is exactly '{said}': {name} like '%{said}%' finds it within a path",)
        case _:
            return ()


def _number(text: str, unit: int) -> Parameter:
    """An int when it is one and SQLite can hold it (64 bits), else a float."""
    if text.lstrip("+-").isdigit() and abs(int(text) * unit) < 2**63:
        return int(text) * unit
    return float(text) * unit


def _iso(moment: datetime) -> str:
    """Midnight as the date alone, so that a stored date without time compares right."""
    return moment.isoformat() if moment.time() != datetime.min.time() else moment.date().isoformat()
