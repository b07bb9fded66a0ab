"""Which copy to keep: the one that shows most, and why, in words."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from lookalike.errors import ImageError
from lookalike.pictures.open import open_image
from lookalike.store.catalogue import Record

LOOKED_AT = 8
"""Pictures of a group that are opened to judge their detail, the largest first."""
_SIZE = 1280  # pixels of the longest side at which detail is judged
_BLANK = 0.05  # grey levels of detail below which there is nothing to judge
_ENLARGED = 0.42  # enlarged twice: 0.20-0.42 also after JPEG; photos at their true size: 0.55-1.3
_MOST_SWOLLEN = 3.0  # an enlargement that one halving undoes may have been one of three times
_GREY = 1.0  # a picture whose colours are nearer to grey than this has none
_ALIKE = 1.1  # pixel counts within this factor are one size
_BLURRED = 0.7  # of the sharpest one's detail
LOSSLESS = {"PNG", "TIFF", "BMP", "PPM", "QOI", "TGA", "GIF", "PCX", "SGI"}


@dataclass(frozen=True, slots=True)
class _Look:
    """halvings: how many times its sides could be halved without loss. finest: its finest detail, chroma: how far
    its colours are from grey, both in grey levels."""

    halvings: int
    finest: float
    chroma: float


@dataclass(frozen=True)
class _Candidate:
    record: Record

    @property
    def pixels(self) -> int:
        return _pixels(self.record)

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
    def look(self) -> _Look:
        """What opening it shows; nothing when it cannot be opened."""
        try:
            picture = open_image(self.record.path, size=_SIZE).picture
        except ImageError:
            return _Look(0, 0.0, 0.0)
        halvings, finest = enlarged(np.asarray(picture.convert("L"), np.float32))
        chroma = np.asarray(picture.convert("YCbCr").reduce(4), np.float32)[..., 1:] - 128
        return _Look(halvings, finest, float(np.abs(chroma).mean()))

    @property
    def true_pixels(self) -> float:
        return self.pixels / (_MOST_SWOLLEN**2 * 4 ** (self.look.halvings - 1) if self.look.halvings else 1)


def choose(records: Sequence[Record]) -> tuple[int, str]:
    """The id of the record to keep, and the reason.

    What counts, in this order: pixels (of an enlarged picture, those that it had before), a raw file, colours where
    others are grey, what the camera wrote (EXIF), sharpness, bytes, a lossless format. Among equals: a file rather
    than a link, the older, then the shorter path.
    """
    if len(records) == 1:
        return records[0].id, "the whole picture; the others show parts of it"
    if len({record.sha256 for record in records}) == 1:
        kept = min(records, key=_habit)
        return kept.id, _among_identical(kept, records)
    looked_at: list[_Candidate] = []
    most = 0.0
    for one in sorted((_Candidate(record) for record in records), key=lambda one: (-one.pixels, _habit(one.record))):
        if one.pixels * _ALIKE < most or len(looked_at) == LOOKED_AT:
            break
        looked_at.append(one)
        most = max(most, one.true_pixels)
    large = [one for one in looked_at if one.true_pixels * _ALIKE >= most]
    colourful = max(one.look.chroma for one in large)
    sharpest = max(one.look.finest for one in large)
    best = min(
        large,
        key=lambda one: (
            one.is_link,
            not one.is_raw,
            one.look.chroma < _GREY <= colourful,
            not one.has_exif,
            one.look.finest < _BLURRED * sharpest,
            -one.record.bytes,
            not one.is_lossless,
            _habit(one.record),
        ),
    )
    smaller = max(
        (record for record in records if all(record is not one.record for one in looked_at)), key=_pixels, default=None
    )
    return best.record.id, _reason(best, [one for one in looked_at if one is not best], smaller)


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
    if min(grey.shape) < 2:
        return 0.0
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


def _reason(best: _Candidate, rivals: Sequence[_Candidate], smaller: Record | None) -> str:
    """What tells the kept picture from the others, the most important first.

    rivals: those that were looked at; smaller: the largest of those that need not be.
    """
    parts = [_size_reason(best, rivals, smaller)]
    equals = [one for one in rivals if one.true_pixels * _ALIKE >= best.true_pixels]
    if best.is_raw:
        parts.append("camera raw file")
    if any(one.look.chroma < _GREY <= best.look.chroma for one in equals):
        parts.append("in colour")
    if best.has_exif:
        alone = bool(equals) and not any(one.has_exif for one in equals)
        parts.append("the only one with camera data (EXIF)" if alone else "with camera data (EXIF)")
    if any(one.look.finest < _BLURRED * best.look.finest for one in equals):
        parts.append("sharper")
    if equals and best.record.bytes > max(one.record.bytes for one in equals):
        parts.append("most bytes" if len(equals) > 1 else "more bytes")
    if best.is_lossless and equals and not all(one.is_lossless for one in equals):
        parts.append(f"lossless {best.record.format}")
    if len(parts) == 1 and equals:
        older = best.record.mtime_ns < min(one.record.mtime_ns for one in equals)
        parts.append("the oldest" if older else "equal otherwise")
    return ", ".join(parts)


def _size_reason(best: _Candidate, rivals: Sequence[_Candidate], smaller: Record | None) -> str:
    own = _by(best.record)
    less = [one for one in rivals if one.true_pixels * _ALIKE < best.true_pixels]
    swollen = [one for one in less if one.pixels * _ALIKE >= best.pixels]
    if swollen:
        return f"{own} of true detail; {_by(swollen[0].record)} is only blurred or enlarged"
    if len(rivals) > len(less):
        return f"{own}, as large as any"
    second = max([one.record for one in less] + ([] if smaller is None else [smaller]), key=_pixels)
    return f"largest: {own}, the next {_by(second)}"


def _pixels(record: Record) -> int:
    return (record.width or 0) * (record.height or 0)


def _by(record: Record) -> str:
    return f"{record.width} x {record.height}"
