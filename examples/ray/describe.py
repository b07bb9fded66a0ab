"""Describe folders of pictures on all machines of a Ray cluster, then merge the parts into one collection.

    python examples/ray/describe.py FOLDER --shards 16 --out PARTS --collection DIR

FOLDER and PARTS are on storage that all machines see, under one name. A shard whose machine is lost is described again
elsewhere, from where it was; what is finished is not described twice, also when this script is started again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import ray

import lookalike
from lookalike import Collection
from lookalike.ingest.run import Options

TRIES = 5
"""Times that a shard is tried again after its machine or its process was lost."""


@ray.remote(num_cpus=1, max_retries=TRIES)
def describe(folder: str, part: str, shard: str) -> int:
    """Describe one shard; how many pictures it has."""
    lookalike.describe([folder], shard, part, options=Options(workers=0))
    with Collection(part) as made:
        return len(made)


def describe_all(folder: Path, parts: Path, shards: int) -> list[Path]:
    """Describe all shards, telling of each when it is done; the directories of the parts."""
    places = {f"{number}/{shards}": parts / f"part-{number}-of-{shards}" for number in range(1, shards + 1)}
    waiting = {describe.remote(str(folder), str(place), shard): shard for shard, place in places.items()}
    while waiting:
        (done,), _ = ray.wait(list(waiting), num_returns=1)
        print(f"shard {waiting.pop(done)}: {ray.get(done):,} pictures; {len(waiting)} to go", flush=True)
    return list(places.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shards", type=int, default=16)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--collection", type=Path, required=True)
    options = parser.parse_args()
    parts = options.out.absolute()
    parts.mkdir(parents=True, exist_ok=True)
    with Collection(options.collection) as album:
        report = album.merge(describe_all(options.folder.absolute(), parts, options.shards))
        print(f"{report.added:,} added; {len(album):,} pictures can be found now")


if __name__ == "__main__":
    main()
