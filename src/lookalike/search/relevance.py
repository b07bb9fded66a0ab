"""How likely a picture is to be what the words mean, in words. The number itself is fitted by tools/learn_words.py."""

from __future__ import annotations

MATCHES = "matches text"
HARDLY = "hardly matches"

STRONG, FAIR, FLOOR = 0.5, 0.3, 0.15
"""Relevance from which a match is strong or fair; below the floor things that are not there come up as often."""


def strength(relevance: float) -> str:
    """ "strong", "fair", "weak" or "none"."""
    steps = (("strong", STRONG), ("fair", FAIR), ("weak", FLOOR))
    return next((word for word, least in steps if relevance >= least), "none")
