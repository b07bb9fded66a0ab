"""Other photographs of the same scene, simulated: parallax, things that move, another focus, another hand and noise."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
Field = NDArray[np.float32]

KINDS = ("parallax", "moved", "refocus", "all")
_LEVEL = (0.02, 1.2)  # most that a hand moves a corner (of a side), standard deviation of its turn (degrees)
_STEADY = 0.03  # of that is left where the camera stands nearly still, as in a burst or on a tripod


def near_shot(picture: PIL.Image.Image, kind: str, seed: int = 0) -> PIL.Image.Image:
    """A photograph taken a moment later or a step aside, RGB; the same for the same picture, kind and seed.

    kind: "parallax": seen from another place, in layers of depth; "moved": wind, and things in other places;
    "refocus": another depth is sharp, the camera hardly moved; "all" of it.
    Each also has another light, noise, and hand: from a free one to a tripod.
    Raises ValueError for another kind.
    """
    import cv2

    if kind not in KINDS:
        raise ValueError(f"no kind of shot {kind!r}; there are {', '.join(KINDS)}")
    random = np.random.default_rng([seed, KINDS.index(kind)])
    shot = np.asarray(picture.convert("RGB"))
    longest = max(shot.shape[:2])
    depth = _depth(random, shot)
    if kind in ("parallax", "all"):
        step, way = random.uniform(0.012, 0.04) * longest, random.uniform(0, 2 * np.pi)
        shot = _displaced(shot, step * np.cos(way) * (depth - 0.5), 0.4 * step * np.sin(way) * (depth - 0.5))
    if kind in ("moved", "all"):
        shot = _things_moved(random, _wind(random, shot))
    if kind in ("refocus", "all"):
        soft = np.asarray(cv2.GaussianBlur(shot, (0, 0), random.uniform(0.003, 0.01) * longest))
        near = 1 / (1 + np.exp(12 * (random.uniform(0.3, 0.7) - depth)))
        share = (near if random.random() < 0.5 else 1 - near)[..., None]
        shot = (soft * share + shot * (1 - share)).astype(np.uint8)
    if kind == "refocus":
        shot = _displaced(shot, random.uniform(0.01, 0.02) * longest * (depth - 0.5), np.zeros_like(depth))
    return _taken(random, shot)


def _depth(random: np.random.Generator, shot: Rgb) -> Field:
    """(h, w) 0..1, near is 1: ground that comes nearer downwards, and before it things by colour, blobs, or hills."""
    import cv2

    height, width = shot.shape[:2]
    ground = np.linspace(0, 1, height, dtype=np.float32)[:, None].repeat(width, 1) ** random.uniform(0.7, 2)
    layers = np.zeros((height, width), np.float32)
    match random.integers(3):
        case 0:
            lab = cv2.cvtColor(cv2.bilateralFilter(shot, 9, 40, 9), cv2.COLOR_RGB2LAB).astype(np.float32)
            colours = lab.reshape(-1, 3)[random.integers(0, height * width, 4)]
            nearest = ((lab[:, :, None] - colours) ** 2).sum(-1).argmin(-1)
            layers = cv2.medianBlur(random.uniform(0, 1, 4).astype(np.float32)[nearest], 5)
        case 1:
            for _ in range(random.integers(2, 6)):
                thing = _ellipse(random, (height, width), (0.06, 0.25), (0.1, 0.35))
                layers = np.maximum(layers, thing * np.float32(random.uniform(0.3, 1)))
        case _:
            layers = _smooth(random, (height, width), max(height, width) / random.uniform(2, 5))
    depth = 0.4 * ground * random.uniform(0, 1) + layers
    return np.asarray((depth - depth.min()) / (np.ptp(depth) + 1e-6), np.float32)


def _wind(random: np.random.Generator, shot: Rgb) -> Rgb:
    """Some parts sway."""
    import cv2

    shape, longest = shot.shape[:2], max(shot.shape[:2])
    scale = longest / random.uniform(5, 14)
    strength = random.uniform(0.008, 0.04) * longest
    where = (_smooth(random, shape, longest / 4) > random.uniform(0.25, 0.5)).astype(np.float32)
    where = np.asarray(cv2.GaussianBlur(where, (0, 0), longest / 80), np.float32)
    across, down = (strength * (_smooth(random, shape, scale) - 0.5) * where for _ in range(2))
    return _displaced(shot, across, down)


def _things_moved(random: np.random.Generator, shot: Rgb) -> Rgb:
    """Round pieces that are also where they were not."""
    import cv2

    height, width = shot.shape[:2]
    after = shot.astype(np.float32)
    for _ in range(random.integers(1, 4)):
        sides = random.uniform(0.08, 0.25) * width, random.uniform(0.15, 0.4) * height
        across, down = (max(1, int(side)) for side in sides)
        left, top = int(random.integers(0, width - across + 1)), int(random.integers(0, height - down + 1))
        x = int(np.clip(left + random.uniform(-0.15, 0.15) * width, 0, width - across))
        y = int(np.clip(top + random.uniform(-0.05, 0.05) * height, 0, height - down))
        shape = np.zeros((down, across), np.float32)
        cv2.ellipse(shape, (across // 2, down // 2), (max(0, across // 2 - 1), max(0, down // 2 - 1)), 0, 0, 360, 1, -1)
        share = np.asarray(cv2.GaussianBlur(shape, (0, 0), 2))[..., None]
        place = np.s_[y : y + down, x : x + across]
        after[place] = after[place] * (1 - share) + shot[top : top + down, left : left + across] * share
    return after.astype(np.uint8)


def _taken(random: np.random.Generator, shot: Rgb) -> PIL.Image.Image:
    """Held by another hand, lit a little differently, with noise of its own, as JPEG."""
    import cv2

    height, width = shot.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    hand = _STEADY ** random.uniform(0, 1)
    turn = np.radians(random.normal(0, hand * _LEVEL[1]))
    zoomed = 1.06 * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = np.array([width / 2, height / 2])
    moved = (
        (corners - middle) @ zoomed.T + middle + random.uniform(-0.5, 0.5, (4, 2)) * hand * _LEVEL[0] * [width, height]
    )
    map_ = cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32))
    held = cv2.warpPerspective(shot, map_, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    noise = random.normal(0, random.uniform(1, 4), held.shape)
    lit = held * random.uniform(0.9, 1.1) + random.uniform(-8, 8) + noise
    file = io.BytesIO()
    quality = int(random.integers(70, 93))
    PIL.Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=quality)
    with PIL.Image.open(file) as opened:
        return opened.convert("RGB")


def _displaced(shot: Rgb, across: Field, down: Field) -> Rgb:
    import cv2

    y, x = np.mgrid[0 : shot.shape[0], 0 : shot.shape[1]].astype(np.float32)
    x, y = (x + across).astype(np.float32), (y + down).astype(np.float32)
    return np.asarray(cv2.remap(shot, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT), np.uint8)


def _smooth(random: np.random.Generator, shape: tuple[int, ...], scale: float) -> Field:
    """(h, w) 0..1: hills about so many pixels wide."""
    import cv2

    grid = random.standard_normal([max(2, int(side / scale) + 2) for side in shape]).astype(np.float32)
    field = np.asarray(cv2.resize(grid, shape[1::-1], interpolation=cv2.INTER_CUBIC), np.float32)
    return np.asarray((field - field.min()) / (np.ptp(field) + 1e-6), np.float32)


def _ellipse(
    random: np.random.Generator, shape: tuple[int, int], across: tuple[float, float], down: tuple[float, float]
) -> Field:
    import cv2

    height, width = shape
    drawn = np.zeros(shape, np.uint8)
    middle = int(random.integers(width)), int(random.integers(height))
    axes = int(random.uniform(*across) * width), int(random.uniform(*down) * height)
    cv2.ellipse(drawn, middle, axes, float(random.uniform(0, 180)), 0, 360, 1, -1)
    return drawn.astype(np.float32)
