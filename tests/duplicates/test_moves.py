"""Moving copies away: every picture is always where it was or where the undo file says, whatever happens."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from scenes import Scene, described, refuse_links, refuse_second_names

from lookalike.duplicates import apply_plan, transfer, undo
from lookalike.duplicates.journal import locked
from lookalike.errors import CollectionError


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_copies_move_and_keep_their_places_relative_to_each_other(scene):
    report = apply_plan(scene.plan, scene.away)
    assert sorted(scene.tree()) == ["keep.jpg", "other.png"]
    assert sorted(p.relative_to(scene.away).as_posix() for p in scene.away.rglob("*.*")) == [
        "b/copy.jpg",
        "copy.jpg",
        "other.png",
        "undo-1.jsonl",
    ]
    assert len(report.moved) == 3
    assert not report.left


def test_undo_puts_everything_back(scene):
    before = scene.tree()
    report = apply_plan(scene.plan, scene.away)
    back = undo(report.undo)
    assert scene.tree() == before
    assert len(back.moved) == 3
    assert not back.left


def test_undo_twice_does_no_harm(scene):
    before = scene.tree()
    apply_plan(scene.plan, scene.away)
    undo(scene.undo_file())
    again = undo(scene.undo_file())
    assert scene.tree() == before
    assert again.moved == []
    assert again.left == []


def test_undo_works_after_the_folder_was_moved(scene, tmp_path):
    before = scene.tree()
    apply_plan(scene.plan, scene.away)
    shutil.move(scene.away, tmp_path / "elsewhere")
    undo(tmp_path / "elsewhere" / "undo-1.jsonl")
    assert scene.tree() == before


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


def test_applied_twice_moves_nothing_more_and_says_why(scene):
    apply_plan(scene.plan, scene.away)
    after = scene.contents()
    again = apply_plan(scene.plan, scene.away)
    assert again.moved == []
    assert again.undo is None
    assert {one.reason for one in again.left} == {"is not there any more; was the plan applied before?"}
    assert scene.contents() == after


def test_nothing_in_the_folder_is_overwritten(scene):
    scene.away.mkdir()
    (scene.away / "copy.jpg").write_bytes(b"mine")
    apply_plan(scene.plan, scene.away)
    assert (scene.away / "copy.jpg").read_bytes() == b"mine"
    assert (scene.away / "copy (2).jpg").exists()
    undo(scene.undo_file())
    assert (scene.away / "copy.jpg").read_bytes() == b"mine"
    assert len(scene.tree()) == 5


def test_a_second_plan_into_the_same_folder_gets_its_own_undo_file(scene):
    apply_plan(scene.plan, scene.away)
    (scene.pictures / "new.jpg").write_bytes(b"new")
    scene.write([{"keep": scene.file("keep.jpg"), "move": [scene.file("new.jpg")]}])
    assert apply_plan(scene.plan, scene.away).undo == scene.away / "undo-2.jsonl"


@pytest.mark.parametrize("content", [b"edited", b"CONTENT OF a/copy.jpg" * 50], ids=["another size", "the same size"])
def test_a_copy_that_changed_since_the_plan_is_left_alone(scene, content):
    (scene.pictures / "a/copy.jpg").write_bytes(content)
    report = apply_plan(scene.plan, scene.away)
    assert [(Path(one.path).name, one.reason) for one in report.left] == [
        ("copy.jpg", "has changed since the plan was made")
    ]
    assert (scene.pictures / "a/copy.jpg").read_bytes() == content
    assert len(report.moved) == 2


def test_a_file_that_was_only_touched_is_still_the_same(scene):
    os.utime(scene.pictures / "a/copy.jpg", ns=(1, 1))
    assert len(apply_plan(scene.plan, scene.away).moved) == 3


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"other")], ids=["gone", "changed"])
def test_copies_stay_when_the_file_to_keep_is_not_what_it_was(scene, spoil):
    spoil(scene.pictures / "keep.jpg")
    report = apply_plan(scene.plan, scene.away)
    assert (scene.pictures / "a/copy.jpg").exists()
    assert (scene.pictures / "a/b/copy.jpg").exists()
    assert [Path(source).name for source, _ in report.moved] == ["other.png"]
    assert all("the file to keep" in one.reason for one in report.left)


def test_links_are_left_alone(scene):
    link, real = scene.pictures / "a/copy.jpg", scene.pictures / "real.jpg"
    link.rename(real)
    link.symlink_to(real)
    report = apply_plan(scene.plan, scene.away)
    assert [one.reason for one in report.left] == ["is a link or a folder, not a file"]
    assert link.is_symlink()


def test_the_file_to_keep_is_not_moved_under_another_name(scene):
    (scene.pictures / "alias").symlink_to(scene.pictures, target_is_directory=True)
    alias = {**scene.file("keep.jpg"), "path": str(scene.pictures / "alias/keep.jpg")}
    scene.write([{"keep": scene.file("keep.jpg"), "move": [alias]}])
    report = apply_plan(scene.plan, scene.away)
    assert [one.reason for one in report.left] == ["is the file to keep, by another name"]
    assert (scene.pictures / "keep.jpg").exists()


def test_files_that_the_collection_does_not_know_are_left_alone(scene):
    secret = scene.root / "secret.png"
    secret.write_bytes(b"secret")
    groups = scene.read()
    groups[0]["move"].append(described(secret))
    scene.write(groups)
    known = {name["path"]: name["sha256"] for name in (*map(scene.file, scene.tree()),)}
    report = apply_plan(scene.plan, scene.away, known.get)
    assert secret.exists()
    assert [(one.path, one.reason) for one in report.left] == [
        (str(secret), "is not in this collection, or as another picture")
    ]


def test_a_link_in_the_folder_does_not_lead_files_out_of_it(scene, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    scene.away.mkdir()
    (scene.away / "b").symlink_to(outside, target_is_directory=True)
    before = scene.contents()
    report = apply_plan(scene.plan, scene.away)
    assert list(outside.iterdir()) == []
    assert ["leads out of the folder" in one.reason for one in report.left] == [True]
    assert scene.contents() == before


def test_moving_into_the_pictures_own_folder_moves_nothing(scene):
    before = scene.tree()
    report = apply_plan(scene.plan, scene.pictures / "a")
    assert scene.tree() == before
    assert {one.reason for one in report.left} == {"is in that folder already"}


def test_the_folder_cannot_be_a_file(scene):
    scene.away.write_bytes(b"")
    with pytest.raises(CollectionError, match="is a file: name a folder"):
        apply_plan(scene.plan, scene.away)


def test_undo_overwrites_nothing_that_has_taken_a_place(scene):
    apply_plan(scene.plan, scene.away)
    (scene.pictures / "a/copy.jpg").write_bytes(b"something new")
    report = undo(scene.undo_file())
    assert (scene.pictures / "a/copy.jpg").read_bytes() == b"something new"
    assert (scene.away / "copy.jpg").exists()
    assert len(report.moved) == 2
    assert "another file has taken its place" in report.left[0].reason


def test_undo_leaves_a_moved_copy_alone_that_was_changed(scene):
    apply_plan(scene.plan, scene.away)
    (scene.away / "copy.jpg").write_bytes(b"edited")
    report = undo(scene.undo_file())
    assert [one.reason for one in report.left] == ["has changed since the plan was made"]
    assert not (scene.pictures / "a/copy.jpg").exists()


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


def test_an_undo_file_whose_last_line_was_cut_off_still_works(scene):
    before = scene.tree()
    apply_plan(scene.plan, scene.away)
    with open(scene.undo_file(), "a") as file:
        file.write('{"from": "/half a li')
    undo(scene.undo_file())
    assert scene.tree() == before


@pytest.mark.parametrize(
    "entry",
    [
        {"from": "/x/y.jpg", "to": "../outside.jpg", "sha256": "0" * 64},
        {"from": "relative.jpg", "to": "copy.jpg", "sha256": "0" * 64},
        {"from": "/x/../y.jpg", "to": "copy.jpg", "sha256": "0" * 64},
        {"from": "/x/y.jpg", "to": "/etc/passwd", "sha256": "0" * 64},
        {"to": "copy.jpg"},
        [],
    ],
)
def test_an_undo_file_edited_by_hand_is_refused_before_anything_moves(scene, entry):
    apply_plan(scene.plan, scene.away)
    moved = scene.tree()
    with open(scene.undo_file(), "a") as file:
        file.write(json.dumps(entry) + "\n")
    with pytest.raises(CollectionError, match="line 8: not a move; nothing was moved back"):
        undo(scene.undo_file())
    assert scene.tree() == moved


@pytest.mark.parametrize("content", ["", "{}", "[1]\n", "\x00\xff", '{"format": "lookalike duplicates plan"}\n'])
def test_something_else_is_no_undo_file(tmp_path, content):
    file = tmp_path / "undo.jsonl"
    file.write_text(content)
    with pytest.raises(CollectionError, match="is not an undo file"):
        undo(file)


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


def put_back_by_hand(scene: Scene) -> None:
    """Everything in the folder, the undo file too, moved to where it was."""
    (scene.pictures / "a/b").rmdir()
    for name in ("b", "copy.jpg", "other.png", "undo-1.jsonl"):
        shutil.move(scene.away / name, scene.pictures / "a" / name)
    scene.away.rmdir()


def rename_into_the_old_place(scene: Scene) -> None:
    shutil.rmtree(scene.pictures / "a")
    scene.away.rename(scene.pictures / "a")


def link_to_the_folder(scene: Scene) -> None:
    shutil.rmtree(scene.pictures / "a")
    (scene.pictures / "a").symlink_to(scene.away, target_is_directory=True)


def link_from_the_folder(scene: Scene) -> None:
    shutil.rmtree(scene.pictures / "a")
    scene.away.rename(scene.pictures / "a")
    scene.away.symlink_to(scene.pictures / "a", target_is_directory=True)


@pytest.mark.parametrize(
    "rearrange", [put_back_by_hand, rename_into_the_old_place, link_to_the_folder, link_from_the_folder]
)
def test_undo_deletes_nothing_when_place_and_old_place_are_one(scene, rearrange):
    before = scene.tree()
    apply_plan(scene.plan, scene.away)
    rearrange(scene)
    for file in (scene.pictures / "a/undo-1.jsonl", scene.undo_file()):
        if file.exists():
            undo(file)
    reached = {name: (scene.pictures / name).read_bytes() for name in before}
    assert reached == before


def test_undo_says_how_many_were_back_already(scene):
    apply_plan(scene.plan, scene.away)
    put_back_by_hand(scene)
    report = undo(scene.pictures / "a/undo-1.jsonl")
    assert (report.moved, report.left, report.already) == ([], [], 3)


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


@pytest.mark.parametrize("make", [os.link, shutil.copy2], ids=["linked", "copied"])
def test_what_a_person_put_back_themselves_stays_in_the_folder_too(scene, make):
    apply_plan(scene.plan, scene.away)
    make(scene.away / "copy.jpg", scene.pictures / "a/copy.jpg")
    report = undo(scene.undo_file())
    assert (scene.away / "copy.jpg").read_bytes() == (scene.pictures / "a/copy.jpg").read_bytes()
    assert [one.reason.endswith("is the same picture, in place already") for one in report.left] == [True]


def test_undo_of_a_place_behind_a_link_moves_nothing_out_of_there(scene, tmp_path):
    apply_plan(scene.plan, scene.away)
    outside = tmp_path / "outside"
    (scene.away / "b").rename(outside)
    (scene.away / "b").symlink_to(outside, target_is_directory=True)
    shutil.copy2(outside / "copy.jpg", scene.pictures / "a/b/copy.jpg")
    report = undo(scene.undo_file())
    assert [path.name for path in outside.iterdir()] == ["copy.jpg"]
    assert ["leads out of the folder" in one.reason for one in report.left] == [True]


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


def test_two_at_once_in_one_folder_are_refused(scene):
    scene.away.mkdir()
    with locked(scene.away), pytest.raises(CollectionError, match="another apply or undo is at work"):
        apply_plan(scene.plan, scene.away)
    assert len(apply_plan(scene.plan, scene.away).moved) == 3
    with locked(scene.away), pytest.raises(CollectionError, match="another apply or undo is at work"):
        undo(scene.undo_file())


def test_a_file_that_another_apply_took_at_the_same_moment_is_not_lost(scene, monkeypatch):
    contents, link = scene.contents(), os.link

    def taken(source, target):
        link(source, target)
        if str(source).endswith("a/copy.jpg"):
            os.rename(source, scene.root / "elsewhere.jpg")

    monkeypatch.setattr(os, "link", taken)
    apply_plan(scene.plan, scene.away)
    assert set(scene.contents()) == set(contents)


@pytest.mark.parametrize(
    "name",
    [
        "new\nline.jpg",
        "\udcff\udcfe.jpg",
        "漢" * 80 + ".jpg",
        "x" * 251 + ".jpg",
        "-rf.jpg",
        "undo-1.jsonl.jpg",
        " .jpg",
    ],
)
def test_any_name_goes_there_and_back(scene, name):
    (scene.pictures / "n").mkdir()
    odd = scene.pictures / "n" / name
    odd.write_bytes(b"odd")
    scene.write([{"keep": scene.file("keep.jpg"), "move": [scene.file(f"n/{name}"), scene.file("a/copy.jpg")]}])
    (scene.away / "n").mkdir(parents=True)
    (scene.away / "n" / name).write_bytes(b"in the way")
    assert len(apply_plan(scene.plan, scene.away).moved) == 2
    assert not odd.exists()
    undo(scene.undo_file())
    assert odd.read_bytes() == b"odd"
    assert (scene.away / "n" / name).read_bytes() == b"in the way"


def test_sidecars_go_with_their_picture_and_come_back(scene):
    for name in ("a/copy.jpg.xmp", "a/other.xmp", "a/b/copy.xmp"):
        (scene.pictures / name).write_text(f"about {name}")
    (scene.pictures / "a/b/copy.png").write_bytes(b"another picture of that name")
    before = scene.tree()
    apply_plan(scene.plan, scene.away)
    there = {path.relative_to(scene.away).as_posix() for path in scene.away.rglob("*.xmp")}
    assert there == {"copy.jpg.xmp", "other.xmp"}
    undo(scene.undo_file())
    assert scene.tree() == before


def test_an_impossible_folder_is_one_error_before_anything_moves(scene):
    (scene.root / "file").write_bytes(b"")
    before = scene.tree()
    for to in (scene.root / "file/below", scene.root / ("x" * 300), "/proc/nowhere"):
        with pytest.raises(CollectionError, match=r"cannot be made|is a file"):
            apply_plan(scene.plan, to)
    assert scene.tree() == before


def test_a_plan_that_moves_nothing_leaves_no_folder(scene):
    shutil.rmtree(scene.pictures / "a")
    assert apply_plan(scene.plan, scene.away).moved == []
    assert not scene.away.exists()
