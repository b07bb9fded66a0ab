"""Disks that fill up: one line that says so, and the same command works when there is space again. Needs root."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections import Counter
from pathlib import Path

from scene import HERE, Answers, Scene, answers, apart, refused

from lookalike import Collection
from samples import draw

SMALL, LARGE = "mount -t tmpfs -o size={}k tmpfs {}", "mount -o remount,size=64m {}"


def possible() -> bool:
    """Whether small disks can be made here."""
    return os.geteuid() == 0 and shutil.which("mount") is not None


def run(scene: Scene, trials: int, seed: int, counts: Counter[str], faults: list[str]) -> None:
    """Fill so many disks: counts what happened, and tells what went wrong."""
    if not trials:
        return
    right, _ = apart(lambda: answers(scene))
    disk = scene.root.parent / "disk"
    disk.mkdir(exist_ok=True)
    used = sum(path.stat().st_size for path in scene.album.rglob("*")) // 1024
    for number in range(trials):
        chance = random.Random(seed * 1_000_003 + number)
        what = ("create", "index", "compact")[number % 3]
        size = chance.randint(4, used + 600) if what == "create" else used + chance.randint(0, 700)
        subprocess.run(SMALL.format(size, disk).split(), check=True)
        try:
            fault = _trial(what, disk / "album", scene, right, counts)
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=False)
        faults += [f"disk {number} ({what}, {size} kB): {line}" for line in fault]


def _trial(what: str, path: Path, scene: Scene, right: Answers, counts: Counter[str]) -> list[str]:
    more = scene.root.parent / "more"
    if not more.exists():
        for seed in range(300, 340):
            draw(more / f"{seed}.png", seed)
    if what != "create":
        try:
            shutil.copytree(scene.album, path)
        except (OSError, shutil.Error):
            return []  # too small even for what is there

    def work() -> None:
        with Collection(path) as album:
            if what == "create":
                album.index([scene.pictures], methods=_methods(scene), options=HERE)
            elif what == "index":
                album.index([more], options=HERE)
            else:
                album.check()
                album.compact()

    told, wrong = apart(work)
    if wrong:
        return [wrong]
    counts[f"{what}: full" if refused(told) else f"{what}: enough space"] += 1
    if refused(told) and "full" not in told["error"]:
        return [f"does not say full: {told['error']}"]
    if what != "create" and refused(told):
        found, wrong = apart(lambda: answers(scene, path))
        known = [name for name in right if not wrong and what == "compact" and found.get(name) != right[name]]
        if wrong or known:
            return [wrong or f"{known[0]}: {found[known[0]]} instead of {right[known[0]]} while the disk is full"]
    subprocess.run(LARGE.format(path.parent).split(), check=True)

    def again() -> list[str]:
        work()
        with Collection(path) as album:
            report = album.check()
            return report.problems + report.repaired

    told, wrong = apart(again)
    if wrong or refused(told) or told:
        return [wrong or str(told)]
    if what != "index":
        found, wrong = apart(lambda: answers(scene, path))
        if wrong or found != right:
            return [wrong or "other answers once there was space"]
    return []


def _methods(scene: Scene) -> list[str]:
    with Collection(scene.album) as album:
        return album.methods
