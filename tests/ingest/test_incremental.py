"""Indexing again: only what is new or changed is decoded, and a picture keeps its id wherever it goes."""

from __future__ import annotations

import io
import os
import shutil
from dataclasses import replace

import pytest

import lookalike.ingest.describe as describe
import lookalike.ingest.run as run
from lookalike import Collection, CollectionError, QueryError
from lookalike.ingest.walk import IGNORED
from lookalike.pictures.formats import UnreadableError
from samples import HERE, METHODS, consistent, draw, drawing, fill, living, photo


@pytest.fixture
def decoded(monkeypatch):
    """The names of the files that were opened by a run, filled as it goes."""
    names = []
    real = run.describe_file

    def describe_file(task, methods):
        outcome = real(task, methods)
        names.append((os.path.basename(task.path), type(outcome).__name__))
        return outcome

    monkeypatch.setattr(run, "describe_file", describe_file)
    return names


@pytest.fixture
def folder(tmp_path):
    return fill(tmp_path / "pictures", 6)


@pytest.fixture
def album(tmp_path, folder):
    with Collection(tmp_path / "album") as made:
        made.index([folder], methods=METHODS, options=HERE)
        yield made


def counts(report):
    return {
        name: getattr(report, name)
        for name in ("added", "updated", "moved", "unchanged", "removed", "failed_before")
        if getattr(report, name)
    } | ({"failed": len(report.failed)} if report.failed else {})


def test_unchanged_files_are_not_opened(album, folder, decoded):
    assert counts(album.index([folder], options=HERE)) == {"unchanged": 6}
    assert decoded == []


def test_without_paths_the_folders_of_earlier_runs_are_indexed_again(album, folder):
    draw(folder / "new.png", 100)
    assert counts(album.index(options=HERE)) == {"added": 1, "unchanged": 6}


def test_a_touched_file_is_hashed_but_not_decoded(album, folder, decoded):
    before = living(album)
    os.utime(folder / "002.png", (1, 1))
    assert counts(album.index([folder], options=HERE)) == {"unchanged": 6}
    assert decoded == [("002.png", "Same")]
    assert living(album) == before
    decoded.clear()
    album.index([folder], options=HERE)
    assert decoded == []


def test_a_renamed_file_keeps_its_id_and_is_not_decoded(album, folder, decoded):
    before = living(album)
    (folder / "003.png").rename(folder / "three.png")
    assert counts(album.index([folder], options=HERE)) == {"moved": 1, "unchanged": 5}
    assert decoded == [("three.png", "Same")]
    assert living(album)["three.png"] == before["003.png"]
    consistent(album)


def test_a_moved_folder_keeps_all_its_ids(album, folder):
    before = living(album)
    folder.rename(folder.with_name("elsewhere"))
    assert counts(album.index([folder.with_name("elsewhere")], options=HERE)) == {"moved": 6}
    assert living(album) == before
    consistent(album)


def test_a_copy_is_a_picture_of_its_own_that_takes_over_the_descriptors(album, folder, decoded):
    before = living(album)
    shutil.copy(folder / "000.png", folder / "copy.png")
    assert counts(album.index([folder], options=HERE)) == {"added": 1, "unchanged": 6}
    assert decoded == [("copy.png", "Same")]
    after = living(album)
    assert {name: after[name] for name in before} == before
    found = album.search(folder / "000.png", k=2, methods="phash")
    assert {match.id for match in found} == {after["000.png"], after["copy.png"]}
    consistent(album)


def test_a_vanished_file_is_removed_and_found_no_more(album, folder):
    gone = living(album)["004.png"]
    (folder / "004.png").unlink()
    assert counts(album.index([folder], options=HERE)) == {"removed": 1, "unchanged": 5}
    assert gone not in [match.id for match in album.search(drawing(4), k=10)]
    consistent(album)


def test_a_file_that_comes_back_gets_its_id_back(album, folder, decoded):
    before = living(album)
    content = (folder / "004.png").read_bytes()
    (folder / "004.png").unlink()
    album.index([folder], options=HERE)
    (folder / "004.png").write_bytes(content)
    album.index([folder], options=HERE)
    assert living(album) == before
    assert decoded == [("004.png", "Same")]


def test_another_content_at_the_same_path_is_another_picture(album, folder):
    before = living(album)
    draw(folder / "001.png", 101)
    assert counts(album.index([folder], options=HERE)) == {"updated": 1, "unchanged": 5}
    after = living(album)
    assert after["001.png"] not in before.values()
    assert album.search(drawing(101), k=1)[0].id == after["001.png"]
    consistent(album)


def test_two_files_that_change_places_are_found_where_they_are(album, folder):
    (folder / "000.png").rename(folder / "x")
    (folder / "001.png").rename(folder / "000.png")
    (folder / "x").rename(folder / "001.png")
    os.utime(folder / "000.png", (5, 5))
    os.utime(folder / "001.png", (6, 6))
    album.index([folder], options=HERE)
    assert album.search(drawing(1), k=1)[0].path.endswith("000.png")
    assert album.search(drawing(0), k=1)[0].path.endswith("001.png")
    assert len(living(album)) == 6
    consistent(album)


def test_a_failed_file_is_remembered_and_not_tried_again_until_it_changes(album, folder, decoded):
    broken = folder / "broken.png"
    broken.write_bytes((folder / "000.png").read_bytes()[:40])
    assert counts(album.index([folder], options=HERE)) == {"failed": 1, "unchanged": 6}
    decoded.clear()
    assert counts(album.index([folder], options=HERE)) == {"unchanged": 6, "failed_before": 1}
    assert decoded == []
    assert [record.path for record in album.failures()] == [str(broken)]
    draw(broken, 102)
    assert counts(album.index([folder], options=HERE)) == {"added": 1, "unchanged": 6}
    assert album.failures() == []


def test_failed_files_are_tried_again_when_asked(album, folder, decoded):
    (folder / "broken.png").write_bytes(b"\x89PNG")
    album.index([folder], options=HERE)
    decoded.clear()
    album.index([folder], options=replace(HERE, retry=True))
    assert decoded == [("broken.png", "Unreadable")]
    assert len(album.failures()) == 1


def test_a_picture_that_breaks_is_found_no_more_and_is_among_the_failures(album, folder):
    (folder / "000.png").write_bytes(b"")
    report = album.index([folder], options=HERE)
    assert [os.path.basename(failure.path) for failure in report.failed] == ["000.png"]
    assert "000.png" not in living(album)
    consistent(album)


def test_a_further_method_is_added_to_pictures_that_are_there(tmp_path, folder):
    with Collection(tmp_path / "grown") as album:
        album.index([folder], methods=["phash"], options=HERE)
        before = living(album)
        assert counts(album.index([folder], methods=["color"], options=HERE)) == {"updated": 6}
        assert living(album) == before
        assert album.methods == ["phash", "color"]
        consistent(album)


def test_removed_pictures_come_back_only_when_indexed_again(album, folder):
    assert album.remove([folder / "000.png", folder / "001.png"]) == 2
    assert sorted(living(album)) == ["002.png", "003.png", "004.png", "005.png"]
    assert (folder / "000.png").exists()
    album.index([folder], options=HERE)
    assert len(living(album)) == 6


def test_a_folder_that_is_gone_does_not_keep_the_others_from_being_indexed_again(album, folder, tmp_path):
    other = fill(tmp_path / "other", 1)
    album.index([other], options=HERE)
    folder.rename(tmp_path / "away")
    draw(other / "new.png", 103)
    report = album.index(options=HERE)
    assert report.added == 1
    assert [failure.path for failure in report.failed] == [str(folder)]
    assert len(album) == 8  # a drive that is not plugged in is no reason to forget its pictures


def test_a_removed_folder_is_not_indexed_again_unless_named(album, folder, tmp_path):
    other = fill(tmp_path / "other", 1)
    album.index([other], options=HERE)
    album.remove([folder])
    album.index(options=HERE)
    assert sorted(living(album)) == ["000.png"]


def test_indexing_nothing_is_an_error(tmp_path):
    with Collection(tmp_path / "new") as album, pytest.raises(CollectionError, match="nothing to index"):
        album.index(options=HERE)


def test_a_file_that_vanishes_while_indexing_fails_alone(album, folder, monkeypatch):
    for number in (200, 201):
        draw(folder / f"{number}.png", number)
    real = run.describe_file

    def describe_file(task, methods):
        (folder / "201.png").unlink(missing_ok=True)
        return real(task, methods)

    monkeypatch.setattr(run, "describe_file", describe_file)
    report = album.index([folder], options=HERE)
    assert report.added == 1
    assert [os.path.basename(failure.path) for failure in report.failed] == ["201.png"]


def test_compacting_frees_the_space_of_removed_pictures(album, folder):
    album.remove([folder / "000.png"])
    rest = living(album)
    assert album.compact() > 0
    assert living(album) == rest
    consistent(album)
    assert album.compact() == 0


def test_numbered_files_that_all_shift_by_one_are_found_where_they_are(album, folder):
    for number in reversed(range(6)):
        (folder / f"{number:03}.png").rename(folder / f"{number + 1:03}.png")
    draw(folder / "000.png", 104)
    album.index([folder], options=HERE)
    for number in range(6):
        assert album.search(drawing(number), k=1)[0].path.endswith(f"{number + 1:03}.png")
    assert len(living(album)) == 7
    consistent(album)


@pytest.fixture
def unreadable(monkeypatch):
    """The names of files that a drive does not hand out just now."""
    names = set()
    real = describe.open_regular

    def open_regular(path):
        if os.path.basename(path) in names:
            raise UnreadableError("input/output error", temporary=True)
        return real(path)

    monkeypatch.setattr(describe, "open_regular", open_regular)
    return names


def test_a_picture_that_cannot_be_read_just_now_keeps_its_record_and_is_tried_again(album, folder, unreadable):
    before = living(album)
    unreadable.add("002.png")
    report = album.index([folder], methods=["local"], options=HERE)
    assert [(os.path.basename(failure.path), failure.again) for failure in report.failed] == [("002.png", True)]
    assert living(album) == before
    assert album.failures() == []
    unreadable.clear()
    assert counts(album.index([folder], options=HERE)) == {"unchanged": 5, "updated": 1}
    assert living(album) == before
    consistent(album)


def test_a_picture_that_a_new_method_cannot_read_any_more_keeps_its_record(album, folder, monkeypatch):
    before = living(album)
    monkeypatch.setattr(run, "describe_file", lambda task, methods: describe.Unreadable("crashes its decoder"))
    report = album.index([folder], methods=["local"], options=HERE)
    assert len(report.failed) == 6 and living(album) == before


def test_a_changed_picture_that_cannot_be_read_just_now_keeps_its_record_until_it_can(album, folder, unreadable):
    before = living(album)
    draw(folder / "002.png", 300)
    unreadable.add("002.png")
    album.index([folder], options=HERE)
    assert living(album) == before
    unreadable.clear()
    assert counts(album.index([folder], options=HERE)) == {"unchanged": 5, "updated": 1}


def test_a_new_file_that_cannot_be_read_just_now_is_listed_and_tried_again_by_itself(album, folder, unreadable):
    draw(folder / "new.png", 301)
    unreadable.add("new.png")
    assert counts(album.index([folder], options=HERE)) == {"unchanged": 6, "failed": 1}
    assert [record.reason for record in album.failures()] == ["input/output error"]
    assert counts(album.index([folder], options=HERE)) == {"unchanged": 6, "failed": 1}
    unreadable.clear()
    assert counts(album.index([folder], options=HERE)) == {"unchanged": 6, "added": 1}
    assert album.failures() == []


def test_non_pictures_are_counted_by_kind_and_not_opened_again(album, folder, decoded):
    (folder / "film.mp4").write_bytes(b"\0\0\0\x20ftypisom" + bytes(40))
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text("words")
    report = album.index([folder], options=HERE)
    assert (counts(report), report.skipped) == ({"unchanged": 6}, {"films": 1, "texts": 2})
    assert album.failures() == []
    assert [album.record(id_).status for id_ in range(7, 10)] == ["skipped"] * 3
    decoded.clear()
    again = album.index([folder], options=replace(HERE, retry=True))
    assert (counts(again), again.skipped, decoded) == ({"unchanged": 6}, {}, [])
    draw(folder / "a.txt", 302)
    assert counts(album.index([folder], options=HERE)) == {"unchanged": 6, "added": 1}
    (folder / "a.txt").write_text("words again")
    album.index([folder], options=HERE)
    assert "a.txt" not in living(album)
    consistent(album)


def test_a_picture_of_which_most_is_there_is_found_and_said_to_be_damaged(album, folder):
    file = io.BytesIO()
    photo("coffee.png").save(file, "JPEG", quality=92)
    (folder / "cut.jpg").write_bytes(file.getvalue()[: len(file.getvalue()) * 95 // 100])
    report = album.index([folder], options=HERE)
    assert (report.added, [os.path.basename(one.path) for one in report.damaged]) == (1, ["cut.jpg"])
    assert "% of it is there" in report.damaged[0].reason
    (match, *_) = album.search(photo("coffee.png"), k=1)
    assert os.path.basename(match.path) == "cut.jpg"
    assert album.record(match.id).reason == report.damaged[0].reason


@pytest.fixture
def tree(tmp_path):
    """Pictures in a folder, two below it, and one deeper down."""
    for number, name in enumerate(("a.png", "cats/b.png", "cats/old/c.png", "dogs/d.png", "dogs/d.tmp.png")):
        draw(tmp_path / "tree" / name, 400 + number)
    return tmp_path / "tree"


@pytest.fixture
def grown(tmp_path, tree):
    with Collection(tmp_path / "grown") as made:
        made.index([tree], methods=METHODS, options=replace(HERE, ignore=(*IGNORED, "*.tmp.png")))
        yield made


def names(album):
    return sorted(living(album))


def test_what_the_first_run_ignores_later_runs_ignore_too(grown, tree):
    everything = ["a.png", "b.png", "c.png", "d.png"]
    assert names(grown) == everything
    for named in ([], [tree], [tree / "dogs"]):
        grown.index(named, options=HERE)
        assert names(grown) == everything
    assert grown.info().ignored == {str(tree): ["*.tmp.png"]}
    draw(tree / "cats" / "x.part.png", 410)
    grown.index([tree / "cats"], options=replace(HERE, ignore=(*IGNORED, "*.part.png")))
    grown.index(options=HERE)
    assert names(grown) == everything
    draw(tree / "dogs" / "y.part.png", 411)  # of cats only
    grown.index(options=HERE)
    assert names(grown) == [*everything, "y.part.png"]


def test_a_removed_folder_stays_removed_until_it_is_named(grown, tree):
    assert grown.remove([tree / "cats"]) == 2
    for named in ([], [tree]):
        grown.index(named, options=HERE)
        assert names(grown) == ["a.png", "d.png"]
    assert grown.info().left_out == [str(tree / "cats")]
    grown.index([tree / "cats"], options=HERE)
    assert names(grown) == ["a.png", "b.png", "c.png", "d.png"]
    grown.index(options=HERE)
    assert (names(grown), grown.info().left_out) == (["a.png", "b.png", "c.png", "d.png"], [])


def test_what_changes_in_a_followed_folder_does_not_bring_back_what_was_removed(grown, tree):
    grown.remove([tree / "cats", tree / "a.png"])
    for changed in (tree, tree / "cats", tree / "cats" / "old"):
        grown.index([changed], options=replace(HERE, named=False))
        assert names(grown) == ["d.png"]


def test_what_is_named_inside_a_removed_folder_comes_back_alone_and_stays(grown, tree):
    grown.remove([tree / "cats"])
    grown.index([tree / "cats" / "old"], options=HERE)
    for named in ([], [tree]):
        grown.index(named, options=HERE)
        assert names(grown) == ["a.png", "c.png", "d.png"]


def test_a_removed_file_stays_removed_until_it_or_its_folder_is_named(grown, tree):
    grown.remove([tree / "a.png", tree / "cats" / "b.png"])
    grown.index(options=HERE)
    assert names(grown) == ["c.png", "d.png"]
    grown.index([tree], options=HERE)
    assert names(grown) == ["a.png", "c.png", "d.png"]
    grown.index([tree / "cats" / "b.png"], options=HERE)
    assert names(grown) == ["a.png", "b.png", "c.png", "d.png"]


def test_removing_a_whole_root_forgets_what_was_left_out_and_ignored_there(grown, tree):
    grown.remove([tree / "cats"])
    grown.remove([tree])
    about = grown.info()
    assert (about.roots, about.ignored, about.left_out) == ([], {}, [])
    grown.index([tree], options=HERE)
    assert names(grown) == ["a.png", "b.png", "c.png", "d.png", "d.tmp.png"]


@pytest.mark.parametrize(
    ("paths", "methods"), [([], ()), (["nowhere"], ()), (["/proc"], ()), (["."], ("sift",)), (["."], ("phash:bits=1",))]
)
def test_a_first_run_that_cannot_begin_leaves_no_collection(tmp_path, paths, methods):
    with Collection(tmp_path / "new") as album, pytest.raises((CollectionError, QueryError)):
        album.index(paths, methods=methods, options=HERE)
    assert not (tmp_path / "new").exists()


def test_progress_tells_what_is_being_done_and_with_what(tmp_path, folder):
    told = []
    with Collection(tmp_path / "new") as album:
        album.index([folder], methods=METHODS, options=HERE, progress=told.append)
    assert told[0].doing == "looking for files" and told[0].about == str(folder)
    indexing = [(one.done, one.total, os.path.basename(one.about)) for one in told if one.doing == "indexing"]
    assert indexing == [(number + 1, 6, f"{number:03}.png") for number in range(6)]


def test_every_one_of_equal_files_gets_a_method_that_is_added_later(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "BATCH", 1)  # the first copy is committed before the second is looked at
    for place in range(3):
        shutil.copyfile(folder / sorted(os.listdir(folder))[0], folder / f"copy {place}.png")
    with Collection(tmp_path / "equal") as album:
        album.index([folder], methods=["phash"], options=HERE)
        assert counts(album.index(methods=["color"], options=HERE)) == {"updated": 9}
        assert [method.pictures for method in album.info().methods] == [9, 9]
        assert counts(album.index(options=HERE)) == {"unchanged": 9}
