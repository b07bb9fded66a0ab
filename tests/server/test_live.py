"""Servers as they are started: processes, sockets, and clients that are slow, cut off, gone, or too many."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import httpx2
import pytest
from typer.testing import CliRunner

from lookalike.cli.app import app
from lookalike.server.run import bind
from lookalike.server.settings import Role
from samples import photo
from visits import TOKENS, jpeg


@contextmanager
def serving(collection, *options, token=None):
    """`lookalike serve` as a process; its address."""
    command = [sys.executable, "-m", "lookalike", "-c", str(collection), "serve", "--port", "0", *options]
    env = {**os.environ, "LOOKALIKE_TOKEN": token or ""}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        said = [process.stdout.readline() for _ in range(3)]
        address = re.search(r"http://\S+", said[1])[0].partition("#")[0].rstrip("/")
        until = time.monotonic() + 300
        while time.monotonic() < until:
            try:
                if httpx2.get(f"{address}/healthz", timeout=5).status_code == 200:
                    break
            except httpx2.TransportError:
                time.sleep(0.1)
        try:
            yield address, process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(120)
            process.said = "".join(said) + process.stdout.read() + process.stderr.read()


def raw(address, content, seconds=120.0):
    """What a server answers to bytes on a socket."""
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=seconds) as sock:
        sock.sendall(content)
        answer = b""
        while chunk := sock.recv(65536):
            answer += chunk
    return answer.decode("latin-1")


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop_and_leaves_nothing(album, tmp_path, monkeypatch, ending):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with serving(album) as (address, process):
        upload = {"image": jpeg(photo("coffee.png"))}
        found = httpx2.post(f"{address}/api/v1/search", files=upload, timeout=60).json()
        assert found["matches"][0]["path"].endswith("coffee.png")
        assert [path.name.startswith("lookalike-") for path in tmp_path.iterdir()] == [True]
        children = subprocess.run(["ps", "--ppid", str(process.pid), "-o", "pid="], capture_output=True, text=True)
        assert children.stdout.strip(), "pictures are decoded by a process of its own"
        process.send_signal(ending)
        assert process.wait(120) == 0
    assert "Traceback" not in process.said and list(tmp_path.iterdir()) == []
    for pid in children.stdout.split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def test_tokens_are_in_no_line_that_it_writes(album):
    secret = TOKENS[Role.admin].secret
    with serving(album, "--log", token=f"read:{TOKENS[Role.read].secret} {secret}") as (address, process):
        for value in (secret, TOKENS[Role.read].secret, f"{secret}wrong"):
            httpx2.get(f"{address}/api/v1/pictures/1", headers={"Authorization": f"Bearer {value}"})
            httpx2.post(f"{address}/api/v1/session", headers={"Authorization": f"Bearer {value}"})
        httpx2.post(
            f"{address}/api/v1/search", json={"text": "private words"}, headers={"Authorization": f"Bearer {secret}"}
        )
    assert "/api/v1/pictures/1" in process.said
    assert secret not in process.said and TOKENS[Role.read].secret not in process.said and "private" not in process.said


def test_several_processes_answer_as_one(album):
    with serving(album, "--workers", "2") as (address, process), httpx2.Client(base_url=address, timeout=60) as client:
        answers = [client.post("/api/v1/search", json={"id": 1}).json()["matches"] for _ in range(6)]
        assert all(one == answers[0] for one in answers)
        job = client.post("/api/v1/jobs", json={"kind": "duplicates"}).json()
        seen = {client.get(f"/api/v1/jobs/{job['id']}").status_code for _ in range(10)}
        assert seen == {200}, "whichever process is asked"
        assert "lookalike_requests_total" in client.get("/metrics").text
    assert "Traceback" not in process.said


def test_a_second_server_on_the_port_is_told_so(album):
    with bind("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        found = CliRunner().invoke(app, ["-c", str(album), "serve", "--port", port])
    assert found.exit_code == 1 and f"port {port} is taken" in found.output and "Traceback" not in found.output


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--host", "no.such.host.invalid"], 1, "no address"),
        (["--host", "192.0.2.1", "--port", "0"], 1, "cannot be used"),
        (["--token", "short"], 2, "at least 16"),
        (["--cors", "example.org"], 2, "is no origin"),
        (["--cors", "https://example.org/path"], 2, "is no origin"),
        (["--port", "99999"], 2, "port"),
    ],
)
def test_what_cannot_be_served_is_one_line(album, options, code, said):
    found = CliRunner().invoke(app, ["-c", str(album), "serve", *options])
    assert found.exit_code == code and said in found.output and "Traceback" not in found.output


@pytest.mark.parametrize(("options", "made"), [(["--host", "0.0.0.0"], True), (["--public"], True), ([], False)])
def test_a_token_is_made_where_others_might_reach_it(album, monkeypatch, options, made):
    settings = []
    monkeypatch.setattr("lookalike.server.run.serve", lambda given, *rest: settings.append(given) or rest[-1](given))
    found = CliRunner().invoke(app, ["-c", str(album), "serve", *options])
    assert bool(settings[0].tokens) == made == ("#token=" in found.output)
    if made:
        assert settings[0].tokens[0].role is Role.admin and len(settings[0].tokens[0].secret) >= 32


@pytest.fixture(scope="module")
def impatient(album):
    """The address of a server that waits for bodies for five seconds only."""
    import uvicorn

    from lookalike.server.app import create_app
    from lookalike.server.settings import Limits, Settings

    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        runtime = album.parent / "impatient"
        settings = Settings(album, port=port, runtime=runtime, limits=Limits(upload_seconds=5, upload_bytes=100_000))
        server = uvicorn.Server(uvicorn.Config(create_app(settings), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
        thread.start()
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        thread.join()


HEAD = "POST /api/v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n{more}\r\n"


def test_an_upload_that_never_arrives_is_given_up(impatient):
    head = HEAD.format(kind="multipart/form-data; boundary=b", more="Content-Length: 5000\r\n")
    answer = raw(impatient, head.encode() + b"--b\r\n")
    assert answer.startswith("HTTP/1.1 408") and '"error":"Timeout"' in answer


def test_a_body_that_is_larger_than_it_says_or_than_allowed(impatient):
    head = HEAD.format(kind="application/json", more="Content-Length: 999999999\r\n")
    answer = raw(impatient, head.encode())
    assert answer.startswith("HTTP/1.1 413") and '"error":"TooLarge"' in answer
    chunks = b"".join(b"2710\r\n" + b"x" * 10_000 + b"\r\n" for _ in range(11))
    answer = raw(
        impatient, HEAD.format(kind="application/json", more="Transfer-Encoding: chunked\r\n").encode() + chunks
    )
    assert answer.startswith("HTTP/1.1 413")


def test_a_client_that_is_cut_off_leaves_the_server_well(impatient):
    host, _, port = impatient.removeprefix("http://").partition(":")
    head = HEAD.format(kind="multipart/form-data; boundary=b", more="Content-Length: 5000\r\n")
    for _ in range(20):
        with socket.create_connection((host, int(port))) as sock:
            sock.sendall(head.encode() + b"--b\r\n")
    assert httpx2.post(f"{impatient}/api/v1/search", json={"id": 1}, timeout=300).status_code == 200


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /api/v1/pictures/../../etc/passwd HTTP/1.1",
        "GET //etc/passwd HTTP/1.1",
        "GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1",
    ],
)
def test_no_path_of_an_address_is_a_file(impatient, request_line):
    answer = raw(impatient, f"{request_line}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith("HTTP/1.1 404") and "root:" not in answer


def test_a_search_whose_client_leaves_is_not_begun(album, monkeypatch, tmp_path):
    import uvicorn

    from lookalike.server.app import create_app
    from lookalike.server.settings import Limits, Settings

    begun, go_on = [], threading.Event()

    def slow(self, **asked):
        begun.append(asked["k"])
        go_on.wait(120)
        return lookalike_matches()

    monkeypatch.setattr("lookalike.Collection.search", slow)
    with bind("127.0.0.1", 0) as taken:
        settings = Settings(album, runtime=tmp_path, limits=Limits(searches=1, queue=8))
        server = uvicorn.Server(uvicorn.Config(create_app(settings), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
        thread.start()
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        first = threading.Thread(
            target=lambda: httpx2.post(f"{address}/api/v1/search", json={"text": "x", "k": 1}, timeout=300)
        )
        first.start()
        while not begun:
            time.sleep(0.01)
        for k in (2, 3):
            with pytest.raises(httpx2.TimeoutException):
                httpx2.post(f"{address}/api/v1/search", json={"text": "x", "k": k}, timeout=0.3)
        time.sleep(0.3)
        go_on.set()
        first.join()
        assert httpx2.post(f"{address}/api/v1/search", json={"text": "x", "k": 4}, timeout=300).status_code == 200
        server.should_exit = True
        thread.join()
    assert begun == [1, 4]


def lookalike_matches():
    from lookalike.search.match import Matches

    return Matches()


def test_a_search_that_is_under_way_ends_when_its_client_leaves(album, monkeypatch):
    from lookalike import Collection
    from lookalike.errors import StoppedError
    from lookalike.search.asker import Asker

    asked, left = [], []
    real = Asker.ask
    monkeypatch.setattr(Asker, "ask", lambda self, name, k: real(self, name, k) if not asked.append(name) else None)
    with Collection(album) as here:
        here.search(id=1, methods=["phash", "color"], stop=lambda: False)
        assert asked == ["phash", "color"]
        with pytest.raises(StoppedError):
            here.search(id=1, methods=["phash", "color"], stop=lambda: len(asked) > 3 or left.append(1))
    assert asked[2:] == ["phash", "color"] and left, "the second of its methods is refused, not answered"
