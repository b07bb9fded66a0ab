"""Collections to make maps of."""

from __future__ import annotations

from lookalike import Collection
from samples import HERE


def index(path, folder, methods=("embedding", "text")):
    with Collection(path) as made:
        return made.index([folder], methods=methods, options=HERE)
