"""Local features: keypoints and what they look like, to find a picture by any part of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from lookalike.index.codebook import shipped
from lookalike.index.keypoint_rows import Form
from lookalike.methods.base import Layout, Parameter, Traits, Variant
from lookalike.methods.features import FEATURES, Found, features_named
from lookalike.methods.keypoints import Keypoints
from lookalike.pictures.open import Image

if TYPE_CHECKING:
    from lookalike.arrays.rows import Ragged
    from lookalike.index.base import IndexKind

FEWEST = 4
LARGEST_UPSCALING = 2.0
SMALLEST_SIDE = 16
QUERY_FACTOR = 2


@dataclass(frozen=True, slots=True)
class LocalParams:
    """features: rootsift, orb or surf. size: working size, pixels of the longest side. budget: keypoints a picture.
    codebook: by which descriptors are stored, "" when they are stored as they are."""

    features: str = "rootsift"
    size: int = 448
    budget: int = 300
    codebook: str = ""

    def __post_init__(self) -> None:
        if self.features not in FEATURES:
            raise ValueError(f"features is {self.features!r}: one of {', '.join(FEATURES)} is needed")
        if not (isinstance(self.size, int) and 64 <= self.size <= 4096):
            raise ValueError(f"size is {self.size!r}: a whole number from 64 to 4096 is needed")
        if not (isinstance(self.budget, int) and 16 <= self.budget <= 10000):
            raise ValueError(f"budget is {self.budget!r}: a whole number from 16 to 10000 is needed")


class Local:
    """Up to `budget` keypoints a picture; distance: 1 / (1 + inliers) once verified by `search.geometry`.

    A stored keypoint takes 16 + 14 bytes with RootSIFT: 9 KB a picture at the default budget of 300.

    codebook: as in the parameters; without it, the one that comes with the package. ValueError for another one.
    """

    name = "local"
    nothing = "featureless: no keypoints"
    parameters = (
        Parameter(
            "features", "rootsift", ", ".join(FEATURES), "orb: ten times faster, far less robust; surf: an extra"
        ),
        Parameter("size", LocalParams().size, "64 to 4096", "pixels of the longer side"),
        Parameter("budget", LocalParams().budget, "16 to 10000", "keypoints a picture"),
    )
    traits = Traits("part", 0.1, radius=False)

    def __init__(self, features: str = "rootsift", size: int = 448, budget: int = 300, codebook: str = "") -> None:
        params = LocalParams(features, size, budget)
        self._features = features_named(features)
        self._form = Form(self._features.width, self._features.binary, self._features.coded)
        own = shipped().name if self._form.coded else ""
        if codebook not in ("", own):
            raise ValueError(f"its descriptors are stored by codebook {codebook}, this lookalike has {own or 'none'}")
        self.params = replace(params, codebook=own)
        self.layout = Layout("uint8", self._form.row, ragged=True)

    def describe(self, image: Image) -> Keypoints | None:
        """Keypoints in original pixels, or None for a picture with fewer than four of them."""
        grey = self._grey(image)
        return self._keypoints(self._find(grey, self.params.budget), grey, image)

    def describe_query(self, image: Image) -> list[Variant[Keypoints]]:
        """ "as is" and "mirrored" (keypoints of the mirrored picture, in its pixels), twice the stored budget each.

        A query is often a scene with the wanted picture somewhere in it, which then gets only part of the budget.
        """
        grey, budget = self._grey(image), QUERY_FACTOR * self.params.budget
        found, order = self._find(grey, budget), self._features.mirror_order
        if order is None:
            mirrored = self._find(np.ascontiguousarray(grey[:, ::-1]), budget)
        else:
            mirrored = found and found.mirrored(order, grey.shape[1])
        asked = {"as is": found, "mirrored": mirrored}
        described = {name: self._keypoints(one, grey, image) for name, one in asked.items()}
        return [Variant(name, keypoints) for name, keypoints in described.items() if keypoints]

    def query_of(self, descriptor: Keypoints) -> list[Variant[Keypoints]]:
        """As is, and mirrored where mirroring is but another order of a descriptor's values."""
        order = self._features.mirror_order
        mirrored = [] if order is None else [Variant("mirrored", descriptor.mirrored(order))]
        return [Variant("as is", descriptor), *mirrored]

    def pack(self, descriptor: Keypoints) -> NDArray[np.uint8]:
        return self._form.stored(descriptor.pack())

    def unpack(self, rows: NDArray[Any]) -> Keypoints:
        return Keypoints.unpack(rows, self._form)

    def index_kind(self, kind: str = "auto") -> IndexKind[Ragged, Any]:
        """kind: "inverted" (votes from compact codes; "auto" is this) or "exhaustive" (every picture's matches)."""
        if kind in ("auto", "inverted"):
            from lookalike.index.keypoints import VOTERS, KeypointKind
            from lookalike.index.lists import LABELS

            return KeypointKind(self._form, min(LABELS, max(VOTERS, 2 * self.params.budget // 3)))
        if kind == "exhaustive":
            from lookalike.index.exhaustive import ExhaustiveKind

            return ExhaustiveKind(self._form)
        raise ValueError(f'local has no index {kind!r}: "auto", "inverted" or "exhaustive"')

    def _grey(self, image: Image) -> NDArray[np.uint8]:
        """Luma at the working size; small pictures enlarged, to at most twice their size."""
        grey = image.picture.convert("L")
        zoom = min(self.params.size / max(grey.size), LARGEST_UPSCALING)
        if zoom < 1 or zoom >= 1.25:
            width, height = (max(1, round(side * zoom)) for side in grey.size)
            grey = grey.resize((width, height), PIL.Image.Resampling.BICUBIC)
        return np.asarray(grey)

    def _find(self, grey: NDArray[np.uint8], budget: int) -> Found | None:
        return None if min(grey.shape) < SMALLEST_SIDE else self._features.find(grey, budget)

    def _keypoints(self, found: Found | None, grey: NDArray[np.uint8], image: Image) -> Keypoints | None:
        if found is None or len(found.xy) < FEWEST:
            return None
        zoom = np.array([image.width / grey.shape[1], image.height / grey.shape[0]], np.float32)
        return Keypoints(
            found.xy * zoom,
            found.scale * zoom.mean(),
            found.angle,
            found.descriptors,
            (image.width, image.height),
            self._features.binary,
        )
