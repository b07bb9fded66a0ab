"""What docs/milvus.md shows does what it says."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

from typer.testing import CliRunner

from lookalike.cli.app import app
from samples import photo

PAGE = (Path(__file__).parents[2] / "docs" / "milvus.md").read_text()
SHOWN = "milvus://localhost:19530/album"


def blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_commands_and_the_piece_of_python_work_one_after_the_other(milvus, whole, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(whole, "album")
    photo("coffee.png").save("copy.jpg")
    commands = [line for line in blocks("console")[0].splitlines() if line.startswith("lookalike ")]
    assert len(commands) == 4 and commands[-1].endswith(" serve")
    for command in commands[:-1]:
        words = shlex.split(command.replace(SHOWN, milvus.address("page")))[1:]
        done = CliRunner().invoke(app, words, prog_name="lookalike")
        assert done.exit_code == 0, done.output
        shown = {"migrate": "the same in both", "copy.jpg": "coffee.png"}
        assert all(text in done.output for word, text in shown.items() if word in command.split()), command
    (code,) = blocks("python")
    exec(compile(code.replace(SHOWN, milvus.address("page")), "docs/milvus.md", "exec"), {})
    assert capsys.readouterr().out.strip().endswith("coffee.png")
