"""Labelled groups: who asks, what is right, and what a truth file with mistakes is answered."""

from __future__ import annotations

import os

import pytest

from lookalike import Collection, QueryError
from lookalike.evaluate import evaluate
from lookalike.evaluate.truth import ask_truth, read_truth
from samples import HERE, drawing


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Groups a (three alike) and b (two alike), one alone, and a query that is not in the collection."""
    root = tmp_path_factory.mktemp("truth")
    for name, seed in {"a0": 1, "a1": 1, "a2": 1, "b0": 2, "b1": 2, "alone": 3}.items():
        os.makedirs(root / "in", exist_ok=True)
        drawing(seed, 96 + 4 * int(name[-1] if name[-1].isdigit() else 0), 64).save(root / "in" / f"{name}.png")
    drawing(1, 60, 40).save(root / "ask.png")
    with Collection(root / "album") as made:
        made.index([root / "in"], methods=["color", "phash"], options=HERE)
    return root


@pytest.fixture
def album(place):
    with Collection(place / "album") as opened:
        yield opened


@pytest.fixture
def read(album, tmp_path):
    def reader(text, encoding="utf-8"):
        file = tmp_path / "truth.csv"
        file.write_bytes(text.encode(encoding))
        return read_truth(file, album)

    return reader


def names(album, ids):
    return {os.path.basename(album.record(id_).path) for id_ in ids}


def asked(album, truth):
    return {os.path.basename(one.path): names(album, one.right) for one in truth.questions}


def test_without_roles_each_asks_for_the_others_of_its_group(read, album):
    truth = read("path,group\na0.png,a\na1.png,a\na2.png,a\nb0.png,b\nb1.png,b\nalone.png,c\n")
    assert asked(album, truth) == {
        "a0.png": {"a1.png", "a2.png"},
        "a1.png": {"a0.png", "a2.png"},
        "a2.png": {"a0.png", "a1.png"},
        "b0.png": {"b1.png"},
        "b1.png": {"b0.png"},
    }
    assert all(names(album, one.neutral) == {os.path.basename(one.path)} for one in truth.questions)


def test_queries_ask_and_references_are_found(read, album, place):
    truth = read(f"path,group,role\na0.png,a,reference\na1.png,a,query\n{place}/ask.png,a,query\nb0.png,b,reference\n")
    assert asked(album, truth) == {"a1.png": {"a0.png"}, "ask.png": {"a0.png"}}
    by_name = {os.path.basename(one.path): names(album, one.neutral) for one in truth.questions}
    assert by_name == {"a1.png": {"a1.png"}, "ask.png": {"a1.png"}}


def test_paths_are_relative_to_the_file_or_to_an_indexed_folder(album, place):
    beside = place / "truth.csv"
    beside.write_text("path,group\nin/a0.png,a\na1.png,a\n./in/../in/a2.png,a\n" + f"{place}/in/b0.png,a\n")
    assert set(asked(album, read_truth(beside, album))) == {"a0.png", "a1.png", "a2.png", "b0.png"}


def test_rows_without_a_group_and_other_columns_are_passed_over(read, album):
    truth = read("size,group,path,role\n3,a,a0.png,\n3,,alone.png,\n4,a,a1.png,\n")
    assert set(asked(album, truth)) == {"a0.png", "a1.png"}


def test_a_byte_order_mark_and_quoted_names_are_fine(read, album):
    truth = read('\ufeffpath,group\n"a0.png","a, b"\n"a1.png","a, b"\n')
    assert set(asked(album, truth)) == {"a0.png", "a1.png"}


def test_unknown_pictures_are_counted_and_the_first_is_named(read, album):
    truth = read("path,group\na0.png,a\na1.png,a\ngone.png,a\nlost.png,b\n")
    assert set(asked(album, truth)) == {"a0.png", "a1.png"}
    assert truth.notes == ("2 labelled pictures are not in the collection, the first: gone.png",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("path,class\na0.png,a\n", r"no column group \(it has path, class\)"),
        ("", r"no column path or group \(it has nothing\)"),
        ("path,group,role\na0.png,a,\na1.png,a,needle\n", r"line 3: the role 'needle' is neither"),
        ("path,group\nx.png,a\ny.png,a\n", r"no group has two pictures of this collection; not in it, for one: x\.png"),
        ("path,group\na0.png,a\nb0.png,b\n", r"no group has two pictures of this collection$"),
        ('path,group\n"a0.png,a\n', "is not CSV"),
    ],
)
def test_a_mistake_in_the_file_is_one_line(read, text, says):
    with pytest.raises(QueryError, match=says) as caught:
        read(text)
    assert "truth.csv" in str(caught.value) and "\n" not in str(caught.value)


def test_another_encoding_is_named_as_the_cause(read):
    with pytest.raises(QueryError, match="not UTF-8"):
        read("path,group\nä.png,a\n", "latin-1")
    with pytest.raises(QueryError, match=r"not UTF-8|no column"):
        read("path,group\na0.png,a\n", "utf-16")


def test_a_file_that_cannot_be_read_is_one_line(album, tmp_path):
    for file in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(QueryError, match=file.name):
            read_truth(file, album)


def test_alike_pictures_are_found_with_full_marks(read, album):
    (score,) = ask_truth(
        album, read("path,group\na0.png,a\na1.png,a\na2.png,a\nb0.png,b\nb1.png,b\n"), ["color"], lambda _: None
    )
    assert (score.questions, score.mean_average_precision, score.recall_1, score.recall_10) == (5, 1, 1, 1)


def test_mean_average_precision_by_hand(read, album):
    # a0 and b0 called a group: each finds the other only after its own look-alikes (2 and 1 of them), the
    # collection's six pictures less the one that asks give these ranks:
    truth = read("path,group\na0.png,x\nb0.png,x\n")
    ranks = []
    for question in truth.questions:
        answer = [match.id for match in album.search(question.path, k=9, methods="color")]
        answer.remove(next(iter(question.neutral)))
        ranks.append(answer.index(next(iter(question.right))) + 1)
    (score,) = ask_truth(album, truth, ["color"], lambda _: None)
    assert min(ranks) > 1
    assert score.mean_average_precision == pytest.approx((1 / ranks[0] + 1 / ranks[1]) / 2)
    assert (score.recall_1, score.recall_10) == (0, 1)


def test_a_query_that_cannot_be_read_is_a_miss(album, place, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    (tmp_path / "t.csv").write_text(f"path,group,role\nbroken.png,a,query\n{place}/ask.png,a,query\na0.png,a,reference")
    (score,) = ask_truth(album, read_truth(tmp_path / "t.csv", album), ["color"], lambda _: None)
    assert (score.questions, score.recall_10) == (2, 0.5)


def test_truth_alone_asks_nothing_else(album, place, tmp_path):
    (tmp_path / "t.csv").write_text("path,group\na0.png,a\na1.png,a\n")
    found = evaluate(album, 0, truth=tmp_path / "t.csv", methods=["phash", "color"])
    assert found.outcomes == () and found.held_out == ()
    assert [(one.method, one.questions) for one in found.truth] == [("phash", 2), ("color", 2)]


def test_a_picture_held_out_takes_its_group_along(album, tmp_path):
    (tmp_path / "t.csv").write_text("path,group\na0.png,a\na1.png,a\na2.png,a\n")
    found = evaluate(album, 0, held_out=6, truth=tmp_path / "t.csv", methods=["color"])
    group = {id_ for id_ in album.ids().tolist() if os.path.basename(album.record(id_).path).startswith("a")}
    group -= {id_ for id_ in group if album.record(id_).path.endswith("alone.png")}
    for one in found.held_out:
        if one.picture in group:
            assert one.hits and not group & {id_ for id_, _ in one.hits}


def test_what_asks_is_not_in_the_collection_meanwhile(read, album, monkeypatch):
    from lookalike.evaluate import truth as module

    asked = []
    really = module.timed_search
    monkeypatch.setattr(
        module, "timed_search", lambda *words: asked.append((words[4], answer := really(*words))) or answer
    )
    ask_truth(album, read("path,group\na0.png,a\na1.png,a\n"), ["phash"], lambda _: None)
    assert len(asked) == 2
    for left_out, answer in asked:
        assert len(left_out) == 1 and not set(left_out) & set(answer.ids)


def test_folders_in_a_folder_are_groups(tmp_path):
    for group, seed in (("cats", 1), ("dogs", 2)):
        (tmp_path / "classes" / group / "deeper").mkdir(parents=True)
        for number in range(7):
            looks = 2 if number == 0 else seed  # a cat that looks like a dog
            drawing(looks, 96 + 4 * number, 64).save(
                tmp_path / "classes" / group / ("deeper" if number == 6 else "") / f"{number}.png"
            )
    drawing(1, 90, 64).save(tmp_path / "classes" / "loose.png")
    with Collection(tmp_path / "album") as album:
        album.index([tmp_path / "classes"], methods=["color"], options=HERE)
        truth = read_truth(tmp_path / "classes", album)
        assert len(truth.questions) == 14 and all(len(one.right) == 6 for one in truth.questions)
        (score,) = ask_truth(album, truth, ["color"], lambda _: None)
    assert 0.7 < score.precision_5 < 1 and score.recall_1 > 0.7


def test_of_large_classes_some_ask(tmp_path, monkeypatch):
    monkeypatch.setattr("lookalike.evaluate.truth.CLASS_QUESTIONS", 4)
    for group in ("cats", "dogs"):
        (tmp_path / "classes" / group).mkdir(parents=True)
        for number in range(7):
            drawing(number, 96, 64).save(tmp_path / "classes" / group / f"{number}.png")
    with Collection(tmp_path / "album") as album:
        album.index([tmp_path / "classes"], methods=["color"], options=HERE)
        assert len(read_truth(tmp_path / "classes", album).questions) == 4


def test_precision_of_five_is_of_groups_with_five_others(album, read):
    truth = read("path,group\na0.png,a\na1.png,a\na2.png,a\n")
    (score,) = ask_truth(album, truth, ["color"], lambda _: None)
    assert score.precision_5 is None
