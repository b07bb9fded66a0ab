"""What every way of being alike looks like: a picture goes in, a descriptor comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from numpy.typing import NDArray

from lookalike.arrays.rows import Layout
from lookalike.index.base import IndexKind
from lookalike.pictures.open import Image

D = TypeVar("D")

__all__ = ["Layout", "Method", "Parameter", "Variant"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """What may be chosen about a method, as in "phash:hash_size=32".

    default: its type is the parameter's. values: which there are, and meaning: what it does, in a few words. stored:
    whether other values mean other descriptors; else it says only how they are made.
    """

    name: str
    default: int | str
    values: str
    meaning: str
    stored: bool = True


@dataclass(frozen=True, slots=True)
class Variant(Generic[D]):
    """A way of asking with the same picture: "as is", "mirrored", "turned 90" ... and its descriptor."""

    name: str
    descriptor: D


class Method(Protocol[D]):
    """One way of being alike. Smaller distances are more alike; the unit of distance is the method's own."""

    @property
    def name(self) -> str:
        """The public name: "phash", "color", "local", "embedding" or "embedding:MODEL"."""
        ...

    @property
    def params(self) -> Any:
        """A frozen dataclass of plain values, saved as JSON beside the data; other params are other descriptors."""
        ...

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What may be chosen about it."""
        ...

    @property
    def layout(self) -> Layout: ...

    @property
    def nothing(self) -> str:
        """Why `describe` may return None, for a person: "flat or featureless: no hash"."""
        ...

    def describe(self, image: Image) -> D | None:
        """The descriptor of a picture, or None when it has nothing to describe."""
        ...

    def describe_query(self, image: Image) -> list[Variant[D]]:
        """The descriptors to ask with, "as is" first; empty when there is nothing to describe."""
        ...

    def query_of(self, descriptor: D) -> list[Variant[D]]:
        """What to ask with when a picture is away and only its stored descriptor is there."""
        ...

    def pack(self, descriptor: D) -> NDArray[Any]:
        """The descriptor as stored: (1, width) or, when ragged, (m, width), of the layout's dtype."""
        ...

    def unpack(self, rows: NDArray[Any]) -> D:
        """The inverse of `pack`."""
        ...

    def index_kind(self, kind: str = "auto") -> IndexKind[Any, Any]:
        """How packed rows are searched; `kind` is one of the method's documented index names, else ValueError."""
        ...
