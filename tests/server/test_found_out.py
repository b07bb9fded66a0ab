"""Duplicates and plans, the map, the evaluation: made by jobs, kept, looked at; nothing is moved but by a plan."""

from __future__ import annotations

import shutil

import pytest

from lookalike import Collection
from lookalike.server.settings import Role
from samples import HERE, fill, photo
from visits import TOKENS, done, names

DUPLICATES, PLANS = "/api/v1/duplicates", "/api/v1/duplicates/plans"


@pytest.fixture
def twice(tmp_path):
    """A collection in which two pictures are twice, and its folder."""
    folder = fill(tmp_path / "pictures", 3)
    picture = photo("coffee.png")
    picture.save(folder / "large.png")
    picture.resize((128, 85)).save(folder / "small.jpg", quality=80)
    (folder / "other").mkdir()
    shutil.copy(folder / "000.png", folder / "other" / "copy.png")
    with Collection(tmp_path / "album") as made:
        made.index([folder], methods=["phash", "color"], options=HERE)
    return tmp_path / "album", folder


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_duplicates_are_those_of_python(served, twice):
    collection, _ = twice
    server = served(collection)
    assert server.get(DUPLICATES).status_code == 404
    job = done(server, "duplicates")
    assert job["result"] == {"groups": 2}
    found = server.get(DUPLICATES).json()
    with Collection(collection) as album:
        expected = [group.to_json() for group in album.duplicates()]
    assert [{k: v for k, v in one.items() if k != "number"} for one in found["groups"]] == expected
    assert (found["total"], found["copies"]) == (2, 2) and found["bytes"] > 0
    assert served(collection).get(DUPLICATES).json() == found, "kept for the next server"
    page = server.get(DUPLICATES, params={"offset": 1, "limit": 1}).json()
    assert page["groups"] == found["groups"][1:]
    unsure = server.get(DUPLICATES, params={"unsure": True}).json()["groups"]
    assert [one["expected_false"] for one in unsure] == sorted((one["expected_false"] for one in unsure), reverse=True)


def test_a_plan_is_shown_followed_and_undone(served, twice, tmp_path):
    collection, folder = twice
    server = served(collection, move_to=tmp_path / "moved")
    done(server, "duplicates")
    before = contents(folder)
    plan = server.post(PLANS, json={}).json()
    assert (plan["state"], plan["files"]) == ("made", 2) and plan["to"] == str(tmp_path / "moved" / "plan-1")
    assert contents(folder) == before and not (tmp_path / "moved").exists()
    applied = server.post(f"{PLANS}/1/apply", json={}).json()
    assert len(applied["moved"]) == 2 and applied["left"] == []
    assert contents(folder).keys() < before.keys()
    assert server.get(f"{PLANS}/1").json()["state"] == "applied"
    assert server.post(f"{PLANS}/1/apply", json={}).status_code == 409, "once"
    back = server.post(f"{PLANS}/1/undo", json={}).json()
    assert len(back["moved"]) == 2 and contents(folder) == before
    assert server.post(f"{PLANS}/1/undo", json={}).json() == {"moved": [], "left": [], "undo": back["undo"]}


def test_what_is_kept_and_moved_can_be_chosen(served, twice, tmp_path):
    collection, _ = twice
    server = served(collection, move_to=tmp_path / "moved")
    done(server, "duplicates")
    groups = server.get(DUPLICATES).json()["groups"]
    group = next(one for one in groups if one["members"][0]["path"].endswith("large.png"))
    small = next(one["id"] for one in group["members"] if one["id"] != group["keeper"])
    plan = server.post(PLANS, json={"choices": [{"number": group["number"], "keep": small}]}).json()
    assert [one["keep"].rpartition("/")[2] for one in plan["groups"]] == ["small.jpg"]
    assert [name.rpartition("/")[2] for one in plan["groups"] for name in one["move"]] == ["large.png"]


@pytest.mark.parametrize(
    "choice",
    [
        {"number": 99, "keep": 1},
        {"number": 0, "keep": 999},
        {"number": 0, "keep": "keeper", "move": [999]},
        {"number": 0, "keep": "keeper", "move": ["keeper"]},
    ],
)
def test_only_copies_that_were_found_can_be_moved(served, twice, tmp_path, choice):
    collection, _ = twice
    server = served(collection, move_to=tmp_path / "moved")
    done(server, "duplicates")
    keeper = server.get(DUPLICATES).json()["groups"][0]["keeper"]
    chosen = {k: keeper if v == "keeper" else [keeper] if v == ["keeper"] else v for k, v in choice.items()}
    answer = server.post(PLANS, json={"choices": [chosen]})
    assert (answer.status_code, answer.json()["error"]) == (400, "QueryError")
    assert server.get(f"{PLANS}/1").status_code == 404


def test_nothing_is_moved_where_no_folder_was_named(served, twice):
    collection, folder = twice
    server, before = served(collection), contents(folder)
    done(server, "duplicates")
    assert server.post(PLANS, json={}).json()["to"] is None
    answer = server.post(f"{PLANS}/1/apply", json={})
    assert answer.status_code == 409 and "--move-to" in answer.json()["message"]
    assert contents(folder) == before


def test_a_file_that_has_changed_since_is_left_alone(served, twice, tmp_path):
    collection, folder = twice
    server = served(collection, move_to=tmp_path / "moved")
    done(server, "duplicates")
    server.post(PLANS, json={})
    for name in ("other/copy.png", "small.jpg"):
        (folder / name).write_bytes(b"edited since")
    report = server.post(f"{PLANS}/1/apply", json={}).json()
    assert report["moved"] == [] or all(not one["from"].endswith(("copy.png", "small.jpg")) for one in report["moved"])
    assert (folder / "small.jpg").read_bytes() == b"edited since"


def test_the_map_is_made_by_a_job(served, tmp_path):
    folder = fill(tmp_path / "pictures", 12)
    with Collection(tmp_path / "album") as made:
        made.index([folder], methods=["embedding"], options=HERE)
    server = served(tmp_path / "album")
    assert server.get("/api/v1/map").status_code == 404
    job = done(server, "map")
    assert (job["state"], job["result"]["pictures"]) == ("done", 12), job
    found = server.get("/api/v1/map").json()
    assert sorted(found["ids"]) == list(range(1, 13)) and len(found["frames"]) == 48 and len(found["near"]) == 12
    assert found["names"][found["ids"].index(1)] == "000.png"
    sheet = server.get("/api/v1/map/small/0")
    assert sheet.headers["content-type"] == "image/jpeg" and sheet.content.startswith(b"\xff\xd8")
    assert server.get("/api/v1/map/small/1").status_code == 404
    for wrong in ("small/x", "huge/0", "small/..%2f..%2fcatalogue.sqlite", "small/-1"):
        assert server.get(f"/api/v1/map/{wrong}").status_code in (404, 422)


def test_an_evaluation_is_made_by_a_job(served, own, bearing):
    collection, folder = own
    server = served(collection, tokens=tuple(TOKENS.values()))
    server.headers.update(bearing(Role.admin))
    assert server.get("/api/v1/evaluation").status_code == 404
    job = done(server, "evaluate", sample=2)
    assert (job["state"], job["result"]) == ("done", {"pictures": 5}), job
    figures = server.get("/api/v1/evaluation").json()
    assert set(figures["methods"]) == {"phash", "color", "auto"}
    page = server.get("/api/v1/evaluation/report")
    assert page.headers["content-type"].startswith("text/html") and "sandbox" in page.headers["content-security-policy"]
    assert "script-src" not in page.headers["content-security-policy"]
    assert str(folder) not in server.get("/api/v1/evaluation", headers=bearing(Role.read)).text


def test_facets_and_models(server):
    found = server.get("/api/v1/collection/facets").json()
    assert {one["value"]: one["pictures"] for one in found["format"]} == {"PNG": 10, "JPEG": 2}
    assert found["folder"][0]["pictures"] == 12 and found["camera"] == []
    models = server.get("/api/v1/models").json()["models"]
    assert models[0]["name"] == "efficientnet-lite0" and models[0]["installed"] == "bundled"


def test_comparing_tells_where_keypoints_match(server, album, pictures):
    id_ = names(album)["coffee.png"]
    upload = (pictures / "coffee.png").read_bytes()
    found = server.post("/api/v1/compare", files={"image": upload}, data={"other": id_}).json()
    by = {one["method"]: one for one in found["comparisons"]}
    assert by["phash"]["distance"] == 0 and by["local"]["detail"]["label"] == "same picture"
    assert 5 <= len(found["matches"]) <= 60
    for x, y, there_x, there_y in found["matches"]:
        assert abs(x - there_x) < 2 and abs(y - there_y) < 2
    assert server.post("/api/v1/compare", json={"id": id_, "other": 999}).status_code == 404
    assert server.post("/api/v1/compare", json={"other": id_}).status_code == 422


def test_what_is_counted_names_routes_only(server):
    server.get("/api/v1/pictures/1")
    server.post("/api/v1/search", json={"text": "a very private question"})
    server.get("/no/such/route?token=x")
    text = server.get("/metrics").text
    assert 'lookalike_requests_total{method="GET",route="/api/v1/pictures/{id}",status="200"}' in text
    assert "private" not in text and "no/such" not in text and 'route="none"' in text
