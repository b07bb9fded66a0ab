"""Commands killed at random moments: nothing is lost, and the same command afterwards finishes the work."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scene import HERE, Scene, apart, fill_collection, must, refused

from lookalike import Collection
from lookalike.cli import main
from lookalike.duplicates import write_plan
from samples import draw, drawing

EVENTS = ("open", "os.rename", "os.remove", "os.link", "os.truncate", "os.mkdir", "sqlite3.connect")
"""What a command that is to die at its n-th use of a file counts."""


@dataclass(frozen=True)
class Ended:
    """A process: its exit code, negative for the signal that ended it, and what it printed."""

    code: int
    text: str


@dataclass(frozen=True)
class Work:
    """A command to kill: how its place is made ready, and what must hold once it was killed, and once repeated."""

    name: str
    prepare: Callable[[Scene, Scene], list[str]]
    killed: Callable[[Scene, Scene], list[str]]
    finished: Callable[[Scene, Scene], list[str]]


def run(scene: Scene, trials: int, seed: int, counts: Counter[str], faults: list[str]) -> None:
    """Kill so many commands: counts what happened, and tells what went wrong."""
    spans: dict[str, tuple[float, int]] = {}
    for number in range(trials):
        work = WORKS[number % len(WORKS)]
        chance = random.Random(seed * 1_000_003 + number)
        if work.name not in spans:
            spans[work.name] = _span(scene, work)
        trial = scene.copy("killed")
        arguments = work.prepare(trial, scene)
        seconds, uses = spans[work.name]
        if chance.random() < 0.5:
            ended = _run(arguments, seconds=chance.uniform(0.02, 1.0) * seconds)
        else:
            ended = _run(arguments, event=chance.randint(1, uses), inside=trial.root)
        counts[f"{work.name}: {'killed' if ended.code == -signal.SIGKILL else 'was faster'}"] += 1
        wrong = [f"before: {line}" for line in work.killed(trial, scene)]
        done = _run(arguments)
        if "Traceback" in done.text:
            wrong.append(f"repeated: {done.text[-600:]}")
        wrong += work.finished(trial, scene)
        counts["tracebacks"] += any("Traceback" in line for line in wrong)
        counts["something lost"] += bool(wrong)
        faults += [f"kill {number} ({work.name}): {line}" for line in wrong]


def _run(arguments: list[str], *, event: int = 0, inside: Path | None = None, seconds: float = 0) -> Ended:
    """A command in a process of its own, which dies at its n-th use of a file below a folder, or after a while."""
    with tempfile.TemporaryFile("w+") as told:
        child = os.fork()
        if not child:
            sys.stdout = sys.stderr = told
            used = _count_uses(inside, event) if inside else []
            os._exit(_command(arguments, used))
        if seconds:
            time.sleep(seconds)
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        told.seek(0)
        return Ended(os.waitstatus_to_exitcode(status), told.read())


def _count_uses(inside: Path, last: int) -> list[int]:
    """A number that rises with every use of a file below a folder; the process dies when it is `last`."""
    used = [0]

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        names = [os.fsdecode(one) for one in arguments if isinstance(one, str | bytes | os.PathLike)]
        if event in EVENTS and any(str(inside) in name for name in names):
            used[0] += 1
            if used[0] == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return used


def _command(arguments: list[str], used: list[int]) -> int:
    """Run lookalike's command line; its exit code. Prints how many files were used."""
    sys.argv = ["lookalike", *arguments]
    code = 0
    try:
        main()
    except SystemExit as leaving:
        code = int(leaving.code or 0)
    except BaseException:  # noqa: BLE001 (whatever it is, it is told)
        traceback.print_exc()
        code = 70
    print("uses", *used, flush=True)
    return code


def _span(scene: Scene, work: Work) -> tuple[float, int]:
    """How long a command takes, and how often it uses a file of its place."""
    trial = scene.copy("killed")
    arguments = work.prepare(trial, scene)
    started = time.monotonic()
    done = _run(arguments, event=-1, inside=trial.root)
    if done.code:
        raise SystemExit(f"{work.name} does not work: {done.text}")
    return time.monotonic() - started, int(done.text.rsplit("uses", 1)[1])


# -- a collection is indexed, compacted, or pictures are removed from it


def _words(*arguments: object) -> list[str]:
    return [str(argument) for argument in arguments]


def _ready_to_index(trial: Scene, scene: Scene) -> list[str]:
    """New pictures, a copy of a known one, and some that come back."""
    for seed in range(200, 230):
        draw(trial.root / "more" / f"{seed}.png", seed)
    shutil.copyfile(scene.pictures / "003.png", trial.root / "more" / "again.png")
    shutil.copytree(scene.root.parent / "removed", trial.root / "more" / "removed")
    return _words("-c", trial.album, "index", trial.root / "more", "--workers", "0")


def _ready_to_compact(trial: Scene, scene: Scene) -> list[str]:
    return _words("-c", trial.album, "check", "--compact")


def _ready_to_remove(trial: Scene, scene: Scene) -> list[str]:
    return _words("-c", trial.album, "remove", *sorted(scene.pictures.glob("00*.png")))


def _sound(trial: Scene, scene: Scene, at_least: set[str] | None = None) -> list[str]:
    """What is wrong with a collection that was being written to."""
    expected = at_least if at_least is not None else {path.name for path in scene.pictures.iterdir()}

    def look() -> list[str]:
        wrong = []
        with Collection(trial.album) as album:
            report = album.check()
            wrong += [f"check: {line}" for line in report.problems + report.repaired]
            there = {os.path.basename(album.record(int(id_)).path): int(id_) for id_ in album.ids()}  # type: ignore[union-attr]
            if lost := expected - there.keys():
                wrong.append(f"lost: {sorted(lost)}")
            for name, id_ in list(there.items())[:: max(1, len(there) // 12)]:
                for method in ("phash", "color"):
                    near = album.search(id=id_, k=3, methods=method)
                    if not any(one.distance < 0.001 for match in near for one in match.evidence):
                        wrong.append(f"{name} is not found by {method}")
        return wrong

    return _told(look)


def _told(look: Callable[[], list[str]]) -> list[str]:
    """What a look in a process of its own finds wrong, its own failing included."""
    told, fault = apart(look)
    return [fault] if fault else [told["error"]] if refused(told) else told


def _indexed(trial: Scene, scene: Scene) -> list[str]:
    new = {path.name for path in (trial.root / "more").rglob("*.png")}
    return _sound(trial, scene, {path.name for path in scene.pictures.iterdir()} | new)


def _compacted(trial: Scene, scene: Scene) -> list[str]:
    shutil.copytree(scene.root.parent / "removed", trial.root / "back")

    def look() -> list[str]:
        with Collection(trial.album) as album:
            wrong = ["not compacted"] if album.info().removed else []
            album.index([trial.root / "back"], options=HERE)
            for seed in range(100, 106):
                near = album.search(drawing(seed), k=1, methods="phash")
                if os.path.basename(near[0].path) != f"{seed}.png":
                    wrong.append(f"{seed}.png came back and is not found")
        return wrong

    return _sound(trial, scene) + _told(look)


def _still_there(trial: Scene, scene: Scene) -> list[str]:
    return _sound(trial, scene, {path.name for path in scene.pictures.iterdir() if not path.name.startswith("00")})


def _removed(trial: Scene, scene: Scene) -> list[str]:
    def look() -> list[str]:
        with Collection(trial.album) as album:
            return [f"{path} is still there" for path in scene.pictures.glob("00*.png") if album.sha256(path)]

    return _still_there(trial, scene) + _told(look)


# -- copies are moved away and back


def _with_copies(trial: Scene, scene: Scene) -> None:
    """A folder of the trial's own with copies, its collection, and a plan."""
    shutil.copytree(scene.pictures, trial.root / "mine")
    shutil.rmtree(trial.album)
    shutil.copytree(_collection_with_copies(trial, scene), trial.album)

    def plan() -> None:
        with Collection(trial.album) as album:
            write_plan(album.duplicates(), trial.root / "plan.csv")

    must(plan)


def _collection_with_copies(trial: Scene, scene: Scene) -> Path:
    """Of the very folder of the trial, which is at the same place each time: made once."""
    made = scene.root.parent / "with-copies"
    if not made.exists():
        must(lambda: fill_collection(made, [trial.root / "mine"], ("phash", "color")))
    shutil.rmtree(trial.root / "mine")
    shutil.copytree(scene.pictures, trial.root / "mine")  # dates may differ: only content counts
    return made


def _contents(*folders: Path) -> Counter[str]:
    files = [path for folder in folders if folder.exists() for path in folder.rglob("*") if path.is_file()]
    return Counter(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)


def _ready_to_apply(trial: Scene, scene: Scene) -> list[str]:
    _with_copies(trial, scene)
    return _words("-c", trial.album, "duplicates", "apply", trial.root / "plan.csv", "--to", trial.root / "copies")


def _ready_to_undo(trial: Scene, scene: Scene) -> list[str]:
    done = _run(_ready_to_apply(trial, scene))
    journal = done.text.rpartition("uses")[0].rsplit("undo ", 1)[1].strip()
    return _words("duplicates", "undo", journal)


def _nothing_lost(trial: Scene, scene: Scene) -> list[str]:
    before, now = _contents(scene.pictures), _contents(trial.root / "mine", trial.root / "copies")
    lost = before - now
    return [f"{sum(lost.values())} pictures are lost"] if lost else []


def _back(trial: Scene, scene: Scene) -> list[str]:
    here = {path.name: path.read_bytes() for path in (trial.root / "mine").iterdir() if path.is_file()}
    there = {path.name: path.read_bytes() for path in scene.pictures.iterdir() if path.is_file()}
    return [] if here == there else [f"not back: {sorted(there.keys() ^ here.keys())}"]


def _moved(trial: Scene, scene: Scene) -> list[str]:
    return _nothing_lost(trial, scene) + (
        [] if len(list((trial.root / "mine").iterdir())) < len(list(scene.pictures.iterdir())) else ["nothing moved"]
    )


WORKS = (
    Work("index", _ready_to_index, _sound, _indexed),
    Work("check --compact", _ready_to_compact, _sound, _compacted),
    Work("remove", _ready_to_remove, _still_there, _removed),
    Work("duplicates apply", _ready_to_apply, _nothing_lost, _moved),
    Work("duplicates undo", _ready_to_undo, _nothing_lost, _back),
)
