"""Ways of being alike, one a file, each usable alone: `PHash().describe(open_image(path))`."""

from lookalike.methods.color import Color
from lookalike.methods.phash import PHash

__all__ = ["Color", "PHash"]
