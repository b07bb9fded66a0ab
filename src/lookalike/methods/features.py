"""Finding and describing keypoints: one small class per kind of feature, a common shape for what they find."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import ModelError, QueryError
from lookalike.extras import how_to_install
from lookalike.methods.sift import descriptors

if TYPE_CHECKING:
    import cv2

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]

GRID = 4
LEVELS = 3


@dataclass(frozen=True, slots=True)
class Found:
    """Keypoints of one grey picture, in its pixels: xy (n, 2), scale (diameter) and angle in degrees (n,) float32,
    descriptors (n, width) uint8."""

    xy: Floats
    scale: Floats
    angle: Floats
    descriptors: NDArray[np.uint8]

    def mirrored(self, order: NDArray[np.int64], width: int) -> Found:
        """The same keypoints as the mirrored picture shows them. order: see Features; width: of the picture."""
        # OpenCV places SIFT's keypoints a quarter of a pixel too far to the right, in the mirrored picture as well
        xy = np.column_stack([width - 0.5 - self.xy[:, 0], self.xy[:, 1]])
        angle = (np.float32(540) - self.angle) % np.float32(360)
        return Found(xy.astype(np.float32), self.scale, angle, self.descriptors[:, order])


class Features(Protocol):
    """A detector and descriptor. width: bytes a descriptor. binary: compared by Hamming distance, else Euclidean.
    coded: whether the codebook that comes with the package is theirs.

    mirror_order: where each value of a mirrored keypoint's descriptor stands in that of the keypoint; None when
    mirroring changes descriptors by more than their order, so that mirrored pictures have to be described anew.
    """

    name: str
    width: int
    binary: bool
    coded: bool

    @property
    def mirror_order(self) -> NDArray[np.int64] | None: ...

    def find(self, grey: Grey, budget: int) -> Found:
        """At most `budget` keypoints of a grey picture (h, w), spread over it, in a fixed order."""
        ...


class RootSift:
    """SIFT (Lowe 2004) as RootSIFT (Arandjelovic and Zisserman 2012), 512 * sqrt(d / sum d) rounded to bytes.

    Detected down to a contrast of 0.005, where OpenCV's default is 0.04: what is weaker than 0.02 is kept only where
    a picture has too little else, such as a piece of sky.
    """

    name = "rootsift"
    width = 128
    binary = False
    coded = True
    # 4 rows across the keypoint's direction, 4 columns along it, 8 directions of gradients relative to it
    mirror_order = np.arange(128).reshape(4, 4, 8)[::-1][:, :, -np.arange(8) % 8].reshape(-1)

    def find(self, grey: Grey, budget: int) -> Found:
        import cv2

        sift = cv2.SIFT_create(nfeatures=0, contrastThreshold=0.005)  # type: ignore[attr-defined]
        xy, scale, angle = _kept(sift.detect(grey, None), grey, budget, finest=1.8, strong=0.0067)[1]
        return Found(xy, scale, angle, _root(descriptors(grey, xy, scale / np.float32(2), angle)))


class Orb:
    """ORB (Rublee et al. 2011): 256 binary tests. Ten times faster than SIFT and far less robust to scale."""

    name = "orb"
    width = 32
    binary = True
    coded = False
    mirror_order = None

    def find(self, grey: Grey, budget: int) -> Found:
        import cv2

        orb = cv2.ORB_create(nfeatures=8 * budget, fastThreshold=10)  # type: ignore[attr-defined]
        return _with_opencv(orb, grey, budget, finest=31, strong=0, as_bytes=np.asarray)


class Surf:
    """SURF (Bay et al. 2006) from an OpenCV built with its non-free part; 64 values, 128 + 255 * v as bytes."""

    name = "surf"
    width = 64
    binary = False
    coded = False
    mirror_order = None

    def find(self, grey: Grey, budget: int) -> Found:
        import cv2

        surf = cv2.xfeatures2d.SURF_create(hessianThreshold=100)  # type: ignore[attr-defined]
        return _with_opencv(surf, grey, budget, finest=9, strong=0, as_bytes=_signed)


class MahotasSurf:
    """SURF (Bay et al. 2006) from mahotas, for OpenCVs without it."""

    name = "surf"
    width = 64
    binary = False
    coded = False
    mirror_order = None

    def find(self, grey: Grey, budget: int) -> Found:
        surf = importlib.import_module("mahotas.features.surf")
        points = surf.interest_points(grey, threshold=0.1)
        if len(points) == 0:
            return _none(self.width)
        # mahotas: y, x, scale, laplacian response, sign of the laplacian
        level = levels(points[:, 2], finest=1.2)
        chosen = spread(points[:, 1::-1], level, np.abs(points[:, 3]), (grey.shape[1], grey.shape[0]), budget)
        described = surf.descriptors(grey, points[chosen], is_integral=False, descriptor_only=False)
        # what follows the five columns of the point is its angle in radians, then the 64 values
        xy = described[:, 1::-1].astype(np.float32)
        scale = (9 / 1.2 * described[:, 2]).astype(np.float32)
        angle = (np.degrees(described[:, 5]) % 360).astype(np.float32)
        return Found(xy, scale, angle, _signed(described[:, 6:]))


FEATURES: dict[str, type[Features]] = {"rootsift": RootSift, "orb": Orb, "surf": Surf}


def features_named(name: str) -> Features:
    """The features called rootsift, orb or surf; QueryError for other names, ModelError where not installed."""
    if name not in FEATURES:
        raise QueryError(f"no features called {name!r}: choose one of {', '.join(FEATURES)}")
    return _surf() if name == "surf" else FEATURES[name]()


def _surf() -> Features:
    import cv2

    if hasattr(cv2, "xfeatures2d") and hasattr(cv2.xfeatures2d, "SURF_create"):
        try:
            cv2.xfeatures2d.SURF_create()
        except cv2.error:
            pass  # opencv-contrib without its non-free part has the name and refuses the call
        else:
            return Surf()
    if importlib.util.find_spec("mahotas") is None:
        raise ModelError(f"this OpenCV has no SURF: {how_to_install('surf')}, or choose rootsift")
    return MahotasSurf()


def levels(scale: Floats, finest: float) -> NDArray[np.int64]:
    """0, 1, 2 for keypoints in the finest octave, the next, and all coarser ones."""
    octaves: NDArray[np.int64] = np.log2(np.maximum(scale / finest, 1)).astype(np.int64)
    return octaves.clip(0, LEVELS - 1)


def spread(
    xy: Floats,
    level: NDArray[np.int64],
    response: Floats,
    size: tuple[int, int],
    budget: int,
    strong: float = 0.0,
) -> NDArray[np.int64]:
    """Which keypoints to keep: the strongest of every cell of a 4 x 4 grid and level, then the second strongest, ...

    xy (n, 2) inside a picture of size (width, height). The levels matter for what is blurred, reduced or pixelated:
    by response alone the fine keypoints, which do not survive that, take the whole budget. Keypoints with less than a
    `strong` response come after all others. Ties go to the earlier.
    """
    cells = np.minimum(GRID - 1, (xy * GRID / np.asarray(size)).astype(np.int64))
    bins = (cells[:, 1] * GRID + cells[:, 0]) * LEVELS + level
    order = np.lexsort((-response, bins))
    starts = np.searchsorted(bins[order], np.arange(GRID * GRID * LEVELS))
    rank = np.empty(len(xy), np.int64)
    rank[order] = np.arange(len(xy)) - starts[bins[order]]
    return np.lexsort((-response, rank, response < strong))[:budget]


def _with_opencv(
    feature2d: Any,
    grey: Grey,
    budget: int,
    finest: float,
    strong: float,
    as_bytes: Callable[[Any], NDArray[np.uint8]],
) -> Found:
    """Detect all, describe only what the budget keeps: cheaper than detectAndCompute where there is much to drop."""
    keypoints: Sequence[cv2.KeyPoint] = feature2d.detect(grey, None)
    chosen, _ = _kept(keypoints, grey, budget, finest, strong)
    kept, described = feature2d.compute(grey, [keypoints[i] for i in chosen])
    if described is None:
        return _none(feature2d.descriptorSize())
    geometry = np.array([(*k.pt, k.size, k.angle) for k in kept], np.float32)
    return Found(geometry[:, :2], geometry[:, 2], geometry[:, 3], as_bytes(described))


def _kept(
    keypoints: Sequence[cv2.KeyPoint], grey: Grey, budget: int, finest: float, strong: float
) -> tuple[NDArray[np.int64], tuple[Floats, Floats, Floats]]:
    """Which keypoints the budget keeps, and their places, sizes and angles."""
    found = np.array([(*k.pt, k.size, k.angle, k.response) for k in keypoints], np.float32).reshape(-1, 5)
    size = (grey.shape[1], grey.shape[0])
    chosen = spread(found[:, :2], levels(found[:, 2], finest), found[:, 4], size, budget, strong)
    kept = found[chosen]
    return chosen, (kept[:, :2], kept[:, 2], kept[:, 3])


def _none(width: int) -> Found:
    nothing = np.zeros(0, np.float32)
    return Found(np.zeros((0, 2), np.float32), nothing, nothing, np.zeros((0, width), np.uint8))


def _root(descriptors: Floats) -> NDArray[np.uint8]:
    unit = descriptors / (descriptors.sum(axis=1, keepdims=True) + 1e-7)
    return np.asarray(np.round(512 * np.sqrt(unit)).clip(0, 255), np.uint8)


def _signed(descriptors: Floats) -> NDArray[np.uint8]:
    return np.asarray(np.round(128 + 255 * np.asarray(descriptors)).clip(0, 255), np.uint8)
