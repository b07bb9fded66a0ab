"""Damage at random places of a collection: answers stay the same or become one line, and `check` finds it."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scene import HERE, Answers, Scene, answers, apart, differences, refused

from lookalike import Collection, LookalikeError


@dataclass(frozen=True)
class Damage:
    """What was done to which file."""

    file: str
    kind: str
    place: int
    length: int

    def __str__(self) -> str:
        return f"{self.file}: {self.kind} at {self.place}, {self.length} bytes"


def harm(album: Path, chance: random.Random) -> Damage:
    """Damage one file of a collection."""
    files = sorted(path for path in album.rglob("*") if path.is_file() and path.stat().st_size)
    weights = [5 if path.name == "catalogue.sqlite" else 1 for path in files]
    (path,) = chance.choices(files, weights)
    data = bytearray(path.read_bytes())
    kind = chance.choice(["bit", "bit", "range", "zeros", "ones", "cut", "gone"])
    place = chance.randrange(len(data))
    length = 1
    if kind == "bit":
        data[place] ^= 1 << chance.randrange(8)
    elif kind in ("range", "zeros", "ones"):
        length = min(chance.choice([4, 80, 512, 5000, 70_000]), len(data) - place)
        data[place : place + length] = {
            "range": chance.randbytes(length),
            "zeros": bytes(length),
            "ones": b"\xff" * length,
        }[kind]
    elif kind == "cut":
        length = len(data) - place
        del data[place:]
    if kind == "gone":
        path.unlink()
    else:
        path.write_bytes(data)
    return Damage(str(path.relative_to(album)), kind, place, length)


def checked(path: Path) -> dict[str, list[str]]:
    with Collection(path) as album:
        report = album.check()
        return {"problems": report.problems, "repaired": report.repaired}


def written(path: Path, scene: Scene) -> None:
    """Write to a damaged collection that nobody has checked."""
    with Collection(path) as album:
        album.index([scene.pictures], options=HERE)
        album.remove([scene.pictures / "003.png"])
        album.compact()


def mended(trial: Scene, scene: Scene) -> Answers:
    """What it answers once it was repaired, or salvaged, and indexed again."""
    target = trial.album
    report, _ = apart(lambda: checked(target))
    if refused(report) or report["problems"]:
        target = trial.root / "new"
        with Collection(trial.album) as album:
            try:
                album.salvage(target)
            except LookalikeError:
                shutil.rmtree(target, ignore_errors=True)  # nothing can be read: it is indexed anew
        with Collection(target) as album:
            album.index([scene.pictures], methods=_methods(scene), options=HERE)
    else:
        with Collection(target) as album:
            album.index([scene.pictures], options=HERE)
    return answers(scene, target)


def _methods(scene: Scene) -> list[str]:
    with Collection(scene.album) as album:
        return album.methods


def run(scene: Scene, trials: int, seed: int, counts: Counter[str], faults: list[str]) -> None:
    """Damage so many copies: counts what happened, and tells what went wrong."""
    if not trials:
        return
    right, wrong = apart(lambda: answers(scene))
    if wrong:
        raise SystemExit(wrong)
    for number in range(trials):
        chance = random.Random(seed * 1_000_003 + number)
        trial = scene.copy("damaged")
        damage = harm(trial.album, chance)
        counts["damaged"] += 1
        counts.update([f"in {damage.file.split('/')[0]}"])
        faults += [f"damage {number} ({damage}): {fault}" for fault in _trial(trial, scene, right, counts)]


def _trial(trial: Scene, scene: Scene, right: Answers, counts: Counter[str]) -> list[str]:
    found, wrong = apart(lambda: answers(scene, trial.album))
    if wrong:
        counts["tracebacks"] += 1
        return [f"asking: {wrong}"]
    faults = []
    different = differences(found, right)
    counts["answered the same"] += found == right
    counts["refused in one line"] += refused(found) or any(map(refused, found.values()))
    shutil.copytree(trial.album, trial.root / "written")
    _, wrong = apart(lambda: written(trial.root / "written", scene))
    if wrong:
        counts["tracebacks"] += 1
        faults.append(f"writing: {wrong}")
    report, wrong = apart(lambda: checked(trial.album))
    if wrong:
        counts["tracebacks"] += 1
        faults.append(f"check: {wrong}")
        return faults
    noticed = refused(report) or bool(report["problems"] or report["repaired"])
    counts["noticed by check"] += noticed
    if different:
        counts["answered differently"] += 1
        if not noticed:
            counts["silent differences"] += 1
            faults.append(f"different and not noticed: {_told(different, found, right)}")
    after, wrong = apart(lambda: mended(trial, scene))
    if wrong:
        counts["tracebacks"] += 1
        faults.append(f"mending: {wrong}")
    elif after != right:
        counts["not as before once mended"] += 1
        faults.append(f"once mended ({report}): {_told([n for n in right if after.get(n) != right[n]], after, right)}")
    return faults


def _told(names: list[str], found: dict[str, Any], right: dict[str, Any]) -> str:
    name = names[0] if names else "?"
    return f"{len(names)} answers, as to {name!r}: {str(found.get(name))[:300]} instead of {str(right.get(name))[:300]}"
