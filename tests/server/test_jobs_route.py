"""Jobs: long work in a process of its own, with progress, cancelled without loss; only paths that were named."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from lookalike import Collection
from lookalike.threads import BEHIND
from samples import draw, fill, photo
from visits import ended, jpeg, names

JOBS = "/api/v1/jobs"


def test_a_job_indexes_what_is_new(served, own):
    collection, folder = own
    server = served(collection)
    draw(folder / "new.png", 77)
    answer = server.post(JOBS, json={"kind": "index"})
    assert answer.status_code == 202 and answer.headers["location"] == f"{JOBS}/{answer.json()['id']}"
    job = ended(server, answer.json())
    assert (job["state"], job["result"]["added"], job["result"]["unchanged"]) == ("done", 1, 5)
    assert {"doing": "indexing", "done": 1, "total": 1, "failed": 0}.items() <= job["progress"].items()
    assert "new.png" in names(collection)
    assert server.get(JOBS).json()["jobs"] == [job]
    found = server.post("/api/v1/search", json={"id": names(collection)["new.png"]})
    assert found.json()["matches"][0]["label"] == "same file"


def test_progress_is_told_as_it_happens(served, own):
    collection, folder = own
    server = served(collection)
    fill(folder / "more", 20)
    job = server.post(JOBS, json={"kind": "index"}).json()
    with server.stream("GET", f"{JOBS}/{job['id']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        events = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]
    assert [one["state"] for one in events[-1:]] == ["done"]
    done = [one["progress"]["done"] for one in events if one["progress"]]
    assert done == sorted(done) and done[-1] == 20


def test_a_cancelled_job_keeps_what_it_has_committed(served, own):
    collection, folder = own
    server = served(collection)
    fill(folder / "more", 3000)
    job = server.post(JOBS, json={"kind": "index"}).json()
    while (found := server.get("/api/v1/collection").json()["pictures"]) == 5:
        time.sleep(0.02)
    assert server.delete(f"{JOBS}/{job['id']}").status_code == 202
    assert ended(server, job)["state"] == "cancelled"
    with Collection(collection) as album:
        assert 5 < found <= len(album) < 3000
        assert album.check().problems == []
    assert server.delete(f"{JOBS}/{job['id']}").json()["state"] == "cancelled"


@pytest.mark.skipif(not list(Path("/proc/self/task").glob("*/children")), reason="needs to see other processes")
def test_searches_go_before_jobs(served, own):
    collection, folder = own
    server = served(collection)
    fill(folder / "more", 3000)
    job = server.post(JOBS, json={"kind": "index"}).json()
    while server.get(f"{JOBS}/{job['id']}").json()["state"] == "queued":
        time.sleep(0.02)
    lists = [file.read_text(encoding="ascii") for file in Path("/proc/self/task").glob("*/children")]
    children = [int(pid) for pid in " ".join(lists).split()]
    jobs = [pid for pid in children if b"lookalike.server.job" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    nice = [os.getpriority(os.PRIO_PROCESS, pid) for pid in jobs]
    assert server.delete(f"{JOBS}/{job['id']}").status_code == 202
    ended(server, job)
    assert nice == [BEHIND]


def test_jobs_that_write_wait_for_each_other(served, own):
    collection, folder = own
    server = served(collection)
    fill(folder / "more", 30)
    jobs = [server.post(JOBS, json={"kind": "index"}).json() for _ in range(3)]
    assert [ended(server, job)["state"] for job in jobs] == ["done"] * 3
    assert len(names(collection)) == 31


def test_a_job_that_cannot_be_done_says_why(served, own):
    collection, _ = own
    server = served(collection)
    job = ended(server, server.post(JOBS, json={"kind": "map", "method": "embedding"}).json())
    assert (job["state"], job["error"]) == ("failed", "QueryError") and "embedding" in job["message"]


@pytest.mark.parametrize(
    "path", ["/etc", "/etc/passwd", "relative", "{folder}/../..", "{folder}/out/x", "\0", "{root}x"]
)
def test_only_folders_that_were_named_are_indexed(served, own, tmp_path, path):
    collection, folder = own
    (tmp_path / "secret").mkdir()
    draw(tmp_path / "secret" / "x", 5)
    (folder / "out").symlink_to(tmp_path / "secret")
    (tmp_path / "root").mkdir()
    (tmp_path / "rootx").mkdir()
    server = served(collection, roots=(tmp_path / "root",))
    path = path.format(folder=folder, root=tmp_path / "root")
    for answer in (
        server.post(JOBS, json={"kind": "index", "paths": [path]}),
        server.post("/api/v1/pictures", json={"path": path}),
    ):
        assert answer.status_code == 403, answer.text
    assert server.get(JOBS).json() == {"jobs": []}


def test_a_folder_named_at_the_start_is_added_by_its_path(served, own, tmp_path):
    collection, _ = own
    draw(tmp_path / "root" / "deep" / "a.png", 50)
    server = served(collection, roots=(tmp_path / "root",))
    answer = server.post("/api/v1/pictures", json={"path": str(tmp_path / "root" / "deep"), "wait": 300})
    assert answer.status_code == 201 and answer.json()["job"]["result"]["added"] == 1
    missing = server.post("/api/v1/pictures", json={"path": str(tmp_path / "root" / "nothing")})
    assert missing.status_code == 422 and "no such file" in missing.json()["message"]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"kind": "nonsense"},
        {"kind": "index", "paths": "x"},
        {"kind": "evaluate", "sample": 10**9},
        {"kind": "duplicates", "max_expected_false": 0},
        {"kind": "index", "workers": 99},
    ],
)
def test_a_job_that_there_is_not(server, asked):
    assert server.post(JOBS, json=asked).status_code == 422
    assert server.get(f"{JOBS}/99").status_code == server.get(f"{JOBS}/99/events").status_code == 404
    assert server.delete(f"{JOBS}/99").status_code == 404


def test_uploads_are_kept_and_found(served, own):
    collection, _ = own
    server = served(collection)
    upload = jpeg(photo("coffee.png"))
    files = [("image", ("../../café \r\n.exe", upload)), ("image", ("x.png", b"no picture"))]
    answer = server.post("/api/v1/pictures", files=files, data={"wait": 300})
    assert answer.status_code == 201, answer.text
    (known,) = answer.json()["pictures"]
    assert answer.json()["failed"] == [{"name": "x.png", "reason": "not a picture: looks like a text file"}]
    kept = collection / "uploads" / known["name"]
    assert kept.read_bytes() == upload and kept.suffix == ".jpg" and kept.name.startswith("café")
    assert server.post("/api/v1/search", files={"image": upload}).json()["matches"][0]["id"] == known["id"]
    again = server.post("/api/v1/pictures", files={"image": ("café.exe", upload)}, data={"wait": 300})
    assert len([one for one in os.listdir(collection / "uploads") if not one.startswith(".")]) <= 2
    assert again.status_code == 201
    with Collection(collection) as album:
        assert sum(root.endswith("/uploads") for root in album.roots) == 1


def test_an_upload_that_is_no_picture_is_not_kept(served, own):
    collection, _ = own
    server = served(collection)
    answer = server.post("/api/v1/pictures", files={"image": ("evil.html", b"<script>alert(1)</script>")})
    assert (answer.status_code, answer.json()["error"]) == (422, "ImageError")
    assert not (collection / "uploads").exists()


def test_a_picture_is_taken_out_and_its_file_stays(served, own):
    collection, folder = own
    server, id_ = served(collection), names(collection)["001.png"]
    before = (folder / "001.png").read_bytes()
    assert server.delete(f"/api/v1/pictures/{id_}").json()["name"] == "001.png"
    assert (folder / "001.png").read_bytes() == before
    assert server.get(f"/api/v1/pictures/{id_}").status_code == 404
    assert server.delete(f"/api/v1/pictures/{id_}").status_code == 404
    assert id_ not in [one["id"] for one in server.post("/api/v1/search", json={"id": 1, "k": 99}).json()["matches"]]


def test_what_was_taken_out_comes_back_only_when_it_is_named(served, own):
    collection, folder = own
    server = served(collection)
    assert server.delete(f"/api/v1/pictures/{names(collection)['001.png']}").status_code == 200
    assert ended(server, server.post(JOBS, json={"kind": "index"}).json())["state"] == "done"
    assert "001.png" not in names(collection)
    named = server.post(JOBS, json={"kind": "index", "paths": [str(folder)]}).json()  # the folder that it lies in
    assert ended(server, named)["state"] == "done"
    assert "001.png" in names(collection)


def test_failures_are_listed_and_tried_again(served, own):
    collection, folder = own
    server = served(collection)
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    ended(server, server.post(JOBS, json={"kind": "index"}).json())
    found = server.get("/api/v1/failures").json()
    assert found["total"] == 1 and found["failures"][0]["path"].endswith("broken.png")
    draw(folder / "broken.png", 8)
    ended(server, server.post(JOBS, json={"kind": "index", "retry": True}).json())
    assert server.get("/api/v1/failures").json() == {"failures": [], "total": 0, "offset": 0}


@pytest.fixture(params=[signal.default_int_handler, signal.SIG_IGN], ids=["in front", "in the background"])
def started(request):
    """A server that was started in a terminal, or in the background by a shell, where Ctrl-C is ignored."""
    before = signal.signal(signal.SIGINT, request.param)
    yield
    signal.signal(signal.SIGINT, before)


def test_jobs_end_with_the_server(started, own, tmp_path):
    from starlette.testclient import TestClient

    from lookalike.server.app import create_app
    from lookalike.server.settings import Settings

    collection, folder = own
    fill(folder / "more", 2000)
    with TestClient(create_app(Settings(collection, runtime=tmp_path / "runtime")), "http://127.0.0.1:8008") as server:
        job = server.post(JOBS, json={"kind": "index"}).json()
        while server.get(f"{JOBS}/{job['id']}").json()["state"] == "queued":
            time.sleep(0.02)
    state = json.loads((tmp_path / "runtime" / "jobs" / "1" / "state.json").read_text())
    assert state["state"] == "cancelled"
    with Collection(collection) as album:
        assert album.check().problems == [] and len(album) < 2000
