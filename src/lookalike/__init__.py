"""lookalike: image search by looking at the images.

from lookalike import Collection

with Collection("album") as album:
    album.index(["~/Pictures"])
    album.search("query.jpg")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lookalike.errors import CollectionError, ImageError, LookalikeError, ModelError, QueryError

if TYPE_CHECKING:
    from lookalike.client import Client
    from lookalike.collection import Collection
    from lookalike.duplicates import Group, Member
    from lookalike.milvus.migrate import migrate
    from lookalike.parts import describe
    from lookalike.pictures.open import Image, open_image
    from lookalike.search.match import Match
    from lookalike.significance.evidence import Evidence

__version__ = "0.1.0"

__all__ = [
    "Client",
    "Collection",
    "CollectionError",
    "Evidence",
    "Group",
    "Image",
    "ImageError",
    "LookalikeError",
    "Match",
    "Member",
    "ModelError",
    "QueryError",
    "__version__",
    "describe",
    "migrate",
    "open_image",
]


def __getattr__(name: str) -> Any:
    """The larger names are imported when first used, so that importing lookalike costs nothing."""
    from importlib import import_module

    homes = {
        "Client": "lookalike.client",
        "Collection": "lookalike.collection",
        "describe": "lookalike.parts",
        "migrate": "lookalike.milvus.migrate",
        "Image": "lookalike.pictures.open",
        "open_image": "lookalike.pictures.open",
        "Group": "lookalike.duplicates",
        "Member": "lookalike.duplicates",
        "Evidence": "lookalike.significance.evidence",
        "Match": "lookalike.search.match",
    }
    if name not in homes:
        raise AttributeError(f"module 'lookalike' has no attribute {name!r}")
    return getattr(import_module(homes[name]), name)
