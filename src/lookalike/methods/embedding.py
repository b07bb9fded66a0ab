"""Looks alike: the vector that a neural network makes of a picture, compared by cosine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Layout
from lookalike.errors import ModelError
from lookalike.methods.base import Parameter, Traits, Variant
from lookalike.methods.vector import TextQuery, Vector, pack, unpack, weighted_sum
from lookalike.models import network
from lookalike.models.registry import BUNDLED, ModelRecord, get
from lookalike.pictures.open import Image

if TYPE_CHECKING:
    from lookalike.index.base import IndexKind
    from lookalike.models.clip import ImageModel, TextModel


@dataclass(frozen=True, slots=True)
class EmbeddingParams:
    """model: a registered name or path:FOLDER. weights: how the SHA-256 of its file begins: vectors of other weights
    do not compare. dimension: of the vectors."""

    model: str
    weights: str
    dimension: int


class Embedding:
    """Vectors of the bundled EfficientNet-lite0, or of any registered or installed model; distance: 1 - cosine.

    model, weights, dimension: as in the parameters; without weights, the ones that are there. ModelError when the
    model is not installed, or, with `weights` given, as soon as it is used and has other ones. threads, providers:
    how onnxruntime runs a model other than the bundled one.
    """

    nothing = "no vector"
    parameters = (
        Parameter("model", BUNDLED, "a name of `lookalike models`, path:FOLDER, path:FILE.onnx", "the network"),
        Parameter(
            "providers",
            "cpu",
            "cpu, auto, cuda, directml, coreml ...",
            "what runs a model other than the bundled one",
            stored=False,
        ),
    )

    def __init__(
        self,
        model: str = BUNDLED,
        weights: str = "",
        dimension: int = 0,
        *,
        threads: int = 1,
        providers: str | Sequence[str] = (),
    ) -> None:
        if model == BUNDLED and providers and providers != "cpu":
            raise ValueError("providers is for other models: the bundled one always runs on the CPU")
        self._record = get(model)
        self._threads, self._providers = threads, providers
        weights = weights or _weights_of(self._record)
        dimension = dimension or self._record.dimension or self._image_model.dimension
        self.params = EmbeddingParams(model, weights, dimension)
        self.name = "embedding" if model == BUNDLED else f"embedding:{model}"
        self.layout = Layout("float16", dimension)
        self.traits = Traits(
            "looks",
            0.7,
            tail="power",
            exact="exact",
            faster=("auto", "hnsw"),
            sums=1 if model == BUNDLED else 3,
            texts=self._record.kind == "image-text",
        )

    def describe(self, image: Image) -> Vector | None:
        """The picture's vector: (dimension,), unit length."""
        return Vector(self._encode(image))

    def describe_query(self, image: Image) -> list[Variant[Vector]]:
        """As is only: the network does not mind mirroring, and turned pictures find others of the wrong kind."""
        vector = self.describe(image)
        return [] if vector is None else [Variant("as is", vector)]

    def describe_text(
        self, texts: Sequence[str], weights: Sequence[float] | None = None, pictures: Sequence[Vector] = ()
    ) -> TextQuery:
        """The weighted sum of texts, then of pictures; weights in that order. ModelError for a model without texts."""
        vectors = [*(self._text_model.encode(texts) if texts else ()), *(picture.values for picture in pictures)]
        return TextQuery(weighted_sum(vectors, weights))

    def query_of(self, descriptor: Vector) -> list[Variant[Vector]]:
        return [Variant("as is", descriptor)]

    def pack(self, descriptor: Vector) -> NDArray[np.float16]:
        return pack(descriptor)

    def unpack(self, rows: NDArray[Any]) -> Vector:
        return unpack(rows)

    def index_kind(self, kind: str = "auto") -> IndexKind[NDArray[Any], Any]:
        """kind: "codes" (a shortlist of 1,024 signs a vector, then exact; "auto" is this), "exact" or "hnsw"."""
        from lookalike.index.vectors import VectorKind

        return VectorKind(self.layout.width, kind)

    @cached_property
    def _encode(self) -> Callable[[Image], NDArray[np.float32]]:
        """The network, opened with the first picture."""
        self._check_weights()
        if self._record.name == BUNDLED:
            shared = network.shared_network()
            return lambda image: shared.run(image).embedding
        return self._image_model.encode

    @cached_property
    def _image_model(self) -> ImageModel:
        from lookalike.models.clip import open_image_model

        return open_image_model(self._record, self._threads, self._providers)

    @cached_property
    def _text_model(self) -> TextModel:
        from lookalike.models.clip import open_text_model

        if not self.traits.texts:
            raise ModelError(f"{self.params.model} knows pictures but no texts; clip-vit-b32 knows both")
        self._check_weights()
        return open_text_model(self._record, self._threads, self._providers)

    def _check_weights(self) -> None:
        there = _weights_of(self._record)
        if there != self.params.weights:
            raise ModelError(
                f"{self.params.model}: the collection was made with other weights ({self.params.weights}; here are "
                f"{there}), whose vectors do not compare; index into a new collection, or install the old ones"
            )


def _weights_of(record: ModelRecord) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the model's file."""
    if record.name == BUNDLED:
        return network.WEIGHTS
    from lookalike.models.hub import fingerprint

    return fingerprint(record)[:16]
