"""`lookalike duplicates`: what people and programs get, and the way there and back."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lookalike import Collection
from lookalike.cli.app import app
from lookalike.pictures.open import open_image
from samples import HERE, drawing, fill, photo

runner = CliRunner()


@pytest.fixture
def album(tmp_path, monkeypatch):
    """The path of a collection with two groups: one of sizes, one of identical files. The user is in `tmp_path`."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    photo("astronaut.png").save(folder / "large.png")
    photo("astronaut.png").resize((128, 128)).save(folder / "small.png")
    photo("coffee.png").save(folder / "one.png")
    shutil.copy(folder / "one.png", folder / "<b>two & more.png")
    drawing(1).save(folder / "alone.png")
    monkeypatch.chdir(tmp_path)
    with Collection(tmp_path / "album") as made:
        made.index([folder], methods=["phash"], options=HERE)
    return tmp_path / "album"


def run(album: Path, *arguments: object, code: int = 0) -> str:
    result = runner.invoke(app, ["-c", str(album), "duplicates", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output


def test_each_group_is_told_with_the_picture_to_keep_first_and_the_reason(album):
    lines = [line.split() for line in run(album).splitlines()]
    kept = [line[-1] for line in lines if "keep" in line]
    assert len(kept) == 2
    assert "pictures/large.png" in kept
    output = run(album)
    assert "largest: 256 x 256, the next 128 x 128" in output
    assert "2 groups" in output
    assert "2 copies besides the ones to keep" in output


def test_json_has_the_fields_of_a_group(album):
    groups = json.loads(run(album, "--json"))
    assert [group["kind"] for group in groups] == ["exact copy", "same picture"]
    for group in groups:
        assert set(group) == {"members", "keeper", "reason", "expected_false", "doubt", "unseen", "kind"}
        assert group["keeper"] in {member["id"] for member in group["members"]}
        assert {"id", "path", "sha256", "width", "height", "bytes"} <= set(group["members"][0])
        assert not any(member["gone"] for member in group["members"])


def test_json_says_which_files_are_gone(tmp_path):
    folder = fill(tmp_path / "pictures", 2)
    shutil.copy(folder / "001.png", folder / "copy.png")
    with Collection(tmp_path / "album") as made:
        made.index([folder], methods=("phash",), options=HERE)
    (folder / "copy.png").unlink()
    (group,) = json.loads(run(tmp_path / "album", "--json"))
    assert {Path(member["path"]).name: member["gone"] for member in group["members"]} == {
        "001.png": False,
        "copy.png": True,
    }


def test_csv_has_a_line_for_each_member(album, tmp_path):
    run(album, "--csv", tmp_path / "groups.csv")
    rows = list(csv.DictReader((tmp_path / "groups.csv").open()))
    assert len(rows) == 4
    assert [row["keep"] for row in rows].count("keep") == 2


def test_the_gallery_is_one_file_that_loads_nothing_and_escapes_names(album, tmp_path):
    run(album, "--html", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 4
    assert "http" not in page.replace("http-equiv", "")
    assert "src=" not in page.replace('src="data:', "")
    assert "script-src 'sha256-" in page
    assert "<b>two" not in page
    assert "&lt;b&gt;two &amp; more.png" in page


def test_a_gallery_of_pictures_that_are_gone_says_so(album, tmp_path):
    shutil.rmtree(tmp_path / "pictures")
    run(album, "--html", tmp_path / "page.html")
    assert "no such file" in (tmp_path / "page.html").read_text().lower()


def test_nothing_twice_is_said_in_words(album):
    with Collection(album) as made:
        made.remove(["pictures/small.png", "pictures/one.png"])
    assert run(album).strip() == "nothing is here twice"


def test_plan_apply_and_undo_end_where_they_began(album, tmp_path):
    before = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert "lookalike duplicates apply" in run(album, "--plan", tmp_path / "plan.json")
    assert "2 files moved" in run(album, "apply", tmp_path / "plan.json", "--to", tmp_path / "away")
    assert len(list((tmp_path / "pictures").iterdir())) == 3
    told = run(album, "apply", tmp_path / "plan.json", "--to", tmp_path / "away", code=1)
    assert "0 files moved" in told
    assert "was the plan applied before?" in told
    assert "2 files moved back" in run(album, "undo", tmp_path / "away" / "undo-1.jsonl")
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == before


def test_a_plan_that_points_at_other_files_moves_none_of_them(album, tmp_path):
    run(album, "--plan", tmp_path / "plan.json")
    plan = json.loads((tmp_path / "plan.json").read_text())
    outside = tmp_path / "outside.png"
    shutil.copy(tmp_path / "pictures" / "small.png", outside)
    for group in plan["groups"]:
        for file in group["move"]:
            file["path"] = str(outside)
            break
    plan["groups"] = plan["groups"][1:]
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    told = run(album, "apply", tmp_path / "plan.json", "--to", tmp_path / "away", code=1)
    assert "is not in this collection" in told
    assert outside.exists()


@pytest.mark.parametrize("limit", ["0", "-1"])
def test_a_limit_that_makes_no_sense_is_refused(album, limit):
    run(album, "--max-expected-false", limit, code=2)


def test_between_tells_the_pairs_across_two_folders(album, tmp_path):
    (tmp_path / "test").mkdir()
    photo("astronaut.png").resize((200, 200)).save(tmp_path / "test" / "leak.png")
    with Collection(album) as made:
        made.index([tmp_path / "test"], options=HERE)
    (group,) = json.loads(run(album, "--json", "--between", tmp_path / "pictures", tmp_path / "test"))
    assert {Path(member["path"]).name for member in group["members"]} == {"large.png", "small.png", "leak.png"}


def test_other_shots_are_shown_when_asked_for_and_in_no_plan(tmp_path, monkeypatch):
    from lookalike.evaluate.shots import near_shot
    from samples import skimage_file

    folder = tmp_path / "pictures"
    folder.mkdir()
    picture = open_image(skimage_file("astronaut.png")).picture
    picture.save(folder / "a.png")
    picture.resize((300, 300)).save(folder / "a small.png")
    near_shot(picture, "all", 1).save(folder / "shot.png")
    with Collection(tmp_path / "album") as made:
        made.index([folder], methods=["phash", "local", "embedding"], options=HERE)
    monkeypatch.chdir(tmp_path)
    plain = json.loads(run(tmp_path / "album", "--json"))
    assert [[Path(one["path"]).name for one in group["members"]] for group in plain] == [["a.png", "a small.png"]]
    groups = json.loads(run(tmp_path / "album", "--shots", "--plan", tmp_path / "plan.json", "--json"))
    assert [group["kind"] for group in groups][-1] == "same scene"
    assert "shot.png" in {Path(one["path"]).name for one in groups[-1]["members"]}
    planned = json.loads((tmp_path / "plan.json").read_text())["groups"]
    assert [group["kind"] for group in planned] == ["same picture"]
    run(tmp_path / "album", "--kind", "scene", "--plan", tmp_path / "asked.json")
    planned = json.loads((tmp_path / "asked.json").read_text())["groups"]
    assert [group["kind"] for group in planned] == ["same scene"]


@pytest.mark.parametrize(("kind", "found"), [("exact", ["exact copy"]), ("same", ["same picture"]), ("crop", [])])
def test_only_the_kinds_asked_for_are_told(album, kind, found):
    assert [group["kind"] for group in json.loads(run(album, "--kind", kind, "--json"))] == found


def test_what_to_keep_can_be_ruled(album, tmp_path):
    kept = [group["members"][0]["path"] for group in json.loads(run(album, "--keep", "smallest", "--json"))]
    assert any(path.endswith("small.png") for path in kept)
    (tmp_path / "pictures/chosen").mkdir()
    shutil.move(tmp_path / "pictures/small.png", tmp_path / "pictures/chosen/small.png")
    with Collection(album) as collection:
        collection.index(options=HERE)
    groups = json.loads(run(album, "--keep-in", tmp_path / "pictures/chosen", "--json"))
    assert any(group["members"][0]["path"].endswith("chosen/small.png") for group in groups)


def test_a_dry_run_moves_nothing_and_tells_the_same(album, tmp_path):
    run(album, "--plan", tmp_path / "plan.json")
    before = sorted(path for path in tmp_path.rglob("*") if path.suffix == ".png")
    dry = json.loads(run(album, "apply", tmp_path / "plan.json", "--to", tmp_path / "away", "--dry-run", "--json"))
    assert sorted(path for path in tmp_path.rglob("*") if path.suffix == ".png") == before
    assert not (tmp_path / "away").exists()
    told = json.loads(run(album, "apply", tmp_path / "plan.json", "--to", tmp_path / "away", "--json"))
    assert dry["moved"] == told["moved"]


def test_a_plan_as_the_page_makes_it_can_be_applied(album, tmp_path):
    run(album, "--html", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    known = json.loads(page.split('id="plan">')[1].split("</script>")[0])
    groups = []
    for group in known["groups"].values():
        keep, *move = group["files"].values()
        groups.append(group["head"][:-1] + f', "keep": {keep}, "move": [{", ".join(move)}]}}')
    plan = tmp_path / "plan.json"
    plan.write_text(known["head"][:-1] + ', "groups": [' + ", ".join(groups) + "]}")
    assert len(json.loads(run(album, "apply", plan, "--to", tmp_path / "away", "--json"))["moved"]) == 2
