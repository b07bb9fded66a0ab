"""The map of a collection: what looks alike lies together."""

from lookalike.atlas.atlas import Atlas, Region

__all__ = ["Atlas", "Region"]
