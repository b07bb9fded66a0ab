"""What is here twice: groups of exact and near copies over a whole collection, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from PIL import ImageOps

from lookalike import Collection
from lookalike.duplicates import Group
from lookalike.errors import CollectionError, QueryError
from samples import HERE, fill, photo

TURN = PIL.Image.Transpose


def names(group: Group) -> list[str]:
    return [Path(member.path).name for member in group.members]


def kinds(group: Group) -> dict[str, tuple[str, str]]:
    return {Path(member.path).name: (member.kind, member.variant) for member in group.others}


def large(seed: int) -> PIL.Image.Image:
    """480 x 320, with structure at all scales; every seed another one."""
    random = np.random.default_rng(seed)
    total = np.zeros((320, 480, 3), np.float32)
    for cells, strength in ((4, 60), (12, 50), (40, 40), (480, 45)):
        layer = PIL.Image.fromarray(random.normal(128, strength, (cells, cells, 3)).clip(0, 255).astype(np.uint8))
        total += np.asarray(layer.resize((480, 320), PIL.Image.Resampling.BICUBIC), np.float32) - 128
    return PIL.Image.fromarray((total + 128).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("count", [1, 2])
def test_a_collection_of_one_or_two_different_pictures_has_no_duplicates(album, pictures, count):
    assert album(fill(pictures, count)).duplicates() == []


def test_an_emptied_collection_has_no_duplicates(album, pictures):
    collection = album(fill(pictures, 2))
    collection.remove([pictures])
    assert collection.duplicates() == []


def test_no_collection_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(CollectionError, match="make one with `lookalike index FOLDER`"):
        Collection(tmp_path / "none").duplicates()


def test_a_thousand_identical_pictures_are_one_group(album, pictures):
    content = (fill(pictures, 1) / "000.png").read_bytes()
    for number in range(1, 1000):
        (pictures / f"{number:03}.png").write_bytes(content)
    (group,) = album(pictures).duplicates()
    assert len(group.members) == 1000
    assert group.kind == "exact copy"
    assert group.expected_false == 0
    assert group.reason.startswith("identical files")


def test_black_pictures_have_no_hash_and_are_copies_only_when_identical(album, pictures):
    for number, size in enumerate([(64, 64), (64, 64), (80, 60), (90, 60)]):
        PIL.Image.new("RGB", size).save(pictures / f"{number}.png")
    (group,) = album(pictures).duplicates()
    assert sorted(names(group)) == ["0.png", "1.png"]


def test_sizes_and_encodings_of_a_picture_are_the_same_picture(album, pictures):
    picture = large(1)
    picture.save(pictures / "large.png")
    picture.save(pictures / "coarse.jpg", quality=30)
    picture.resize((240, 160)).save(pictures / "small.png")
    large(2).save(pictures / "other.png")
    (group,) = album(pictures).duplicates()
    assert names(group)[0] == "large.png"
    assert kinds(group) == {"coarse.jpg": ("same picture", "as is"), "small.png": ("same picture", "as is")}
    assert 0 < group.expected_false <= 0.01


@pytest.mark.parametrize(
    ("change", "variant"),
    [
        (TURN.FLIP_LEFT_RIGHT, "mirrored"),
        (TURN.ROTATE_270, "turned 90"),
        (TURN.ROTATE_180, "turned 180"),
        (TURN.ROTATE_90, "turned 270"),
    ],
)
def test_mirrored_and_turned_copies_are_found_and_named_by_what_was_done(album, pictures, change, variant):
    picture = large(3)
    picture.save(pictures / "a.png")
    picture.resize((360, 240)).transpose(change).save(pictures / "b.png")
    (group,) = album(pictures).duplicates()
    assert kinds(group) == {"b.png": ("edited copy", variant)}


def test_a_copy_of_a_mirrored_copy_is_named_by_what_makes_it_of_the_picture_to_keep(album, pictures):
    picture = large(4)
    picture.save(pictures / "keep.png")
    mirrored = picture.transpose(TURN.FLIP_LEFT_RIGHT)
    for number, width in enumerate((300, 270, 240)):
        mirrored.resize((width, width * 2 // 3)).save(pictures / f"{number}.png")
    (group,) = album(pictures).duplicates()
    assert names(group)[0] == "keep.png"
    assert set(kinds(group).values()) == {("edited copy", "mirrored")}


def test_crops_and_frames_are_found_where_embeddings_propose_and_geometry_confirms(album, pictures):
    picture = photo("chelsea.png").resize((512, 340))
    picture.save(pictures / "whole.png")
    picture.crop((60, 40, 460, 310)).save(pictures / "part.png")
    for number, name in enumerate(("astronaut.png", "coffee.png", "rocket.jpg", "brick.png")):
        photo(name).save(pictures / f"{number}.png")
    (group,) = album(pictures, ("phash", "embedding", "local")).duplicates()
    assert names(group) == ["whole.png", "part.png"]
    assert kinds(group)["part.png"][0] == "crop"
    assert group.reason == "the whole picture; the others show parts of it"


def test_identical_files_of_a_near_copy_are_members_too(album, pictures):
    picture = large(5)
    picture.save(pictures / "large.png")
    picture.resize((240, 160)).save(pictures / "small.png")
    shutil.copy(pictures / "small.png", pictures / "small again.png")
    shutil.copy(pictures / "large.png", pictures / "large again.png")
    (group,) = album(pictures).duplicates()
    by_name = {Path(member.path).name: member for member in group.members}
    assert len(by_name) == 4
    keeper = next(name for name, member in by_name.items() if member.id == group.keeper)
    assert keeper.startswith("large")
    (other,) = {"large.png", "large again.png"} - {keeper}
    assert by_name[other].kind == "exact copy"
    assert by_name["small.png"].kind == "same picture"


def test_copies_with_equal_hashes_are_all_linked_to_one_whose_hash_differs(album, pictures):
    picture = photo("astronaut.png")
    picture.resize((128, 128)).save(pictures / "a.png")
    for number, level in enumerate((9, 6, 1)):
        picture.save(pictures / f"b{number}.png", compress_level=level)
    (group,) = album(pictures).duplicates()
    assert sorted(names(group)) == ["a.png", "b0.png", "b1.png", "b2.png"]


def test_different_pictures_are_no_duplicates_at_any_sensible_limit(album, pictures):
    collection = album(fill(pictures, 120))
    assert collection.duplicates(max_expected_false=0.01) == []


def test_a_larger_limit_finds_no_fewer_pairs(album, pictures):
    picture = large(6)
    for number in range(6):
        noise = np.random.default_rng(number).normal(0, 12 * number, (320, 480, 3))
        PIL.Image.fromarray((np.asarray(picture) + noise).clip(0, 255).astype(np.uint8)).save(
            pictures / f"{number}.png"
        )
    collection = album(pictures)
    found = [sum(len(group.others) for group in collection.duplicates(max_expected_false=e)) for e in (1e-12, 1e-6, 1)]
    assert found == sorted(found)
    assert found[-1] >= 3


def test_a_limit_says_what_is_listed_and_never_what_it_is_called(album, pictures):
    for number, name in enumerate(("chelsea.png", "astronaut.png", "coffee.png", "rocket.jpg")):
        picture = photo(name)
        picture.save(pictures / f"{number}.png")
        picture.resize((200, 180)).save(pictures / f"{number} smaller.png")
    collection = album(pictures, ("phash", "color", "embedding", "local"))

    def called(limit: float) -> dict[str, tuple[str, str]]:
        groups = collection.duplicates(max_expected_false=limit)
        return {name: said for group in groups for name, said in kinds(group).items()}

    usual = called(0.01)
    assert len(usual) == 4
    assert {kind for kind, _ in usual.values()} == {"same picture"}
    for limit in (1e-18, 1e-15, 1e-12, 1e-6):
        assert called(limit).items() <= usual.items()
    assert called(1e-12)
    assert usual.items() <= called(1.0).items()


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_a_limit_must_be_above_zero(album, pictures, limit):
    collection = album(fill(pictures, 1))
    with pytest.raises(QueryError, match="a number above 0 is needed"):
        collection.duplicates(max_expected_false=limit)


def test_groups_are_the_same_every_time(album, pictures):
    for seed in range(5):
        large(seed).save(pictures / f"{seed}.png")
        ImageOps.expand(large(seed), 6, (9, 9, 9)).save(pictures / f"{seed} framed.png")
    collection = album(pictures)
    first = collection.duplicates()
    assert len(first) == 5
    assert collection.duplicates() == first


class TestBetween:
    @pytest.fixture
    def folders(self, pictures):
        """train and test share one picture (smaller) and one file; train alone holds another picture twice."""
        train, test = pictures / "train", pictures / "test"
        for folder in (train, test):
            folder.mkdir()
        large(1).save(train / "leak.png")
        large(1).resize((300, 200)).save(test / "leak small.png")
        large(2).save(train / "file.png")
        shutil.copy(train / "file.png", test / "file.png")
        large(3).save(train / "twice.png")
        large(3).resize((240, 160)).save(train / "twice small.png")
        large(4).save(test / "own.png")
        return train, test

    def test_only_pairs_with_one_picture_on_each_side_count(self, album, pictures, folders):
        groups = album(pictures).duplicates(between=folders)
        assert [sorted(names(group)) for group in groups] == [["file.png", "file.png"], ["leak small.png", "leak.png"]]

    def test_a_picture_elsewhere_makes_no_bridge(self, album, pictures, folders):
        large(1).resize((320, 213)).save(pictures / "elsewhere.png")
        found = {name for group in album(pictures).duplicates(between=folders) for name in names(group)}
        assert "elsewhere.png" not in found

    def test_a_folder_that_is_not_in_the_collection_is_an_error(self, album, pictures, folders):
        with pytest.raises(QueryError, match="nothing of it is in the collection"):
            album(pictures).duplicates(between=(folders[0], pictures / "validation"))

    def test_one_folder_cannot_lie_in_the_other(self, album, pictures, folders):
        with pytest.raises(QueryError, match="neither lies in the other"):
            album(pictures).duplicates(between=(pictures, folders[0]))


def test_copies_moved_by_a_plan_are_no_duplicates_any_more_and_undo_makes_them_so_again(album, pictures, tmp_path):
    from lookalike.duplicates import apply_plan, undo, write_plan

    large(1).save(pictures / "a.png")
    large(1).resize((240, 160)).save(pictures / "b.png")
    with album(pictures) as collection:
        write_plan(collection.duplicates(), tmp_path / "plan.json")
        report = apply_plan(tmp_path / "plan.json", tmp_path / "away", collection.sha256)
        assert [Path(source).name for source, _ in report.moved] == ["b.png"]
        collection.index(options=HERE)
        assert collection.duplicates() == []
        undo(report.undo)
        collection.index(options=HERE)
        assert len(collection.duplicates()) == 1
