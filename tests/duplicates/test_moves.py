"""Moving copies away: every picture is always where it was or where the undo file says."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from scenes import described

from lookalike.duplicates import apply_plan, undo
from lookalike.duplicates.journal import locked
from lookalike.errors import CollectionError


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
