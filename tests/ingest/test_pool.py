"""Worker processes survive hostile files: a crash or a hang costs one file."""

from __future__ import annotations

import errno
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import pytest

import lookalike.ingest.pool as pool
from lookalike import Collection, LookalikeError, ModelError
from lookalike.ingest.describe import Task
from lookalike.ingest.run import Options
from samples import METHODS, draw, drawing, fill

# Runs when a worker starts: files whose content says so crash it or hang it, as a faulty decoder would.
HOSTILE = """
import ctypes, os, time
from lookalike.errors import ModelError
from lookalike.methods.phash import PHash
import lookalike.ingest.describe as describe
real = describe.open_image
class Odd(ModelError):
    def __init__(self, one, other):
        super().__init__(f"{one}: {other}")
if "LOAD_SECONDS" in os.environ:
    def load(self, image, slowly=PHash.describe):
        time.sleep(float(os.environ.pop("LOAD_SECONDS", 0)))
        return slowly(self, image)
    PHash.describe = load
def here():
    with open(os.environ["MARK"] + ".new", "w") as file:
        file.write(str(os.getpid()))
    os.rename(os.environ["MARK"] + ".new", os.environ["MARK"])
def open_image(file, **options):
    start = file.read(8)
    file.seek(0)
    if start == b"crash me":
        os.abort()
    if start == b"kill me ":
        os.kill(os.getpid(), 9)
    if start == b"garbage ":
        os.write(3, b"not a pickle")
        os.write(4, b"not a pickle")
        os.write(5, b"not a pickle")
    if start == b"hang me ":
        "MARK" in os.environ and here()
        time.sleep(1000)
    if start == b"hold me ":
        here()
        ctypes.PyDLL(None).sleep(1000)
    if start == b"pickle m":
        raise Odd("two arguments", "not one")
    if start == b"bug here":
        raise ZeroDivisionError("of our own")
    if start == b"no model":
        raise ModelError("the model is gone")
    if start == b"print me":
        print("a library that talks")
    return real(file, **options)
describe.open_image = open_image
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(HOSTILE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site") + os.pathsep + os.environ.get("PYTHONPATH", ""))
    return fill(tmp_path / "pictures", 12)


def index(tmp_path, folder, workers=2):
    with Collection(tmp_path / "album") as album:
        report = album.index([folder], methods=METHODS, options=Options(workers=workers))
        found = {os.path.basename(match.path) for match in album.search(drawing(3), k=100)}
    return report, {os.path.basename(failure.path): failure.reason for failure in report.failed}, found


def test_a_crashing_file_is_a_failure_and_all_others_are_described(tmp_path, folder):
    (folder / "003x.png").write_bytes(b"crash me\0")
    (folder / "007x.png").write_bytes(b"crash me\0too")
    report, failed, found = index(tmp_path, folder)
    assert (report.added, set(failed)) == (12, {"003x.png", "007x.png"})
    assert "crash" in failed["003x.png"]
    assert len(found) == 12


def test_a_hanging_file_is_a_failure_after_its_time(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(pool, "SECONDS_PER_FILE", 1.0)
    (folder / "005x.png").write_bytes(b"hang me \0")
    report, failed, _ = index(tmp_path, folder)
    assert report.added == 12
    assert failed == {"005x.png": "takes more than 1 seconds to read"}


def test_a_fault_of_our_own_is_not_blamed_on_the_file(tmp_path, folder):
    (folder / "003x.png").write_bytes(b"bug here\0")
    report, failed, _ = index(tmp_path, folder)
    assert report.added == 12
    assert "ZeroDivisionError: of our own" in failed["003x.png"] and "report it" in failed["003x.png"]


def test_a_model_that_does_not_work_stops_the_run_instead_of_failing_every_file(tmp_path, folder):
    (folder / "003x.png").write_bytes(b"no model\0")
    with pytest.raises(ModelError, match="the model is gone"):
        index(tmp_path, folder)


def test_a_decoder_that_prints_does_not_disturb_the_answers(tmp_path, folder):
    (folder / "a.jpg").write_bytes(b"print me\0")
    report, failed, _ = index(tmp_path, folder, workers=1)
    assert (report.added, set(failed)) == (12, {"a.jpg"})


def test_workers_and_no_workers_describe_alike(tmp_path, folder):
    index(tmp_path / "two", folder)
    index(tmp_path / "none", folder, workers=0)
    answers = []
    for name in ("two", "none"):
        with Collection(tmp_path / name / "album") as album:
            found = album.search(drawing(3), k=12, methods="phash")
            answers.append([(match.path, match.evidence[0].distance) for match in found])
    assert answers[0] == answers[1]


def test_a_worker_that_cannot_start_is_one_clear_error(tmp_path, folder):
    (tmp_path / "site" / "sitecustomize.py").write_text("import os; os._exit(3)")
    with pytest.raises(LookalikeError, match="does not start"):
        index(tmp_path, folder)


def alive(pid):
    """Whether a process runs: a zombie that nobody has collected yet does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("how", ["hang me ", "hold me "])
def test_a_worker_that_hangs_does_not_outlive_its_killed_parent(tmp_path, folder, monkeypatch, how):
    """hold: with Python's lock, so that no thread of the worker runs."""
    mark = tmp_path / "worker"
    monkeypatch.setenv("MARK", str(mark))
    (folder / "000.png").write_bytes(how.encode() + b"\0")
    command = [sys.executable, "-m", "lookalike", "-c", str(tmp_path / "album"), "index", str(folder)]
    parent = subprocess.Popen([*command, "--workers", "1", "--method", "phash"], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not mark.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    pid = int(mark.read_text())
    assert alive(pid)
    parent.kill()
    parent.wait()
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(pid)


def test_a_worker_sees_the_end_of_its_parent_also_without_help_from_the_kernel(tmp_path, folder, monkeypatch):
    monkeypatch.setenv("MARK", str(tmp_path / "worker"))
    (folder / "000.png").write_bytes(b"hang me \0")
    source = "import sys, lookalike.ingest.worker as w; w._die_with = lambda parent: None; w.main()"
    worker = subprocess.Popen([sys.executable, "-c", source, "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    pickle.dump([("phash", {})], worker.stdin)
    pickle.dump(Task(str(folder / "000.png")), worker.stdin)
    worker.stdin.flush()
    assert pickle.load(worker.stdout) == "ready"
    while not (tmp_path / "worker").exists():
        time.sleep(0.05)
    assert worker.poll() is None
    worker.stdin.close()
    assert worker.wait(30) == 0


def test_a_system_without_room_for_a_process_is_asked_again_and_then_named(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(pool, "WAITS", (0.0, 0.0))
    real, attempts = subprocess.Popen, []

    def popen(*arguments, **options):
        attempts.append(arguments)
        if len(attempts) <= refused:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return real(*arguments, **options)

    monkeypatch.setattr(pool.subprocess, "Popen", popen)
    refused = 2
    assert index(tmp_path, folder, workers=1)[0].added == 12
    refused = 10**6
    fill(folder / "more", 1)
    with pytest.raises(LookalikeError, match=r"no process can be started.*--workers 0"):
        index(tmp_path, folder, workers=1)


def test_an_error_that_cannot_be_pickled_is_told_all_the_same(tmp_path, folder):
    (folder / "003x.png").write_bytes(b"pickle me"[:8] + b"\0")
    with pytest.raises(LookalikeError, match="two arguments: not one"):
        index(tmp_path, folder)


def test_an_answer_that_makes_no_sense_costs_one_file(tmp_path, folder):
    (folder / "003x.png").write_bytes(b"garbage \0")
    report, failed, _ = index(tmp_path, folder)
    assert (report.added, set(failed)) == (12, {"003x.png"})


def test_a_worker_killed_for_memory_leaves_a_file_that_is_tried_again(tmp_path, folder, monkeypatch):
    (folder / "003x.png").write_bytes(b"kill me \0")
    report, failed, _ = index(tmp_path, folder)
    assert report.added == 12 and "perhaps for want of memory" in failed["003x.png"]
    draw(tmp_path / "new.png", 50)
    stamp = (folder / "003x.png").stat()
    (tmp_path / "new.png").replace(folder / "003x.png")
    os.utime(folder / "003x.png", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert index(tmp_path, folder)[0].added == 1


def test_the_time_that_models_take_to_load_is_not_the_first_files(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(pool, "SECONDS_PER_FILE", 2.0)
    monkeypatch.setenv("LOAD_SECONDS", "4")
    report, failed, _ = index(tmp_path, folder, workers=1)
    assert (report.added, failed) == (12, {})
