"""The commands as users type them: what comes out, where, and with which exit code."""

from __future__ import annotations

import json
import os
import shutil
import sys

import PIL.Image
import pytest
from typer.testing import CliRunner

from lookalike import Collection, __version__
from lookalike.cli.app import app
from samples import METHODS, draw, fill, photo

NAMED = [word for name in METHODS for word in ("--method", name)]


@pytest.fixture
def cli(album):
    """Runs a command on the shared collection, or on another one when it is named."""

    def run(*words, stdin=None, on=album):
        return CliRunner().invoke(app, ["-c", str(on), *map(str, words)], input=stdin, prog_name="lookalike")

    return run


def lines(result, stream="stdout"):
    return getattr(result, stream).splitlines()


def test_search_prints_rank_score_reason_and_path_best_first(cli, pictures, tmp_path):
    copy = tmp_path / "copy.jpg"
    photo("coffee.png").reduce(2).save(copy, quality=30)
    result = cli("search", copy, "-k", 3)
    assert (result.exit_code, result.stderr) == (0, "")
    header, first, *_ = lines(result)
    assert header.split() == ["score", "by", "chance", "why", "picture"]
    assert first.split()[0] == "1" and "phash" in first and first.strip().endswith("coffee.png")
    assert len(lines(result)) == 4


def test_shards_described_apart_and_merged_are_one_collection(cli, pictures, tmp_path):
    parts = [tmp_path / f"part-{number}" for number in (1, 2)]
    for number, part in enumerate(parts, 1):
        made = cli("describe", "--shard", f"{number}/2", pictures, "--out", part, *NAMED, "--workers", 0)
        assert made.exit_code == 0
        assert f"in shard {number}/2, {part}" in made.stdout
    half = cli("merge", parts[1], on=tmp_path / "merged")
    assert lines(half)[-2] == f"  not merged yet of {pictures}: 1/2"
    assert json.loads(cli("merge", parts[1], "--json", on=tmp_path / "merged").stdout)["missing"] == [
        {"folders": [str(pictures)], "shards": ["1/2"]}
    ]
    merged = cli("merge", *parts, on=tmp_path / "merged")
    assert (
        merged.exit_code == 0
        and "not merged yet" not in merged.stdout
        and "12 pictures can be found now" in merged.stdout
    )
    again = cli("merge", *parts, "--json", on=tmp_path / "merged")
    assert json.loads(again.stdout)["added"] == 0
    found = cli("search", pictures / "coffee.png", "-k", 1, "--paths", on=tmp_path / "merged")
    assert found.stdout.strip() == str(pictures / "coffee.png")


def test_a_shard_that_cannot_be_is_one_line(cli, pictures, tmp_path):
    for wrong in ("0/4", "5/4", "x"):
        result = cli("describe", "--shard", wrong, pictures, "--out", tmp_path / "part")
        assert (result.exit_code, len(lines(result, "stderr"))) == (2, 1)
        assert "3/16" in result.stderr and not (tmp_path / "part").exists()


def test_search_gives_plain_paths_to_other_programs(cli, album, pictures):
    with Collection(album) as opened:
        found = [os.fsencode(match.path) for match in opened.search(pictures / "coffee.png", k=3)]
    assert cli("search", pictures / "coffee.png", "-k", 3, "--paths").stdout_bytes == b"".join(p + b"\n" for p in found)
    assert cli("search", pictures / "coffee.png", "-k", 3, "-0").stdout_bytes == b"".join(p + b"\0" for p in found)
    none = cli("search", pictures / "coffee.png", "--paths", "--where", "width < 2")
    assert (none.exit_code, none.stdout) == (0, "")


def test_search_writes_answers_in_one_way(cli, pictures):
    result = cli("search", pictures / "coffee.png", "--paths", "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "choose one of --json, --paths and --null" in result.stderr


def test_search_shows_ids_that_can_be_asked_with(cli, pictures):
    header, first = lines(cli("search", pictures / "coffee.png", "-k", 1, "--ids"))
    assert header.split()[0] == "id"
    again = lines(cli("search", f"id:{first.split()[1]}", "-k", 1))
    assert again[1].strip().endswith("coffee.png")


def test_a_folder_is_no_question(cli, pictures):
    result = cli("search", pictures)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is a folder: name a picture in it" in result.stderr
    assert len(lines(result, "stderr")) == 1


def test_search_names_a_mirrored_copy(cli, tmp_path):
    photo("chelsea.png").transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "m.png")
    assert "mirrored" in lines(cli("search", tmp_path / "m.png", "-k", 1, "--method", "phash"))[1]


def test_search_json_is_what_python_returns_and_whether_the_file_is_gone(cli, album, pictures):
    result = cli("search", pictures / "coffee.png", "-k", 3, "--json", "--method", "color")
    with Collection(album) as collection:
        expected = collection.search(pictures / "coffee.png", k=3, methods="color")
    plain = [{**match.to_json(), "gone": False} for match in expected]
    assert json.loads(result.stdout) == json.loads(json.dumps(plain))
    assert set(json.loads(result.stdout)[0]) == {"id", "path", "score", "label", "expected_false", "evidence", "gone"}


def test_search_reads_a_picture_from_standard_input(cli, pictures):
    result = cli("search", "-", "-k", 1, stdin=(pictures / "rocket.jpg").read_bytes())
    assert lines(result)[1].strip().endswith("rocket.jpg")


def test_search_passes_its_options_on(cli, pictures):
    coffee = pictures / "coffee.png"
    every = json.loads(cli("search", coffee, "--json", "-k", 100, "--method", "phash").stdout)
    radius = every[2]["evidence"][0]["distance"]
    near = json.loads(cli("search", coffee, "--json", "--method", "phash", "--radius", radius).stdout)
    assert all(match["evidence"][0]["distance"] <= radius for match in near) and len(near) >= 3
    jpegs = json.loads(cli("search", coffee, "--json", "--where", "format = 'JPEG'").stdout)
    assert {os.path.basename(match["path"]) for match in jpegs} == {"rocket.jpg", "retina.jpg"}
    part = json.loads(cli("search", coffee, "--json", "--region", "0,0,100,100", "-k", 1).stdout)
    assert part[0]["score"] < 1 or part[0]["label"] != "same picture"
    exact = json.loads(cli("search", coffee, "--json", "--method", "color", "--index", "exact", "-k", 1).stdout)
    assert exact[0]["id"] == every[0]["id"]


def test_search_explains_what_each_method_did(cli, pictures):
    told = lines(cli("search", pictures / "coffee.png", "--explain"))
    table = {line.split()[0]: line.split() for line in told[-len(METHODS) :]}
    assert set(table) == set(METHODS)
    assert " ".join(table["phash"]).startswith("phash 0 < 1e-9 5 ")


def test_search_leaves_out_what_chance_may_bring(cli, pictures):
    strict = cli("search", pictures / "coffee.png", "--max-expected-false", "0.0001", "--json")
    assert [match["path"] for match in json.loads(strict.stdout)] == [str(pictures / "coffee.png")]


def test_search_without_an_answer_says_so(cli, pictures):
    result = cli("search", pictures / "coffee.png", "--where", "width > 9000")
    assert (result.exit_code, result.stdout) == (0, "nothing found\n")
    assert cli("search", pictures / "coffee.png", "--where", "width > 9000", "--json").stdout.strip() == "[]"


def test_search_draws_a_contact_sheet(cli, pictures, tmp_path):
    result = cli("search", pictures / "coffee.png", "-k", 3, "--sheet", tmp_path / "sheet.png")
    assert result.exit_code == 0 and str(tmp_path / "sheet.png") in result.stderr
    assert PIL.Image.open(tmp_path / "sheet.png").width > 600


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["search", "nowhere.jpg"], 2, "no such file: nowhere.jpg"),
        (["search", "{pictures}/notes.txt"], 2, "not a picture"),
        (["search", "{pictures}/coffee.png", "--where", "colour = 3"], 2, "colour"),
        (["search", "{pictures}/coffee.png", "--method", "sift"], 2, "no 'sift'"),
        (["search", "{pictures}/coffee.png", "--radius", "3"], 2, "exactly one method"),
        (["search", "{pictures}/coffee.png", "--region", "1,2,3"], 2, "four numbers"),
        (["search", "{pictures}/coffee.png", "--sheet", "{tmp}/sheet.xyz"], 2, "must end like a picture's"),
        (["search", "{pictures}/coffee.png", "--sheet", "{tmp}/none/sheet.png"], 1, "cannot be written"),
        (["-c", "{tmp}/none", "search", "{pictures}/coffee.png"], 1, "no collection at"),
        (["-c", "{tmp}/none", "info"], 1, "lookalike index FOLDER"),
        (["-c", "{tmp}/none", "remove", "x"], 1, "no collection at"),
        (["-c", "{tmp}/none", "check"], 1, "no collection at"),
        (["-c", "{tmp}/new", "index", "{tmp}/none"], 1, "no such file or folder"),
        (["-c", "{tmp}/new", "index"], 1, "nothing to index"),
        (["-c", "{tmp}/new", "index", "{pictures}", "--method", "sift"], 2, "no method 'sift'"),
        (["-c", "{pictures}", "index", "{pictures}"], 1, "other things in it"),
        (["-c", "{pictures}/notes.txt", "index", "{pictures}"], 1, "is a file"),
        (["compare", "{pictures}/coffee.png", "nowhere.png"], 2, "no such file"),
        (["remove", "{tmp}/none"], 2, "nothing of that"),
        (["models", "get", "unheard-of"], 1, "no model 'unheard-of'"),
    ],
)
def test_a_mistake_is_one_line_on_standard_error(cli, pictures, tmp_path, words, code, says):
    result = cli(*(word.format(pictures=pictures, tmp=tmp_path) for word in words))
    assert result.exit_code == code
    assert says in result.stderr.splitlines()[0] and result.stderr.startswith("lookalike: ")
    assert "Traceback" not in result.output


def test_the_query_that_is_wrong_is_pointed_at(cli):
    result = cli("search", '"dog" cat')
    assert result.exit_code == 2
    assert result.stderr.splitlines()[1:] == ['  "dog" cat', "        ^"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["unknown"], "no such command 'unknown'; see lookalike --help"),
        (["search"], "missing argument 'WHAT'; see lookalike search --help"),
        (["search", "a", "-k", "0"], "invalid value for '-k': 0 is not in the range x>=1; see lookalike search --help"),
        (["info", "--unknown"], "no such option: --unknown; see lookalike info --help"),
        (["search", "a", "--radius", "nan"], "invalid value for '--radius': nan is not a number"),
        (["search", "a", "--max-expected-false", "inf"], "invalid value for '--max-expected-false': inf is not"),
        (["search", "a", "--region", "nan,0,1,1"], "invalid value for --region: 'nan,0,1,1' is not four numbers"),
        (["index", "a", "--max-megapixels", "nan"], "invalid value for '--max-megapixels': nan is not a number"),
        (["index", "a", "--max-megapixels", "inf"], "invalid value for '--max-megapixels': inf is not a number"),
        (["duplicates", "--max-expected-false", "nan"], "invalid value for '--max-expected-false': nan is not"),
    ],
)
def test_wrong_usage_leaves_with_2_and_one_line_in_the_style_of_other_errors(cli, words, line):
    result = cli(*words)
    assert (result.exit_code, len(lines(result, "stderr"))) == (2, 1)
    assert result.stderr.startswith(f"lookalike: {line}")


def test_an_unforeseen_error_keeps_its_traceback(cli, pictures, monkeypatch):
    def broken(*args, **options):
        raise RuntimeError("a bug")

    monkeypatch.setattr(Collection, "search", broken)
    assert isinstance(cli("search", pictures / "coffee.png").exception, RuntimeError)


def test_index_sums_up_what_it_did(cli, tmp_path):
    folder = fill(tmp_path / "pictures", 3)
    for name in ("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"):
        (folder / name).write_text("words")
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text("words")
    (folder / "film.mp4").write_bytes(b"\0\0\0\x20ftypisom" + bytes(40))
    on = tmp_path / "album"
    first = cli("index", folder, "--workers", 0, *NAMED, on=on)
    assert (first.exit_code, first.stderr) == (0, "")
    summary, skipped, reason, *rest = lines(first)
    assert summary.startswith("3 added, 5 failed (")
    assert skipped == "  skipped, no pictures: 2 texts, 1 film"
    assert reason == "  not a picture: looks like a text file:"
    assert rest == [
        *(f"    {folder / name}" for name in ("a.jpg", "b.jpg", "c.jpg")),
        "    and 2 more",
        "  all of them: lookalike info --failed",
        "3 pictures can be found now",
    ]
    draw(folder / "new.png", 50)
    (folder / "000.png").unlink()
    again = lines(cli("index", "--workers", 0, on=on))
    assert again[0].startswith("1 added, 2 unchanged, 1 removed (")
    assert again[1:] == [
        "  5 failed before: `lookalike info --failed` lists, --retry tries again",
        "3 pictures can be found now",
    ]


def cut_jpeg(path):
    photo("coffee.png").save(path, "JPEG", quality=92)
    os.truncate(path, path.stat().st_size * 95 // 100)


def test_index_says_which_pictures_are_not_whole_and_refuses_them_when_strict(cli, tmp_path):
    folder = fill(tmp_path / "pictures", 1)
    cut_jpeg(folder / "cut.jpg")
    shown = lines(cli("index", folder, "--workers", 0, *NAMED, on=tmp_path / "a"))
    assert shown[0].startswith("2 added")
    assert shown[1] == "  indexed by what is there (--strict refuses them):"
    assert shown[2].startswith(f"    {folder / 'cut.jpg'}: cut short: 9")
    strict = lines(cli("index", folder, "--workers", 0, "--strict", *NAMED, on=tmp_path / "b"))
    assert strict[0].startswith("1 added, 1 failed")
    assert "cut.jpg" in cli("info", "--failed", on=tmp_path / "a").stdout
    assert "1 picture is not whole: lookalike info --failed" in cli("info", on=tmp_path / "a").stdout


def test_index_says_nothing_when_quiet_but_what_went_wrong(cli, tmp_path):
    folder = fill(tmp_path / "pictures", 1)
    result = cli("index", folder, "--workers", 0, "--quiet", *NAMED, on=tmp_path / "a")
    assert (result.exit_code, result.output) == (0, "")
    assert "no such file" in cli("index", tmp_path / "none", "-q", on=tmp_path / "a").stderr


def test_index_reports_as_json(cli, tmp_path):
    folder = fill(tmp_path / "pictures", 2)
    (folder / "a.txt").write_text("words")
    (folder / "b.jpg").write_text("words")
    cut_jpeg(folder / "cut.jpg")
    report = json.loads(cli("index", folder, "--workers", 0, "--json", *NAMED, on=tmp_path / "album").stdout)
    assert (report["added"], report["moved"], report["skipped"]) == (3, 0, {"texts": 1})
    assert [(failure["path"], failure["again"]) for failure in report["failed"]] == [(str(folder / "b.jpg"), False)]
    assert [one["path"] for one in report["damaged"]] == [str(folder / "cut.jpg")]


def test_index_fails_only_when_nothing_could_be_done(cli, tmp_path):
    folder, on = tmp_path / "pictures", tmp_path / "album"
    folder.mkdir()
    assert cli("index", folder, "--workers", 0, *NAMED, on=on).exit_code == 0
    (folder / "a.jpg").write_text("words")
    assert cli("index", folder, "--workers", 0, on=on).exit_code == 1
    fill(folder, 1)
    assert cli("index", folder, "--workers", 0, on=on).exit_code == 0


def test_index_takes_limits_and_names_to_ignore(cli, tmp_path):
    folder = fill(tmp_path / "pictures", 3)
    PIL.Image.new("RGB", (300, 300), "red").save(folder / "large.png")
    result = cli(
        "index", folder, "--workers", 0, "--ignore", "00[12].png", "--max-megapixels", 0.05, *NAMED, on=tmp_path / "a"
    )
    assert lines(result)[0].startswith("1 added, 1 failed")
    assert "over the limit of 0.05 megapixels" in result.stdout


def test_index_tries_failed_files_again_when_asked(cli, tmp_path):
    folder, on = fill(tmp_path / "pictures", 1), tmp_path / "album"
    (folder / "a.jpg").write_text("words")
    cli("index", folder, "--workers", 0, *NAMED, on=on)
    assert lines(cli("index", folder, "--workers", 0, on=on))[0].startswith("1 unchanged (")
    assert lines(cli("index", folder, "--workers", 0, "--retry", on=on))[0].startswith("1 unchanged, 1 failed")


@pytest.mark.skipif(not hasattr(os, "nice"), reason="Windows has priority classes instead")
def test_index_leaves_the_machine_to_others_when_asked(cli, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(os, "nice", asked.append)
    cli("index", fill(tmp_path / "pictures", 1), "--workers", 0, "--low-priority", *NAMED, on=tmp_path / "a")
    assert asked == [19]


def test_watching_without_its_package_is_an_error_before_anything_is_indexed(cli, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    result = cli("index", fill(tmp_path / "pictures", 1), "--watch", *NAMED, on=tmp_path / "a")
    assert result.exit_code == 1
    assert (
        result.stderr
        == "lookalike: following folders needs watchfiles: pip install '.[watch]' in a clone of lookalike\n"
    )
    assert not (tmp_path / "a").exists()


def test_compare_needs_no_collection(cli, pictures, tmp_path):
    arguments = ("compare", pictures / "coffee.png", pictures / "coffee.png", *NAMED)
    result = cli(*arguments, on=tmp_path / "none")
    assert [line.split()[:2] for line in lines(result)[1:]] == [["phash", "0"], ["color", "0"]]
    found = json.loads(cli(*arguments, "--json", on=tmp_path / "none").stdout)
    assert [(one["method"], one["distance"], one["variant"]) for one in found] == [
        ("phash", 0.0, "as is"),
        ("color", 0.0, "as is"),
    ]


def test_compare_says_why_a_method_has_nothing_to_say(cli, pictures, tmp_path):
    PIL.Image.new("RGB", (60, 60), "white").save(tmp_path / "flat.png")
    result = cli("compare", pictures / "coffee.png", tmp_path / "flat.png", "--method", "phash")
    assert "flat or featureless" in result.stdout


def test_compare_proves_and_draws_what_two_pictures_share(cli, pictures, tmp_path):
    crop, drawn = tmp_path / "crop.png", tmp_path / "drawn.png"
    photo("coffee.png").transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT).crop((20, 20, 200, 150)).save(crop)
    arguments = ("compare", crop, pictures / "coffee.png", "--method", "local")
    (found,) = json.loads(cli(*arguments, "--json").stdout)
    assert (found["variant"], found["detail"]["label"]) == ("mirrored", "crop of")
    assert found["distance"] == pytest.approx(1 / (1 + found["detail"]["inliers"]))
    result = cli(*arguments, "--draw", drawn)
    assert f"crop of B ({found['detail']['inliers']} inliers" in result.stdout
    assert PIL.Image.open(drawn).width > 600


def test_compare_draws_pictures_without_a_common_part_too(cli, pictures, tmp_path):
    result = cli("compare", pictures / "coffee.png", pictures / "rocket.jpg", "--draw", tmp_path / "drawn.png")
    assert "no part in common" in result.stdout
    assert (tmp_path / "drawn.png").exists()


def test_info_shows_and_lists(cli, pictures):
    result = cli("info")
    assert "12 pictures" in lines(result)[0] and f"indexed: {pictures}" in result.stdout
    about = json.loads(cli("info", "--json").stdout)
    assert (about["pictures"], about["failed"], about["roots"]) == (12, 1, [str(pictures)])
    assert about["skipped"] == {"texts": 1}
    assert "1 file skipped, no picture: 1 text" in result.stdout
    assert "broken.jpg" in cli("info", "--failed").stdout
    assert json.loads(cli("info", "--failed", "--json").stdout)[0]["path"] == str(pictures / "broken.jpg")


def test_what_is_ignored_and_left_out_is_shown(cli, tmp_path):
    folder, on = fill(tmp_path / "pictures", 3), tmp_path / "album"
    fill(folder / "sub", 2)
    cli("index", folder, "--workers", 0, "--ignore", "002.png", *NAMED, on=on)
    cli("remove", folder / "sub", on=on)
    assert lines(cli("index", "--workers", 0, on=on))[0].startswith("2 unchanged (")
    shown = lines(cli("info", on=on))
    assert f"ignored in {folder}: 002.png" in shown
    assert f"removed, left out until it is named again: {folder / 'sub'}" in shown
    about = json.loads(cli("info", "--json", on=on).stdout)
    assert (about["ignored"], about["left_out"]) == ({str(folder): ["002.png"]}, [str(folder / "sub")])


def test_remove_tells_pictures_from_other_files(cli, tmp_path):
    folder, on = fill(tmp_path / "pictures", 2), tmp_path / "album"
    (folder / "a.txt").write_text("words")
    (folder / "b.jpg").write_text("words")
    cli("index", folder, "--workers", 0, *NAMED, on=on)
    shown = cli("remove", folder, on=on).stdout
    assert shown.startswith("2 pictures removed from the collection, 2 other files forgotten\n")


def test_searching_an_empty_collection_says_that_it_is_empty(cli, pictures, tmp_path):
    (tmp_path / "none").mkdir()
    cli("index", tmp_path / "none", "--workers", 0, *NAMED, on=tmp_path / "album")
    result = cli("search", pictures / "coffee.png", on=tmp_path / "album")
    assert "there is no picture in this collection yet: lookalike index FOLDER" in result.output
    cli("index", "--workers", 0, "--method", "text", on=tmp_path / "album")
    said = cli("search", "dog", on=tmp_path / "album")
    assert said.stderr.count("\n") == 1 and said.stdout == "nothing found\n"


def test_remove_and_check_tell_what_they_did(cli, album, pictures, tmp_path):
    on = shutil.copytree(album, tmp_path / "album")
    assert cli("remove", pictures / "coffee.png", pictures / "page.png", on=on).stdout.startswith("2 pictures removed")
    assert (pictures / "coffee.png").exists()
    assert "2 pictures removed, still taking space" in cli("info", on=on).stdout
    assert cli("check", on=on).stdout == "all is well\n"
    assert "freed" in cli("check", "--compact", on=on).stdout
    assert "still taking space" not in cli("info", on=on).stdout
    os.truncate(next((on / "matrices").glob("color.*.rows")), 10)
    assert "repaired: color" in cli("check", on=on).stdout


def test_check_of_a_collection_beyond_repair_fails_with_what_to_do(cli, album, tmp_path):
    on = shutil.copytree(album, tmp_path / "album")
    with (on / "catalogue.sqlite").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 60000)
    result = cli("check", on=on)
    assert result.exit_code == 1
    assert "damaged: " in result.stdout and "--salvage NEW" in result.stderr


def test_the_collection_is_named_after_the_command_or_before_or_by_the_environment_or_not_at_all(
    album, monkeypatch, tmp_path
):
    run = CliRunner()
    none = str(tmp_path / "none")
    assert run.invoke(app, ["info", "--collection", str(album)]).exit_code == 0
    assert run.invoke(app, ["--collection", str(album), "info"]).exit_code == 0
    assert run.invoke(app, ["--collection", none, "info", "--collection", str(album)]).exit_code == 0
    assert "xdg-data/lookalike/default" in run.invoke(app, ["info"]).stderr
    monkeypatch.setenv("LOOKALIKE_COLLECTION", str(album))
    assert run.invoke(app, ["info"]).exit_code == 0
    assert run.invoke(app, ["info", "--collection", none]).exit_code == 1


def test_methods_are_listed_with_their_parameters(cli):
    shown = lines(cli("methods"))
    assert any(line.startswith("  hash_size=16 ") and "8 to 32" in line for line in shown)
    told = {one["name"]: one for one in json.loads(cli("methods", "--json").stdout)}
    assert [one["name"] for one in told["local"]["parameters"]] == ["features", "size", "budget"]


def test_a_collection_is_indexed_by_parameters(cli, tmp_path):
    folder, on = fill(tmp_path / "pictures", 2), tmp_path / "album"
    assert cli("index", folder, "--workers", 0, "--method", "phash:hash_size=8", on=on).exit_code == 0
    assert "hash_size=8" in cli("info", on=on).stdout
    other = cli("index", folder, "--workers", 0, "--method", "phash:hash_size=32", on=on)
    assert (other.exit_code, len(lines(other, "stderr"))) == (1, 1) and "keeps phash with" in other.stderr
    wrong = cli("index", folder, "--method", "phash:bits=3", on=on)
    assert wrong.exit_code == 2
    assert wrong.stderr.startswith("lookalike: phash has no parameter 'bits'; it takes hash_size (8 to 32; default 16)")


def test_models_are_listed_and_the_bundled_one_is_there(cli):
    listed = {line.split()[0]: line for line in lines(cli("models"))[1:]}
    assert "bundled" in listed["efficientnet-lite0"] and "clip-vit-b32" in listed
    assert json.loads(cli("models", "--json").stdout)[0]["name"] == "efficientnet-lite0"


def test_the_version_is_told(cli):
    assert cli("--version").stdout == f"lookalike {__version__}\n"
