"""Moving copies back: nothing is overwritten and nothing is lost, whatever was done in between."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from scenes import Scene

from lookalike.duplicates import apply_plan, undo
from lookalike.errors import CollectionError


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
