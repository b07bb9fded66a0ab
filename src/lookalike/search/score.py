"""Distances in every method's own unit to one number for display."""

from __future__ import annotations

from lookalike.methods.base import Traits


def similarity(traits: Traits, distance: float) -> float:
    """0..1, 1 for identical descriptors. Comparable within a method only."""
    return min(1.0, max(0.0, 1.0 - distance / traits.farthest))
