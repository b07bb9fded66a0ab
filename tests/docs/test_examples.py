"""Every command and every piece of Python in the README and the docs does what it says, with sample pictures."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lookalike import Collection
from lookalike.cli.app import app
from samples import fill, photo

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

NOT_RUN = {
    "script/demo": "makes an environment of its own",
    "script/test": "is what runs this",
    "pip install": "changes the environment",
    "python benchmarks/": "takes minutes",
    "python examples/ray/": "tests/examples runs it",
    "python script/sample_pictures.py": "is what the pictures here come from",
    "parallel ": "is not everywhere",
    "lookalike serve": "ends only when it is told to; tests/server runs it",
    "milvus://": "asks a server; tests/milvus runs it with one",
    "curl ": "tests/server/test_documentation.py asks them of a server",
    "clip-vit-b32": "is a model that has to be fetched",
}
"""What is not run here, by how it begins or what is in it, and why."""

SHORTENED = {
    "lookalike evaluate": "--sample 1 --held-out 1 --method phash",
    "sample=50": "sample=2",
}
"""What would take minutes: what is added to a command, or what a piece of Python says instead."""

ELSEWHERE = ("/mnt/", "/data/", "/media/")
"""Places that are made below the test's own folder."""


@dataclass(frozen=True, slots=True)
class Block:
    """Something to run: where it stands, of which kind, and its text."""

    page: Path
    line: int
    kind: str
    text: str


def blocks(page):
    text = page.read_text()
    for found in re.finditer(r"^```(console|python)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield Block(page, text[: found.start()].count("\n") + 1, found[1], found[2])


def steps(block):
    """Of a console block each command, and the output it shows (None: none is shown)."""
    text = block.text.replace("\\\n", " ")
    if not text.startswith("$ "):
        yield from ((line, None) for line in text.splitlines() if line.strip() and not line.startswith("#"))
        return
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown if shown.strip() else None


def without_comment(command):
    return re.sub(r"\s{2,}# .*$", "", command)


def not_run(text):
    return next((words for words in NOT_RUN if text.startswith(words) or (" " not in words and words in text)), None)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A user's home with sample pictures that are indexed, in `kept`."""
    home = tmp_path_factory.mktemp("home")
    subprocess.run([sys.executable, ROOT / "script" / "sample_pictures.py", home], check=True, capture_output=True)
    with Collection(home / "kept") as album:
        album.index([home / "pictures"])
    return home


@pytest.fixture
def home(filled, monkeypatch):
    """The same with files by the names that the pages use, all as if nothing had been done there before."""
    for path in filled.iterdir():
        if path.name not in ("kept", "pictures", "edited"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for folder in ("Pictures", "data/train", "data/test", "mnt/holiday", "data/pictures", "media/drive", "FOLDER"):
        fill(filled / folder, 4)
        shutil.copy(filled / folder / "001.png", filled / folder / "001 (copy).png")
        photo("coffee.png").save(filled / folder / "coffee.png")
    for name in ("copy.jpg", "photo.jpg", "pool.jpg", "a.jpg", "b.jpg"):
        shutil.copy(filled / "edited" / "coffee-small.jpg", filled / name)
    (filled / "labels.csv").write_text(
        "path,group\npictures/motorcycle_left.png,motorcycle\npictures/motorcycle_right.png,motorcycle\n"
    )
    pictures = sorted(filled.glob("pictures/*"))
    (filled / "captions.csv").write_text("".join(f"{path},a picture of {path.stem}\n" for path in pictures))
    shutil.copytree(filled / "kept", filled / "album")
    monkeypatch.chdir(filled)
    monkeypatch.setenv("HOME", str(filled))
    monkeypatch.setenv("LOOKALIKE_COLLECTION", str(filled / "album"))
    monkeypatch.setenv("COLUMNS", "120")
    return filled


def here(text, home):
    for place in ELSEWHERE:
        text = re.sub(rf"(?<![\w/.]){place}", f"{home}{place}", text)
    return text


def run(command, home):
    """Output and exit code of a command, in this process unless it needs a shell."""
    command = here(without_comment(command), home)
    for words, more in SHORTENED.items():
        if command.startswith(words):
            command = f"{command} {more}"
    if re.search(r"[|<>$&;]", re.sub(r"'[^']*'|\"[^\"]*\"", "", command)):
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True)
        return done.stdout + done.stderr, done.returncode
    program, *words = [os.path.expanduser(word) for word in shlex.split(command)]
    assert program == "lookalike", f"{command}: not run, and NOT_RUN does not say why"
    done = CliRunner().invoke(app, words, prog_name="lookalike")
    assert done.exception is None or isinstance(done.exception, SystemExit), f"{command}: {done.exception!r}"
    return done.output, done.exit_code


NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:e-?\d+)?")


def alike(shown, said):
    """Whether a line is the one that is shown: in numbers up to a tenth, in blanks not at all; ... is anything."""
    words = [" ".join(NUMBER.sub("#", line).split()) for line in (shown, said)]
    pattern = ".*".join(re.escape(part) for part in words[0].split("..."))
    if not re.fullmatch(pattern, words[1]):
        return False
    if "..." in shown:
        return True
    pairs = zip(*([float(n.replace(",", "")) for n in NUMBER.findall(line)] for line in (shown, said)), strict=True)
    return all(abs(one - other) <= max(0.1 * max(one, other), 0.03) for one, other in pairs)


def check(shown, said, command):
    """Line by line; a line of three points stands for any number of lines."""
    left = [line for line in said.splitlines() if line.strip()]
    for shown_line in (line for line in shown.splitlines() if line.strip()):
        if shown_line.strip() == "...":
            continue
        while left and not alike(shown_line, left[0]) and "\n...\n" in f"\n{shown}":
            left.pop(0)
        assert left and alike(shown_line, left[0]), f"$ {command}\nshown: {shown_line}\nsaid:\n{said}"
        left.pop(0)


@pytest.mark.parametrize("page", [page for page in PAGES if list(blocks(page))], ids=lambda page: page.name)
def test_the_examples_of_a_page_do_what_it_says(page, home, monkeypatch):
    if page.name in ("methods.md", "tour.md"):  # which begin with a collection of their own
        monkeypatch.setenv("LOOKALIKE_COLLECTION", str(home / "other"))
    for block in blocks(page):
        where = f"{page.name}:{block.line}"
        if block.kind == "console":
            for command, shown in steps(block):
                if not_run(command):
                    continue
                said, code = run(command, home)
                assert code == 0, f"{where}: {command} ends with {code}:\n{said}"
                if shown is not None:
                    check(shown, said, command)
        elif page.name != "serve.md" and not not_run(block.text):
            text = block.text
            for words, other in SHORTENED.items():
                text = text.replace(words, other)
            with Collection(home / "album") as album:
                names = {"album": album, "folder": home / "FOLDER"}
                exec(compile("\n" * block.line + here(text, home), where, "exec"), names)


def test_all_that_is_not_run_is_there():
    texts = [step for page in PAGES for block in blocks(page) for step in _texts(block)]
    assert {not_run(text) for text in texts} - {None} == set(NOT_RUN), "NOT_RUN names what no page says"


def _texts(block):
    return [command for command, _ in steps(block)] if block.kind == "console" else [block.text]


@pytest.mark.parametrize(
    ("shown", "said", "expected"),
    [
        ("1  0.120  similar", "1 0.121   similar", True),
        ("1  0.120  similar", "1  0.420  similar", False),
        ("done in ... s", "done in 12.3 s", True),
        ("54 inliers", "53 inliers", True),
        ("pictures/a.png", "pictures/b.png", False),
    ],
)
def test_lines_are_compared_by_words_and_numbers(shown, said, expected):
    assert alike(shown, said) is expected
