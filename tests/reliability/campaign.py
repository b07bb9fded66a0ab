"""Kill, damage and fill: what a collection must survive, many times over, with the counts printed.

    python tests/reliability/campaign.py --kills 300 --damages 200 --disks 60

Everything happens in a temporary folder. The exit code is 1 when anything was lost, crashed or differed in silence.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Self

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

import damages
import full_disks
import kills
import scene

METHODS = ("phash", "color", "local", "embedding", "text")


class Faults(list[str]):
    """What went wrong, told at once."""

    def __iadd__(self, more: Iterable[str]) -> Self:  # type: ignore[override,misc]
        for fault in more:
            print(f"FAULT {fault}", flush=True)
            self.append(fault)
        return self


def campaign(root: Path, trials: dict[str, int], seed: int, methods: tuple[str, ...]) -> list[str]:
    """Run the trials and print the counts, of those done so far when it is interrupted; what went wrong."""
    faults = Faults()
    made = scene.make(root, methods)
    for what, run in (("kills", kills.run), ("damages", damages.run), ("full disks", full_disks.run)):
        if what == "full disks" and trials[what] and not full_disks.possible():
            print("full disks: only root can make small disks")
            continue
        counts: Counter[str] = Counter()
        try:
            run(made, trials[what], seed, counts, faults)
        finally:
            print(what)
            for name, count in sorted(counts.items()):
                print(f"  {count:6,}  {name}", flush=True)
    print(f"{len(faults)} faults")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--damages", type=int, default=200)
    parser.add_argument("--disks", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--methods", nargs="+", default=METHODS)
    arguments = parser.parse_args()
    trials = {"kills": arguments.kills, "damages": arguments.damages, "full disks": arguments.disks}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="lookalike-campaign-") as root:
        faults = campaign(Path(root), trials, arguments.seed, tuple(arguments.methods))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
