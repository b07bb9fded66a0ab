"""Learning from a user's own captions."""

from __future__ import annotations

import json
import os

import pytest
from typer.testing import CliRunner

from lookalike import Collection
from lookalike.cli.app import app
from lookalike.errors import CollectionError, QueryError
from lookalike.ingest.learn import FEWEST, read_captions
from samples import HERE, draw

WORD = "a dog running on the beach"
ASKED = "puppies racing along the seashore"  # the same in other words: found by sight alone


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """30 drawings: no photograph, so that nothing but what is taught tells which are said to be dogs."""
    folder = tmp_path_factory.mktemp("drawn")
    for seed in range(30):
        draw(folder / f"{seed}.png", seed)
    return folder


@pytest.fixture
def album(drawn, tmp_path):
    with Collection(tmp_path / "album") as made:
        made.index([drawn], methods=["text"], options=HERE)
        yield made


def taught(count=25):
    return {f"{seed}.png": [WORD if seed < 5 else "a plate of food on a table"] for seed in range(count)}


def csv_file(path, captions):
    path.write_text("file,caption\n" + "".join(f'{name},"{text}"\n' for name, (text,) in captions.items()), "utf-8")
    return path


def found(album):
    return [match.path.rsplit("/", 1)[-1] for match in album.search(text=ASKED, k=5)]


def test_what_was_taught_is_found_and_forgotten_again(album, drawn):
    before = found(album)
    report = album.learn(csv_file(drawn / "captions.csv", taught()), options=HERE)
    assert (report.pictures, report.captions, report.unknown, report.described) == (25, 25, [], 30)
    dogs = {f"{seed}.png" for seed in range(5)}
    assert len(dogs & set(found(album))) >= 3 > len(dogs & set(before))
    assert album.forget(options=HERE) and found(album) == before
    assert not album.forget(options=HERE)


def test_a_keyword_in_the_list_finds_its_pictures_first_until_it_is_forgotten(album):
    listed = {**taught(), "7.png": ["Grandma's allotment"], "9.png": ["allotments", "Zwetschgen"]}
    for text in ("allotment", "zwetschgen"):
        assert not [one for one in album.search(text=text, k=30) if one.evidence[0].method == "words"]
    album.learn(listed, options=HERE)
    two = album.search(text="an allotment", k=5)
    assert {os.path.basename(one.path) for one in two[:2]} == {"7.png", "9.png"}
    assert all(one.score == 1 and one.evidence[0].detail["in"] == "caption" for one in two[:2])
    assert two[2].evidence[0].method != "words"
    assert [os.path.basename(one.path) for one in album.search(text="Zwetschgen")] == ["9.png"]  # no model knows it
    assert "9.png" not in {
        os.path.basename(one.path) for one in album.search(text="allotment", where="name != '9.png'")
    }
    album.remove([next(one.path for one in two if one.path.endswith("9.png"))])
    assert list(album.search(text="Zwetschgen")) == []
    album.forget(options=HERE)
    assert not [one for one in album.search(text="allotment", k=30) if one.evidence[0].method == "words"]


def test_later_pictures_and_other_processes_go_by_what_was_learned(album, drawn, tmp_path):
    album.learn(taught(), options=HERE)
    ours = album.search(text=ASKED, k=30)
    draw(tmp_path / "more" / "late.png", 3)  # looks as number 3, which is said to be a dog
    album.index([tmp_path / "more"], options=HERE)
    with Collection(album.path) as again:
        theirs = {match.path: match.score for match in again.search(text=ASKED, k=31)}
    late, like = str(tmp_path / "more" / "late.png"), str(drawn / "3.png")
    assert theirs.pop(late) == pytest.approx(theirs[like], abs=1e-3)
    assert theirs == pytest.approx({match.path: match.score for match in ours}, abs=1e-3)


def test_learning_again_starts_from_the_beginning(album):
    album.learn(taught(), options=HERE)
    first = [match.score for match in album.search(text=ASKED, k=30)]
    album.learn({**taught(), "29.png": ["a train"]}, options=HERE)
    album.learn(taught(), options=HERE)
    assert [match.score for match in album.search(text=ASKED, k=30)] == first
    assert len(list((album.path / "learned").iterdir())) == 2  # the map, and the words of the captions


def test_names_that_are_not_there_are_told_and_too_few_are_refused(album):
    report = album.learn({**taught(), "nowhere.png": ["a cat"]}, options=HERE)
    assert report.unknown == ["nowhere.png"]
    before = found(album)
    with pytest.raises(CollectionError, match=f"{FEWEST} or more"):
        album.learn(taught(5), options=HERE)
    assert found(album) == before


def test_captions_are_read_with_and_without_a_header(tmp_path):
    expected = {"a.jpg": ["a cat, asleep", "a tabby"], "b.jpg": ["a dog"]}
    plain = 'a.jpg,"a cat, asleep"\nb.jpg,a dog\n\na.jpg,a tabby\n'
    named = 'id,Caption,Path\n1,"a cat, asleep",a.jpg\n2,a tabby,a.jpg\n3,a dog,b.jpg\n'
    for text in (plain, "\ufeff" + named):
        (tmp_path / "captions.csv").write_text(text, "utf-8")
        assert read_captions(tmp_path / "captions.csv") == expected


def test_a_file_that_is_no_list_of_captions_is_refused_in_a_line(tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text("only one column\n")
    with pytest.raises(QueryError, match=r"bad\.csv: line 1"):
        read_captions(bad)
    with pytest.raises(QueryError, match=r"missing\.csv: cannot be read"):
        read_captions(tmp_path / "missing.csv")
    (tmp_path / "empty.csv").write_text("")
    assert read_captions(tmp_path / "empty.csv") == {}


def test_the_command_learns_and_forgets(album, drawn):
    run = CliRunner().invoke
    file = csv_file(drawn / "captions.csv", taught())
    result = run(app, ["learn", str(file), "--json", "--collection", str(album.path)])
    assert json.loads(result.stdout) == {"pictures": 25, "captions": 25, "unknown": [], "described": 30}
    assert "forgotten" in run(app, ["learn", "--forget", "--collection", str(album.path)]).stdout
    assert "nothing was learned" in run(app, ["learn", "--forget", "--collection", str(album.path)]).stdout
    assert run(app, ["learn", str(file), "--forget", "--collection", str(album.path)]).exit_code == 2
