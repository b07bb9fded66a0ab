"""Distances in every method's own unit to one number for display."""

from __future__ import annotations

from typing import Any

from lookalike.methods.base import Method


def similarity(method: Method[Any], distance: float) -> float:
    """0..1, 1 for identical descriptors. Comparable within a method only."""
    if method.name == "phash":
        return max(0.0, 1.0 - distance / (4.0 * method.layout.width))  # unrelated hashes differ in half their bits
    return min(1.0, max(0.0, 1.0 - distance))
