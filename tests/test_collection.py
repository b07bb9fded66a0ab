"""Collection: what most users meet."""

from __future__ import annotations

import io
import os

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest

from lookalike import Collection, CollectionError, ImageError, QueryError
from lookalike.search import answer
from samples import HERE, METHODS, draw, drawing, fill, living, photo


@pytest.fixture
def opened(album):
    with Collection(album) as collection:
        yield collection


def saved(picture, form="JPEG", **options):
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def test_a_picture_is_found_by_itself_whatever_it_comes_as(opened, pictures):
    path = pictures / "chelsea.png"
    picture = PIL.Image.open(path)
    for image in (path, str(path), path.read_bytes(), io.BytesIO(path.read_bytes()), picture, np.asarray(picture)):
        (match, *_) = opened.search(image)
        assert os.path.basename(match.path) == "chelsea.png"
        assert match.score == pytest.approx(1)


@pytest.mark.parametrize("name", ["astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"])
@pytest.mark.parametrize(
    ("edit", "variant"),
    [
        (lambda p: p.reduce(3), "as is"),
        (lambda p: PIL.Image.open(io.BytesIO(saved(p, quality=10))), "as is"),
        (lambda p: p.convert("L"), "as is"),
        (lambda p: p.resize((300, 200)), "as is"),
        (PIL.ImageOps.mirror, "mirrored"),
        (lambda p: p.rotate(180), "turned 180"),
        (lambda p: p.transpose(PIL.Image.Transpose.ROTATE_90), "turned 90"),
        (lambda p: p.transpose(PIL.Image.Transpose.ROTATE_270), "turned 270"),
    ],
)
def test_edited_copies_are_found_and_how_they_were_turned_is_named(opened, name, edit, variant):
    (match, *_) = opened.search(edit(photo(name)), methods="phash")
    assert os.path.basename(match.path) == name
    assert match.evidence[0].variant == variant


def test_matches_come_best_first_each_picture_once_with_its_evidence(opened, pictures):
    matches = opened.search(pictures / "coffee.png", k=100)
    assert [match.score for match in matches] == sorted((match.score for match in matches), reverse=True)
    assert len({match.id for match in matches}) == len(matches) == len(opened)
    assert {evidence.method for match in matches for evidence in match.evidence} >= set(METHODS)


def test_a_notebook_shows_where_a_collection_is(tmp_path):
    with Collection(tmp_path / "album") as album:
        assert repr(album) == f"Collection({str(tmp_path / 'album')!r})"


def test_k_bounds_the_answer(opened, pictures):
    assert [len(opened.search(pictures / "coffee.png", k=k)) for k in (1, 3, 1000)] == [1, 3, len(opened)]


def test_a_radius_gives_all_within_it_and_none_beyond(opened, pictures):
    every = opened.search(pictures / "coffee.png", k=100, methods="phash")
    near = opened.search(pictures / "coffee.png", radius=every[4].evidence[0].distance, methods="phash", k=1)
    assert [match.id for match in near] == [
        match.id for match in every if match.evidence[0].distance <= every[4].evidence[0].distance
    ]


def test_a_region_asks_with_a_part_of_the_picture(opened, pictures):
    framed = PIL.Image.new("RGB", (500, 400), "black")
    rocket = photo("rocket.jpg")
    framed.paste(rocket, (100, 90))
    (match, *_) = opened.search(framed, region=(100, 90, *rocket.size), methods="phash")
    assert os.path.basename(match.path) == "rocket.jpg"
    assert match.evidence[0].distance < 20


def test_a_filter_narrows_the_answer(opened, pictures):
    matches = opened.search(pictures / "coffee.png", k=100, where="format = 'JPEG'")
    assert {os.path.basename(match.path) for match in matches} == {"retina.jpg", "rocket.jpg"}
    assert opened.search(pictures / "coffee.png", where="width > 5000") == []
    assert len(opened.ids("format = 'JPEG'")) == 2


def test_a_picture_of_the_collection_is_asked_with_by_its_id(opened):
    (id_, *_) = opened.ids("name = 'chelsea.png'")
    assert opened.search(id=int(id_))[0].id == id_


@pytest.mark.parametrize("kind", ["exact", "hellinger", "l1"])
def test_the_kind_of_index_can_be_chosen_and_finds_the_same_picture(opened, pictures, kind):
    (match, *_) = opened.search(pictures / "chelsea.png", methods="color", index=kind)
    assert os.path.basename(match.path) == "chelsea.png"


def test_what_the_exhaustive_index_finds_is_verified_and_has_the_numbers_of_verified_inliers(tmp_path, pictures):
    half = photo("coffee.png").crop((0, 0, 300, 400))
    with Collection(tmp_path / "album") as made:
        made.index([pictures], methods=["local"], options=HERE)
        brute, votes = (made.search(half, methods="local", index=kind, k=20) for kind in ("exhaustive", "inverted"))

    assert [os.path.basename(match.path) for match in brute] == ["coffee.png"]
    assert [match.evidence for match in brute] == [match.evidence for match in votes]
    (evidence,) = brute[0].evidence
    assert evidence.distance == pytest.approx(1 / (1 + evidence.detail["inliers"]))
    assert evidence.expected_false < 0.01


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, "nothing to look for"),
        ({"k": 0}, "at least one"),
        ({"methods": "sift"}, "no 'sift'"),
        ({"methods": ["phash", "color"], "radius": 3}, "exactly one method"),
        ({"radius": 3}, "exactly one method"),
        ({"index": "exact"}, "exactly one method"),
        ({"methods": "phash", "index": "hnsw"}, "no index 'hnsw'"),
        ({"index": "vptree"}, "exactly one method"),
        ({"methods": "phash", "index": "magic"}, "no index 'magic'"),
        ({"region": (0, 0, 0, 5)}, "region"),
        ({"region": (5000, 0, 5, 5)}, "outside the picture"),
        ({"where": "colour = 3"}, "colour"),
    ],
)
def test_a_question_without_sense_is_a_query_error(opened, pictures, asked, says):
    image = None if not asked else pictures / "coffee.png"
    with pytest.raises(QueryError, match=says):
        opened.search(image, **asked)


def test_a_picture_asked_with_by_its_id_is_not_read_again(opened, monkeypatch):
    monkeypatch.setattr(answer, "open_image", None)
    for id_ in opened.ids().tolist():
        assert opened.search(id=id_, k=2)[0].id == id_


def test_a_mirrored_copy_and_a_piece_are_found_by_id(tmp_path):
    folder = fill(tmp_path / "pictures", 5)
    whole = photo("coffee.png")
    whole.save(folder / "whole.png")
    whole.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "mirrored.png")
    whole.crop((30, 20, 200, 150)).transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "piece.png")
    with Collection(tmp_path / "album") as album:
        album.index([folder], methods=["phash", "local"], options=HERE)
        ids = living(album)
        found = {os.path.basename(match.path): match.label for match in album.search(id=ids["whole.png"], k=3)}
    assert found == {"whole.png": "same file", "mirrored.png": "edited copy", "piece.png": "contains"}


def test_an_unknown_id_is_a_query_error(opened):
    with pytest.raises(QueryError, match="no picture with id 9999"):
        opened.search(id=9999)


def test_a_query_that_is_no_picture_is_an_image_error(opened, pictures):
    with pytest.raises(ImageError, match="looks like a text file"):
        opened.search(pictures / "notes.txt")
    with pytest.raises(ImageError, match="no such file"):
        opened.search("nowhere.jpg")


def test_a_picture_without_anything_to_describe_says_why(opened):
    with pytest.raises(QueryError, match="phash: flat or featureless"):
        opened.search(PIL.Image.new("RGB", (50, 50), "grey"), methods="phash")


def test_info_tells_what_is_held(opened, pictures):
    about = opened.info()
    assert (about.pictures, about.failed, about.removed) == (12, 1, 0)
    assert {method.name: method.pictures for method in about.methods} == {"phash": 12, "color": 12}
    assert about.roots == [str(pictures)]
    assert about.bytes >= sum(method.bytes for method in about.methods) > 0
    assert len(opened) == 12


def test_a_record_knows_what_the_file_says(opened, pictures):
    match = opened.search(pictures / "rocket.jpg", k=1)[0]
    record = opened.record(match.id)
    size = PIL.Image.open(pictures / "rocket.jpg").size
    assert (record.format, record.width, record.height) == ("JPEG", *size)
    assert record.bytes == (pictures / "rocket.jpg").stat().st_size
    assert opened.record(9999) is None


def test_an_empty_collection_answers_with_nothing(tmp_path):
    (tmp_path / "empty").mkdir()
    with Collection(tmp_path / "album") as album:
        report = album.index([tmp_path / "empty"], methods=METHODS, options=HERE)
        assert (report.added, report.failed) == (0, [])
        assert album.search(drawing(1)) == []
        assert album.info().pictures == 0


def test_three_hundred_identical_pictures_are_all_found(tmp_path):
    content = draw(tmp_path / "pictures" / "0.png", 5).read_bytes()
    for number in range(1, 300):
        (tmp_path / "pictures" / f"{number}.png").write_bytes(content)
    with Collection(tmp_path / "album") as album:
        album.index([tmp_path / "pictures"], methods=METHODS, options=HERE)
        assert len(album.search(drawing(5), radius=0, methods="phash")) == 300


def test_a_closed_collection_opens_again_by_itself(album, pictures):
    collection = Collection(album)
    before = collection.search(pictures / "coffee.png")
    collection.close()
    assert collection.search(pictures / "coffee.png") == before
    collection.close()


def test_a_mistyped_folder_makes_no_difference(tmp_path):
    with Collection(tmp_path / "album") as album, pytest.raises(CollectionError, match="no such file or folder"):
        album.index([tmp_path / "mistyped"], options=HERE)
