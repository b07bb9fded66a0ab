"""Killed before any call to the system: nothing is lost, and the next run finishes what was begun."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable

import pytest
from scenes import Scene, refuse_links, refuse_second_names

from lookalike.duplicates import apply_plan, undo

CHANGES = {"open", "os.link", "os.remove", "os.rename", "os.mkdir", "os.utime", "os.chmod", "os.truncate"}
"""Audit events of what changes a disk; `open` also when it only reads."""
KILLED = 99
DISKS = {"same disk": None, "another disk": refuse_links, "no second names": refuse_second_names}

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def killed(nth: int, disk: Callable[[pytest.MonkeyPatch], None] | None, work: Callable[[], object]) -> bool:
    """Do some work in another process that dies, without a chance to clean up, before its nth call of the system.

    Also in the middle of copying and of writing a line. False when the work was done before.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED
    try:
        patch = pytest.MonkeyPatch()
        if disk:
            disk(patch)
        left = nth

        def step(*_: object) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                os._exit(KILLED)

        copy = shutil.copyfileobj
        patch.setattr(os, "fsync", step)
        patch.setattr(shutil, "copyfileobj", lambda source, target, size: halved(source, target, step, copy))
        sys.addaudithook(lambda event, _: step() if event in CHANGES else None)
        work()
        os._exit(0)
    finally:
        os._exit(1)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a killed process has written stays; waiting for the disk would tell nothing here."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def halved(source, target, step, copy):
    target.write(source.read(7))
    target.flush()
    step()
    copy(source, target)


def swept(scene: Scene) -> bool:
    """Whether no unfinished copy is left."""
    return not [path for path in scene.root.rglob(".*") if path.is_file()]


def no_more_than_once(scene: Scene, before: dict[str, bytes]) -> bool:
    return scene.contents() == sorted(before.values())


@pytest.mark.parametrize("disk", DISKS)
def test_apply_killed_anywhere_then_undone(tmp_path, disk):
    for nth in range(1000):
        scene = Scene(tmp_path / str(nth))
        before = scene.tree()
        stopped = killed(nth, DISKS[disk], lambda scene=scene: apply_plan(scene.plan, scene.away))
        assert set(scene.contents()) >= set(before.values()), nth
        for file in sorted(scene.away.glob("undo-*.jsonl")):
            if file.read_bytes().count(b"\n"):
                undo(file)
        assert scene.tree() == before, nth
        assert no_more_than_once(scene, before), nth
        assert swept(scene), nth
        if not stopped:
            break
    assert nth > 30


@pytest.mark.parametrize("disk", DISKS)
def test_apply_killed_anywhere_then_applied_again_and_undone(tmp_path, disk):
    for nth in range(1000):
        scene = Scene(tmp_path / str(nth))
        before = scene.tree()
        stopped = killed(nth, DISKS[disk], lambda scene=scene: apply_plan(scene.plan, scene.away))
        apply_plan(scene.plan, scene.away)
        assert sorted(scene.tree()) == ["keep.jpg", "other.png"], nth
        assert no_more_than_once(scene, before), nth
        names = sorted(path.relative_to(scene.away).as_posix() for path in scene.away.rglob("*.[jp][pn]g"))
        assert names == ["b/copy.jpg", "copy.jpg", "other.png"], nth
        for file in sorted(scene.away.glob("undo-*.jsonl"), reverse=True):
            if file.read_bytes().count(b"\n"):
                undo(file)
        assert scene.tree() == before, nth
        assert swept(scene), nth
        if not stopped:
            break
    assert nth > 30


@pytest.mark.parametrize("disk", DISKS)
def test_undo_killed_anywhere_then_repeated(tmp_path, disk):
    for nth in range(1000):
        scene = Scene(tmp_path / str(nth))
        before = scene.tree()
        apply_plan(scene.plan, scene.away)
        stopped = killed(nth, DISKS[disk], lambda scene=scene: undo(scene.undo_file()))
        assert set(scene.contents()) >= set(before.values()), nth
        undo(scene.undo_file())
        assert scene.tree() == before, nth
        assert no_more_than_once(scene, before), nth
        assert swept(scene), nth
        if not stopped:
            break
    assert nth > 30
