"""Do two pictures show the same thing, and where? Matches of keypoints that one plane-to-plane map explains."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lookalike.index.keypoint_rows import vectors
from lookalike.methods.keypoints import Keypoints

Floats = NDArray[np.float64]
Pairs = NDArray[np.int64]

RATIO = 0.85
FEWEST_INLIERS = 5
FEWEST_FOR_PERSPECTIVE = 10
CLEARLY_MORE = 1.15  # times the inliers of a similarity that a homography must have to be believed
UNIT = 640  # pixels of the longest side in which tolerances are given
TOLERANCE = 6.0
ROUGH_TOLERANCE = 40.0
TURN_TOLERANCE = 30.0  # degrees
ZOOM_TOLERANCE = 0.75  # octaves
MOST_TRIED = 64  # matches whose similarity is tried
MOST_PERSPECTIVE = 50.0  # ratio of area scales between the corners of a picture
WHOLE = 0.85  # overlap from which a picture counts as wholly visible
PLACES = 8  # along each side of what both show, to see how much of it has inliers


@dataclass(frozen=True, slots=True)
class Verified:
    """One picture found in another; coordinates are original pixels, corners are in the order top left, top right,
    bottom right, bottom left of the picture whose they are.

    matches: (m, 4) float64: x, y in the query, x, y in the found picture; inliers: how many different places they are.
    quad: (4, 2), the query's corners in the found picture; reverse_quad: (4, 2), the found picture's corners in the
    query; one of them is None when that picture's far corners would lie beyond the horizon. visible: the part of the
    query's area that lies in the found picture; covered: the part of the found picture that the query covers. misfit:
    the median distance of the inliers from where the best affine map puts them, in pixels of pictures of UNIT pixels:
    next to nothing is left of an edit, while another photograph has perspective and parallax. support: the part of what
    both show, of all places with keypoints in one of them, that has inliers: little, where only a caption or a mark is
    the same.
    """

    inliers: int
    quad: Floats | None
    reverse_quad: Floats | None
    visible: float
    covered: float
    matches: Floats
    misfit: float
    support: float

    def unmirrored(self, width: float) -> Verified:
        """The same for the query as it is, when it was asked mirrored: `width` is the query's."""
        matches = self.matches.copy()
        matches[:, 0] = width - matches[:, 0]
        quad = None if self.quad is None else self.quad[[1, 0, 3, 2]]
        reverse_quad = None
        if self.reverse_quad is not None:
            reverse_quad = np.column_stack([width - self.reverse_quad[:, 0], self.reverse_quad[:, 1]])
        return replace(self, quad=quad, reverse_quad=reverse_quad, matches=matches)

    @property
    def label(self) -> str:
        """What the query is to the found picture: "same picture", "crop of", "contains" or "same scene"."""
        if self.visible >= WHOLE and self.covered >= WHOLE:
            return "same picture"
        if self.visible >= WHOLE:
            return "crop of"
        return "contains" if self.covered >= WHOLE else "same scene"


def verify(query: Keypoints, found: Keypoints) -> Verified | None:
    """How the query lies in the found picture, or None when their keypoints do not agree on any way.

    Mutual nearest neighbours that pass the ratio test are tried as similarities first (each match is one, by its
    scales and angles): without rough agreement nothing more is computed. Then a homography by MAGSAC++ (Barath et
    al. 2020). Inliers must agree with it in place, turn and zoom, must not lie in one spot or on one line, and the
    map must not be a mirror image, nearly singular, or zoom beyond reason. The same input gives the same answer.
    """
    return verify_matches(query, found, match(query, found))


def verify_matches(query: Keypoints, found: Keypoints, pairs: Pairs) -> Verified | None:
    """The same for pictures whose `match` is known."""
    if len(pairs) < FEWEST_INLIERS:
        return None
    here, there = _units(query, pairs[:, 0]), _units(found, pairs[:, 1])
    rough = _agreeing(query, found, pairs, here, there)
    if rough.sum() < FEWEST_INLIERS:
        return None
    pairs, here, there = pairs[rough], here[rough], there[rough]
    flat = _supported(_similarity(here, there), query, found, pairs, here, there)
    most = CLEARLY_MORE * flat.inliers if flat else 0
    if len(pairs) < FEWEST_FOR_PERSPECTIVE or _spots(here, there) <= most:
        return flat
    tilted = _supported(_homography(here, there), query, found, pairs, here, there)
    return tilted if tilted and tilted.inliers > most else flat


def _supported(
    model: Floats | None, query: Keypoints, found: Keypoints, pairs: Pairs, here: Floats, there: Floats
) -> Verified | None:
    """What a map from units of the query to units of the found picture explains, None when that is no proof."""
    if model is None:
        return None
    kept = _consistent(model, query, found, pairs, here, there)
    inliers = _spots(here[kept], there[kept])
    if inliers < FEWEST_INLIERS or not (_spread(here[kept]) and _spread(there[kept])):
        return None
    one, other = _zoom_to_unit(query.size), _zoom_to_unit(found.size)
    whole = np.diag([1 / other, 1 / other, 1]) @ model @ np.diag([one, one, 1])
    places = np.hstack([query.xy[pairs[kept, 0]], found.xy[pairs[kept, 1]]]).astype(np.float64)
    left = _misfit(here[kept], there[kept]), _support(model, query, found, here[kept], there[kept])
    return _measured(whole, query.size, found.size, inliers, places, *left)


def match(query: Keypoints, found: Keypoints) -> Pairs:
    """(m, 2) rows of the query and of the found picture: mutually nearest, and passing the ratio test."""
    if len(query) < 2 or len(found) < 2:
        return np.zeros((0, 2), np.int64)
    asked, there = vectors(query.descriptors, query.binary), vectors(found.descriptors, found.binary)
    # half of |query|^2 - distance^2: whole numbers and halves, exact in float32
    likeness = asked @ there.T
    likeness -= np.einsum("ij,ij->i", there, there) / 2
    rows = np.arange(len(query))
    nearest = likeness.argmax(axis=1)
    first = likeness[rows, nearest]
    likeness[rows, nearest] = -np.inf
    second = likeness.max(axis=1)
    half = np.einsum("ij,ij->i", asked, asked) / 2
    passing = np.flatnonzero(half - first < RATIO**2 * (half - second))
    likeness[rows, nearest] = first
    mutual = likeness[:, nearest[passing]].argmax(axis=0) == passing
    kept = passing[mutual]
    return np.stack([kept, nearest[kept]], axis=1)


def _zoom_to_unit(size: tuple[int, int]) -> float:
    return UNIT / max(size)


def _units(keypoints: Keypoints, rows: NDArray[np.int64]) -> Floats:
    return keypoints.xy[rows].astype(np.float64) * _zoom_to_unit(keypoints.size)


def _turns_and_zooms(query: Keypoints, found: Keypoints, pairs: Pairs) -> tuple[Floats, Floats]:
    """Degrees and factor, in units, from the query's keypoints to the found ones."""
    turn = (found.angle[pairs[:, 1]] - query.angle[pairs[:, 0]]).astype(np.float64)
    zoom = found.scale[pairs[:, 1]] / query.scale[pairs[:, 0]].astype(np.float64)
    return turn, zoom * _zoom_to_unit(found.size) / _zoom_to_unit(query.size)


def _agreeing(query: Keypoints, found: Keypoints, pairs: Pairs, here: Floats, there: Floats) -> NDArray[np.bool_]:
    """Which matches roughly follow the similarity of the match that most others follow."""
    turn, zoom = _turns_and_zooms(query, found, pairs)
    octaves = np.log2(zoom)
    # similarities as complex numbers: there = factor * here + offset; those of the strongest matches are tried
    tried = slice(MOST_TRIED)
    factor = (zoom * np.exp(1j * np.radians(turn)))[tried, None]
    z, w = here @ (1, 1j), there @ (1, 1j)
    away = z - z[tried, None]
    near = np.abs(factor * away + w[tried, None] - w) < ROUGH_TOLERANCE + 0.25 * np.abs(factor) * np.abs(away)
    turned = np.abs((turn - turn[tried, None] + 180) % 360 - 180) < 2 * TURN_TOLERANCE
    zoomed = np.abs(octaves - octaves[tried, None]) < 2 * ZOOM_TOLERANCE
    agree = near & turned & zoomed
    best: NDArray[np.bool_] = agree[agree.sum(axis=1).argmax()]
    return best


def _similarity(here: Floats, there: Floats) -> Floats | None:
    """By least squares, reweighted ten times by 1 / (1 + (residual / tolerance)^2)."""
    z, w = here @ (1, 1j), there @ (1, 1j)
    weight = np.ones(len(z))
    for _ in range(10):
        total = weight.sum()
        z_mean, w_mean = weight @ z / total, weight @ w / total
        beside = z - z_mean
        pulled = weight * beside.conj()
        power = (pulled @ beside).real
        if power < 1:
            return None
        factor = pulled @ (w - w_mean) / power
        offset = w_mean - factor * z_mean
        missed = factor * z + offset - w
        weight = 1 / (1 + (missed.real**2 + missed.imag**2) / TOLERANCE**2)
    return np.array(
        [[factor.real, -factor.imag, offset.real], [factor.imag, factor.real, offset.imag], [0, 0, 1]], np.float64
    )


def _homography(here: Floats, there: Floats) -> Floats | None:
    """By MAGSAC++ with a fixed seed; None when there is none or it is degenerate."""
    import cv2

    settings = cv2.UsacParams()
    settings.threshold = TOLERANCE
    settings.confidence = 0.999
    settings.maxIterations = 1000
    settings.sampler = cv2.SAMPLING_UNIFORM
    settings.score = cv2.SCORE_METHOD_MAGSAC
    settings.loMethod = cv2.LOCAL_OPTIM_SIGMA
    settings.loIterations = 10
    settings.loSampleSize = 14
    settings.final_polisher = cv2.MAGSAC
    settings.randomGeneratorState = 1
    settings.isParallel = False
    homography, _ = cv2.findHomography(here, there, settings)
    if homography is None or not np.isfinite(homography).all():
        return None
    return np.asarray(homography, np.float64)


def _project(homography: Floats, xy: Floats) -> tuple[Floats, Floats]:
    """(n, 2) projected points and their (n,) depths."""
    points = np.column_stack([xy, np.ones(len(xy))]) @ homography.T
    depth = points[:, 2]
    return points[:, :2] / np.where(depth == 0, 1e-12, depth)[:, None], depth


def _jacobians(homography: Floats, xy: Floats) -> Floats:
    """(n, 2, 2) local linear maps at points."""
    projected, depth = _project(homography, xy)
    return (homography[None, :2, :2] - projected[:, :, None] * homography[None, None, 2, :2]) / depth[:, None, None]


def _consistent(
    homography: Floats, query: Keypoints, found: Keypoints, pairs: Pairs, here: Floats, there: Floats
) -> NDArray[np.bool_]:
    """Which matches a homography explains: in place, and with the turn and zoom that it has there."""
    projected, depth = _project(homography, here)
    jacobian = _jacobians(homography, here)
    area = np.linalg.det(jacobian)
    radians = np.radians(query.angle[pairs[:, 0]].astype(np.float64))
    pointing = np.einsum("nij,nj->ni", jacobian, np.stack([np.cos(radians), np.sin(radians)], axis=1))
    turned = np.degrees(np.arctan2(pointing[:, 1], pointing[:, 0])) - found.angle[pairs[:, 1]]
    _, zoom = _turns_and_zooms(query, found, pairs)
    zoomed = np.log2(zoom / np.sqrt(np.maximum(area, 1e-12)))
    # a place known to a few pixels of the smaller picture is known less well in the larger
    tolerance = TOLERANCE * np.maximum(1, np.sqrt(np.maximum(area, 0)))
    kept: NDArray[np.bool_] = (
        (np.linalg.norm(projected - there, axis=1) <= tolerance)
        & (depth > 0)
        & (area > 0)
        & (np.abs((turned + 180) % 360 - 180) <= TURN_TOLERANCE)
        & (np.abs(zoomed) <= ZOOM_TOLERANCE)
    )
    return kept


def _spots(here: Floats, there: Floats) -> int:
    """How many different places, in both pictures: several keypoints of one spot are one witness."""
    cells = [np.round(xy / 4).astype(np.int64) for xy in (here, there)]
    return min(len(np.unique((x << 32) + y)) for x, y in (cell.T for cell in cells))


def _spread(xy: Floats) -> bool:
    """Whether points are neither in one spot nor on one line."""
    deviations = np.linalg.svd(xy - xy.mean(axis=0), compute_uv=False) / np.sqrt(len(xy))
    return bool(deviations[0] > 6 and deviations[1] > 2)


def _measured(
    homography: Floats,
    query: tuple[int, int],
    found: tuple[int, int],
    inliers: int,
    matches: Floats,
    misfit: float,
    support: float,
) -> Verified | None:
    """The quadrilaterals and overlaps of a map between pictures of two sizes; None for an impossible map."""
    if abs(np.linalg.det(homography)) < 1e-12:
        return None
    quad = _corners(homography, query)
    reverse_quad = _corners(np.asarray(np.linalg.inv(homography), np.float64), found)
    if quad is None and reverse_quad is None:
        return None
    covered = _area(_clipped(quad, found)) / (found[0] * found[1]) if quad is not None else 1.0
    visible = _area(_clipped(reverse_quad, query)) / (query[0] * query[1]) if reverse_quad is not None else 1.0
    return Verified(inliers, quad, reverse_quad, min(1.0, visible), min(1.0, covered), matches, misfit, support)


def _misfit(here: Floats, there: Floats) -> float:
    """See `Verified.misfit`; (m, 2) places in units."""
    design = np.column_stack([here, np.ones(len(here))])
    affine = np.linalg.lstsq(design, there, rcond=None)[0]
    zoom = max(1.0, float(np.sqrt(abs(np.linalg.det(affine[:2])))))
    return float(np.median(np.linalg.norm(design @ affine - there, axis=1)) / zoom)


def _support(model: Floats, query: Keypoints, found: Keypoints, here: Floats, there: Floats) -> float:
    """See `Verified.support`; of the two pictures that with more of it: a soft copy has few keypoints."""
    back = np.asarray(np.linalg.inv(model), np.float64)
    ends = (query, found, model, here), (found, query, back, there)
    shares = []
    for one, other, map_, inliers in ends:
        # as many keypoints, strongest first, as the other has: a query is given more than what is stored
        xy = one.xy[: len(other)].astype(np.float64) * _zoom_to_unit(one.size)
        within, _ = _project(map_, xy)
        size = np.array(other.size) * _zoom_to_unit(other.size)
        xy = np.vstack([inliers, xy[((within >= 0) & (within <= size)).all(axis=1)]])
        low, high = xy.min(axis=0), xy.max(axis=0)
        places = np.minimum((xy - low) / np.maximum(high - low, 1e-9) * PLACES, PLACES - 1).astype(np.int64)
        cells = places[:, 0] * PLACES + places[:, 1]
        shares.append(len(set(cells[: len(inliers)].tolist())) / len(set(cells.tolist())))
    return max(shares)


def _corners(homography: Floats, size: tuple[int, int]) -> Floats | None:
    """Where a picture's corners go; None when no camera could have done that (or it would have to look behind it)."""
    width, height = size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    projected, depth = _project(homography, corners)
    if not (np.all(depth > 0) or np.all(depth < 0)):
        return None
    zoom = np.linalg.det(_jacobians(homography, corners))
    edges = np.roll(projected, -1, axis=0) - projected
    turns = _cross(edges, np.roll(edges, -1, axis=0))
    sane = zoom.min() > 0 and turns.min() > 0 and zoom.max() / zoom.min() < MOST_PERSPECTIVE
    return projected if sane else None


def _cross(one: Floats, other: Floats) -> Floats:
    product: Floats = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    return product


def _clipped(quad: Floats, size: tuple[int, int]) -> Floats:
    """The part of a convex polygon that lies in a picture (Sutherland and Hodgman 1974), perhaps empty."""
    polygon = quad
    for axis, limit, sign in ((0, 0.0, 1), (0, float(size[0]), -1), (1, 0.0, 1), (1, float(size[1]), -1)):
        depth = sign * (polygon[:, axis] - limit)
        cut: list[Floats] = []
        for i in range(len(polygon)):
            j = (i + 1) % len(polygon)
            if depth[i] >= 0:
                cut.append(polygon[i])
            if (depth[i] >= 0) != (depth[j] >= 0):
                share = depth[i] / (depth[i] - depth[j])
                cut.append(polygon[i] + share * (polygon[j] - polygon[i]))
        polygon = np.array(cut).reshape(-1, 2)
    return polygon


def _area(polygon: Floats) -> float:
    return float(abs(_cross(polygon, np.roll(polygon, -1, axis=0)).sum()) / 2)
