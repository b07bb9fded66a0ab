"""What several commands share: which collection, and output for programs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lookalike.collection import Collection

COLLECTION_VARIABLE = "LOOKALIKE_COLLECTION"

CollectionOption = Annotated[
    Path | None,
    typer.Option(
        *("--collection", "-c", "--store"),
        metavar="DIR",
        help="Directory of the collection, or milvus://HOST:PORT/NAME.",
        show_default=False,
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but what went wrong.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")]


def finite(value: float | None) -> float | None:
    """A number that can be compared: "nan" and "inf" are numbers to Python, and mean nothing here."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a number that means something here")
    return value


def open_collection(ctx: typer.Context, directory: Path | None) -> Collection:
    """The collection that is meant."""
    from lookalike.collection import Collection

    return Collection(named_collection(ctx, directory))


def named_collection(ctx: typer.Context, directory: Path | None) -> Path:
    """The directory named after the command, else before it or by the environment, else the user's own."""
    return Path(directory or ctx.obj or default_collection())


def default_collection() -> Path:
    """Where the collection is unless one is named."""
    from platformdirs import user_data_path

    return user_data_path("lookalike", appauthor=False) / "default"
