"""Which of two files of one size was encoded from the other? Encoding one as the other was gives the other, or not."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import JpegImagePlugin

from lookalike.duplicates.compression import LARGEST, SIDE, made_from
from lookalike.duplicates.group import AS_IS
from lookalike.duplicates.turns import undone
from lookalike.pictures.formats import UnreadableError, decoding

Luma = NDArray[np.float32]

GIVEN = 0.5
"""Mean grey levels up to which what encoding a picture gives is the other file; 0 for the same encoder."""
AS_GIVEN = 1.0  # the same where the other way round it is much worse
_WORSE, _MORE = 3.0, 0.15  # times that, and grey levels beyond
_RECODED = 4.0  # mean grey levels that nothing but encoding changes at most
_BLOCKS = 0.06
"""How much stronger the edges of blocks must be, beyond those that a file's own quantisation makes."""
_AS_STRONG = 0.6  # of the blocks of the JPEG that it was made from: a change of tones leaves 0.9 to 1.3 of them
_CLIP = 8.0  # grey levels: edges of things are larger
_LOSSY = {"WEBP", "AVIF"}
_ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True)
class _Part:
    """The middle of a picture as it is stored, from a corner of blocks on, and how a JPEG was encoded."""

    picture: PIL.Image.Image
    format: str
    size: tuple[int, int]
    turned: int
    tables: dict[int, list[int]]
    sampling: int

    def like(self, other: _Part) -> bool:
        return self.size == other.size and self.turned == other.turned


def encoded_from(path: str, source: str) -> bool | None:
    """Whether a file was encoded from another as it is; False: that one from it; None when it cannot be said.

    Of two JPEGs, encoding the original with the tables of the copy gives the copy; not the other way round. What a JPEG
    lost, WebP and AVIF cannot have brought back: when encoding those does not give the JPEG, they were made from it.
    """
    one, other = _part(path), _part(source)
    if one is None or other is None or not one.like(other):
        return None
    if one.format == other.format == "JPEG":
        return _told(_missed(other, one), _missed(one, other))
    if one.format == "JPEG" and other.format in _LOSSY:
        told = encoded_from(source, path)
        return None if told is None else not told
    if one.format not in _LOSSY or other.format != "JPEG" or _apart(one.picture, other.picture) > _RECODED:
        return None
    return _missed(one, other) > GIVEN or made_from(path, source, AS_IS) is True


def turned_from(path: str, source: str, there: str, back: str) -> bool | None:
    """As `encoded_from`, of two JPEGs one of which was mirrored or turned.

    there: what makes the first out of the source; back: what makes the source out of it.
    """
    one, other = _part(path), _part(source)
    source_as_one, one_as_source = _part(source, back), _part(path, there)
    if one is None or other is None or source_as_one is None or one_as_source is None:
        return None
    if not (
        one.format == other.format == "JPEG" and one.size == source_as_one.size and one.turned == other.turned == 1
    ):
        return None
    return _told(_missed(source_as_one, one), _missed(one_as_source, other))


def _told(here: float, back: float) -> bool | None:
    if min(here, back) > AS_GIVEN or max(here, back) <= _WORSE * min(here, back) + _MORE:
        return None
    return here < back


def blockier(path: str, other: str) -> bool:
    """Whether a JPEG has blocks that its own quantisation does not explain, and the other of one size has not, although
    its blocks are no stronger: those of a coarser one hide what it was made from.

    What its own explains is measured on the picture moved by half a block and encoded again (calibration: Fridrich,
    Goljan and Hogea 2002).
    """
    one, two = _part(path), _part(other)
    if one is None or two is None or not one.like(two) or one.format != "JPEG" or two.format != "JPEG":
        return False
    (blocks, own), (others, theirs) = _blocks(one), _blocks(two)
    return blocks - own > max(_BLOCKS / 2, others - theirs + _BLOCKS) and blocks > _AS_STRONG * others


def _blocks(part: _Part) -> tuple[float, float]:
    """How blocky a JPEG is, and how much its own quantisation makes it so."""
    moved = part.picture.crop((4, 4, *part.picture.size))
    return _blockiness(_luma(part.picture)), _blockiness(_luma(_encoded(moved, part)))


def _blockiness(luma: Luma) -> float:
    """How much stronger steps between blocks of 8 pixels are than others beside them, of all steps."""
    found = []
    for grey in (luma, luma.T):
        steps = np.abs(np.diff(grey, axis=1))
        if steps.shape[1] < 16:
            return 0.0
        sharper = np.clip(steps[:, 1:-1] - (steps[:, :-2] + steps[:, 2:]) / 2, -_CLIP, _CLIP)
        by_phase = [float(sharper[:, (phase - 2) % 8 :: 8].mean()) for phase in range(8)]
        found.append((by_phase[0] - float(np.median(by_phase[1:]))) / (float(np.minimum(steps, _CLIP).mean()) + 0.5))
    return float(np.mean(found))


def _part(path: str, variant: str = AS_IS) -> _Part | None:
    """variant: what to undo before the middle is taken."""
    try:
        with decoding(), PIL.Image.open(path) as opened:
            if opened.width * opened.height > LARGEST:
                return None
            tables = getattr(opened, "quantization", {})
            sampling = JpegImagePlugin.get_sampling(opened) if opened.format == "JPEG" else -1
            turned = opened.getexif().get(_ORIENTATION, 1)
            whole = undone(opened.convert("RGB"), variant)
            left, top = (max(0, (side - SIDE) // 2 // 16 * 16) for side in whole.size)
            box = left, top, min(left + SIDE, whole.width), min(top + SIDE, whole.height)
            return _Part(whole.crop(box), opened.format or "", whole.size, turned, tables, sampling)
    except UnreadableError:
        return None


def _missed(source: _Part, made: _Part) -> float:
    """How far a JPEG is from what encoding the source as it was gives, in mean grey levels."""
    return _apart(_encoded(source.picture, made), made.picture)


def _encoded(picture: PIL.Image.Image, way: _Part) -> PIL.Image.Image:
    data = io.BytesIO()
    tables = [way.tables[number] for number in sorted(way.tables)][:2]
    picture.save(data, "JPEG", qtables=tables, subsampling=max(way.sampling, 0))
    return PIL.Image.open(data)


def _apart(one: PIL.Image.Image, other: PIL.Image.Image) -> float:
    return float(np.abs(_luma(one) - _luma(other)).mean())


def _luma(picture: PIL.Image.Image) -> Luma:
    return np.asarray(picture.convert("YCbCr").getchannel(0), np.float32)
