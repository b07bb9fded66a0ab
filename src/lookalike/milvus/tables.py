"""The tables of a collection in Milvus: one of records, one of what it remembers, one of each method's descriptors,
and for keypoints another with a row for each that can be voted for.

A method's table holds a vector that the engine finds neighbours by, and the packed descriptor as it is, by which what
was found is compared exactly here.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.arrays.rows import Ids, Layout, Ragged, Rows
from lookalike.errors import CollectionError
from lookalike.index.base import IndexKind
from lookalike.index.hamming import HammingKind
from lookalike.index.hellinger import POINTS, histogram_points
from lookalike.index.histograms import HistogramKind
from lookalike.index.keypoint_rows import PLACE, first_rows, pack_places
from lookalike.index.keypoints import KeypointKind
from lookalike.index.lists import LABELS
from lookalike.index.vectors import VectorKind
from lookalike.milvus.records import KEY_LENGTH, NUMBERS, TEXTS
from lookalike.store.methods import StoredMethod

LONGEST = 65_535
"""Bytes of a text that Milvus keeps, at most."""
LISTS = 128  # of an inverted file over a segment, which Milvus makes of some 100,000 rows
PROBED = 32  # of which a query looks into so many; into 8, a third of the answers had another picture among ten
KEYPOINT_LISTS, KEYPOINTS_PROBED = 8 * LISTS, 16
Fields = list[tuple[str, Any, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Vectors:
    """How the engine sees descriptors of a kind: of so many dimensions, by this index; effort: of a search in it.

    exact: whether its order is that of the descriptors themselves.
    """

    dimensions: int
    index: Mapping[str, Any]
    effort: Mapping[str, Any]
    binary: bool = False
    exact: bool = False


class Tables:
    """Names of the tables of the collection `name`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.records = f"{name}_records"
        self.facts = f"{name}_facts"

    def of(self, method: StoredMethod) -> str:
        """The table of a method's descriptors."""
        return f"{self.name}_{method.id}_{re.sub('[^a-z0-9]+', '_', method.name.lower())}"

    def keypoints(self, method: StoredMethod) -> str:
        """The table of keypoints that can be voted for."""
        return f"{self.of(method)}_keypoints"


def vectors_of(kind: IndexKind[Any, Any]) -> Vectors:
    """How Milvus searches what an index kind searches here."""
    inverted = {"index_type": "IVF_SQ8", "metric_type": "L2", "params": {"nlist": LISTS}}
    match kind:
        case HammingKind(width):
            index = {"index_type": "BIN_FLAT", "metric_type": "HAMMING", "params": {}}
            return Vectors(8 * width, index, {}, binary=True, exact=True)
        case VectorKind(dimensions):
            return Vectors(dimensions, inverted, {"nprobe": PROBED})
        case HistogramKind(bins):
            return Vectors(min(POINTS, bins), inverted, {"nprobe": PROBED})
        case KeypointKind(form):
            codes = {
                "index_type": "IVF_PQ",
                "metric_type": "L2",
                "params": {"nlist": KEYPOINT_LISTS, "m": 16, "nbits": 8},
            }
            return Vectors(form.dimension, codes, {"nprobe": KEYPOINTS_PROBED})
        case _:
            raise CollectionError(f"Milvus has no index for {kind!r}")


def as_vectors(kind: IndexKind[Any, Any], rows: Rows) -> list[Any]:
    """Packed descriptors, one a picture, as the vectors of their table."""
    match kind:
        case HammingKind():
            return [row.tobytes() for row in np.asarray(rows)]
        case HistogramKind(bins) if isinstance(rows, Ragged):
            return list(histogram_points(rows, bins))
        case _:
            return list(np.asarray(rows, np.float32))


def record_fields(kinds: Any) -> Fields:
    """Of the table of records. kinds: `pymilvus.DataType`."""
    texts: Fields = [(f"{name}_key", kinds.VARCHAR, {"max_length": 12 * KEY_LENGTH}) for name in TEXTS]
    numbers: Fields = [(name, kinds.DOUBLE, {}) for name in NUMBERS]
    return [
        ("id", kinds.INT64, {"is_primary": True}),
        ("status", kinds.VARCHAR, {"max_length": 16}),
        ("sha256", kinds.VARCHAR, {"max_length": 64}),
        ("record", kinds.VARCHAR, {"max_length": LONGEST}),
        ("sum", kinds.INT64, {}),
        ("words", kinds.JSON, {}),
        ("taken", kinds.VARCHAR, {"max_length": 4 * KEY_LENGTH}),
        ("modified", kinds.INT64, {}),
        *texts,
        *numbers,
        ("vector", kinds.FLOAT_VECTOR, {"dim": 2}),
    ]


def fact_fields(kinds: Any) -> Fields:
    """Of the table of what the collection remembers, in parts that fit."""
    return [
        ("key", kinds.VARCHAR, {"is_primary": True, "max_length": 1000}),
        ("name", kinds.VARCHAR, {"max_length": 1000}),
        ("part", kinds.INT64, {}),
        ("value", kinds.VARCHAR, {"max_length": LONGEST}),
        ("vector", kinds.FLOAT_VECTOR, {"dim": 2}),
    ]


NO_INDEX: Mapping[str, Any] = {"index_type": "FLAT", "metric_type": "L2", "params": {}}
NOWHERE = [0.0, 0.0]
"""Every table of Milvus has vectors; those of records and facts mean nothing."""


def descriptor_fields(kinds: Any, kind: IndexKind[Any, Any]) -> Fields:
    """Of a method's table."""
    seen = vectors_of(kind)
    if isinstance(kind, KeypointKind):
        vector: tuple[str, Any, dict[str, Any]] = ("vector", kinds.FLOAT_VECTOR, {"dim": 2})
    else:
        vector = ("vector", kinds.BINARY_VECTOR if seen.binary else kinds.FLOAT_VECTOR, {"dim": seen.dimensions})
    return [
        ("id", kinds.INT64, {"is_primary": True}),
        ("row", kinds.VARCHAR, {"max_length": LONGEST}),
        ("sum", kinds.INT64, {}),
        vector,
    ]


def keypoint_fields(kinds: Any, kind: KeypointKind) -> Fields:
    """Of the table of keypoints: the key is picture * LABELS + number in its descriptor."""
    return [
        ("id", kinds.INT64, {"is_primary": True}),
        ("picture", kinds.INT64, {}),
        ("place", kinds.INT64, {}),
        ("vector", kinds.FLOAT_VECTOR, {"dim": kind.form.dimension}),
    ]


def descriptor_rows(kind: IndexKind[Any, Any], ids: Ids, rows: Rows) -> list[dict[str, Any]]:
    """Descriptors as rows of their table."""
    packed = [np.ascontiguousarray(rows[at]) for at in range(len(ids))]
    texts = [base64.b64encode(one.tobytes()).decode("ascii") for one in packed]
    if (longest := max(map(len, texts), default=0)) > LONGEST:
        raise CollectionError(
            f"descriptors of {longest} letters do not fit into Milvus ({LONGEST}): index with fewer keypoints, "
            "as in --method local:budget=300"
        )
    vectors = [NOWHERE] * len(ids) if isinstance(kind, KeypointKind) else as_vectors(kind, rows)
    return [
        {"id": int(id_), "row": text, "sum": zlib.crc32(one.tobytes()), "vector": vector}
        for id_, text, one, vector in zip(ids.tolist(), texts, packed, vectors, strict=True)
    ]


def keypoint_rows(kind: KeypointKind, ids: Ids, rows: Ragged) -> list[dict[str, Any]]:
    """The voters of pictures as rows of their table."""
    voters = first_rows(rows, kind.voters)
    counts = np.minimum(np.diff(rows.offsets), kind.voters)
    pictures = np.repeat(ids, counts)
    numbers = np.arange(len(voters)) - np.repeat(np.cumsum(counts) - counts, counts)
    places = np.ascontiguousarray(pack_places(voters)).view("<u4")[:, 0] if len(voters) else np.zeros(0, np.uint32)
    return [
        {"id": key, "picture": picture, "place": place, "vector": vector}
        for key, picture, place, vector in zip(
            (pictures * LABELS + numbers).tolist(),
            pictures.tolist(),
            places.tolist(),
            kind.form.vectors(voters),
            strict=True,
        )
    ]


def keypoint_keys(kind: KeypointKind, ids: Ids) -> list[int]:
    """The keys that the voters of pictures may have."""
    keys: NDArray[np.int64] = (ids[:, None] * LABELS + np.arange(kind.voters)).ravel()
    found: list[int] = keys.tolist()
    return found


def packed(layout: Layout, text: str, sum_: int) -> NDArray[Any]:
    """A descriptor as it is packed, (1, width) or (m, width); CollectionError when it is not as it was written."""
    data = base64.b64decode(text)
    if zlib.crc32(data) != sum_:
        raise CollectionError("a descriptor in Milvus is not as it was written: migrate the collection again")
    return np.frombuffer(data, layout.dtype).reshape(-1, layout.width)


def unpack_place(places: Sequence[int]) -> NDArray[np.uint8]:
    """(n, PLACE) bytes of places as their table keeps them."""
    return np.array(places, "<u4").view(np.uint8).reshape(-1, PLACE)
