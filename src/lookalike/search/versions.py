"""Two versions of one photograph, or two photographs of one scene? What remains when one is laid over the other.

An edit moves all of a picture by one plane-to-plane map. Another photograph, from another place or at another moment,
has parallax, things that moved, another focus: displacements that no such map explains.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.pictures.open import Image
from lookalike.search.overlay import CELL, Floats, Overlay, cells_of, lay_over, outline

COEFFICIENTS = Path(__file__).with_name("versions.json")
"""Fitted by tools/fit_versions.py."""


@dataclass(frozen=True, slots=True)
class Residual:
    """What no plane-to-plane map explains, over all cells in which there is something to see.

    flow_30, flow_50, flow_70: quantiles of the displacement, in pixels of a canvas with a longest side of about 450;
    smooth_50, smooth_70: those of what neighbours agree on: parallax, not noise. likeness_20, likeness_50, likeness_80:
    quantiles of the normalised correlation. focus: how much the ratio of fine detail differs from place to place, as a
    logarithm. coarse: correlation of both at a twelfth of the size. structure: share of the low frequencies whose signs
    differ, as in a perceptual hash. blur: sigma in canvas pixels that makes the sharper as soft as the other.
    """

    flow_30: float
    flow_50: float
    flow_70: float
    smooth_50: float
    smooth_70: float
    likeness_20: float
    likeness_50: float
    likeness_80: float
    focus: float
    coarse: float
    structure: float
    blur: float

    def terms(self) -> NDArray[np.float64]:
        """The numbers that the odds are linear in."""
        moved = [self.flow_30, self.flow_50, self.flow_70, self.smooth_50, self.smooth_70]
        unlike = [1 - self.likeness_20, 1 - self.likeness_50, 1 - self.likeness_80]
        logs = [*np.log(np.add(moved, 0.03)), *np.log(np.maximum(unlike, 0) + 0.003)]
        coarse = np.log(max(1 - self.coarse, 0) + 0.0005)
        return np.array([*logs, np.log(self.focus + 0.05), coarse, np.log(self.structure + 0.02), self.blur])


@dataclass(frozen=True, slots=True)
class Coefficients:
    """odds = intercept + weights . terms (clipped to what was seen when they were fitted), see `terms_of`."""

    intercept: float
    weights: list[float]
    lowest: list[float]
    highest: list[float]


LITTLE = 0.35
"""Support of keypoints (see `Verified`) below which they show that something on both is the same, not more."""


def odds(residual: Residual, misfit: float | None = None) -> float:
    """The logarithm of the odds that two pictures are versions of one photograph rather than two photographs.

    misfit: of their keypoints, see `Verified`; None where these do not agree, or have LITTLE support.
    """
    known = coefficients("pixels" if misfit is None else "keypoints")
    terms = np.clip(terms_of(residual, misfit), known.lowest, known.highest)
    return float(known.intercept + terms @ np.array(known.weights))


def terms_of(residual: Residual, misfit: float | None) -> NDArray[np.float64]:
    """The numbers that the odds are linear in."""
    return residual.terms() if misfit is None else np.append(residual.terms(), np.log(misfit + 0.05))


def compare_versions(one: Image, other: Image, start: Floats) -> Residual | None:
    """What remains when the first picture is laid over the second; None when they share too little to say.

    one, other: opened at a size of about 640 or more. start: (3, 3), about how the first lies in the second, from
    original pixels to original pixels; see `map_of` and `whole_frame`.
    """
    here, there = (np.diag([image.rgb.shape[1] / image.width] * 2 + [1.0]) for image in (one, other))
    overlay = lay_over(one.rgb, other.rgb, there @ start @ np.linalg.inv(here))
    return None if overlay is None else residual(overlay)


def map_of(quad: Floats | None, reverse_quad: Floats | None, one: tuple[int, int], other: tuple[int, int]) -> Floats:
    """The map from (width, height) of the query to that of the found picture that geometry says; see `Verified`."""
    import cv2

    if quad is not None:
        ends = outline(*one), quad
    else:
        assert reverse_quad is not None  # geometry says one of them at least
        ends = reverse_quad, outline(*other)
    return np.asarray(cv2.getPerspectiveTransform(ends[0].astype(np.float32), ends[1].astype(np.float32)), np.float64)


def residual(overlay: Overlay) -> Residual:
    """What remains of two pictures laid over one another."""
    import cv2

    cells = overlay.textured
    flow = np.ascontiguousarray(overlay.flow)
    agreed = np.stack([cv2.medianBlur(np.ascontiguousarray(flow[..., axis]), 3) for axis in (0, 1)], axis=-1)
    moved, smooth = (np.linalg.norm(field[cells], axis=1) for field in (flow, agreed))
    likeness = overlay.likeness[cells]
    numbers = [
        *np.quantile(moved, (0.3, 0.5, 0.7)),
        *np.quantile(smooth, (0.5, 0.7)),
        *np.quantile(likeness, (0.2, 0.5, 0.8)),
        *(_focus(overlay), _coarse(overlay), _structure(overlay), overlay.blur),
    ]
    return Residual(*map(float, numbers))


def whole_frame(one: tuple[int, int], other: tuple[int, int], variant: str = "as is") -> Floats:
    """The map from (width, height) of one picture to that of another when the second is the first, or its variant."""
    import cv2

    corners = outline(*other)
    mirrored = variant.startswith("mirrored")
    turns = next((quarter for quarter in (1, 2, 3) if variant.endswith(f"turned {90 * quarter}")), 0)
    corners = np.roll(corners, -turns, axis=0)
    if mirrored:
        corners = corners[[1, 0, 3, 2]]
    first, second = outline(*one).astype(np.float32), corners.astype(np.float32)
    return np.asarray(cv2.getPerspectiveTransform(first, second), np.float64)


def _coarse(overlay: Overlay) -> float:
    import cv2

    height, width = overlay.inside.shape
    size = max(4, width // 12), max(4, height // 12)
    ends = [cv2.resize(grey, size, interpolation=cv2.INTER_AREA) for grey in overlay.grey]
    ends = [grey - cv2.GaussianBlur(grey, (0, 0), 4) for grey in ends]
    within = cv2.resize(overlay.shared.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.9
    one, other = (end[within] for end in ends)
    if len(one) < 8 or min(one.std(), other.std()) < 1e-3:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _focus(overlay: Overlay) -> float:
    """How much the logarithm of the ratio of fine detail varies, where neighbours agree: half of its middle 70 %."""
    import cv2

    fine = [cv2.Laplacian(grey, cv2.CV_32F) ** 2 for grey in overlay.grey]
    one, other = (np.sqrt(np.maximum(cv2.blur(energy, (2 * CELL, 2 * CELL)), 0)) + 2e-4 for energy in fine)
    ratio = np.log(cells_of(np.asarray(one / other, np.float32)))
    ratio = np.asarray(cv2.medianBlur(np.ascontiguousarray(ratio, np.float32), 3))[overlay.textured]
    low, high = np.quantile(ratio, (0.15, 0.85))
    return float(high - low) / 2


def _structure(overlay: Overlay) -> float:
    import cv2

    signs = []
    for grey in overlay.grey:
        filled = np.where(overlay.shared, grey, grey[overlay.shared].mean())
        small = cv2.resize(filled.astype(np.float32), (32, 32), interpolation=cv2.INTER_AREA)
        signs.append(cv2.dct(small)[:12, :12].ravel()[1:] > 0)
    return float(np.mean(signs[0] != signs[1]))


@cache
def coefficients(name: str) -> Coefficients:
    """Those that the package ships: of "pixels" alone, or of "keypoints" as well."""
    known = json.loads(COEFFICIENTS.read_text(encoding="ascii"))[name]
    return Coefficients(**{field.name: known[field.name] for field in fields(Coefficients)})
