"""A plan is for people to read and change; one that cannot be followed is refused with a reason."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.duplicates.group import Group, Member
from lookalike.duplicates.plan import FORMAT, VERSION, PlannedFile, read_plan, write_plan
from lookalike.errors import CollectionError

SHA = "ab" * 32


def member(id_: int, path: str) -> Member:
    return Member(id_, path, SHA, 40, 30, 1234, 5678, "same picture")


def planned(path: str, **changes: object) -> dict[str, object]:
    return {"path": path, "sha256": SHA, "bytes": 1, "mtime_ns": 2, **changes}


def written(tmp_path, groups: object, **changes: object) -> str:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"format": FORMAT, "version": VERSION, "groups": groups, **changes}))
    return str(file)


def test_a_plan_read_again_is_the_plan_written(tmp_path):
    odd = "/pictures/caf\u00e9 \udcff\n.jpg"
    group = Group([member(1, "/pictures/a.jpg"), member(2, odd), member(3, "/x/b.jpg")], 1, "largest", 1e-9)
    write_plan([group], tmp_path / "plan.json")
    (read,) = read_plan(tmp_path / "plan.json")
    assert read.keep == PlannedFile("/pictures/a.jpg", SHA, 1234, 5678)
    assert [file.path for file in read.move] == [odd, "/x/b.jpg"]


def test_names_can_be_read_by_people(tmp_path):
    write_plan([Group([member(1, "/a/caf\u00e9.jpg"), member(2, "/b")], 1, "largest", 0.0)], tmp_path / "plan.json")
    assert "café.jpg" in (tmp_path / "plan.json").read_text(encoding="utf-8")


def test_a_plan_is_not_written_over_a_file(tmp_path):
    file = tmp_path / "plan.json"
    file.write_text("mine")
    with pytest.raises(CollectionError, match="exists already"):
        write_plan([], file)
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    ("groups", "why"),
    [
        ({}, "'groups' is not a list"),
        ([1], "not an object"),
        ([{"keep": planned("/a")}], "'move' is not a list"),
        ([{"keep": None, "move": []}], "lacks its path"),
        ([{"keep": planned("/a", bytes="1"), "move": []}], "lacks its path, sha256, bytes"),
        ([{"keep": planned("a.jpg"), "move": []}], "'a.jpg' is not a plain absolute path"),
        ([{"keep": planned("/a"), "move": [planned("/p/../etc/passwd")]}], "not a plain absolute path"),
        ([{"keep": planned("/a"), "move": [planned("/b\0c")]}], "not a plain absolute path"),
        ([{"keep": planned("/a"), "move": [planned("/b", sha256="12")]}], "not 64 hexadecimal digits"),
        ([{"keep": planned("/a"), "move": [planned("/a")]}], "/a is both to be kept and to be moved"),
        ([{"keep": planned("/a"), "move": [planned("/b"), planned("/b")]}], "/b is to be moved twice"),
        (
            [{"keep": planned("/a"), "move": [planned("/b")]}, {"keep": planned("/b"), "move": [planned("/a")]}],
            "both to be kept and to be moved",
        ),
    ],
)
def test_a_plan_edited_into_nonsense_is_refused_with_the_reason(tmp_path, groups, why):
    with pytest.raises(CollectionError, match=why) as error:
        read_plan(written(tmp_path, groups))
    assert "plan.json" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "why"), [("{", "not valid JSON"), ("[]", "is not a plan"), ("{}", "is not a plan")]
)
def test_something_else_is_no_plan(tmp_path, content, why):
    file = tmp_path / "plan.json"
    file.write_text(content)
    with pytest.raises(CollectionError, match=why):
        read_plan(file)


def test_a_plan_of_another_version_is_refused(tmp_path):
    with pytest.raises(CollectionError, match="another version"):
        read_plan(written(tmp_path, [], version=VERSION + 1))


def test_a_plan_that_is_not_there_is_one_clear_line(tmp_path):
    with pytest.raises(CollectionError, match="cannot be read: No such file"):
        read_plan(tmp_path / "none.json")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("/a/b.jpg") | st.just(SHA),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["keep", "move", "path", "sha256", "bytes", "mtime_ns"]), inner, max_size=6)
    ),
    max_leaves=20,
)


@given(groups=json_values)
@settings(max_examples=150, deadline=None)
def test_whatever_a_plan_holds_it_is_read_or_refused(tmp_path_factory, groups):
    folder = tmp_path_factory.getbasetemp()
    try:
        read = read_plan(written(folder, groups))
    except CollectionError:
        return
    assert all(os.path.isabs(file.path) for group in read for file in [group.keep, *group.move])
