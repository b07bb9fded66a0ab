"""Colour histogram: how much of which colour a picture holds, compared by histogram intersection.

After M. J. Swain and D. H. Ballard, "Color Indexing", IJCV 7 (1991). Bins are in the order of OpenCV's calcHist over
the channels red, green, blue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.methods.base import Layout, Parameter, Traits, Variant
from lookalike.pictures.open import Image

if TYPE_CHECKING:
    from lookalike.arrays.rows import Ragged
    from lookalike.index.base import IndexKind

# 255 * 255 pixels: no count can exceed 16 bits.
LONGEST_SIDE = 255
BINS = (8, 16)


@dataclass(frozen=True, slots=True)
class ColorParams:
    """bins: 8 or 16 a channel, the histogram has bins ** 3."""

    bins: int = 16

    def __post_init__(self) -> None:
        if self.bins not in BINS:
            raise ValueError(f"bins is {self.bins!r}: 8 or 16 is needed")


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """counts: (bins ** 3,) uint16, bin red * bins ** 2 + green * bins + blue. `a - b` is 1 - intersection, 0..1."""

    counts: NDArray[np.uint16]

    @property
    def normalised(self) -> NDArray[np.float32]:
        """(bins ** 3,) float32 that sum to 1."""
        shares: NDArray[np.float32] = (self.counts / self.counts.sum(dtype=np.int64)).astype(np.float32)
        return shares

    def __sub__(self, other: Histogram) -> float:
        if self.counts.shape != other.counts.shape:
            raise ValueError(f"histograms of {self.counts.size} and {other.counts.size} bins do not compare")
        shared = np.minimum(self.normalised, other.normalised).sum(dtype=np.float64)
        return max(0.0, 1.0 - float(shared))


class Color:
    """RGB histogram of bins ** 3 bins; distance: 1 - histogram intersection."""

    name = "color"
    nothing = "no colours"
    parameters = (Parameter("bins", 16, "8 or 16", "steps of red, green and blue; the histogram has bins ** 3"),)
    traits = Traits("color", 0.05, tail="pareto", cheap=True, exact="exact", faster=("auto", "hnsw"))

    def __init__(self, bins: int = 16) -> None:
        self.params = ColorParams(bins)
        self.layout = Layout("uint16", 2, ragged=True, below=bins**3)

    def describe(self, image: Image) -> Histogram:
        """The histogram of the picture reduced to at most 255 pixels on its longest side. Every picture has one."""
        bins = self.params.bins
        red, green, blue = np.moveaxis(reduced(image) // np.uint8(256 // bins), 2, 0).astype(np.uint16)
        places = (red * np.uint16(bins) + green) * np.uint16(bins) + blue
        return Histogram(np.bincount(places.ravel(), minlength=bins**3).astype(np.uint16))

    def describe_query(self, image: Image) -> list[Variant[Histogram]]:
        """One way only: mirroring and turning keep the colours."""
        return [Variant("as is", self.describe(image))]

    def query_of(self, descriptor: Histogram) -> list[Variant[Histogram]]:
        return [Variant("as is", descriptor)]

    def pack(self, descriptor: Histogram) -> NDArray[np.uint16]:
        """(m, 2): bin and count of the m bins that are not empty, bins ascending."""
        (filled,) = np.nonzero(descriptor.counts)
        return np.stack([filled.astype(np.uint16), descriptor.counts[filled]], axis=1)

    def unpack(self, rows: NDArray[Any]) -> Histogram:
        counts = np.zeros(self.params.bins**3, np.uint16)
        counts[rows[:, 0]] = rows[:, 1]
        return Histogram(counts)

    def index_kind(self, kind: str = "auto") -> IndexKind[Ragged, Any]:
        """kind: "auto" (Hellinger shortlist, then exact intersection), "exact", "l1", "l2", "hellinger" or "hnsw"."""
        from lookalike.index.histograms import HistogramKind

        return HistogramKind(self.params.bins**3, kind)


def reduced(image: Image) -> NDArray[np.uint8]:
    """(h, w, 3) averaged over squares of a whole number of pixels, to at most 255 on the longest side."""
    factor = -(-max(image.rgb.shape[:2]) // LONGEST_SIDE)
    return image.rgb if factor == 1 else np.asarray(image.picture.reduce(factor))
