"""The map of a collection: what looks alike lies together."""

from lookalike.atlas.atlas import Atlas, MapRegion

__all__ = ["Atlas", "MapRegion"]
