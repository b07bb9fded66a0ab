"""On a real terminal, in a pipe, and with names that no terminal likes."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest
from rich.console import Console
from rich.text import Text

from lookalike.cli.output import plural, short_path, size, table
from lookalike.cli.words import chance, why
from lookalike.search.match import Match
from lookalike.significance.evidence import Evidence
from samples import METHODS, draw, fill

NAMED = [word for name in METHODS for word in ("--method", name)]


def lookalike(*words, **options):
    command = [sys.executable, "-m", "lookalike", *map(os.fspath, words)]
    return subprocess.run(command, capture_output=True, timeout=120, **options)


@pytest.fixture
def awkward(tmp_path):
    """A collection of names with a line break, markup, colours and undecodable bytes."""
    folder = tmp_path / "pictures"
    names = ["line\nbreak.png", "[red]markup[/red].png", "\x1b[31mred.png", os.fsdecode(b"bytes \xff.png"), "日本.png"]
    for number, name in enumerate(names):
        draw(folder / name, number)
    (folder / "[bold]broken\n.png").write_bytes(b"nothing")
    made = lookalike("-c", tmp_path / "album", "index", folder, "--workers", "0", *NAMED)
    assert made.returncode == 0
    return tmp_path / "album", folder, made


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_awkward_names_take_one_line_each_and_are_never_markup_or_colour(awkward, encoding):
    album, folder, made = awkward
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    result = lookalike("-c", album, "search", folder / "日本.png", cwd=folder, env=environment)
    shown = result.stdout.decode(encoding)
    assert result.returncode == 0
    assert len(shown.splitlines()) == 6
    assert r"line\nbreak.png" in shown and "[red]markup[/red].png" in shown and r"bytes \udcff.png" in shown
    for output in (result.stdout, made.stdout, made.stderr):
        assert b"\x1b" not in output
    failed = lookalike("-c", album, "info", "--failed", cwd=folder).stdout.decode()
    assert r"[bold]broken\n.png" in failed


def test_json_is_utf_8_whatever_the_terminal(awkward):
    import json

    album, folder, _ = awkward
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    result = lookalike("-c", album, "search", folder / "日本.png", "--json", env=environment)
    paths = {match["path"] for match in json.loads(result.stdout.decode("utf-8"))}
    assert {f"{folder}/日本.png", f"{folder}/line\nbreak.png"} <= paths


def test_a_pipe_that_closes_early_is_no_error(awkward):
    album, folder, _ = awkward
    process = subprocess.Popen(
        [sys.executable, "-m", "lookalike", "-c", str(album), "search", str(folder / "日本.png"), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    process.wait(60)


def test_progress_is_drawn_on_a_terminal_only(tmp_path):
    pty = pytest.importorskip("pty")
    folder = fill(tmp_path / "pictures", 4)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "lookalike",
            "-c",
            str(tmp_path / "a"),
            "index",
            str(folder),
            "--workers",
            "0",
            *NAMED,
        ],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
    )
    os.close(theirs)
    drawn = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # how Linux says that the other side is closed
            break
        if not part:
            break
        drawn += part
    assert b"indexing" in drawn and b"4/4" in drawn
    assert process.communicate(timeout=60)[0].startswith(b"4 added (")
    quiet = lookalike("-c", tmp_path / "b", "index", folder, "--workers", "0", *NAMED)
    assert quiet.stderr == b""


def test_a_long_path_is_folded_at_80_columns_and_nothing_of_it_is_lost():
    path = "/very/long/" + "folder-name/" * 20 + "picture.jpg"
    rows = [("1", "0.987", "0.01", "edited copy (phash 12 mirrored)", path)]
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(table(("", "score", "by chance", "why", "picture"), rows, right=(0, 1, 2)))
    shown = console.export_text().splitlines()
    assert all(Text(line).cell_len <= 80 for line in shown)
    start = shown[0].index("picture")
    assert "".join(line[start:].strip() for line in shown[1:]) == path


def test_a_path_is_shown_from_here_when_it_is_below():
    assert short_path("/a/b/c.jpg", "/a") == "b/c.jpg"
    assert short_path("/a/b/c.jpg", "/a/b/") == "c.jpg"
    assert short_path("/ab/c.jpg", "/a") == "/ab/c.jpg"
    assert short_path("/c.jpg", "/") == "c.jpg"


def match(*evidence, label="similar"):
    return Match(1, "a.jpg", 0.5, label, 0.1, list(evidence))


def test_why_names_the_evidence_that_decides_the_first():
    hash_ = Evidence("phash", 12.0, 1e-6, "mirrored")
    color = Evidence("color", 0.12345, 0.3)
    local = Evidence("local", 0.03, None, detail={"inliers": 31, "covered": 0.24})
    assert why(match(hash_, color, label="edited copy")) == "edited copy (phash 12 mirrored)"
    assert why(match(color)) == "similar (color 0.123)"
    assert why(match(local, color, label="crop of")) == "crop of (31 inliers, 24 % of the picture)"
    assert why(match(Evidence("file", 0.0, 0.0), hash_, label="same file")) == "same file"
    assert why(match(Evidence("text", 0.9, detail={"strength": "none"}), label="hardly matches")) == "hardly matches"


def test_numbers_are_written_for_people():
    assert [chance(value) for value in (None, 1e-12, 0.0123, 3.46, 1234.5)] == ["", "< 1e-9", "0.012", "3.5", "1,234"]
    assert [size(value) for value in (0, 999, 1234, 25_700, 3.4e6, 512e6, 7e12)] == [
        "0 bytes",
        "999 bytes",
        "1.2 kB",
        "25.7 kB",
        "3.4 MB",
        "512 MB",
        "7,000 GB",
    ]
    assert [plural(1, "picture"), plural(2000, "picture"), plural(0, "copy", "copies")] == [
        "1 picture",
        "2,000 pictures",
        "0 copies",
    ]


def test_open_says_where_the_sheet_is_when_there_is_no_viewer(awkward):
    album, folder, _ = awkward
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    result = lookalike("-c", album, "search", folder / "日本.png", "--open", env=environment)
    assert result.returncode == 0
    said = result.stderr.decode().strip()
    assert said.startswith("no picture viewer here: the contact sheet is ")
    page = said.rpartition(" is ")[2]
    assert os.path.getsize(page) > 1000
    os.unlink(page)


def test_importing_lookalike_and_asking_for_help_load_no_heavy_module():
    heavy = {"numpy", "PIL", "cv2", "faiss", "onnxruntime", "sqlite3"}
    for code in ("import lookalike", "import lookalike.cli.app"):
        result = subprocess.run(
            [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"], capture_output=True, text=True
        )
        assert heavy.isdisjoint(result.stdout.split()), code
