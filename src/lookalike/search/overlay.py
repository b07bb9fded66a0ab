"""Two pictures that show the same laid over one another as exactly as one plane-to-plane map can, in one tone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Grey = NDArray[np.float32]
Rgb = NDArray[np.uint8]
Mask = NDArray[np.bool_]

SIDE = 448
"""Pixels of the longest side of what both show, when they are compared."""
CELL = 16
"""Side of the squares in which they are compared."""
ROUNDS = 3
_MOST_ENLARGED = 2.0
_SMALLEST = 16  # pixels of either side of what both show
_FEWEST_PIXELS = 1000
_FEWEST_CELLS = 8
_EDGE = 9  # pixels at the edge of the overlap that interpolation may have spoilt
_TEXTURE = (4e-4, 5e-5)  # variance from which a cell can show a displacement; the second where there is little of it
_AS_SHARP = 0.95
_SOFT = 0.8  # sigma of the blur before pixels are compared
_EVEN = 49  # pixels of the window in which mean and contrast are made equal
_BLURS = (0.6, 0.9, 1.3, 1.9, 2.7, 3.8)
_WILD = 0.25  # of the longest side: a correction larger than this is none
_BAR, _LARGEST_BAR = (12, 0.35), 0.45  # levels around a bar's colour, share of a line so coloured; of height or width
_UNLIKE = 0.4  # correlation below which nothing of what one shows is in the other


@dataclass(frozen=True, slots=True)
class Overlay:
    """Two pictures on one canvas of height h and width w.

    maps: (2, 3, 3), from the pixels of each picture to the canvas. colours: (2, h, w, 3) uint8, before tones were
    matched. grey: (2, h, w) float32 0..1, the first in the tone and sharpness of the second. inside: (h, w), where both
    are. blur: sigma of the blur that made the sharper as soft as the other, canvas pixels. covered: (h, w), where one
    has a bar of one colour, as for a caption, and the other has not. textured: cells (rows, columns) with something to
    see that is not covered. flow: (rows, columns, 2), by how many canvas pixels what is there is displaced in
    the first. likeness: (rows, columns), normalised correlation of each cell.
    """

    maps: Floats
    colours: Rgb
    grey: Grey
    inside: Mask
    blur: float
    covered: Mask
    textured: Mask
    flow: Grey
    likeness: Grey

    @property
    def shared(self) -> Mask:
        """(h, w), what both show."""
        return self.inside & ~self.covered


@dataclass(frozen=True, slots=True)
class _Canvas:
    """still: what both show, of the picture that has fewer pixels of it; moving: the other picture, about as coarse.

    start: from pixels of `moving` to the canvas. maps: from pixels of the pictures as they were given, the still one
    first, to the canvas and to `moving`. swapped: the first picture is the still one.
    """

    still: Rgb
    moving: Rgb
    start: Floats
    maps: tuple[Floats, Floats]
    swapped: bool


def lay_over(one: Rgb, other: Rgb, start: Floats) -> Overlay | None:
    """Lay one picture over another, given about how it lies there; None when they share too little to compare.

    one, other: (h, w, 3). start: (3, 3), from pixels of the first to pixels of the second, upper left corners being
    (0, 0). What both show is compared in the grid of the picture that has fewer pixels of it. Tones are matched by a
    quadratic of the colours, sharpness by a blur; then dense optical flow (DIS, Kroeger et al. 2016) says where the map
    is still wrong, a homography is fitted to that (MAGSAC++), and all is done again.
    """
    import cv2

    canvas = _canvas(one, other, start)
    if canvas is None:
        return None
    size = canvas.still.shape[1], canvas.still.shape[0]
    target = np.asarray(cv2.cvtColor(canvas.still, cv2.COLOR_RGB2GRAY), np.float32) / np.float32(255)
    map_ = canvas.start
    for left in range(ROUNDS)[::-1]:
        laid = cv2.warpPerspective(canvas.moving, map_, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        warped = np.asarray(laid, np.uint8)
        inside = _inside(canvas.moving, map_, size)
        if inside.sum() < _FEWEST_PIXELS:
            return None
        moved, still, blur = _equally_sharp(_in_tone_of(target, warped, inside), target, inside)
        dense = _dense_flow(moved, still, rough=left > 1)
        likeness, texture = _correlation(moved, still)
        textured = _textured(inside, texture)
        if textured is None:
            return None
        covered = _covered((warped, canvas.still), textured & (cells_of(likeness) < _UNLIKE), textured)
        textured = textured & ~cells_of(covered)
        if textured.sum() < _FEWEST_CELLS:
            return None
        flow = np.stack([cells_of(cv2.blur(dense[..., axis], (CELL, CELL))) for axis in (0, 1)], axis=-1)
        correction = _correction(flow, textured, size) if left else None
        if correction is None:
            break
        map_ = correction @ map_
    assert textured is not None
    moving = np.asarray(map_ @ canvas.maps[1]), warped, moved
    pairs = [moving, (canvas.maps[0], canvas.still, still)]
    maps, colours, grey = (np.stack(ends) for ends in zip(*pairs[:: -1 if canvas.swapped else 1], strict=True))
    return Overlay(maps, colours, grey, inside, blur, covered, textured, flow, cells_of(likeness))


def project(map_: Floats, xy: Floats) -> Floats:
    """(n, 2) points under a homography."""
    points = np.column_stack([xy, np.ones(len(xy))]) @ map_.T
    return np.asarray(points[:, :2] / points[:, 2:])


def _inverse(map_: Floats) -> Floats:
    return np.asarray(np.linalg.inv(map_), np.float64)


def outline(width: float, height: float) -> Floats:
    """(4, 2) corners of a picture: upper left, then clockwise."""
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)


def _canvas(one: Rgb, other: Rgb, start: Floats) -> _Canvas | None:
    import cv2

    if not np.isfinite(start).all() or abs(np.linalg.det(start)) < 1e-12:
        return None
    shared = _shared(start, one, other), _shared(_inverse(start), other, one)
    if shared[0] is None or shared[1] is None:
        return None
    swapped = shared[0][0] > shared[1][0]
    still, moving = (one, other) if swapped else (other, one)
    _, low, high = shared[1] if swapped else shared[0]
    part = still[low[1] : high[1], low[0] : high[0]]
    zoom = min(_MOST_ENLARGED, SIDE / max(part.shape[:2]))
    width, height = (max(_SMALLEST, round(side * zoom)) for side in part.shape[1::-1])
    placed = np.diag([width / part.shape[1], height / part.shape[0], 1]) @ _shift(-low[0], -low[1])
    to_canvas = placed @ (_inverse(start) if swapped else start)
    shrunk, shrinking = _shrunk(moving, to_canvas, width, height)
    to_canvas = to_canvas @ np.linalg.inv(shrinking)
    method = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    reduced = np.asarray(cv2.resize(part, (width, height), interpolation=method), np.uint8)
    # from here on whole numbers are the middles of pixels
    start = _shift(-0.5, -0.5) @ to_canvas @ _shift(0.5, 0.5)
    maps = _shift(-0.5, -0.5) @ placed, _shift(-0.5, -0.5) @ shrinking
    return _Canvas(reduced, shrunk, start, maps, swapped)


def _shared(map_: Floats, one: Rgb, other: Rgb) -> tuple[float, NDArray[np.int64], NDArray[np.int64]] | None:
    """What of the second picture the first one covers: its area, and the upper left and lower right of its frame."""
    import cv2

    size = np.array(other.shape[1::-1])
    quad = project(map_, outline(*one.shape[1::-1])).astype(np.float32)
    if not np.isfinite(quad).all() or not cv2.isContourConvex(quad):
        return None
    area, polygon = cv2.intersectConvexConvex(quad, outline(*size).astype(np.float32))
    if polygon is None or area < _SMALLEST**2:
        return None
    points = polygon.reshape(-1, 2)
    low, high = np.maximum(np.floor(points.min(axis=0)), 0), np.minimum(np.ceil(points.max(axis=0)), size)
    return float(area), low.astype(np.int64), high.astype(np.int64)


def _shrunk(picture: Rgb, to_canvas: Floats, width: int, height: int) -> tuple[Rgb, Floats]:
    """A picture about as coarse as the canvas, and the map that shrank it, so that warping it does not alias."""
    import cv2

    middle = project(_inverse(to_canvas), np.array([[width / 2, height / 2]]))[0]
    across, down = project(to_canvas, middle + np.eye(2)) - project(to_canvas, middle[None])
    sides = [
        max(_SMALLEST, round(side * min(1.0, float(np.linalg.norm(step)))))
        for side, step in zip(picture.shape[1::-1], (across, down), strict=True)
    ]
    if sides[0] >= 0.9 * picture.shape[1] and sides[1] >= 0.9 * picture.shape[0]:
        return picture, np.eye(3)
    reduced = np.asarray(cv2.resize(picture, sides, interpolation=cv2.INTER_AREA), np.uint8)
    return reduced, np.diag([sides[0] / picture.shape[1], sides[1] / picture.shape[0], 1])


def _shift(x: float, y: float) -> Floats:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)


def _inside(picture: Rgb, map_: Floats, size: tuple[int, int]) -> Mask:
    """Where a warped picture is, but for its very edge."""
    import cv2

    full = cv2.warpPerspective(np.full(picture.shape[:2], 255, np.uint8), map_, size, flags=cv2.INTER_NEAREST)
    kernel = np.ones((_EDGE, _EDGE), np.uint8)
    return np.asarray(cv2.erode(full, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=255) > 0)


def _in_tone_of(target: Grey, picture: Rgb, inside: Mask) -> Grey:
    """A picture in the greys nearest to those of another one: a quadratic of its colours, by robust least squares."""
    import cv2

    coarse = np.asarray(cv2.GaussianBlur(picture, (0, 0), 2), np.uint8)[::4, ::4][inside[::4, ::4]]
    wanted = cv2.GaussianBlur(target, (0, 0), 2)[::4, ::4][inside[::4, ::4]]
    terms = _quadratic(coarse)
    weights = np.ones(len(terms), np.float32)
    for _ in range(3):
        weighted = terms * weights[:, None]
        gram = weighted.T @ terms + np.float32(1e-5 * len(terms)) * np.eye(terms.shape[1], dtype=np.float32)
        solution = np.linalg.solve(gram, weighted.T @ wanted)
        missed = np.abs(terms @ solution - wanted)
        weights = 1 / (1 + (missed / (2 * (np.median(missed) + 0.01))) ** 2)
    return np.asarray(np.clip(_matched(picture, solution), 0, 1), np.float32)


def _matched(picture: Rgb, solution: Grey) -> Grey:
    """`_quadratic(picture) @ solution` for every pixel, without making the terms."""
    red, green, blue = (picture[..., channel].astype(np.float32) / np.float32(255) for channel in range(3))
    one, r, g, b, rr, gg, bb, rg, rb, gb = map(np.float32, solution)
    matched: Grey = red * (r + rr * red + rg * green + rb * blue) + green * (g + gg * green + gb * blue)
    matched += blue * (b + bb * blue) + one
    return matched


def _quadratic(colours: Rgb) -> Grey:
    red, green, blue = (colours.astype(np.float32) / 255).T
    one = np.ones_like(red)
    return np.stack(
        [one, red, green, blue, red**2, green**2, blue**2, red * green, red * blue, green * blue], axis=1
    )  # fmt: skip


def _equally_sharp(one: Grey, other: Grey, inside: Mask) -> tuple[Grey, Grey, float]:
    """Both as soft as the softer of them, then a little softer; and the sigma that the sharper one took.

    Half of all places decide: text on one of them, which is sharp, does not.
    """
    import cv2

    within = cells_of(inside)
    swapped = _sharper(one, other, within) < 1
    sharper, softer = (other, one) if swapped else (one, other)
    blur, best = 0.0, sharper
    for sigma in _BLURS:
        blurred = np.asarray(cv2.GaussianBlur(sharper, (0, 0), sigma), np.float32)
        if _sharper(blurred, softer, within) < _AS_SHARP:
            break
        blur, best = sigma, blurred
    ends = (softer, best) if swapped else (best, softer)
    soft = [np.asarray(cv2.GaussianBlur(grey, (0, 0), _SOFT), np.float32) for grey in ends]
    return soft[0], soft[1], blur


def _sharper(one: Grey, other: Grey, within: Mask) -> float:
    """How many times the finest detail of the second picture the first one has, in the middle of all places."""
    import cv2

    fine = []
    for grey in (one, other):
        edges = np.asarray(cv2.Laplacian(cv2.GaussianBlur(grey, (0, 0), 0.7), cv2.CV_32F), np.float32)
        energy = cells_of(np.asarray(cv2.blur(edges * edges, (CELL, CELL)), np.float32))
        fine.append(np.sqrt(np.maximum(energy, 0)) + 1e-3)
    ratio = fine[0] / fine[1]
    return float(np.median(ratio[within] if within.any() else ratio))


def _dense_flow(moved: Grey, still: Grey, rough: bool) -> Grey:
    """(h, w, 2): what lies at x in the still picture lies at x + flow in the moved one. rough: a quarter of the time,
    for a homography that thousands of pixels agree on."""
    import cv2

    preset = cv2.DISOPTICAL_FLOW_PRESET_FAST if rough else cv2.DISOPTICAL_FLOW_PRESET_MEDIUM
    flow: Any = cv2.DISOpticalFlow.create(preset)
    return np.asarray(flow.calc(evened(still), evened(moved), None), np.float32)


def evened(grey: Grey) -> NDArray[np.uint8]:
    """With the same mean and contrast everywhere, so that dark corners and faded colours displace nothing."""
    import cv2

    mean = cv2.blur(grey, (_EVEN, _EVEN))
    contrast = np.sqrt(np.maximum(cv2.blur(grey * grey, (_EVEN, _EVEN)) - mean * mean, 0)) + 0.02
    return np.asarray(np.clip((grey - mean) / contrast * 50 + 128, 0, 255), np.uint8)


def _correlation(one: Grey, other: Grey) -> tuple[Grey, Grey]:
    """Around each pixel, the normalised correlation of the two, and the lesser of their variances."""
    import cv2

    def mean(values: Grey) -> Grey:
        return np.asarray(cv2.blur(values, (CELL, CELL)))

    means = mean(one), mean(other)
    variances = [mean(grey * grey) - middle * middle for grey, middle in zip((one, other), means, strict=True)]
    together = mean(one * other) - means[0] * means[1]
    product = np.maximum(variances[0], 1e-5) * np.maximum(variances[1], 1e-5)
    return np.asarray(together / np.sqrt(product)), np.asarray(np.minimum(*variances))


def _textured(inside: Mask, texture: Grey) -> Mask | None:
    for least in _TEXTURE:
        cells: Mask = cells_of(inside) & (cells_of(texture) > least)
        if cells.sum() >= _FEWEST_CELLS:
            return cells
    return None


def _covered(colours: tuple[Rgb, Rgb], unlike: Mask, textured: Mask) -> Mask:
    """Where one of two pictures of one size has a bar along an edge that the other has not: lines mostly of one colour,
    in which hardly anything that there is to see is alike."""
    covered = np.zeros(colours[0].shape[:2], np.bool_)
    for turn in range(4):  # each edge in turn lies on top
        here, seen, odd = (np.rot90(mask, turn) for mask in (covered, textured, unlike))
        if not odd[: int(_LARGEST_BAR * len(odd)) + 1].any():  # as beside most copies
            continue
        one, other = (_bar(np.rot90(rgb, turn)) for rgb in colours)
        height = max(one, other)
        rows = -(-height // CELL)
        if min(one, other) < height / 2 and seen[:rows].sum() and odd[:rows].sum() > 0.7 * seen[:rows].sum():
            here[:height] = True
    return covered


def _bar(rgb: Rgb) -> int:
    """How many lines of pixels from the top belong to a bar of one colour; 0 when they would be too many."""
    most = int(_LARGEST_BAR * len(rgb))
    part = rgb[: most + 1, ::4].astype(np.int16)
    colour = np.median(part[: CELL // 2].reshape(-1, 3), axis=0).astype(np.int16)
    flat = (np.abs(part - colour).max(axis=2) < _BAR[0]).mean(axis=1) >= _BAR[1]
    height = most + 1 if flat.all() else int(flat.argmin())
    return height if CELL <= height <= most else 0


def cells_of(values: NDArray[Any]) -> NDArray[Any]:
    """What is in the middle of each cell."""
    height, width = values.shape[:2]
    return values[min(CELL, height) // 2 :: CELL, min(CELL, width) // 2 :: CELL]


def _correction(flow: Grey, textured: Mask, size: tuple[int, int]) -> Floats | None:
    """The homography that takes most of the flow away; None when that is none, or hardly anything."""
    import cv2

    rows, columns = np.nonzero(textured)
    middles = np.column_stack([columns, rows]) * CELL + CELL / 2
    if len(middles) < _FEWEST_CELLS:
        return None
    found, _ = cv2.findHomography(
        middles + flow[textured], middles.astype(np.float64), cv2.USAC_MAGSAC, 1.0, maxIters=500, confidence=0.999
    )
    if found is None or not np.isfinite(found).all():
        return None
    correction, corners = np.asarray(found, np.float64), outline(*size)
    largest = float(np.abs(project(correction, corners) - corners).max())
    return correction if 0.05 < largest < _WILD * max(size) else None
