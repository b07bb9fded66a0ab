"""Described in shards and merged, a collection is the one that indexing at once makes; parts can do no harm."""

from __future__ import annotations

import os
import random
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lookalike
from lookalike import Collection, CollectionError, QueryError
from lookalike.ingest import run
from lookalike.ingest.shards import Shard
from samples import HERE, METHODS, draw, fill, photo

METHODS_HERE = (*METHODS, "local")


def describe(folder, out, shard, methods=METHODS_HERE):
    return lookalike.describe([folder], shard, out, methods=methods, options=HERE)


def merge(target, *parts):
    with Collection(target) as album:
        return album.merge(parts)


def held(path):
    """What a collection says of each file, and each of its descriptors, whatever the ids."""
    with Collection(path) as album:
        catalogue, searcher = album._store.catalogue, album.searcher()
        found = {}
        for status in ("ok", "failed", "skipped"):
            for record in catalogue.iterate(status):
                rows = {}
                for name in searcher.methods:
                    place = searcher.items(name).position(record.id)
                    rows[name] = None if place is None else np.asarray(searcher.items(name).take(np.array([place]))[0])
                plain = replace(record, id=0)
                found[record.path] = (
                    plain,
                    {name: None if row is None else row.tolist() for name, row in rows.items()},
                )
                found[record.path] += (catalogue.gaps(record.id),)
        return found, set(album.roots)


@pytest.fixture
def messy(tmp_path):
    """Pictures in folders, one of them twice, one flat, one broken, a text."""
    folder = fill(tmp_path / "messy", 12)
    for name in ("coffee.png", "rocket.jpg"):
        photo(name).save(folder / name)
    draw(folder / "below" / "again.png", 3)
    draw(folder / "ünïcode" / "снимок.png", 40)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (folder / "notes.txt").write_text("not a picture")
    return folder


@pytest.fixture
def whole(messy, tmp_path):
    with Collection(tmp_path / "whole") as album:
        album.index([messy], methods=METHODS_HERE, options=HERE)
    return tmp_path / "whole"


@pytest.fixture
def parts(messy, tmp_path):
    made = [tmp_path / f"part-{number}" for number in range(1, 5)]
    for number, part in enumerate(made, 1):
        describe(messy, part, f"{number}/4")
    return made


@given(
    st.lists(st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1), min_size=1), st.integers(1, 9)
)
def test_every_file_belongs_to_one_shard_wherever_its_folder_is(names, of):
    for name in names:
        here, there = f"/photos/{name}", f"/mnt/drive 2/photos/{name}"
        holding = [number for number in range(1, of + 1) if Shard(number, of).holds(here, "/photos")]
        assert len(holding) == 1
        assert Shard(holding[0], of).holds(there, "/mnt/drive 2/photos")


def test_shards_are_of_about_one_size():
    sizes = [sum(Shard(number, 4).holds(f"/p/{i:05}.jpg", "/p") for i in range(4000)) for number in range(1, 5)]
    assert sum(sizes) == 4000 and min(sizes) > 900


@pytest.mark.parametrize("seed", range(3))
def test_merged_parts_are_what_indexing_at_once_makes_in_any_order(whole, parts, tmp_path, seed):
    random.Random(seed).shuffle(parts)
    merge(tmp_path / "merged", *parts[:2])
    merge(tmp_path / "merged", *parts[2:])
    assert held(tmp_path / "merged") == held(whole)


def test_a_merged_part_is_found_and_a_search_answers_alike(whole, parts, messy, tmp_path):
    merge(tmp_path / "merged", *parts)
    asked = photo("coffee.png").crop((20, 20, 200, 150))
    answers = []
    for path in (whole, tmp_path / "merged"):
        with Collection(path) as album:
            answers.append([(match.path, match.label, match.expected_false) for match in album.search(asked, k=1)])
    assert answers[0] == answers[1] and answers[0][0][0].endswith("coffee.png")


def test_merging_again_changes_nothing(parts, tmp_path):
    merge(tmp_path / "merged", *parts)
    before = held(tmp_path / "merged")
    with Collection(tmp_path / "merged") as album:
        generation, ids = album._store.generation(), album.ids().tolist()
        report = album.merge([*parts, parts[0]])
        assert (report.added, report.updated, report.moved, report.removed) == (0, 0, 0, 0)
        assert album.ids().tolist() == ids
        assert album._store.generation() == generation
    assert held(tmp_path / "merged") == before


def test_an_interrupted_merge_goes_on_where_it_was(whole, parts, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "BATCH", 2)
    stops = iter([False, True])
    apply = run.Run._commit

    def killed(self):
        if self._batch and next(stops, False):
            self._batch = []
            raise KeyboardInterrupt
        apply(self)

    monkeypatch.setattr(run.Run, "_commit", killed)
    with pytest.raises(KeyboardInterrupt):
        merge(tmp_path / "merged", *parts)
    with Collection(tmp_path / "merged") as album:
        assert len(album) == 2
    merge(tmp_path / "merged", *parts)
    assert held(tmp_path / "merged") == held(whole)


def test_an_interrupted_part_is_refused_until_the_same_command_has_finished_it(messy, tmp_path, monkeypatch):
    part, calls = tmp_path / "part", []

    def interrupted(task, methods):
        calls.append(task)
        if len(calls) > 3:
            raise KeyboardInterrupt
        return describe_file(task, methods)

    describe_file = run.describe_file
    with monkeypatch.context() as patch:
        patch.setattr(run, "describe_file", interrupted)
        with pytest.raises(KeyboardInterrupt):
            describe(messy, part, "1/1")
    with pytest.raises(
        CollectionError, match=rf"not finished: run `lookalike describe --shard 1/1 {messy} --out {part}`"
    ):
        merge(tmp_path / "merged", part)
    assert not (tmp_path / "merged").exists()
    report = describe(messy, part, "1/1")
    assert report.unchanged == 3
    merge(tmp_path / "merged", part)


def test_a_folder_that_was_begun_is_not_finished_by_another(messy, tmp_path, monkeypatch):
    part, other = tmp_path / "part", fill(tmp_path / "other", 3)

    def killed(task, methods):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run, "describe_file", killed)
        with pytest.raises(KeyboardInterrupt):
            describe(messy, part, "1/1")
    describe(other, part, "1/1")
    with pytest.raises(CollectionError, match=rf"not finished: run `lookalike describe --shard 1/1 {messy} --out"):
        merge(tmp_path / "merged", part)
    describe(messy, part, "1/1")
    merge(tmp_path / "merged", part)
    assert set(held(tmp_path / "merged")[1]) == {str(messy), str(other)}


def test_a_folder_added_to_a_part_is_merged_as_well(messy, parts, tmp_path):
    other = fill(tmp_path / "other", 12)
    for number, part in enumerate(parts, 1):
        describe(other, part, f"{number}/4")
    assert merge(tmp_path / "merged", *parts).missing == []
    with Collection(tmp_path / "whole") as album:
        album.index([messy, other], methods=METHODS_HERE, options=HERE)
    assert held(tmp_path / "merged") == held(tmp_path / "whole")


def missing(target, *parts):
    return [(list(one.folders), list(one.shards)) for one in merge(target, *parts).missing]


def test_shards_that_have_not_come_are_told_until_they_have(parts, messy, tmp_path):
    target, other = tmp_path / "merged", fill(tmp_path / "other", 2)
    assert missing(target, parts[2], parts[0]) == [([str(messy)], ["2/4", "4/4"])]
    assert missing(target, parts[1]) == [([str(messy)], ["4/4"])]
    describe(other, tmp_path / "all of another", "1/1")
    assert missing(target, tmp_path / "all of another") == [], "of other folders nothing is said"
    assert missing(target, parts[3]) == []
    assert missing(target, parts[0]) == []


def test_shards_of_two_divisions_do_not_make_a_whole(parts, messy, tmp_path):
    describe(messy, tmp_path / "half", "2/2")
    assert missing(tmp_path / "merged", parts[0], tmp_path / "half") == [
        ([str(messy)], ["2/4", "3/4", "4/4"]),
        ([str(messy)], ["1/2"]),
    ]
    describe(messy, tmp_path / "other half", "1/2")
    assert missing(tmp_path / "merged", tmp_path / "other half") == []


def test_pictures_need_not_be_on_the_machine_that_merges(whole, parts, messy, tmp_path):
    expected = held(whole)
    messy.rename(tmp_path / "elsewhere")
    merge(tmp_path / "merged", *parts)
    assert held(tmp_path / "merged") == expected, "one content in two places is two pictures"


def test_of_two_states_of_a_file_the_later_counts_in_any_order(tmp_path):
    folder = fill(tmp_path / "pictures", 3)
    os.utime(folder / "001.png", ns=(10**18, 10**18))
    describe(folder, tmp_path / "old", "1/1")
    draw(folder / "001.png", 77)
    describe(folder, tmp_path / "new", "1/1")
    for name, order in (("a", ("old", "new")), ("b", ("new", "old")), ("c", ("old", "new", "old"))):
        for part in order:
            merge(tmp_path / name, tmp_path / part)
        assert held(tmp_path / name) == held(tmp_path / "new")


def test_what_was_removed_from_a_folder_stays_out(parts, messy, tmp_path):
    merge(tmp_path / "merged", *parts)
    with Collection(tmp_path / "merged") as album:
        album.remove([messy / "below"])
        assert album.merge(parts).added == 0
        assert str(messy / "below" / "again.png") not in held(tmp_path / "merged")[0]


def test_a_part_with_fewer_methods_is_completed_by_index(messy, tmp_path):
    describe(messy, tmp_path / "part", "1/1", methods=["phash"])
    with Collection(tmp_path / "merged") as album:
        album.index([messy / "000.png"], methods=METHODS, options=HERE)
        album.merge([tmp_path / "part"])
        report = album.index([messy], options=HERE)
        assert report.added == 0 and report.updated == 15
    with Collection(tmp_path / "other") as album:
        album.index([messy], methods=METHODS, options=HERE)
    theirs = {path: said[1] for path, said in held(tmp_path / "other")[0].items()}
    assert {path: said[1] for path, said in held(tmp_path / "merged")[0].items()} == theirs


def test_parts_of_other_parameters_are_refused_before_anything_is_written(messy, tmp_path):
    describe(messy, tmp_path / "one", "1/2", methods=["phash"])
    describe(messy, tmp_path / "other", "2/2", methods=["phash:hash_size=32"])
    with pytest.raises(CollectionError, match=r"hash_size.*describe it again"):
        merge(tmp_path / "merged", tmp_path / "one", tmp_path / "other")
    with Collection(tmp_path / "merged") as album:
        assert len(album) == 0
    merge(tmp_path / "merged", tmp_path / "one")
    before = held(tmp_path / "merged")
    with pytest.raises(CollectionError, match="hash_size"):
        merge(tmp_path / "merged", tmp_path / "other")
    assert held(tmp_path / "merged") == before


@pytest.mark.parametrize("damage", ["flipped", "cut", "catalogue"])
def test_a_damaged_part_is_refused_and_the_rest_stays(parts, tmp_path, damage):
    merge(tmp_path / "merged", *parts[1:])
    before = held(tmp_path / "merged")
    file = parts[0] / ("catalogue.sqlite" if damage == "catalogue" else "matrices/color.0.rows")
    content = bytearray(file.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    else:
        middle = 0 if damage == "catalogue" else len(content) // 2
        content[middle : middle + 64] = bytes(64)
    file.write_bytes(content)
    with pytest.raises(CollectionError):
        merge(tmp_path / "merged", parts[0])
    after = held(tmp_path / "merged")
    assert {path: after[0][path] for path in before[0]} == before[0]


def test_no_flipped_bit_of_a_status_makes_a_picture_vanish(parts, whole, tmp_path):
    file = parts[0] / "catalogue.sqlite"
    content, refused = file.read_bytes(), 0
    places = [found.start() for found in re.finditer(b"ok", content)]
    for number, place in enumerate(places):
        damaged = bytearray(content)
        damaged[place] ^= 4
        file.write_bytes(damaged)
        try:
            merge(tmp_path / f"merged-{number}", *parts)
        except CollectionError as error:
            assert "\n" not in str(error)
            refused += "catalogue of" in str(error) and "is damaged" in str(error)
        else:
            assert held(tmp_path / f"merged-{number}") == held(whole)
    assert refused >= 3, "a status of each picture of the part is among them"


def test_what_is_no_part_is_named(parts, tmp_path):
    (tmp_path / "empty").mkdir()
    merge(tmp_path / "merged", parts[0])
    for name in ("empty", "nowhere"):
        with pytest.raises(CollectionError, match=f"{name} is no part"):
            merge(tmp_path / "merged", tmp_path / name)
    with pytest.raises(CollectionError, match="the collection itself"):
        merge(tmp_path / "merged", tmp_path / "merged")
    with pytest.raises(CollectionError, match="shard 1/4: merge it into another"):
        merge(parts[0], parts[1])


def test_a_part_stays_the_part_of_its_shard(parts, messy, whole):
    with pytest.raises(CollectionError, match="shard 1/4: name another"):
        describe(messy, parts[0], "2/4")
    with pytest.raises(CollectionError, match="shard 1/4"), Collection(parts[0]) as part:
        part.index([messy], options=HERE)
    with pytest.raises(CollectionError, match="a collection already"):
        describe(messy, whole, "1/4")


def test_a_part_is_a_directory(messy):
    with pytest.raises(CollectionError, match="a part is a directory") as error:
        describe(messy, "milvus://root:secret@nowhere:1/album", "1/4")
    assert "secret" not in str(error.value)


def test_one_merge_at_a_time(parts, tmp_path):
    merge(tmp_path / "merged", parts[0])
    with (
        Collection(tmp_path / "merged") as one,
        Collection(tmp_path / "merged") as other,
        one._store.writing(),
        pytest.raises(CollectionError, match="being written by process"),
    ):
        other.merge(parts)
    merge(tmp_path / "merged", *parts)


def test_a_part_may_lie_where_nothing_can_be_written(whole, parts, tmp_path):
    copies = [shutil.copytree(part, tmp_path / "disc" / part.name) for part in parts]
    for copy in copies:
        for path in (copy, *copy.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
    before = {path: path.stat().st_mtime_ns for copy in copies for path in copy.rglob("*")}
    merge(tmp_path / "merged", *copies)
    assert held(tmp_path / "merged") == held(whole)
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize("text", ["", "3", "0/4", "5/4", "1/0", "a/b", "-1/4", "1/4/2", "1.5/4"])
def test_what_is_no_shard_is_refused_with_an_example(text):
    with pytest.raises(QueryError, match="3/16"):
        Shard.parse(text)
