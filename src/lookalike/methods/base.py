"""What every way of being alike looks like: a picture goes in, a descriptor comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

from numpy.typing import NDArray

from lookalike.arrays.rows import Layout
from lookalike.index.base import IndexKind
from lookalike.pictures.open import Image

if TYPE_CHECKING:
    from lookalike.significance.model import Tail

D = TypeVar("D")

__all__ = ["Layout", "Method", "Parameter", "Role", "Traits", "Variant"]

Role = Literal["copy", "part", "color", "looks", "words"]
"""What a method speaks of. "copy": a near distance proves one, and a far one says nothing. "part": pictures that show
a part of each other, as votes suggest and geometry confirms. "color", "looks": likeness, two kinds of it that may
agree. "words": what a picture shows."""


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
class Traits:
    """What searching, fusing, labelling, evaluating and looking for duplicates go by, instead of by a method's name.

    weight: the share of all chances for a false hit, before shares are made to sum to 1 (see significance.combine).
    farthest: about the distance of pictures that have nothing to do with each other: there, likeness is 0.
    tail: how distances between unrelated pictures fall off; None for a method that learns this from no collection.
    cheap: asked before all others, in a few milliseconds.
    exact, faster: the kind of index that compares everything, and those that are held against it; "" without one.
    radius: whether it can be asked for everything within a distance.
    sums: how well it stands for weighted sums of pictures, the highest is asked; 0 for one that cannot. texts: whether
    words can be part of them.
    """

    role: Role
    weight: float
    farthest: float = 1.0
    tail: Tail | None = None
    cheap: bool = False
    exact: str = ""
    faster: tuple[str, ...] = ()
    radius: bool = True
    sums: int = 0
    texts: bool = False


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
    def traits(self) -> Traits:
        """What its distances mean and cost."""
        ...

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
        """What to ask with for a stored picture, from its descriptor alone: as is first."""
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
