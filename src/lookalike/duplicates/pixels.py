"""What only the pixels of two pictures can tell: whether they are one photograph, and which of them was changed how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lookalike.duplicates.group import CROP, EDITED, SCENE
from lookalike.duplicates.links import Link
from lookalike.duplicates.proof import Proof
from lookalike.errors import ImageError
from lookalike.pictures.open import Image, open_image
from lookalike.search.overlay import CELL, Floats, Overlay, cells_of, evened, lay_over, outline, project
from lookalike.search.versions import odds, residual, whole_frame

SIZE = 800
"""Pixels of the longest side at which pictures are opened to be compared."""
VERSIONS = ((0.1, -3.0), (0.2, -1.0), (0.45, 1.0), (1.0, 2.0))
"""The logarithm of the odds above which two pictures count as versions of one photograph, by the share of bits in which
their hashes differ at most: hashes of two photographs of one thing are seldom near, those of most edits are."""
OPENED = 32  # pictures kept open
_BEYOND = 0.015  # share of a picture's area that must lie beyond the other to say something about it
_FLAT, _MOSTLY = 4.0, 0.95  # grey levels of change in a frame, and the share of it that is so flat
_STEP = 10.0  # grey levels by which a frame ends at the picture, where it is not sky that was cut off
_WHOLLY = 0.97  # of a picture's area
_SHARPER = 1.25  # times the fine detail that the other one has
_GRAIN, _NOISIER = 5.0, 2.0  # grey levels of noise where it is plain, and times what the other has there
_MARK = (0.8, 0.08)  # of the contrast around, of the greys
_SMALLEST_MARK, _LARGEST_MARK = 0.001, 0.5  # of the area
_MARK_IS_NEW = 0.7  # how much of the edges of what differs one picture has for itself
_NO_EDGE = 0.1
_UNEVEN = 0.25  # spread of the logarithm of the ratio of contrasts

Geometry = Callable[[Link], Proof | None]
"""How keypoints lay a link's first picture over its second, None when they do not."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What two pictures show when they are laid over one another; ids of the pictures, None where it cannot be said.

    odds: of versions of one photograph, as a logarithm. density: pixels that the first has for each of the second.
    cropped: shows less; framed: has a flat frame around what the other shows; marked: has text or things on it that the
    other has not; softer: has less fine detail; noisier: has noise that the
    other has not. both_more: each shows something beyond the other.
    """

    odds: float
    density: float
    cropped: int | None = None
    framed: int | None = None
    marked: int | None = None
    softer: int | None = None
    noisier: int | None = None
    both_more: bool = False


class Eye:
    """Looks at links. paths: where the files of a picture are; pictures that cannot be opened keep the old evidence."""

    def __init__(self, paths: Callable[[int], Sequence[str]], geometry: Geometry) -> None:
        self._paths, self._geometry = paths, geometry
        self._open = lru_cache(OPENED)(self._opened)

    def look(self, link: Link) -> Link | None:
        """The link as its pixels show it: the same, a frame instead of a crop, or SCENE: two photographs.

        None for two parts of one photograph, which are neither.
        """
        one, other = self._open(link.first), self._open(link.second)
        if one is None or other is None:
            return link
        least = next(odds_ for share, odds_ in VERSIONS if link.bits <= share)
        best: tuple[float, Overlay] | None = None
        proof = self._geometry(link)
        misfit = None if proof is None else proof.misfit
        starts = [link.start, _by_variant(link, one, other), None if proof is None else proof.map]
        for start in [map_ for map_ in starts if map_ is not None]:
            overlay = _laid(one, other, start)
            said = None if overlay is None else odds(residual(overlay), misfit)
            if overlay is not None and said is not None and (best is None or said > best[0]):
                best = said, overlay
            if best is not None and best[0] > least:
                break
        if best is None:  # too plain to tell
            return link
        seen = _seen(link, one, other, *best)
        if seen.odds <= least:
            return replace(link, kind=SCENE, whole=None, seen=seen)
        if link.kind == SCENE:
            return self._after_all(link, seen)
        if link.kind == CROP and seen.framed == link.whole:
            return replace(link, kind=EDITED, whole=None, seen=seen)
        return replace(link, seen=seen)

    def sees(self, link: Link) -> bool:
        """Whether both pictures can be opened."""
        return self._open(link.first) is not None and self._open(link.second) is not None

    def _after_all(self, link: Link, seen: Seen) -> Link | None:
        """One photograph though neither hash nor keypoints say so: turned, bent. None: each shows more."""
        if seen.cropped is not None:
            return replace(link, kind=CROP, whole=link.other(seen.cropped), seen=seen)
        return None if seen.both_more else replace(link, kind=EDITED, seen=seen)

    def _opened(self, id_: int) -> Image | None:
        for path in self._paths(id_):
            try:
                return open_image(path, size=SIZE)
            except ImageError:
                continue
        return None


def _by_variant(link: Link, one: Image, other: Image) -> Floats:
    made = whole_frame((other.width, other.height), (one.width, one.height), link.variant)
    return np.asarray(np.linalg.inv(made), np.float64)


def _laid(one: Image, other: Image, start: Floats) -> Overlay | None:
    here, there = (np.diag([image.rgb.shape[1] / image.width] * 2 + [1.0]) for image in (one, other))
    return lay_over(one.rgb, other.rgb, there @ start @ np.linalg.inv(here))


def _seen(link: Link, one: Image, other: Image, said: float, overlay: Overlay) -> Seen:
    ids = link.first, link.second
    ends = (one, other)
    onto = [np.asarray(np.linalg.inv(overlay.maps[1 - end]) @ overlay.maps[end]) for end in (0, 1)]
    beyond = [_beyond(ends[end], onto[1 - end], ends[1 - end]) for end in (0, 1)]
    cropped = framed = None
    for end in (0, 1):
        if beyond[end] == "frame":
            framed = ids[end]
        elif beyond[end] == "more" and beyond[1 - end] != "more":
            cropped = ids[1 - end]
    marked, softer, noisier = (None if end is None else ids[end] for end in (_marked(overlay), *_detail(overlay)))
    density = _density(overlay, one, other)
    return Seen(float(said), density, cropped, framed, marked, softer, noisier, beyond == ["more", "more"])


def _density(overlay: Overlay, one: Image, other: Image) -> float:
    """How many pixels the first picture's file has for each of the second's, where both show the same."""
    height, width = overlay.inside.shape
    canvas = outline(width, height)
    areas = []
    for map_, image in zip(overlay.maps, (one, other), strict=True):
        quad = project(np.asarray(np.linalg.inv(map_), np.float64), canvas)
        areas.append(_area(quad) * (image.width / image.rgb.shape[1]) ** 2)
    return float(areas[0] / max(areas[1], 1e-9))


def _area(quad: Floats) -> float:
    x, y = quad.T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def _beyond(image: Image, map_: Floats, other: Image) -> str:
    """What a picture shows beyond the other one: "nothing", a "frame", or "more"."""
    import cv2

    height, width = image.rgb.shape[:2]
    quad = project(map_, outline(*other.rgb.shape[1::-1]))
    if not np.isfinite(quad).all():
        return "nothing"
    inner = np.zeros((height, width), np.uint8)
    cv2.fillPoly(inner, [np.round(np.clip(quad, -1e5, 1e5)).astype(np.int32)], 255)
    if (inner == 0).mean() < _BEYOND:
        return "nothing"
    grey = np.asarray(cv2.cvtColor(image.rgb, cv2.COLOR_RGB2GRAY), np.float32)
    ring = np.ones((9, 9), np.uint8)
    outer = cv2.dilate(inner, ring) == 0
    if not outer.any():
        return "nothing"
    change = cv2.morphologyEx(cv2.blur(grey, (3, 3)), cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8))
    if float((change[outer] < _FLAT).mean()) < _MOSTLY:
        return "more"
    near = outer & (cv2.dilate(inner, np.ones((19, 19), np.uint8)) > 0)
    edge = (inner > 0) & (cv2.erode(inner, ring, borderType=cv2.BORDER_CONSTANT, borderValue=255) == 0)
    if not near.any() or not edge.any():
        return "more"
    frame = np.median(image.rgb[near], axis=0)
    steps = np.abs(image.rgb[edge].astype(np.float32) - frame).max(axis=1)
    return "frame" if float(np.median(steps)) > _STEP else "more"


def _detail(overlay: Overlay) -> tuple[int | None, int | None]:
    """Which of the two, 0 or 1, lost fine detail that the other has, and which has noise that the other has not.

    What the fine parts of the two share is detail; noise is also where there is none.
    """
    import cv2

    fine, rough = [], []
    for colours in overlay.colours:
        grey = np.asarray(cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY), np.float32)
        soft = np.asarray(cv2.GaussianBlur(grey, (0, 0), 1.5), np.float32)
        fine.append(grey - soft)
        rough.append((soft - cv2.GaussianBlur(grey, (0, 0), 6))[overlay.inside])
    within = cells_of(overlay.inside)
    powers = [cells_of(np.asarray(cv2.blur(part * part, (CELL, CELL)), np.float32))[within] for part in fine]
    own = [part[overlay.inside] for part in fine]
    softer = noisier = None
    for end in (0, 1):
        contrast = abs(float(rough[0] @ rough[1])) / (float(rough[end] @ rough[end]) + 1)
        if (float(own[0] @ own[1]) + 1) / (float(own[end] @ own[end]) + 1) > _SHARPER * contrast:
            softer = end
        plain = powers[1 - end] <= np.quantile(powers[1 - end], 0.3) if len(powers[0]) else within[:0]
        grain, without = (float(np.sqrt(max(0.0, np.median(powers[which][plain])))) for which in (end, 1 - end))
        if grain > max(_GRAIN, _NOISIER * without):
            noisier = end
    return softer, noisier


def _marked(overlay: Overlay) -> int | None:
    """Which of the two, 0 or 1, has something on it: sharp edges in what differs, which the other has not.

    What differs must do so in grey and beside the contrast around, so that dark corners and faded colours are no marks,
    and in more than single pixels, as noise does.
    """
    import cv2

    one, other = (np.asarray(evened(grey) / np.float32(50), np.float32) for grey in overlay.grey)
    difference = one - other
    usual = float(np.median(np.abs(difference[overlay.inside])))
    raw = np.abs(overlay.grey[0] - overlay.grey[1])
    strong = (np.abs(difference) > max(_MARK[0], 6 * usual)) & (raw > _MARK[1]) & overlay.inside
    solid = cv2.morphologyEx(strong.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    if not _SMALLEST_MARK <= solid.sum() / overlay.inside.sum() <= _LARGEST_MARK:
        return None
    where = cv2.dilate(solid, np.ones((5, 5), np.uint8)).astype(bool) & overlay.inside
    if _uneven(overlay, where):
        return None
    edges = [_gradient(grey)[where] for grey in (difference, one, other)]
    strength = float((edges[0] ** 2).sum())
    if strength / where.sum() < _NO_EDGE**2:
        return None
    share = float((edges[0] * edges[1]).sum()) / strength
    return 0 if share > _MARK_IS_NEW else 1 if 1 - share > _MARK_IS_NEW else None


def _uneven(overlay: Overlay, where: NDArray[np.bool_]) -> bool:
    """Whether contrast also differs from place to place where no mark can be: dark corners, lost shadows."""
    import cv2

    around = (2 * CELL, 2 * CELL)
    spread = [
        cv2.blur(grey * grey, around) - np.asarray(cv2.blur(grey, around), np.float32) ** 2 for grey in overlay.grey
    ]
    one, other = (np.sqrt(np.maximum(cells_of(values), 0)) + 0.01 for values in spread)
    clean = cells_of(overlay.inside) & ~(cells_of(np.asarray(cv2.blur(where.astype(np.float32), around))) > 0)
    if clean.sum() < 8:
        return False
    low, high = np.quantile(np.log(one / other)[clean], (0.2, 0.8))
    return bool(high - low > _UNEVEN)


def _gradient(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    import cv2

    return np.stack([np.asarray(cv2.Sobel(grey, cv2.CV_32F, *axes, scale=0.125)) for axes in ((1, 0), (0, 1))], axis=-1)
