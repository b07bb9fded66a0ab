"""Perceptual hash: the signs of a picture's lowest frequencies, compared bit by bit.

After C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010), in the form that the
imagehash package made common: grey, squeezed into a square of 4 * hash_size pixels, 2-D DCT, the hash_size x
hash_size lowest frequencies, each against their median. The constant term stays in the block, so that row and
column 0 (plain vertical and horizontal waves, the sturdiest of all) keep their place; its own bit says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from lookalike.methods.base import Layout, Parameter, Traits, Variant
from lookalike.pictures.open import Image

if TYPE_CHECKING:
    from lookalike.index.base import IndexKind

OVERSAMPLING = 4
SMALLEST, LARGEST = 8, 32
# The median distance of a coefficient from the median of all, in grey levels (orthonormal DCT): below it most bits
# would be decided by rounding and compression noise. White pages, scans of empty paper, gradients and vignettes stay
# under 0.8 at any JPEG quality; the emptiest of 1,500 photos (a calm grey sea) has 2.6, 99 % have more than 11.
LEAST_STRENGTH = 1.0
WAYS = {
    "as is": (False, False, False),
    "mirrored": (False, True, False),
    "turned 90": (True, True, False),
    "turned 180": (False, True, True),
    "turned 270": (True, False, True),
}
"""Ways to hold a picture, turns clockwise: whether its waves are transposed, then the odd ones negated across, down."""
_BLOCK = 1 << 14  # hashes turned at once


@dataclass(frozen=True, slots=True)
class PHashParams:
    """hash_size: 8..32, the hash has hash_size ** 2 bits."""

    hash_size: int = 16

    def __post_init__(self) -> None:
        if not (isinstance(self.hash_size, int) and SMALLEST <= self.hash_size <= LARGEST):
            raise ValueError(f"hash_size is {self.hash_size!r}: a whole number from {SMALLEST} to {LARGEST} is needed")


@dataclass(frozen=True, slots=True, eq=False)
class Hash:
    """bits: (ceil(n / 8),) uint8, n bits packed row by row, most significant first. `a - b` is the Hamming distance."""

    bits: NDArray[np.uint8]

    def __sub__(self, other: Hash) -> int:
        if self.bits.shape != other.bits.shape:
            raise ValueError(f"hashes of {8 * self.bits.size} and {8 * other.bits.size} bits do not compare")
        return int(np.bitwise_count(self.bits ^ other.bits).sum())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hash) and np.array_equal(self.bits, other.bits)

    def __hash__(self) -> int:
        return hash(self.bits.tobytes())

    def __str__(self) -> str:
        return self.bits.tobytes().hex()

    @classmethod
    def from_hex(cls, text: str) -> Hash:
        """The inverse of `str(hash)`. Raises ValueError for anything but pairs of hexadecimal digits."""
        return cls(np.frombuffer(bytes.fromhex(text), np.uint8))


class PHash:
    """256 bits by default; distance: differing bits."""

    name = "phash"
    nothing = "flat or featureless: no hash"
    parameters = (Parameter("hash_size", 16, f"{SMALLEST} to {LARGEST}", "the hash has hash_size x hash_size bits"),)

    def __init__(self, hash_size: int = 16) -> None:
        self.params = PHashParams(hash_size)
        self.layout = Layout("uint8", -(-(hash_size**2) // 8))
        # unrelated hashes differ in half their bits
        self.traits = Traits(
            "copy", 0.005, hash_size**2 / 2, tail="gaussian", cheap=True, exact="scan", faster=("vptree",)
        )
        self._waves = cosines(OVERSAMPLING * hash_size)[:hash_size]

    def describe(self, image: Image) -> Hash | None:
        """The hash, or None for a picture without enough low-frequency content to decide its bits."""
        spectrum = self._spectrum(image)
        return None if spectrum is None else _hash(spectrum)

    def describe_query(self, image: Image) -> list[Variant[Hash]]:
        """Five ways to hold the query against the stored pictures, named by what is done to the query; turns are
        clockwise. All come from one spectrum: mirroring a picture negates its odd waves, turning also transposes."""
        upright = self._spectrum(image)
        if upright is None:
            return []
        sign = np.where(np.arange(len(upright)) % 2, -1.0, 1.0)
        variants = []
        for name, (transposed, across, down) in WAYS.items():
            spectrum = upright.T if transposed else upright
            spectrum = spectrum * sign if across else spectrum
            variants.append(Variant(name, _hash(spectrum * sign[:, None] if down else spectrum)))
        return variants

    def query_of(self, descriptor: Hash) -> list[Variant[Hash]]:
        """The same five ways, from the bits alone (see `turned_hashes`)."""
        turned = turned_hashes(descriptor.bits[None], self.params.hash_size, tuple(WAYS)[1:])
        held = [descriptor, *(Hash(codes[0]) for codes in turned)]
        return [Variant(name, bits) for name, bits in zip(WAYS, held, strict=True)]

    def pack(self, descriptor: Hash) -> NDArray[np.uint8]:
        return descriptor.bits[None, :]

    def unpack(self, rows: NDArray[Any]) -> Hash:
        return Hash(np.ascontiguousarray(rows[0], np.uint8))

    def index_kind(self, kind: str = "auto") -> IndexKind[NDArray[Any], Any]:
        """kind: "scan" (exact SIMD scan; "auto" is this) or "vptree" (exact, faster for small radii)."""
        if kind in ("auto", "scan"):
            from lookalike.index.hamming import HammingKind

            return HammingKind(self.layout.width)
        if kind == "vptree":
            from lookalike.index.vptree import VPTreeKind

            return VPTreeKind(self.layout.width)
        raise ValueError(f'phash has no index {kind!r}: "auto", "scan" or "vptree"')

    def _spectrum(self, image: Image) -> NDArray[np.float64] | None:
        """(hash_size, hash_size) lowest DCT-II coefficients of the squeezed grey picture, None below the gate."""
        spectrum = self._waves @ squeezed_grey(image, self._waves.shape[1]) @ self._waves.T
        strength = np.median(np.abs(spectrum - np.median(spectrum)))
        return spectrum if strength >= LEAST_STRENGTH else None


def squeezed_grey(image: Image, side: int) -> NDArray[np.float64]:
    """(side, side) Rec. 601 luma, averaged down without aliasing, aspect ratio given up."""
    grey = image.picture.convert("L")
    return np.asarray(grey.resize((side, side), PIL.Image.Resampling.LANCZOS, reducing_gap=2.0), np.float64)


def cosines(n: int) -> NDArray[np.float64]:
    """(n, n) orthonormal DCT-II: row u is wave u."""
    waves = np.cos(np.pi / n * np.outer(np.arange(n), np.arange(n) + 0.5)) * np.sqrt(2 / n)
    waves[0] *= np.sqrt(0.5)
    return np.asarray(waves, np.float64)


def turned_hashes(codes: NDArray[np.uint8], side: int, ways: Sequence[str]) -> list[NDArray[np.uint8]]:
    """About the hashes (n, w) of pictures held in each of these WAYS, from their own packed hashes (n, w).

    Exact but for the few bits near the median, which turning moves a little.
    """
    odd = (np.arange(side) % 2).astype(np.uint8)
    turned = [np.empty_like(codes) for _ in ways]
    for at in range(0, len(codes), _BLOCK):
        block = codes[at : at + _BLOCK]
        bits = np.unpackbits(block, axis=1)[:, : side * side].reshape(-1, side, side)
        for out, way in zip(turned, ways, strict=True):
            transposed, across, down = WAYS[way]
            held = bits.swapaxes(1, 2) if transposed else bits
            held = held ^ odd if across else held
            held = held ^ odd[:, None] if down else held
            out[at : at + _BLOCK] = np.packbits(held.reshape(len(block), -1), axis=1)
    return turned


def _hash(spectrum: NDArray[np.float64]) -> Hash:
    return Hash(np.packbits(spectrum > np.median(spectrum)))
