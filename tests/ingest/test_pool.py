"""Worker processes survive hostile files: a crash or a hang costs one file."""

from __future__ import annotations

import os

import pytest

import lookalike.ingest.pool as pool
from lookalike import Collection, LookalikeError, ModelError
from lookalike.ingest.run import Options
from samples import METHODS, drawing, fill

# Runs when a worker starts: files whose content says so crash it or hang it, as a faulty decoder would.
HOSTILE = """
import os, time
from lookalike.errors import ModelError
import lookalike.ingest.describe as describe
real = describe.open_image
def open_image(path, **options):
    with open(path, "rb") as file:
        start = file.read(8)
    if start == b"crash me":
        os.abort()
    if start == b"hang me ":
        time.sleep(1000)
    if start == b"bug here":
        raise ZeroDivisionError("of our own")
    if start == b"no model":
        raise ModelError("the model is gone")
    if start == b"print me":
        print("a library that talks")
    return real(path, **options)
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
    (folder / "003x.png").write_bytes(b"crash me")
    (folder / "007x.png").write_bytes(b"crash me too")
    report, failed, found = index(tmp_path, folder)
    assert (report.added, set(failed)) == (12, {"003x.png", "007x.png"})
    assert "crash" in failed["003x.png"]
    assert len(found) == 12


def test_a_hanging_file_is_a_failure_after_its_time(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(pool, "SECONDS_PER_FILE", 1.0)
    (folder / "005x.png").write_bytes(b"hang me ")
    report, failed, _ = index(tmp_path, folder)
    assert report.added == 12
    assert failed == {"005x.png": "takes more than 1 seconds to read"}


def test_a_fault_of_our_own_is_not_blamed_on_the_file(tmp_path, folder):
    (folder / "003x.png").write_bytes(b"bug here")
    report, failed, _ = index(tmp_path, folder)
    assert report.added == 12
    assert "ZeroDivisionError: of our own" in failed["003x.png"] and "report it" in failed["003x.png"]


def test_a_model_that_does_not_work_stops_the_run_instead_of_failing_every_file(tmp_path, folder):
    (folder / "003x.png").write_bytes(b"no model")
    with pytest.raises(ModelError, match="the model is gone"):
        index(tmp_path, folder)


def test_a_decoder_that_prints_does_not_disturb_the_answers(tmp_path, folder):
    (folder / "a.txt").write_bytes(b"print me")
    report, failed, _ = index(tmp_path, folder, workers=1)
    assert (report.added, set(failed)) == (12, {"a.txt"})


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
