"""Pointing at the place of a mistake in what a person typed: shared by the query and the filter language."""

from __future__ import annotations

import unicodedata

from lookalike.errors import QueryError

_SHOWN = 60  # characters of the input around the mistake: fits a terminal, also beside a 10,000-character text


def mistake(text: str, at: int, problem: str) -> QueryError:
    """A QueryError saying `problem`, with the input on the next line and a caret under position `at`."""
    start = max(0, min(at - _SHOWN // 2, len(text) - _SHOWN))
    before = ("…" if start else "") + text[start:at]
    after = text[at : start + _SHOWN] + ("…" if start + _SHOWN < len(text) else "")
    return QueryError(f"{problem}\n  {_one_line(before + after)}\n  {' ' * _columns(_one_line(before))}^")


def shortened(text: str, limit: int = 40) -> str:
    """A piece of input quoted in a message: one line, at most `limit` characters."""
    return _one_line(text if len(text) <= limit else text[: limit - 1] + "…")


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Cf" else "\N{WHITE SQUARE}" for c in text)


def _columns(text: str) -> int:
    """Terminal columns: wide East Asian characters take two, combining marks and format characters none."""
    return sum(
        0 if unicodedata.category(c) in ("Mn", "Me", "Cf") else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
