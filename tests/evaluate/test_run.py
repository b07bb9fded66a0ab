"""A whole evaluation of a small collection: what is asked, what counts, what is left alone, what bad input gets."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import PIL.Image
import pytest

from lookalike import Collection, CollectionError, QueryError
from lookalike.evaluate import evaluate
from lookalike.evaluate.asking import runs
from lookalike.evaluate.edits import get, names
from lookalike.evaluate.result import Evaluation, HeldOut, Outcome, Score
from lookalike.evaluate.sample import OTHERS, Sample
from samples import HERE, METHODS, PHOTOS, draw, fill, photo

MILD = ("resize-25", "jpeg-8", "mirror", "turn-90", "grey")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twenty small pictures."""
    made = fill(tmp_path_factory.mktemp("twenty"), 20 - len(PHOTOS))
    for name in PHOTOS:
        photo(name).save(made / name)
    return made


@pytest.fixture(scope="module")
def twenty(folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("collections") / "twenty"
    with Collection(path) as made:
        made.index([folder], methods=METHODS, options=HERE)
    return path


@pytest.fixture(scope="module")
def found(twenty):
    """All edits of six pictures."""
    with Collection(twenty) as album:
        return evaluate(album, 6, held_out=20, seed=3)


def small(path, pictures):
    """A collection of a few drawings."""
    with Collection(path / "album") as album:
        (path / "pictures").mkdir()
        album.index([fill(path / "pictures", pictures)], methods=METHODS, options=HERE)
    return path / "album"


def timeless(evaluation):
    return [replace(one, milliseconds=0) for one in evaluation.outcomes], evaluation.held_out


def test_every_method_is_asked_every_edit_of_every_picture(found):
    assert found.methods == (*METHODS, "auto")
    assert found.edits == tuple(names())
    asked = [(one.picture, one.edit, one.method) for one in found.outcomes]
    assert len(asked) == len(set(asked)) == 6 * len(names()) * 3
    assert len({one.picture for one in found.outcomes}) == 6
    assert len(found.held_out) == 20 * 3


def test_mild_edits_find_their_original(found):
    for edit in MILD:
        assert found.score("phash", edit).recall_1 == 1, edit
    assert found.score("color", "mirror").recall_1 == 1


def test_hard_edits_are_not_found_by_everybody(found):
    assert found.score("color", "hue-90").recall_1 < 1
    assert found.score("phash").recall_1 < 1


def test_the_figures_agree_with_the_records(found):
    ranks = [one.rank for one in found.outcomes if one.method == "color"]
    score = found.score("color")
    assert score.questions == len(ranks)
    assert score.recall_1 == pytest.approx(ranks.count(1) / len(ranks))
    assert score.recall_10 == pytest.approx(sum(rank is not None for rank in ranks) / len(ranks))
    assert score.recall_1 <= score.mrr <= score.recall_10
    assert score.median_milliseconds <= score.p90_milliseconds


def test_a_miss_says_what_came_instead_and_a_hit_does_not(found):
    for one in found.outcomes:
        assert (one.rank == 1) == (one.wrong is None)
        assert one.wrong != one.picture
    assert all(failure.outcome.rank != 1 and failure.query[:2] == b"\xff\xd8" for failure in found.failures)
    assert found.failures


def test_a_picture_held_out_is_not_found(found):
    for one in found.held_out:
        assert one.hits and one.picture not in {id_ for id_, _ in one.hits}


def test_every_picture_mentioned_has_its_path(found):
    mentioned = {one.picture for one in found.outcomes} | {id_ for one in found.held_out for id_, _ in one.hits}
    assert mentioned <= set(found.paths)
    assert all(os.path.isfile(path) for path in found.paths.values())


def test_the_same_seed_asks_and_answers_the_same(twenty):
    with Collection(twenty) as album:
        runs = [evaluate(album, 3, edits=["crop-40", "noise-25", "pasted-45"], seed=seed) for seed in (5, 5, 6)]
    assert timeless(runs[0]) == timeless(runs[1])
    assert runs[0].examples == runs[1].examples
    assert {one.picture for one in runs[0].outcomes} != {one.picture for one in runs[2].outcomes}


def test_nothing_is_changed(twenty, folder):
    def state(path):
        return {str(p): (p.read_bytes(), p.stat().st_mtime_ns) for p in path.rglob("*") if p.is_file()}

    before = state(folder), {path: data for path, (data, _) in state(twenty / "matrices").items()}
    with Collection(twenty) as album:
        ids = album.ids().tolist()
        evaluate(album, 2, edits=["crop-40"])
        assert album.ids().tolist() == ids
    assert (state(folder), {path: data for path, (data, _) in state(twenty / "matrices").items()}) == before


def test_progress_counts_up_to_the_total(twenty):
    told = []
    with Collection(twenty) as album:
        evaluate(album, 2, edits=["mirror", "collage-4"], held_out=3, progress=told.append)
    assert [one.done for one in told[:-1]] == list(range(1, len(told)))
    assert told[-1].done == told[-1].total == 3 * (2 * 2 + 3)


def test_only_what_is_named_is_asked(twenty):
    with Collection(twenty) as album:
        found = evaluate(album, 2, edits=["mirror", "mirror"], methods=["color"], held_out=0)
        assert [(one.edit, one.method) for one in found.outcomes] == [("mirror", "color")] * 2
        assert found.held_out == ()
        assert evaluate(album, 0, methods=["color"], held_out=1).score("color") is None
        with pytest.raises(QueryError, match="no edit 'swirl'"):
            evaluate(album, 2, edits=["swirl"])
        with pytest.raises(QueryError, match=r"no 'sift' \(it has phash, color, auto\)"):
            evaluate(album, 2, methods=["sift"])
        with pytest.raises(QueryError, match="0 or more"):
            evaluate(album, -1)


def test_a_sample_of_nothing_is_an_error_before_anything_is_done(twenty, monkeypatch):
    with Collection(twenty) as album:
        monkeypatch.setattr(album, "searcher", None)  # nothing may be opened
        with pytest.raises(QueryError, match="0 pictures asks nothing"):
            evaluate(album, 0)


def test_the_exact_copy_of_a_file_is_as_right_as_the_file(tmp_path):
    folder = fill(tmp_path / "pictures", 3)
    for name in ("a", "b", "c"):
        shutil.copy(folder / "000.png", folder / f"{name}.png")
    with Collection(tmp_path / "album") as album:
        album.index([folder], methods=METHODS, options=HERE)
        found = evaluate(album, 6, edits=["resize-25"], methods=["phash"])
    assert found.score("phash").recall_1 == 1
    copies = {id_ for id_, path in found.paths.items() if not path.endswith(("001.png", "002.png"))}
    assert len(copies) == 4
    for one in found.held_out:
        if one.picture in copies:
            assert not copies & {id_ for id_, _ in one.hits}


def test_pictures_in_the_same_collage_are_not_held_against_the_method(twenty):
    with Collection(twenty) as album:
        sample = Sample(album, 0)
        for drawn in sample.draw(4):
            (question,) = sample.questions(drawn, [get("collage-4")])
            assert len(question.beside) >= OTHERS
            assert drawn.id not in question.beside


def test_a_picture_that_vanished_is_named_and_another_one_asked(tmp_path):
    path = small(tmp_path, 6)
    with Collection(path) as album:
        first = album.record(next(iter({one.picture for one in evaluate(album, 1, edits=["mirror"]).outcomes})))
        os.remove(first.path)
        found = evaluate(album, 3, edits=["mirror"])
    asked = {one.picture for one in found.outcomes}
    assert len(asked) == 3 and first.id not in asked
    assert any(first.path in note and "no such file" in note for note in found.notes)


def test_a_collection_whose_files_are_all_gone_is_an_error(tmp_path):
    path = small(tmp_path, 3)
    shutil.rmtree(tmp_path / "pictures")
    with Collection(path) as album, pytest.raises(CollectionError, match=r"no picture of .* can be read any more"):
        evaluate(album, 3)


@pytest.mark.parametrize("pictures", [1, 2])
def test_one_or_two_pictures_can_be_asked_for(tmp_path, pictures):
    with Collection(small(tmp_path, pictures)) as album:
        found = evaluate(album)
    assert {one.picture for one in found.outcomes} == set(range(1, pictures + 1))
    assert found.score("auto", "resize-25").recall_1 == 1
    assert any("proves little" in note for note in found.notes)
    assert any("collage-4" in note for note in found.notes) == (pictures == 1)
    assert all(len(one.hits) <= pictures - 1 for one in found.held_out)


def test_a_collection_without_pictures_is_an_error(tmp_path):
    (tmp_path / "empty").mkdir()
    with Collection(tmp_path / "album") as album:
        with pytest.raises(CollectionError, match="no collection at"):
            evaluate(album)
        album.index([tmp_path / "empty"], methods=METHODS, options=HERE)
        with pytest.raises(CollectionError, match="holds no pictures"):
            evaluate(album)


def test_a_picture_that_a_method_cannot_describe_counts_as_missed(tmp_path):
    folder = fill(tmp_path / "pictures", 2)
    PIL.Image.new("RGB", (64, 64), (9, 9, 9)).save(folder / "flat.png")
    with Collection(tmp_path / "album") as album:
        album.index([folder], methods=METHODS, options=HERE)
        found = evaluate(album, 3, edits=["mirror"])
    assert found.score("phash").recall_1 == pytest.approx(2 / 3)
    assert found.score("color").recall_1 == 1


def made(ranks, chances):
    return [Outcome(1, "mirror", "phash", rank, chance, None, 1.0) for rank, chance in zip(ranks, chances, strict=True)]


def test_sure_is_first_and_hardly_by_chance():
    score = Score.of(made([1, 1, 1, 2, None], [0.01, 0.02, None, 0.001, None]))
    assert score.sure == pytest.approx(1 / 5)
    assert score.recall_1 == pytest.approx(3 / 5)


def test_false_alarms_are_counted_per_question():
    held = (
        HeldOut(1, "phash", ((2, 0.005), (3, 0.05), (4, 0.5), (5, 2.0))),
        HeldOut(2, "phash", ()),
        HeldOut(1, "auto", ((2, 0.5),)),
        HeldOut(1, "color", ((2, None),)),
    )
    evaluation = Evaluation(9, 0, ("phash", "color", "auto"), (), held_out=held)
    assert [evaluation.false_alarms("phash", level) for level in (0.01, 0.1, 1.0)] == [0.5, 1.0, 1.5]
    assert evaluation.false_alarms("auto", 0.1) == 0
    assert evaluation.false_alarms("color", 1.0) is None  # it is not known how likely they are by chance
    assert evaluation.false_alarms("local", 1.0) is None


def test_copies_and_strangers_are_one_list():
    copies = (*made([1, 2], [1e-9, 1e-9]), Outcome(3, "mirror", "phash", None, None, 4, 1.0, 0.3))
    held = (HeldOut(1, "phash", ((2, 1e-12), (3, 1e-13))), HeldOut(2, "phash", ()))
    found = Evaluation(9, 0, ("phash",), ("mirror",), copies, held).detection("phash")
    assert (found.copies, found.strangers) == (3, 2)
    assert found.micro_average_precision == pytest.approx(1 / 2 / 3)  # a stranger is less doubtful than the one copy
    assert found.recall_90 == 0
    assert Evaluation(9, 0, ("phash",), ("mirror",), copies).detection("phash") is None


def test_draws_are_decoded_once_and_few_are_kept(twenty, monkeypatch):
    from lookalike.evaluate import sample as module

    opened = []
    really = module.open_image
    monkeypatch.setattr(module, "open_image", lambda path, **options: opened.append(path) or really(path, **options))
    with Collection(twenty) as album:
        evaluate(album, 5, edits=["mirror", "pasted-45"], held_out=8)
    assert len(opened) == 8 + OTHERS


def test_a_drawing_added_is_asked_for_as_well(tmp_path):
    path = small(tmp_path, 2)
    draw(tmp_path / "pictures" / "new.png", 77)
    with Collection(path) as album:
        album.index(options=HERE)
        assert len({one.picture for one in evaluate(album, edits=["mirror"]).outcomes}) == 3


def test_many_copies_of_one_file_are_one_picture(tmp_path):
    original = draw(tmp_path / "pictures" / "0.png", 1)
    for number in range(1, 150):
        shutil.copy(original, original.with_name(f"{number}.png"))
    draw(tmp_path / "pictures" / "other.png", 2)
    with Collection(tmp_path / "album") as album:
        album.index([tmp_path / "pictures"], methods=["phash"], options=HERE)
        found = evaluate(album, 3, edits=["resize-25"], methods=["phash"], held_out=3)
        other = next(id_ for id_ in album.ids().tolist() if album.record(id_).path.endswith("other.png"))
    assert found.score("phash").recall_1 == 1
    for one in found.held_out:
        assert one.picture == other or {id_ for id_, _ in one.hits} == {other}


def test_runs_of_ids():
    assert runs({3, 1, 2, 7, 9, 8, 20}) == [(1, 3), (7, 9), (20, 20)]
    assert runs(()) == []
