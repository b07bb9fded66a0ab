"""Found by text with nothing but the bundled models: pictures in a space of concepts, see models/concepts.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Layout
from lookalike.errors import ModelError
from lookalike.methods.base import Parameter, Traits, Variant
from lookalike.methods.vector import TextQuery, Vector, pack, unpack
from lookalike.models.concepts import DIMENSION, EDITION, shared_space
from lookalike.models.network import shared_network
from lookalike.models.taught import Taught, load_taught
from lookalike.pictures.open import Image

if TYPE_CHECKING:
    from lookalike.index.base import IndexKind


LEARNED = "learned"
"""The folder of a collection's own map."""


@dataclass(frozen=True, slots=True)
class TextParams:
    """edition: of the bundled concept space; learned: the digest of a collection's own map, "" for the bundled one;
    rows of different editions or maps do not compare."""

    edition: str
    learned: str = ""


class ConceptText:
    """Rows of the concept space, from the same pass of the network as `embedding`; distance: 1 - cosine.

    learned, folder: the digest of a collection's own map and the collection's directory, see ingest/learn.py.
    ModelError for rows of another edition than this lookalike bundles.
    """

    name = "text"
    nothing = "no concepts"
    parameters: tuple[Parameter, ...] = ()
    traits = Traits("words", 0.1, exact="exact", faster=("auto", "hnsw"), sums=2, texts=True)
    layout = Layout("float16", DIMENSION)

    def __init__(self, edition: str = EDITION, learned: str = "", folder: str = "") -> None:
        if edition != EDITION:
            raise ModelError(
                f"text: the collection was made with edition {edition} of the concept space, this is {EDITION}; "
                "index into a new collection"
            )
        self.params = TextParams(edition, learned)
        self._map = map_file(Path(folder), learned) if learned else None

    @cached_property
    def taught(self) -> Taught | None:
        """The words of the captions that the collection's own map was learned from, beside those in files."""
        return load_taught(taught_file(self._map)) if self._map else None

    def describe(self, image: Image) -> Vector | None:
        """The picture's row: (512,), unit length."""
        return Vector(shared_space(self._map).describe(shared_network().run(image)))

    def describe_query(self, image: Image) -> list[Variant[Vector]]:
        """The picture as a question: what it shows, in concepts."""
        row = self.describe(image)
        return [] if row is None else self.query_of(row)

    def query_of(self, descriptor: Vector) -> list[Variant[Vector]]:
        """What a stored row shows, as a question."""
        return [Variant("as is", self.describe_text([], pictures=[descriptor]).vector)]

    def describe_text(
        self, texts: Sequence[str], weights: Sequence[float] | None = None, pictures: Sequence[Vector] = ()
    ) -> TextQuery:
        """The weighted sum of texts, then of pictures given by their rows; weights in that order, 1 unless given."""
        rows = np.stack([picture.values for picture in pictures]) if pictures else None
        space = shared_space(self._map)
        query = space.query(texts, weights, rows)
        odds = (query.scale, query.offset) if query.scale else None
        notes = tuple(space.lexicon.explain(query.unknown))
        return TextQuery(Vector(query.vector), query.deviation, odds, query.unknown, query.known, notes)

    def pack(self, descriptor: Vector) -> NDArray[np.float16]:
        return pack(descriptor)

    def unpack(self, rows: NDArray[Any]) -> Vector:
        return unpack(rows)

    def index_kind(self, kind: str = "auto") -> IndexKind[NDArray[Any], Any]:
        """kind: "codes" (a shortlist of 1,024 signs a vector, then exact; "auto" is this), "exact" or "hnsw"."""
        from lookalike.index.vectors import VectorKind

        return VectorKind(self.layout.width, kind)


def map_file(folder: Path, digest: str) -> Path:
    """Where a collection in `folder` keeps its own map."""
    return folder / LEARNED / f"{digest}.npz"


def taught_file(map_: Path) -> Path:
    """Where the words of its captions are kept, beside a map."""
    return map_.with_suffix(".words.npz")
