"""Things that are there and that are not, asked for by name."""

from __future__ import annotations

import pytest

from lookalike import Collection, QueryError
from lookalike.evaluate import evaluate
from lookalike.evaluate.result import Evaluation, ThingOutcome, Things
from lookalike.evaluate.words import SELDOM, Thing, read_things
from samples import HERE, METHODS, PHOTOS, fill, photo


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    """Photos under numbers, but a brick called violin."""
    folder = tmp_path_factory.mktemp("photos")
    for place, name in enumerate(PHOTOS):
        photo(name).save(folder / f"{'violin' if name == 'brick.png' else place}.png")
    with Collection(tmp_path_factory.mktemp("album") / "album") as made:
        made.index([folder], methods=["text"], options=HERE)
        yield made


def test_what_is_there_is_relevant_and_what_is_not_is_not(album, tmp_path):
    (tmp_path / "things.csv").write_text("words,there\na cat,yes\na cup of coffee,Yes\nkoala,no\nharp,no\n")
    found = evaluate(album, words=tmp_path / "things.csv", only=["words"])
    assert [one.words for one in found.words] == ["a cat", "a cup of coffee", "koala", "harp"]
    assert found.things(True) == Things(2, 2, 2, 2) and found.things(False).strong == 0
    assert found.paths[found.words[0].found].endswith(f"{PHOTOS.index('chelsea.png')}.png")
    assert found.outcomes == found.held_out == found.planted == ()


def test_without_a_list_things_seldom_shown_are_asked_but_for_what_something_is_called(album):
    found = evaluate(album, only=["words"])
    assert len(SELDOM) == len(set(SELDOM)) == 50 and "violin" in SELDOM
    assert found.things(False).asked == 49 and found.things(True) is None
    assert found.to_json()["words"]["not_there"]["asked"] == 49


def test_where_no_word_can_be_asked_it_is_said(tmp_path):
    with Collection(tmp_path / "album") as album:
        album.index([fill(tmp_path / "pictures", 2)], methods=METHODS, options=HERE)
        assert any("words: nothing tells" in note for note in evaluate(album, only=["words"]).notes)


def test_the_counts_are_of_at_least_so_relevant():
    told = (0.5, 0.49, 0.3, 0.15, 0.1499)
    made = Evaluation(9, 0, (), (), words=tuple(ThingOutcome(str(one), False, 1, one) for one in told))
    assert made.things(False) == Things(5, 1, 3, 4)


def test_a_list_that_says_something_else_is_one_line(tmp_path):
    file = tmp_path / "things.csv"
    file.write_text("words,there\ndog,perhaps\n")
    with pytest.raises(QueryError, match=r"things.csv, line 2: there is yes or no, not 'perhaps'"):
        read_things(file)
    file.write_text("thing\ndog\n")
    with pytest.raises(QueryError, match="no column words or there"):
        read_things(file)
    file.write_text("words,there\n,yes\n")
    with pytest.raises(QueryError, match="names nothing to look for"):
        read_things(file)
    file.write_text("words,there\n a dog ,no\n")
    assert read_things(file) == [Thing("a dog", False)]
