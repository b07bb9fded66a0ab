"""Which copy to keep: the one that shows most, and why, in words."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import ImageError
from lookalike.image import open_image
from lookalike.store.catalogue import Record

LOOKED_AT = 8
"""Pictures of a group that are opened to judge their detail, the largest first."""
_SIZE = 2048  # pixels of the longest side at which detail is judged
_BLANK = 0.05  # grey levels of detail below which there is nothing to judge
_ENLARGED = 0.42  # enlarged twice: 0.20-0.42 also after JPEG; photos at their true size: 0.55-1.3
_ALIKE = 1.1  # pixel counts within this factor are one size
_BLURRED = 0.7  # of the sharpest one's detail
LOSSLESS = {"PNG", "TIFF", "BMP", "PPM", "QOI", "TGA", "GIF", "PCX", "SGI"}


@dataclass(frozen=True)
class _Candidate:
    record: Record

    @property
    def pixels(self) -> int:
        return (self.record.width or 0) * (self.record.height or 0)

    @property
    def has_exif(self) -> bool:
        return self.record.taken is not None or self.record.camera is not None

    @property
    def is_raw(self) -> bool:
        return self.record.format == "RAW"

    @property
    def is_lossless(self) -> bool:
        return self.record.format in LOSSLESS

    @property
    def is_link(self) -> bool:
        return os.path.islink(self.record.path)

    @cached_property
    def detail(self) -> tuple[int, float]:
        """How many times its sides could be halved without loss, and its finest detail in grey levels."""
        try:
            rgb = open_image(self.record.path, size=_SIZE).rgb
        except ImageError:
            return 0, 0.0
        return enlarged(np.asarray(rgb, np.float32).mean(axis=2))

    @property
    def true_pixels(self) -> float:
        return float(self.pixels / 4 ** self.detail[0])


def choose(records: Sequence[Record]) -> tuple[int, str]:
    """The id of the record to keep, and the reason.

    What counts, in this order: pixels (of an enlarged picture, those that it had before), a raw file, what the camera
    wrote (EXIF), sharpness, bytes, a lossless format. Among equals: a file rather than a link, the older, then the
    shorter path.
    """
    if len(records) == 1:
        return records[0].id, "the whole picture; the others show parts of it"
    if len({record.sha256 for record in records}) == 1:
        kept = min(records, key=_habit)
        return kept.id, _among_identical(kept, records)
    candidates = sorted((_Candidate(record) for record in records), key=lambda one: (-one.pixels, _habit(one.record)))
    looked_at = candidates[:LOOKED_AT]
    most = max(one.true_pixels for one in looked_at)
    large = [one for one in looked_at if one.true_pixels * _ALIKE >= most]
    sharpest = max(one.detail[1] for one in large)
    best = min(
        large,
        key=lambda one: (
            one.is_link,
            not one.is_raw,
            not one.has_exif,
            one.detail[1] < _BLURRED * sharpest,
            -one.record.bytes,
            not one.is_lossless,
            _habit(one.record),
        ),
    )
    return best.record.id, _reason(best, [one for one in looked_at if one is not best], len(records))


def enlarged(grey: NDArray[np.float32]) -> tuple[int, float]:
    """How many times a picture's sides were doubled without adding detail (0..3), and its finest detail.

    Detail is what is lost by halving the sides and doubling them again. Halving once more loses about as much in a
    picture whose size is true, but far more in one that was enlarged.
    """
    halvings, finest, here = 0, -1.0, _loss(grey)
    while halvings < 3 and min(grey.shape) >= 64:
        if finest < 0:
            finest = here
        grey = _halved(grey)
        coarser = _loss(grey)
        if coarser < _BLANK or here > _ENLARGED * coarser:
            break
        halvings, here = halvings + 1, coarser
    return halvings, max(finest, 0.0)


def _halved(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    even = grey[: grey.shape[0] // 2 * 2, : grey.shape[1] // 2 * 2]
    return np.asarray((even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4, np.float32)


def _loss(grey: NDArray[np.float32]) -> float:
    """Mean absolute difference to the picture halved and smoothly doubled, in grey levels."""
    import PIL.Image

    small = _halved(grey)
    even = grey[: small.shape[0] * 2, : small.shape[1] * 2]
    back = PIL.Image.fromarray(small).resize((even.shape[1], even.shape[0]), PIL.Image.Resampling.BICUBIC)
    return float(np.abs(np.asarray(back) - even).mean())


def _habit(record: Record) -> tuple[bool, int, int, str]:
    """What people prefer among equals: the file itself, the older, the shorter path."""
    return os.path.islink(record.path), record.mtime_ns, len(record.path), record.path


def _among_identical(best: Record, records: Sequence[Record]) -> str:
    if os.path.islink(best.path) or all(not os.path.islink(one.path) for one in records):
        older = all(one.mtime_ns > best.mtime_ns for one in records if one is not best)
        return "identical files; the oldest" if older else "identical files; the shortest path among the oldest"
    return "identical files; the file itself, not a link to it"


def _reason(best: _Candidate, others: Sequence[_Candidate], pictures: int) -> str:
    """What tells the kept picture from the others, the most important first."""
    parts = [_size_reason(best, others)]
    if best.is_raw:
        parts.append("camera raw file")
    if best.has_exif:
        alone = not any(one.has_exif for one in others)
        parts.append("the only one with camera data (EXIF)" if alone else "with camera data (EXIF)")
    rivals = [one for one in others if one.true_pixels * _ALIKE >= best.true_pixels]
    if any(one.detail[1] < _BLURRED * best.detail[1] for one in rivals):
        parts.append("sharper")
    if rivals and best.record.bytes > max(one.record.bytes for one in rivals):
        parts.append("most bytes" if len(rivals) > 1 else "more bytes")
    if best.is_lossless and not all(one.is_lossless for one in others):
        parts.append(f"lossless {best.record.format}")
    if len(parts) == 1 and rivals and not any(one.record.bytes < best.record.bytes for one in rivals):
        parts.append(
            "the oldest" if best.record.mtime_ns < min(one.record.mtime_ns for one in rivals) else "equal otherwise"
        )
    if pictures > LOOKED_AT:
        parts.append(f"among the {LOOKED_AT} largest")
    return ", ".join(parts)


def _size_reason(best: _Candidate, others: Sequence[_Candidate]) -> str:
    largest = max(others, key=lambda one: one.true_pixels)
    own = _by(best.record)
    if best.detail[0] < largest.detail[0] and largest.pixels <= best.pixels * _ALIKE <= largest.pixels * _ALIKE**2:
        return f"{own}, with more detail than {'the other' if len(others) == 1 else 'the others'} of that size"
    enlarged_ones = [one for one in others if one.pixels > best.pixels * _ALIKE]
    if enlarged_ones:
        return f"{own} of true detail; {_by(enlarged_ones[0].record)} is only an enlargement"
    if best.true_pixels > largest.true_pixels * _ALIKE:
        return f"largest: {own}; {'the other is' if len(others) == 1 else 'the others at most'} {_by(largest.record)}"
    return f"{own}, as large as any"


def _by(record: Record) -> str:
    return f"{record.width} x {record.height}"
