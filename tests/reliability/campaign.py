"""Kill, damage and fill: what a collection must survive, many times over, with the counts printed.

    python tests/reliability/campaign.py --kills 300 --damages 200 --disks 60

Everything happens in a temporary folder. The exit code is 1 when anything was lost, crashed or differed in silence.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

import damages
import full_disks
import kills
import scene

METHODS = ("phash", "color", "local", "embedding", "text")


def campaign(root: Path, kill: int, damage: int, disks: int, seed: int, methods: tuple[str, ...]) -> list[str]:
    """Run the trials and print the counts; what went wrong."""
    faults: list[str] = []
    made = scene.make(root, methods)
    _print("kills", kills.run(made, kill, seed, faults))
    _print("damages", damages.run(made, damage, seed, faults))
    if full_disks.possible():
        _print("full disks", full_disks.run(made, disks, seed, faults))
    elif disks:
        print("full disks: only root can make small disks")
    for fault in faults:
        print(f"FAULT {fault}")
    print(f"{len(faults)} faults")
    return faults


def _print(what: str, counts: Counter[str]) -> None:
    print(what)
    for name, count in sorted(counts.items()):
        print(f"  {count:6,}  {name}")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--damages", type=int, default=200)
    parser.add_argument("--disks", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--methods", nargs="+", default=METHODS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lookalike-campaign-") as root:
        faults = campaign(
            Path(root), arguments.kills, arguments.damages, arguments.disks, arguments.seed, tuple(arguments.methods)
        )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
