"""What several commands share: which collection, and output for programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lookalike.collection import Collection

COLLECTION_VARIABLE = "LOOKALIKE_COLLECTION"

CollectionOption = Annotated[
    Path | None,
    typer.Option("--collection", "-c", metavar="DIR", help="Directory of the collection.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")]


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
