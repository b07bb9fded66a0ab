"""What can be asked on the command line: several pictures, addresses, parts in per cent; what is away is said."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from typer.testing import CliRunner

from lookalike import Collection
from lookalike.cli.app import app
from samples import HERE, METHODS, fill, photo


@pytest.fixture
def cli(album):
    def run(*words, on=album):
        return CliRunner().invoke(app, ["-c", str(on), *map(str, words)], prog_name="lookalike")

    return run


def names(found):
    return [os.path.basename(match["path"]) for match in found]


def test_several_pictures_have_each_their_own_answer(cli, pictures):
    asked = [pictures / "coffee.png", pictures / "rocket.jpg"]
    told = cli("search", *asked, "-k", 1).stdout.splitlines()
    assert [line.rstrip(":").endswith(path.name) for line, path in zip(told[::3], asked, strict=True)] == [True, True]
    assert [line.endswith(path.name) for line, path in zip(told[2::3], asked, strict=True)] == [True, True]
    answers = json.loads(cli("search", *asked, "-k", 2, "--json").stdout)
    assert [os.path.basename(one["query"]) for one in answers] == ["coffee.png", "rocket.jpg"]
    assert [names(one["matches"])[0] for one in answers] == ["coffee.png", "rocket.jpg"]
    paths = cli("search", *asked, "-k", 3, "--paths").stdout.splitlines()
    assert len(paths) == len(set(paths)) >= 3


def test_one_of_several_that_cannot_be_read_does_not_stop_the_others(cli, pictures):
    result = cli("search", pictures / "broken.jpg", pictures / "coffee.png", "-k", 1)
    assert result.exit_code == 2
    assert "broken.jpg" in result.stderr and result.stdout.splitlines()[-1].endswith("coffee.png")


def test_together_asks_for_what_is_like_all(tmp_path):
    folder = fill(tmp_path / "pictures", 3)
    for name in ("coffee.png", "chelsea.png", "rocket.jpg"):
        photo(name).save(folder / name)
    with Collection(tmp_path / "album") as made:
        made.index([folder], methods=["embedding"], options=HERE)

    def ask(*words):
        return CliRunner().invoke(app, ["-c", str(tmp_path / "album"), "search", *map(str, words)])

    both = json.loads(ask(folder / "coffee.png", folder / "chelsea.png", "--together", "--json", "-k", 2).stdout)
    assert set(names(both)) == {"coffee.png", "chelsea.png"}
    others = ask(folder / "coffee.png", folder / "chelsea.png", "--together", "--exclude-self", "--json").stdout
    assert set(names(json.loads(others))) == {"rocket.jpg", "000.png", "001.png", "002.png"}
    alone = ask(folder / "coffee.png", "--together")
    assert (alone.exit_code, len(alone.stderr.splitlines())) == (2, 1)


def test_the_file_itself_and_its_copies_are_left_out_when_wanted(tmp_path):
    folder = fill(tmp_path / "pictures", 3)
    shutil.copy(folder / "001.png", folder / "twin.png")
    with Collection(tmp_path / "album") as made:
        made.index([folder], methods=METHODS, options=HERE)
        asked = {"image": folder / "001.png"}, {"id": made.search(folder / "001.png", k=1)[0].id}
        for methods in ("auto", ["color"]):
            for one in asked:
                found = [os.path.basename(m.path) for m in made.search(**one, k=2, methods=methods, exclude_self=True)]
                assert sorted(found) == ["000.png", "002.png"]
        part = made.search(folder / "001.png", region=(0, 0, 60, 40), k=9, exclude_self=True)
        assert not {"001.png", "twin.png"} & {os.path.basename(match.path) for match in part}


def test_words_need_no_quotes_and_pictures_among_them_are_no_words(cli, pictures, tmp_path):
    together = cli("search", "a", "picture", "of", "coffee", on=tmp_path / "none")
    assert together.stderr == cli("search", "a picture of coffee", on=tmp_path / "none").stderr
    mixed = cli("search", pictures / "coffee.png", "red")
    assert mixed.exit_code == 2 and "--together" in mixed.stderr and len(mixed.stderr.splitlines()) == 1


def test_an_address_of_a_file_is_the_file_and_others_are_refused(cli, pictures):
    dropped = cli("search", (pictures / "coffee.png").as_uri(), "-k", 1)
    assert dropped.stdout.splitlines()[1].endswith("coffee.png")
    for address in ("https://example.org/a.jpg", "file://elsewhere/a.jpg"):
        refused = cli("search", address)
        assert refused.exit_code == 2 and "another machine" in refused.stderr


def test_a_region_in_per_cent_is_of_the_pictures_own_sides(cli, pictures):
    width, height = photo("coffee.png").size
    exact = cli("search", pictures / "coffee.png", "--json", "--region", f"0,0,{width / 2},{height / 4}")
    assert cli("search", pictures / "coffee.png", "--json", "--region", "0,0,50%,25%").stdout == exact.stdout
    for wrong in ("1,2,3", "a,b,c,d", "nan,0,1,1", "0,0,50%%,1", "inf%,0,1,1"):
        refused = cli("search", pictures / "coffee.png", "--region", wrong)
        assert refused.exit_code == 2 and "X,Y,W,H" in refused.stderr


def test_what_is_away_is_marked(tmp_path):
    folder = fill(tmp_path / "pictures", 3)
    with Collection(tmp_path / "album") as made:
        made.index([folder], methods=METHODS, options=HERE)
    (folder / "001.png").unlink()
    asked = ["-c", str(tmp_path / "album"), "search", str(folder / "000.png")]
    told = CliRunner().invoke(app, asked).stdout
    marked = {line.endswith("(gone)") for line in told.splitlines() if "001.png" in line}
    assert marked == {True} and told.count("(gone)") == 1
    found = json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)
    assert [os.path.basename(match["path"]) for match in found if match["gone"]] == ["001.png"]


def test_lines_have_no_blanks_at_their_ends(cli, pictures):
    for words in (("search", pictures / "coffee.png", "--explain"), ("info",), ("methods",), ("duplicates",)):
        told = cli(*words).stdout.splitlines()
        assert told == [line.rstrip() for line in told]


def test_words_are_explained_as_pictures_are(tmp_path):
    folder = fill(tmp_path / "pictures", 3)
    photo("chelsea.png").save(folder / "chelsea.png")
    with Collection(tmp_path / "album") as made:
        made.index([folder], methods=["text"], options=HERE)

    def told(*words):
        return CliRunner().invoke(app, ["-c", str(tmp_path / "album"), "search", *words, "--explain"]).stdout

    assert [line.split()[0] for line in told("a cat").splitlines()[-2:]] == ["method", "text"]
    assert "no word of it is known" in told("xqzzv").splitlines()[-1]


def test_a_folder_that_is_not_exactly_so_is_suggested_to_be_searched_for(cli, pictures):
    result = cli("search", pictures / "coffee.png", "--where", f"folder = '{pictures.name}'")
    assert result.exit_code == 0 and "nothing found" in result.stdout
    assert f"folder like '%{pictures.name}%'" in result.stderr
    found = cli("search", pictures / "coffee.png", "--where", f"folder = '{pictures}'")
    assert "folder like" not in found.stderr
