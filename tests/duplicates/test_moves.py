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

from lookalike.duplicates import apply_plan, moves, undo
from lookalike.duplicates.plan import FORMAT, VERSION
from lookalike.errors import CollectionError

Contents = dict[str, bytes]


def described(path: Path) -> dict[str, object]:
    status = path.stat()
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"path": str(path), "sha256": sha256, "bytes": status.st_size, "mtime_ns": status.st_mtime_ns}


class Scene:
    """Two groups in a folder, a plan for them, and where the copies shall go."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pictures, self.away, self.plan = root / "pictures", root / "away", root / "plan.json"
        for name in ("keep.jpg", "a/copy.jpg", "a/b/copy.jpg", "other.png", "a/other.png"):
            path = self.pictures / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"content of {name}".encode() * 50)
        self.write(
            [
                {"keep": self.file("keep.jpg"), "move": [self.file("a/copy.jpg"), self.file("a/b/copy.jpg")]},
                {"keep": self.file("other.png"), "move": [self.file("a/other.png")]},
            ]
        )

    def file(self, name: str) -> dict[str, object]:
        return described(self.pictures / name)

    def write(self, groups: object) -> None:
        self.plan.write_text(json.dumps({"format": FORMAT, "version": VERSION, "groups": groups}))

    def read(self) -> list[dict[str, object]]:
        return json.loads(self.plan.read_text())["groups"]

    def contents(self) -> list[bytes]:
        """What all files hold, undo files aside."""
        files = [path for path in self.root.rglob("*") if path.is_file() and path.suffix in (".jpg", ".png")]
        return sorted(path.read_bytes() for path in files)

    def tree(self) -> Contents:
        files = (path for path in self.pictures.rglob("*") if path.is_file())
        return {str(path.relative_to(self.pictures)): path.read_bytes() for path in files}

    def undo_file(self) -> Path:
        return self.away / "undo-1.jsonl"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def refuse_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the folder were on another disk."""

    def link(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", link)


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
    with pytest.raises(CollectionError, match="line 5: not a move; nothing was moved back"):
        undo(scene.undo_file())
    assert scene.tree() == moved


@pytest.mark.parametrize("content", ["", "{}", "[1]\n", "\x00\xff", '{"format": "lookalike duplicates plan"}\n'])
def test_something_else_is_no_undo_file(tmp_path, content):
    file = tmp_path / "undo.jsonl"
    file.write_text(content)
    with pytest.raises(CollectionError, match="is not an undo file"):
        undo(file)


def test_move_never_takes_the_place_of_anything(tmp_path, monkeypatch):
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"a")
    target.write_bytes(b"b")
    for other_disk in (False, True):
        if other_disk:
            refuse_links(monkeypatch)
        with pytest.raises(FileExistsError):
            moves.move(source, target, hashlib.sha256(b"a").hexdigest())
        assert (source.read_bytes(), target.read_bytes()) == (b"a", b"b")
