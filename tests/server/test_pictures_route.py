"""GET /api/v1/pictures...: what is known of pictures, thumbnails made once, and originals as they were indexed."""

from __future__ import annotations

import io
import os

import PIL.Image
import pytest

from lookalike import Collection
from samples import HERE, METHODS, draw, photo
from visits import names

PICTURES = "/api/v1/pictures"
NAMES = ("a\nb.png", "ein \u00fc \u0444 \u0639.png", 'x"; filename="evil.html.png', "'%41;.png", "b\udcff.png")


def test_what_is_known_of_a_picture(server, album, pictures):
    id_ = names(album)["rocket.jpg"]
    known = server.get(f"{PICTURES}/{id_}").json()
    assert (known["id"], known["path"], known["name"]) == (id_, str(pictures / "rocket.jpg"), "rocket.jpg")
    assert (known["width"], known["height"], known["format"]) == (256, 171, "JPEG")
    assert known["bytes"] == (pictures / "rocket.jpg").stat().st_size and len(known["sha256"]) == 64


def test_pictures_are_listed_in_pages(server, album):
    everything = server.get(PICTURES).json()
    assert everything["total"] == len(everything["pictures"]) == len(names(album))
    pages = [server.get(PICTURES, params={"offset": at, "limit": 5}).json() for at in (0, 5, 10)]
    assert [one for page in pages for one in page["pictures"]] == everything["pictures"]
    newest = server.get(PICTURES, params={"newest": True}).json()["pictures"]
    assert newest == everything["pictures"][::-1]
    some = server.get(PICTURES, params={"where": "width < 100"}).json()
    assert some["total"] == 5 and {one["width"] for one in some["pictures"]} == {96}


@pytest.mark.parametrize("query", ["limit=0", "limit=100000", "offset=-1", "offset=x", "newest=perhaps"])
def test_a_page_that_there_cannot_be(server, query):
    answer = server.get(f"{PICTURES}?{query}")
    assert (answer.status_code, answer.json()["error"]) == (422, "InvalidRequest")


@pytest.mark.parametrize("what", ["", "/thumbnail", "/original"])
@pytest.mark.parametrize("id_", [0, 999_999, 2**63 - 1])
def test_an_id_that_is_not_there(server, id_, what):
    answer = server.get(f"{PICTURES}/{id_}{what}")
    assert (answer.status_code, answer.json()["error"]) == (404, "NotFound")


@pytest.mark.parametrize("what", ["x", "1.5", "-1", str(2**63), "..%2f..%2fetc%2fpasswd", "%00"])
def test_what_is_no_id_is_never_a_path(server, what):
    for route in ("", "/thumbnail", "/original"):
        answer = server.get(f"{PICTURES}/{what}{route}")
        assert answer.status_code in (404, 422) and answer.json()["message"]


def test_a_thumbnail_is_a_small_webp(server, album):
    id_ = names(album)["rocket.jpg"]
    answer = server.get(f"{PICTURES}/{id_}/thumbnail", params={"size": 100})
    assert answer.headers["content-type"] == "image/webp"
    with PIL.Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.format == "WEBP" and picture.size == (160, 107)


def test_a_thumbnail_is_made_once_and_kept_in_the_collection(served, own, monkeypatch):
    collection, _ = own
    server, id_ = served(collection), names(collection)["astronaut.png"]
    first = server.get(f"{PICTURES}/{id_}/thumbnail")
    monkeypatch.setattr("lookalike.server.decoders.Decoders.thumbnail", lambda *_: pytest.fail("made again"))
    assert server.get(f"{PICTURES}/{id_}/thumbnail").content == first.content
    assert served(collection).get(f"{PICTURES}/{id_}/thumbnail").content == first.content
    assert len(list((collection / "thumbnails").rglob("*.webp"))) == 1
    again = server.get(f"{PICTURES}/{id_}/thumbnail", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304 and not again.content


def test_where_the_collection_cannot_be_written_thumbnails_are_still_answered(served, own, monkeypatch):
    collection, _ = own
    (collection / "thumbnails").write_text("in the way")
    id_ = names(collection)["000.png"]
    assert served(collection).get(f"{PICTURES}/{id_}/thumbnail").status_code == 200


def test_the_original_is_the_file(server, album, pictures):
    id_ = names(album)["coffee.png"]
    answer = server.get(f"{PICTURES}/{id_}/original")
    assert answer.content == (pictures / "coffee.png").read_bytes()
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == "inline; filename*=UTF-8''coffee.png"
    saved = server.get(f"{PICTURES}/{id_}/original", params={"download": True})
    assert saved.headers["content-disposition"].startswith("attachment;")
    unchanged = server.get(f"{PICTURES}/{id_}/original", headers={"If-None-Match": answer.headers["etag"]})
    assert unchanged.status_code == 304 and not unchanged.content


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [("bytes=0-9", 0, 10), ("bytes=5-", 5, None), ("bytes=-7", -7, None), ("bytes=3-3", 3, 4)],
)
def test_a_part_of_the_original(server, album, pictures, asked, first, end):
    id_ = names(album)["coffee.png"]
    whole = (pictures / "coffee.png").read_bytes()
    answer = server.get(f"{PICTURES}/{id_}/original", headers={"Range": asked})
    assert answer.status_code == 206 and answer.content == whole[first:end]
    assert answer.headers["content-range"].endswith(f"/{len(whole)}")


@pytest.mark.parametrize(
    "asked", ["bytes=a-b", "bytes=-", "bytes=9-3", "bytes=0-1,3-4", "lines=1-2", "bytes=" + "9" * 99]
)
def test_what_is_no_single_range_is_answered_with_the_whole(server, album, pictures, asked):
    id_ = names(album)["coffee.png"]
    answer = server.get(f"{PICTURES}/{id_}/original", headers={"Range": asked})
    assert answer.status_code == 200 and answer.content == (pictures / "coffee.png").read_bytes()


def test_a_part_behind_the_end(server, album):
    id_ = names(album)["coffee.png"]
    answer = server.get(f"{PICTURES}/{id_}/original", headers={"Range": "bytes=99999999-"})
    assert (answer.status_code, answer.json()["error"]) == (416, "NoSuchRange")
    assert answer.headers["content-range"].startswith("bytes */")


def test_a_file_of_another_format_than_browsers_show_is_only_saved(served, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    photo("coffee.png").save(folder / "photo.tiff")
    photo("coffee.png").save(folder / "really-a-bitmap.html", "BMP")
    with Collection(tmp_path / "album") as made:
        made.index([folder], methods=METHODS, options=HERE)
    server, ids = served(tmp_path / "album"), names(tmp_path / "album")
    tiff = server.get(f"{PICTURES}/{ids['photo.tiff']}/original")
    assert tiff.headers["content-type"] == "application/octet-stream"
    assert tiff.headers["content-disposition"].startswith("attachment")
    page = server.get(f"{PICTURES}/{ids['really-a-bitmap.html']}/original")
    assert page.headers["content-type"] == "image/bmp" and page.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("swap", ["html", "secret link", "pipe", "gone"])
def test_what_has_taken_the_place_of_a_picture_is_not_shown(served, own, tmp_path, swap):
    collection, folder = own
    server, id_ = served(collection), names(collection)["000.png"]
    file = folder / "000.png"
    file.unlink()
    if swap == "html":
        file.write_text("<script>alert(1)</script>")
    elif swap == "secret link":
        (tmp_path / "secret").write_text("secret")
        file.symlink_to(tmp_path / "secret")
    elif swap == "pipe":
        os.mkfifo(file)
    for what in ("original", "thumbnail"):
        answer = server.get(f"{PICTURES}/{id_}/{what}")
        assert answer.status_code == 409, answer.text
        assert answer.json()["error"] in ("FileGone", "FileChanged")


@pytest.mark.parametrize("name", NAMES)
def test_names_of_any_letters_survive(served, tmp_path, name):
    draw(tmp_path / "pictures" / name, 1)
    with Collection(tmp_path / "album") as made:
        made.index([tmp_path / "pictures"], methods=METHODS, options=HERE)
    server = served(tmp_path / "album")
    answer = server.get(f"{PICTURES}/1/original")
    assert answer.status_code == 200
    header = answer.headers["content-disposition"]
    assert header.isascii() and header.count(";") == 1 and '"' not in header
    assert server.get(f"{PICTURES}/1").status_code == 200
    assert server.post("/api/v1/search", json={"id": 1}).json()["matches"][0]["id"] == 1


def test_what_the_collection_holds(server, album):
    about = server.get("/api/v1/collection").json()
    with Collection(album) as here:
        expected = here.info()
    assert (about["pictures"], about["failed"], about["roots"]) == (expected.pictures, expected.failed, expected.roots)
    assert [one["name"] for one in about["methods"]] == list(METHODS)


def test_it_is_alive_and_ready_until_the_collection_is_gone(served, own):
    collection, _ = own
    server = served(collection)
    assert server.get("/healthz").json() == {"status": "ok"}
    assert server.get("/readyz").json() == {"status": "ok", "pictures": 5}
    from visits import gone

    gone(collection)
    assert server.get("/healthz").status_code == 200
    answer = server.get("/readyz")
    assert (answer.status_code, answer.json()["error"]) == (503, "CollectionError")
    for path in ("/api/v1/pictures", "/api/v1/pictures/1/thumbnail", "/api/v1/collection"):
        assert server.get(path).status_code == 503
    assert server.post("/api/v1/search", json={"id": 1}).status_code == 503
    assert not collection.exists()
