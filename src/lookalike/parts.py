"""Describing a share of the pictures, on one of several machines: `lookalike.describe`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lookalike.collection import Collection
from lookalike.errors import CollectionError
from lookalike.ingest.shards import Shard
from lookalike.milvus.address import is_address

if TYPE_CHECKING:
    from lookalike.ingest.run import IndexReport, Options
    from lookalike.progress import Progress


def describe(
    paths: Sequence[str | os.PathLike[str]],
    shard: str | Shard,
    out: str | os.PathLike[str],
    *,
    methods: Sequence[str] = (),
    options: Options | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> IndexReport:
    """Describe one shard of the pictures in folders into a part, which `Collection.merge` takes over.

        lookalike.describe(["/data/pictures"], "3/16", "part-3")

    shard: "3/16" is the third of sixteen; name the same folders for each. Every file belongs to exactly one of them, by
    its path below the folder that is named. out: a new directory, or the part of this shard, which is then brought up
    to date; after an interruption the same call goes on. methods, options, progress: as of `Collection.index`.
    Raises QueryError for what is no shard, CollectionError for a directory that is something else.
    """
    from lookalike.ingest.run import Options

    wanted = shard if isinstance(shard, Shard) else Shard.parse(shard)
    if is_address(out):
        raise CollectionError("a part is a directory: describe into one, then merge it into Milvus")
    with Collection(out) as part:
        asked = replace(options or Options(), shard=wanted)
        return part.index(paths, methods=methods, options=asked, progress=progress)
