"""Asked again: only what is new is compared, and the answer is that of a run which knows nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageOps

from lookalike import Collection
from lookalike.arrays.files import open_arrays, write_arrays
from lookalike.duplicates import keeper, pairs, proof, stamp, verdicts
from lookalike.duplicates.group import SAME
from lookalike.duplicates.links import Link
from lookalike.duplicates.pixels import Eye
from samples import HERE, photo

METHODS = ("phash", "embedding", "local")
NAMES = ("chelsea.png", "coffee.png", "rocket.jpg")


@pytest.fixture
def work(monkeypatch):
    """Counts what is done for pairs and groups."""
    done: Counter[str] = Counter()

    def counted(place, name):
        real = getattr(place, name)

        def counting(*arguments, **named):
            done[name] += 1
            return real(*arguments, **named)

        monkeypatch.setattr(place, name, counting)

    counted(proof, "verify_matches")
    counted(Eye, "look")
    counted(keeper, "_candidates")
    counted(pairs, "find_links")
    return done


@pytest.fixture
def copies(album, pictures) -> Collection:
    """Three pictures, a copy and a crop of one, and a copy of another."""
    for name in NAMES:
        photo(name).save(pictures / f"{name}.png")
    photo(NAMES[0]).resize((200, 133)).save(pictures / "small.jpg")
    photo(NAMES[0]).crop((20, 10, 220, 150)).save(pictures / "part.png")
    photo(NAMES[1]).save(pictures / "coarse.jpg", quality=40)
    return album(pictures, METHODS)


def forget(collection: Collection) -> None:
    for file in (collection.path / "caches").glob("duplicates.*"):
        file.unlink()


def told(collection: Collection, **asked) -> list[dict]:
    return [group.to_json() for group in collection.duplicates(**asked)]


def from_nothing(collection: Collection, **asked) -> list[dict]:
    forget(collection)
    return told(collection, **asked)


def test_nothing_new_is_answered_without_comparing_anything(copies, work):
    first = told(copies)
    assert len(first) == 2
    assert work["find_links"] == 1
    assert work["look"] > 0
    work.clear()
    assert told(copies) == first
    assert not work


def test_only_what_is_new_is_looked_at(copies, work, pictures):
    told(copies)
    work.clear()
    photo(NAMES[2]).save(pictures / "new.jpg", quality=40)
    copies.index([pictures], options=HERE)
    assert len(told(copies)) == 3
    again = work.copy()
    work.clear()
    from_nothing(copies)
    assert 0 < again["look"] < work["look"]
    assert again["_candidates"] == 1
    assert again["verify_matches"] < work["verify_matches"]


def test_another_limit_or_other_kinds_are_another_question(copies):
    told(copies)
    for asked in ({"max_expected_false": 1e-9}, {"kinds": ["crop"]}, {"shots": True}, {"keep": "smallest"}, {}):
        assert told(copies, **asked) == from_nothing(copies, **asked)


def test_a_moved_file_is_told_where_it_is_now(copies, pictures, work):
    told(copies)
    work.clear()
    (pictures / "small.jpg").rename(pictures / "elsewhere.jpg")
    copies.index([pictures], options=HERE)
    assert any(one["path"].endswith("elsewhere.jpg") for group in told(copies) for one in group["members"])
    assert work["look"] == 0


@pytest.mark.parametrize("what", ["links", "verdicts"])
@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "foreign", "nonsense"])
def test_what_is_damaged_is_not_believed(copies, what, damage):
    first = told(copies)
    file = copies.path / "caches" / f"duplicates.{what}"
    content = bytearray(file.read_bytes())
    if damage == "flipped":
        content[-1] ^= 1
    file.write_bytes({"cut": content[: len(content) // 2], "empty": b"", "foreign": b"x" * 999}.get(damage, content))
    if damage == "nonsense":
        spoil(file, what)
    if what == "verdicts":
        (copies.path / "caches" / "duplicates.links").unlink()
    assert told(copies) == first
    assert told(copies) == first


def test_a_link_with_one_digit_changed_is_not_believed(tmp_path):
    """It still reads well and makes sense: only the checksums tell."""
    file = tmp_path / "links"
    stamp.save(file, "now", [Link(1, 2, SAME, 1e-9)])
    assert stamp.load(file, "now") == [Link(1, 2, SAME, 1e-9)]
    file.write_bytes(file.read_bytes().replace(b'"second": 2', b'"second": 3'))
    assert stamp.load(file, "now") is None


def test_a_verdict_with_one_digit_changed_is_not_believed(tmp_path):
    file, key = tmp_path / "verdicts", verdicts.key_of("a pair")
    known = verdicts.Verdicts()
    known.keep(key, [1234])
    known.save(file)
    assert verdicts.load(file).recall(key) == [1234]
    file.write_bytes(file.read_bytes().replace(b"1234", b"1235"))
    assert verdicts.load(file).recall(key) is None


def test_another_content_is_another_question():
    """Also where no descriptor tells: the ids stay and a file's content or size is another."""
    nothing = SimpleNamespace(methods={})
    contents = [(1, "aa", 640, 480), (2, "bb", 320, 240)]
    asked = stamp.stamp_of(nothing, contents)
    assert stamp.stamp_of(nothing, list(contents)) == asked
    for other in ((2, "cc", 320, 240), (2, "bb", 321, 240)):
        assert stamp.stamp_of(nothing, [contents[0], other]) != asked


def spoil(file: Path, what: str) -> None:
    """A file whose checksums are right, with texts that say something else."""
    kept = open_arrays(file, {"links": "links", "verdicts": "pairs"}[what])
    arrays = {name: array.copy() for name, array in kept.arrays.items()}
    arrays[{"links": "links", "verdicts": "texts"}[what]][:] = ord("1")
    write_arrays(file, {"links": "links", "verdicts": "pairs"}[what], kept.params, arrays)


def test_a_file_that_is_not_what_was_indexed_leaves_no_verdict(copies, pictures, work):
    """What was seen in another picture must not be remembered of this one."""
    right = from_nothing(copies)
    forget(copies)
    small = (pictures / "small.jpg").read_bytes()
    photo(NAMES[2]).save(pictures / "small.jpg")
    assert told(copies) != right
    (pictures / "small.jpg").write_bytes(small)
    assert [group["members"] for group in told(copies)] == [group["members"] for group in right]


def test_files_that_are_away_are_looked_at_when_they_are_back(copies, pictures):
    right = from_nothing(copies)
    forget(copies)
    pictures.rename(pictures.with_name("away"))
    assert sum(group["unseen"] for group in told(copies)) > 0
    pictures.with_name("away").rename(pictures)
    assert told(copies) == right


def test_a_collection_that_cannot_be_written_answers_the_same(copies, monkeypatch):
    right = from_nothing(copies)
    forget(copies)
    with copies._store.locked():
        assert told(copies) == right
    assert not list((copies.path / "caches").glob("duplicates.*"))


STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "copy", "crop", "remove", "restore", "change", "ask"]), st.integers(0, 2)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(steps=STEPS)
def test_whatever_is_added_removed_and_changed_the_answer_is_that_of_a_run_from_nothing(steps):
    root = Path(tempfile.mkdtemp())
    folder = root / "pictures"
    folder.mkdir()
    try:
        with Collection(root / "album") as album:
            photo(NAMES[0]).save(folder / "first.png")
            album.index([folder], methods=("phash", "local"), options=HERE)
            for what, number in steps:
                step(album, folder, what, number)
                told(album)
            answer = told(album)
            assert answer == from_nothing(album)
    finally:
        shutil.rmtree(root)


def step(album: Collection, folder: Path, what: str, number: int) -> None:
    picture, names = photo(NAMES[number]), [folder / f"{number}{end}" for end in (".png", "-copy.jpg", "-crop.png")]
    if what == "remove":
        present = [name for name in names if name.exists()]
        if present:
            album.remove(present[:1])
        return
    if what == "add":
        picture.save(names[0])
    elif what == "copy":
        picture.save(names[1], quality=50)
    elif what == "crop":
        picture.crop((20, 10, 220, 150)).save(names[2])
    elif what == "change" and names[0].exists():
        ImageOps.invert(picture).save(names[0])
    elif what == "restore":
        album.index([name for name in names if name.exists()] or [folder], options=HERE)
    album.index([folder], options=HERE)
