"""Other disks, full ones, interruptions: wherever a move ends, every picture is whole and somewhere known."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from scenes import refuse_links, refuse_second_names

from lookalike.duplicates import apply_plan, transfer, undo


def test_another_disk_gets_verified_copies_with_their_times(scene, monkeypatch):
    refuse_links(monkeypatch)
    os.utime(scene.pictures / "a/copy.jpg", ns=(10**18, 10**18))
    before = scene.contents()
    apply_plan(scene.plan, scene.away)
    assert scene.contents() == before
    assert (scene.away / "copy.jpg").stat().st_mtime_ns == 10**18
    undo(scene.undo_file())
    assert scene.contents() == before
    assert len(scene.tree()) == 5


def test_a_copy_that_turns_out_different_is_not_trusted(scene, monkeypatch):
    refuse_links(monkeypatch)

    def damage(source, target, *_):
        target.write(source.read()[:-1] + b"?")

    monkeypatch.setattr(shutil, "copyfileobj", damage)
    before = scene.tree()
    report = apply_plan(scene.plan, scene.away)
    assert scene.tree() == before
    assert report.moved == []
    assert [one.reason for one in report.left] == ["could not be moved: the copy differs from the original"] * 3
    assert not list(scene.away.rglob("*.jpg"))


@pytest.mark.parametrize("other_disk", [False, True], ids=["same disk", "other disk"])
@pytest.mark.parametrize("nth", range(14))
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_interrupted_at_any_step_every_picture_is_there_and_undo_brings_it_back(
    scene, monkeypatch, other_disk, nth, error
):
    before, contents = scene.tree(), set(scene.contents())
    with monkeypatch.context() as patch:
        if other_disk:
            refuse_links(patch)
        interrupt_at(patch, nth, error, link=not other_disk)
        with suppress(error):
            apply_plan(scene.plan, scene.away)
    assert set(scene.contents()) >= contents
    if scene.undo_file().exists():
        undo(scene.undo_file())
    after = scene.tree()
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize("nth", range(8))
def test_undo_can_be_interrupted_and_repeated(scene, monkeypatch, nth):
    before = scene.tree()
    apply_plan(scene.plan, scene.away)
    with monkeypatch.context() as patch:
        interrupt_at(patch, nth, KeyboardInterrupt, link=True)
        with suppress(KeyboardInterrupt):
            undo(scene.undo_file())
    undo(scene.undo_file())
    assert scene.tree() == before


def interrupt_at(patch: pytest.MonkeyPatch, nth: int, error: type[BaseException], *, link: bool) -> None:
    """Raise before the n-th call of any function that changes the disk."""
    calls = 0

    def before(function: Callable[..., object]) -> Callable[..., object]:
        def called(*arguments: object, **options: object) -> object:
            nonlocal calls
            calls += 1
            if calls == nth + 1:
                raise error
            return function(*arguments, **options)

        return called

    for holder, name in ((os, "unlink"), (os, "fsync"), (shutil, "copyfileobj"), (shutil, "copystat")):
        patch.setattr(holder, name, before(getattr(holder, name)))
    if link:
        patch.setattr(os, "link", before(os.link))


def test_transfer_never_takes_the_place_of_anything(tmp_path, monkeypatch):
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"a")
    target.write_bytes(b"b")
    for other_disk in (False, True):
        if other_disk:
            refuse_links(monkeypatch)
        with pytest.raises(FileExistsError):
            transfer.transfer(source, target, hashlib.sha256(b"a").hexdigest())
        assert (source.read_bytes(), target.read_bytes()) == (b"a", b"b")


def test_one_name_that_two_mounts_show_is_put_back_and_not_taken_away(tmp_path, monkeypatch):
    here, there = tmp_path / "here", tmp_path / "there"
    here.write_bytes(b"picture")
    os.link(here, tmp_path / "elsewhere")
    os.link(here, there)
    set_aside = transfer.rename_new

    def both_go(source: Path, target: Path) -> None:
        set_aside(source, target)
        if source == here:
            there.unlink()

    monkeypatch.setattr(transfer, "rename_new", both_go)
    with pytest.raises(transfer.LeaveAloneError, match="by one name"):
        transfer.end_name(here, there, hashlib.sha256(b"picture").hexdigest())
    assert here.read_bytes() == b"picture"


def test_a_file_with_one_name_in_two_cases_keeps_it(tmp_path, monkeypatch):
    name = tmp_path / "a.jpg"
    name.write_bytes(b"picture")
    os_lstat = os.lstat
    monkeypatch.setattr(os, "lstat", lambda path, **more: os_lstat(str(path).replace("A.JPG", "a.jpg"), **more))
    monkeypatch.setattr(transfer, "file_sha256", lambda _: hashlib.sha256(b"picture").hexdigest())
    with pytest.raises(transfer.LeaveAloneError, match="by one name"):
        transfer.end_name(tmp_path / "A.JPG", name, hashlib.sha256(b"picture").hexdigest())
    assert name.read_bytes() == b"picture"


@pytest.mark.parametrize("disk", [refuse_links, refuse_second_names])
def test_a_disk_without_second_names_is_as_good(scene, monkeypatch, disk):
    disk(monkeypatch)
    before = scene.tree()
    scene.away.mkdir()
    (scene.away / "copy.jpg").write_bytes(b"mine")
    apply_plan(scene.plan, scene.away)
    assert (scene.away / "copy.jpg").read_bytes() == b"mine"
    undo(scene.undo_file())
    assert scene.tree() == before
    assert not list(scene.root.rglob(".*"))


def test_a_source_that_cannot_be_taken_away_leaves_nothing_behind(scene, monkeypatch):
    before, unlink = scene.tree(), os.unlink

    def refuse(path, **more):
        if str(path).startswith(str(scene.pictures)):
            raise PermissionError(errno.EACCES, "Permission denied")
        unlink(path, **more)

    for disk in (None, refuse_links):
        with monkeypatch.context() as patch:
            patch.setattr(os, "unlink", refuse)
            if disk:
                disk(patch)
            report = apply_plan(scene.plan, scene.away)
        assert scene.tree() == before
        assert {one.reason for one in report.left} == {"could not be moved: Permission denied"}
        assert not list(scene.away.rglob("*.jpg"))
        assert not list(scene.away.rglob(".*"))


@pytest.mark.parametrize("full", ["the copy", "the undo file"])
def test_a_full_disk_moves_what_fits_and_the_undo_file_stays_whole(scene, monkeypatch, full):
    before = scene.tree()
    calls = 0
    copy, sync = shutil.copyfileobj, os.fsync

    def once(function):
        def called(*arguments):
            nonlocal calls
            calls += 1
            if calls == 1:
                if full == "the copy":
                    arguments[1].write(b"half")
                raise OSError(errno.ENOSPC, "No space left on device")
            return function(*arguments)

        return called

    with monkeypatch.context() as patch:
        refuse_links(patch)
        if full == "the copy":
            patch.setattr(shutil, "copyfileobj", once(copy))
        else:
            patch.setattr(os, "fsync", once(sync))
            patch.setattr(transfer, "_sync_folder", lambda _: None)
        report = apply_plan(scene.plan, scene.away)
    assert [one.reason for one in report.left] == ["could not be moved: No space left on device"]
    assert len(report.moved) == 2
    assert not list(scene.root.rglob(".*"))
    assert len(undo(report.undo).moved) == 2
    assert scene.tree() == before


def test_moving_back_works_when_the_undo_file_cannot_be_written(scene, monkeypatch):
    before = scene.tree()
    apply_plan(scene.plan, scene.away)
    written = scene.undo_file().read_bytes()

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    undo(scene.undo_file())
    assert scene.tree() == before
    assert scene.undo_file().read_bytes() == written


def test_a_file_replaced_while_it_is_copied_is_not_taken_away(scene, monkeypatch):
    refuse_links(monkeypatch)
    copy = shutil.copyfileobj

    def replaced(source, target, size):
        copy(source, target, size)
        if source.name.endswith("a/copy.jpg"):
            Path(source.name).write_bytes(b"a new version of it")

    monkeypatch.setattr(shutil, "copyfileobj", replaced)
    report = apply_plan(scene.plan, scene.away)
    assert (scene.pictures / "a/copy.jpg").read_bytes() == b"a new version of it"
    assert len(report.moved) == 2
