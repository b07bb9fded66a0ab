"""Which copy to keep: the original, as far as one can tell, and why, in words."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from lookalike.duplicates.compression import made_from
from lookalike.duplicates.encoding import blockier, encoded_from, turned_from
from lookalike.duplicates.group import AS_IS
from lookalike.duplicates.resampling import enlarged_from
from lookalike.duplicates.turns import between
from lookalike.errors import ImageError, QueryError, printable
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
_MINUTE = 60_000_000_000  # nanoseconds: files copied together differ by less
LOSSLESS = {"PNG", "TIFF", "BMP", "PPM", "QOI", "TGA", "GIF", "PCX", "SGI"}


@dataclass(frozen=True, slots=True)
class _Look:
    """halvings: how many times its sides could be halved without loss. finest: its finest detail, chroma: how far
    its colours are from grey, both in grey levels."""

    halvings: int
    finest: float
    chroma: float


@dataclass(frozen=True, slots=True)
class Preference:
    """What is asked for besides the original. rule: one of RULES. folders: what lies below the first of them that has
    a copy is kept, whatever else."""

    rule: str = "original"
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that shows all of the picture, and what its pixels say beside the one in the middle of the group.

    variant: what makes it out of that one. density: how many pixels it has for each of that one's. framed, cropped,
    marked, softer, noisier: as in `pixels.Seen`, it rather than another one.
    """

    record: Record
    variant: str = AS_IS
    density: float | None = None
    cropped: bool = False
    framed: bool = False
    marked: bool = False
    softer: bool = False
    noisier: bool = False


@dataclass
class _Candidate:
    """true_most: the pixels of another one of which it is an enlargement."""

    copy: Copy
    pixels: float
    true_most: float = np.inf

    @property
    def record(self) -> Record:
        return self.copy.record

    @property
    def has_exif(self) -> bool:
        return self.record.taken is not None or self.record.camera is not None

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
        swollen = _MOST_SWOLLEN**2 * 4 ** (self.look.halvings - 1) if self.look.halvings else 1
        return min(self.pixels / swollen, self.true_most)


Rule = tuple[str, Callable[[_Candidate, Sequence[_Candidate]], bool]]
"""Why what is left is better, and whether a candidate loses to one of the others."""

_ORIGINAL: tuple[Rule, ...] = (
    ("the file itself, not a link to it", lambda one, _: os.path.islink(one.record.path)),
    ("camera raw file", lambda one, _: one.record.format != "RAW"),
    ("size", lambda one, all_: one.true_pixels * _ALIKE < max(other.true_pixels for other in all_)),
    ("sharper", lambda one, all_: one.copy.softer or _looks_soft(one, all_)),
    ("uncropped", lambda one, _: one.copy.cropped),
    ("without a frame", lambda one, _: one.copy.framed),
    ("without marks or text", lambda one, _: one.copy.marked),
    ("in colour", lambda one, all_: one.look.chroma < _GREY <= max(other.look.chroma for other in all_)),
    ("not mirrored or turned as the others are not", lambda one, all_: _turned_alone(one, all_)),
    ("the only one with camera data (EXIF)", lambda one, _: not one.has_exif),
    ("the oldest", lambda one, all_: one.record.mtime_ns > min(other.record.mtime_ns for other in all_) + _MINUTE),
    ("compressed once, the other made from it", lambda one, all_: _made_from_another(one, all_)),
    ("without blocks of an earlier compression", lambda one, all_: _blockier(one, all_)),
    ("without added noise", lambda one, _: one.copy.noisier),
    ("most bytes", lambda one, all_: one.record.bytes < max(other.record.bytes for other in all_)),
    ("lossless", lambda one, _: one.record.format not in LOSSLESS),
)
RULES = ("original", "largest", "smallest", "oldest", "newest", "most-bytes", "shortest-path")


def choose(copies: Sequence[Copy], preference: Preference = Preference()) -> tuple[int, str]:
    """The id of the record to keep, and what decided.

    What counts, in this order: pixels where all show the same (of an enlarged picture, those that it had before) and
    detail, being uncropped, unframed, unmarked, in colour, not turned, camera data (EXIF), age, being compressed only
    once, no blocks of an earlier compression, bytes, a lossless format. Among equals: the older, then the shorter path.
    """
    if len(copies) == 1:
        return copies[0].record.id, "the whole picture; the others show parts of it"
    records = [copy.record for copy in copies]
    preferred, told = _preferred(records, preference)
    if len(preferred) == 1 or len({record.sha256 for record in preferred}) == 1:
        kept = min(preferred, key=_habit)
        return kept.id, told or _among_identical(kept, records)
    left = _candidates([copy for copy in copies if copy.record in preferred])
    all_, decided = left, [told] if told else []
    for name, loses in _ORIGINAL:
        winners = [one for one in left if not loses(one, left)]
        if winners and len(winners) < len(left):
            decided.append(name)
            left = winners
        if len({one.record.sha256 for one in left}) == 1:
            break
    best = min(left, key=lambda one: _habit(one.record))
    smaller = [record for record in preferred if all(record is not one.record for one in all_)]
    return best.record.id, _reason(best, [one for one in all_ if one is not best], smaller, decided)


def preferring(rule: str, folders: Sequence[str | os.PathLike[str]] = ()) -> Preference:
    """What is asked for, checked. Raises QueryError for a rule that does not exist."""
    if rule not in RULES:
        raise QueryError(f"no rule {rule!r} for what to keep; there are {', '.join(RULES)}")
    return Preference(rule, tuple(os.path.abspath(os.path.expanduser(os.fspath(folder))) for folder in folders))


def _preferred(records: Sequence[Record], preference: Preference) -> tuple[list[Record], str]:
    """What is left when the folders and the rule asked for have their way, and what decided; "" when nothing did."""
    for folder in preference.folders:
        within = [record for record in records if record.path.startswith(os.path.join(folder, ""))]
        if within and (len(within) < len(records) or preference.rule == "original"):
            kept, told = _preferred(within, Preference(preference.rule))
            return kept, f"in {printable(folder)}" + (f", {told}" if told else "")
    keys: dict[str, Callable[[Record], float]] = {
        "largest": lambda record: -_pixels(record),
        "smallest": _pixels,
        "oldest": lambda record: record.mtime_ns,
        "newest": lambda record: -record.mtime_ns,
        "most-bytes": lambda record: -record.bytes,
        "shortest-path": lambda record: len(record.path),
    }
    if preference.rule == "original":
        return list(records), ""
    key = keys[preference.rule]
    best = min(map(key, records))
    return [record for record in records if key(record) == best], preference.rule.replace("-", " ")


def _candidates(copies: Sequence[Copy]) -> list[_Candidate]:
    """The largest few, with their pixels counted where all show the same."""
    middle = next((_pixels(copy.record) for copy in copies if copy.density == 1), 0)
    counted = [
        _Candidate(copy, middle * copy.density if middle and copy.density else _pixels(copy.record)) for copy in copies
    ]
    looked_at: list[_Candidate] = []
    most = 0.0
    for one in sorted(counted, key=lambda one: (-one.pixels, _habit(one.record))):
        if one.pixels * _ALIKE < most:
            rivals = [other for other in looked_at if one.pixels * _ALIKE < other.true_pixels]
            if not all(_is_enlarged(other, one) for other in rivals):
                break
            for other in rivals:
                other.true_most = one.pixels / _ALIKE**2
            most = one.pixels
        if len(looked_at) == LOOKED_AT:
            break
        looked_at.append(one)
        most = max(most, one.true_pixels)
    return looked_at


def _is_enlarged(large: _Candidate, small: _Candidate) -> bool:
    """Whether the larger of two whole pictures was made from the smaller one."""
    if any(one.copy.framed or one.copy.cropped or one.copy.density is None for one in (large, small)):
        return False
    way = between(small.copy.variant, large.copy.variant)
    return enlarged_from(large.record.path, small.record.path, way)


def _looks_soft(one: _Candidate, all_: Sequence[_Candidate]) -> bool:
    """Whether it is blurred, as far as can be told when it was not laid over another."""
    unseen = one.copy.density is None
    return unseen and one.look.finest < _BLURRED * max(other.look.finest for other in all_)


def _turned_alone(one: _Candidate, all_: Sequence[_Candidate]) -> bool:
    """Whether more than half of the others agree on another way up, or on not being mirrored."""
    most = Counter(other.copy.variant for other in all_).most_common(1)[0]
    return most[1] * 2 > len(all_) > 2 and one.copy.variant != most[0]


def _made_from_another(one: _Candidate, all_: Sequence[_Candidate]) -> bool:
    """Whether it was made from one of the others, and that not from it."""
    for other in all_[:LOOKED_AT]:
        if other is one:
            continue
        there, back = between(one.copy.variant, other.copy.variant), between(other.copy.variant, one.copy.variant)
        ends = one.record.path, other.record.path
        encoded = encoded_from(*ends) if there == AS_IS else turned_from(*ends, there, back)
        if encoded:
            return True
        if encoded is not None or other.record.format != "JPEG":
            continue
        if made_from(one.record.path, other.record.path, there) and not (
            one.record.format == "JPEG" and made_from(other.record.path, one.record.path, back)
        ):
            return True
    return False


def _blockier(one: _Candidate, all_: Sequence[_Candidate]) -> bool:
    """Whether it shows the blocks of a JPEG that it was made from, by changing tones."""
    return any(
        other is not one and one.copy.variant == other.copy.variant and blockier(one.record.path, other.record.path)
        for other in all_[:LOOKED_AT]
    )


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


def _reason(best: _Candidate, rivals: Sequence[_Candidate], smaller: Sequence[Record], decided: Sequence[str]) -> str:
    """What decided, in the order in which it did.

    rivals: those that were looked at; smaller: those that need not be.
    """
    told = [] if decided and decided[0].startswith("in ") else [_size_reason(best, rivals, smaller)]
    told += [name if name != "lossless" else f"lossless {best.record.format}" for name in decided if name != "size"]
    return ", ".join(told) if len(told) > 1 or smaller or "size" in decided else f"{told[0]}, equal otherwise"


def _size_reason(best: _Candidate, rivals: Sequence[_Candidate], smaller: Sequence[Record]) -> str:
    own = _by(best.record)
    less = [one for one in rivals if one.true_pixels * _ALIKE < best.true_pixels]
    swollen = [one for one in less if one.pixels * _ALIKE >= best.pixels]
    if swollen:
        return f"{own} of true detail; {_by(swollen[0].record)} is only blurred or enlarged"
    if len(rivals) > len(less) or not (less or smaller):
        return f"{own}, as large as any"
    second = max([one.record for one in less] + list(smaller), key=_pixels)
    return f"largest: {own}, the next {_by(second)}"


def _pixels(record: Record) -> int:
    return (record.width or 0) * (record.height or 0)


def _by(record: Record) -> str:
    return f"{record.width} x {record.height}"
