"""Pictures and a collection of them, copied for every trial; what it answers, in a form that can be compared."""

from __future__ import annotations

import json
import os
import shutil
import signal
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import PIL.ImageOps

from lookalike import Collection, LookalikeError
from lookalike.ingest.run import Options
from samples import PHOTOS, draw, fill, photo

HERE = Options(workers=0)

Answers = dict[str, Any]


@dataclass(frozen=True)
class Scene:
    """A folder of its own: `pictures` and the collection `album` of them, with some pictures removed from it."""

    root: Path
    methods: tuple[str, ...] = ()
    """Those that pictures are asked with."""

    @property
    def pictures(self) -> Path:
        return self.root / "pictures"

    @property
    def album(self) -> Path:
        return self.root / "album"

    def copy(self, name: str) -> Scene:
        """The same in a new place; paths in the collection go on meaning the first one's pictures."""
        place = self.root.parent / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        shutil.copytree(self.album, place / "album")
        return Scene(place, self.methods)


def make(root: Path, methods: tuple[str, ...]) -> Scene:
    """Drawings and photos, three of them twice, in a new collection from which a folder was removed."""
    scene = Scene(root / "scene", tuple(method for method in methods if method != "text"))
    fill(scene.pictures, 16)
    for name in PHOTOS:
        photo(name).save(scene.pictures / name)
    for name in PHOTOS[:3]:
        PIL.ImageOps.mirror(photo(name)).save(scene.pictures / f"mirrored-{name}")
        shutil.copyfile(scene.pictures / name, scene.pictures / f"copy-{name}")
    for seed in range(100, 106):
        draw(scene.pictures / "removed" / f"{seed}.png", seed)
    must(lambda: fill_collection(scene.album, [scene.pictures], methods))
    shutil.move(scene.pictures / "removed", root / "removed")
    must(lambda: fill_collection(scene.album))
    return scene


def fill_collection(album: Path, folders: Sequence[Path] = (), methods: tuple[str, ...] = ()) -> None:
    """Index folders into a collection."""
    with Collection(album) as opened:
        opened.index(folders, methods=methods, options=HERE)


def answers(scene: Scene, path: Path | None = None) -> Answers:
    """What the collection at `path` answers to a list of questions; what it refuses as {"error": line}."""
    found: Answers = {}
    with Collection(path or scene.album) as album:
        for name, question in _questions(album, scene).items():
            try:
                found[name] = question()
            except LookalikeError as error:
                found[name] = {"error": str(error)}
    told: Answers = json.loads(json.dumps(found))
    return told


def _questions(album: Collection, scene: Scene) -> dict[str, Callable[[], Any]]:
    red = scene.pictures / "003.png"
    questions: dict[str, Callable[[], Any]] = {
        "pictures": lambda: sorted(os.path.basename(album.record(int(id_)).path) for id_ in album.ids()),
        "methods": lambda: album.methods,
        "where": lambda: _names(album.search(red, where="width > 200", k=1000)),
        "word": lambda: _names(album.search(text="chelsea", k=1000)) if "text" in album.methods else [],
        "duplicates": lambda: sorted(_names(group.members) for group in album.duplicates()),
        "counts": lambda: (album.info().pictures, album.info().failed, album.roots),
    }
    for name in ("003.png", "chelsea.png", "mirrored-astronaut.png"):
        for method in ("auto", *scene.methods):
            questions[f"{name} {method}"] = partial(_matches, album, scene.pictures / name, method)
    return questions


def _names(found: Iterable[Any]) -> list[str]:
    return sorted(os.path.basename(one.path) for one in found)


def _matches(album: Collection, picture: Path, method: str) -> list[Any]:
    """All pictures, those at one distance by name: ids differ in a collection that was salvaged."""
    found = [
        [os.path.basename(match.path), round(match.score, 3), sorted(one.method for one in match.evidence)]
        for match in album.search(picture, methods=method, k=1000)
    ]
    return sorted(found, key=lambda one: (-one[1], one[0]))


def refused(answer: Any) -> bool:
    return isinstance(answer, dict) and "error" in answer


def differences(found: Answers, right: Answers) -> list[str]:
    """The questions that were answered otherwise, and not with an error."""
    return [name for name in right if name in found and found[name] != right[name] and not refused(found[name])]


def must(work: Callable[[], Any]) -> None:
    """Something that is no trial, in a process of its own: one that has threads cannot be copied any more."""
    told, wrong = apart(work)
    if wrong or refused(told):
        raise SystemExit(wrong or told["error"])


def apart(work: Callable[[], Any]) -> tuple[Any, str]:
    """(result, what went wrong) of something done in a process of its own, which may die."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        signal.alarm(900)  # whatever hangs
        try:
            result = {"result": work()}
        except LookalikeError as error:
            result = {"error": str(error)}
        except BaseException:  # noqa: BLE001 (whatever it is, it is told)
            result = {"traceback": traceback.format_exc()}
        with os.fdopen(writing, "w") as file:
            json.dump(result, file)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        text = file.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) or not text:
        return None, f"died of signal {os.WTERMSIG(status) if os.WIFSIGNALED(status) else '?'}"
    told = json.loads(text)
    if "traceback" in told:
        return None, told["traceback"]
    if "error" in told:
        return {"error": told["error"]}, "" if "\n" not in told["error"] else f"more than a line: {told['error']}"
    return told["result"], ""
