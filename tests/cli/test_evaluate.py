"""`lookalike evaluate` as users type it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from lookalike.cli.app import app

QUICK = ["--sample", "3", "--edit", "mirror", "--edit", "crop-40"]


@pytest.fixture
def cli(album):
    return lambda *words: CliRunner().invoke(app, ["-c", str(album), "evaluate", *map(str, words)])


def test_tables_tell_of_methods_edits_and_indexes(cli):
    result = cli(*QUICK)
    assert result.exit_code == 0
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines() if line}
    assert {"method", "phash", "color", "auto", "mirror", "crop-40", "edit", "index"} <= set(rows)
    assert rows["mirror"] == ["3", "100", "100", "100"]
    assert rows["edit"] == ["copies", "phash", "color", "auto"]
    assert "proves little" in result.stderr  # twelve pictures


def test_the_tables_fit_a_narrow_terminal(cli):
    assert max(len(line) for line in cli(*QUICK).stdout.splitlines()) <= 80


def test_json_has_the_figures_and_what_was_missed(cli):
    result = cli(*QUICK, "--json")
    value = json.loads(result.stdout)
    assert set(value) == {
        "pictures", "seed", "methods", "edits", "indexes", "truth", "words", "copies", "shots", "missed",
        "false_alarms", "notes",
    }  # fmt: skip
    assert value["methods"]["phash"]["questions"] == 6
    assert set(value["methods"]["phash"]["false_alarms"]) == {"0.01", "0.1", "1"}
    assert value["edits"]["mirror"]["color"]["recall_1"] == 1
    assert {one["edit"] for one in value["missed"]} <= {"mirror", "crop-40"}
    misses = sum(one["method"] == "phash" for one in value["missed"])
    assert value["methods"]["phash"]["recall_1"] == pytest.approx(1 - misses / 6)


def test_a_page_is_written_beside_the_tables(cli, tmp_path):
    result = cli(*QUICK, "--html", tmp_path / "page.html")
    assert result.exit_code == 0 and "page.html" in result.stderr
    assert "Edit by edit" in (tmp_path / "page.html").read_text("utf-8")


def test_a_truth_file_alone_needs_no_copies(cli, tmp_path):
    (tmp_path / "truth.csv").write_text("path,group\n000.png,a\n001.png,a\n")
    result = cli("--truth", tmp_path / "truth.csv", "--method", "color")
    assert result.exit_code == 0
    assert "Labelled groups, 2 questions" in result.stdout and "mirror" not in result.stdout


def test_pairs_are_planted_for_duplicates_on_demand(cli):
    result = cli("--only", "duplicates", "--sample", "4")
    assert result.exit_code == 0 and "Edited copies" not in result.stdout
    assert next(line.split() for line in result.stdout.splitlines() if line.startswith("all"))[1] == "4"
    assert max(len(line) for line in result.stdout.splitlines()) <= 80


def test_folders_are_classes(cli, pictures):
    assert "no folder in it has two pictures" in cli("--truth", pictures).stderr


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--edit", "swirl"], 2, "no edit 'swirl'"),
        (["--method", "sift"], 2, "no 'sift'"),
        (["--only", "everything"], 2, "no section 'everything'; there are copies, groups, words, duplicates"),
        (["--only", "groups"], 2, "groups: which pictures belong together is not known"),
        (["--only", "duplicates", "--sample", "0"], 2, "duplicates: a sample of 0 pictures asks nothing"),
        (["--words", "nowhere.csv"], 2, "nowhere.csv: no such file"),
        (["--sample", "0"], 2, "a sample of 0 pictures asks nothing"),
        (["--truth", "nowhere.csv"], 2, "nowhere.csv: no such file"),
        ([*QUICK, "--html", "{tmp}/none/page.html"], 1, "cannot be written"),
    ],
)
def test_a_mistake_is_one_line(cli, tmp_path, words, code, says):
    result = cli(*(word.format(tmp=tmp_path) for word in words))
    assert result.exit_code == code
    assert says in result.stderr and "Traceback" not in result.output
