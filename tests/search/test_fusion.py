"""`auto`: what is asked when, how evidence is fused, and what a hit is called."""

import io
import math
from types import SimpleNamespace as Namespace

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest

from lookalike import Collection
from lookalike.errors import QueryError
from lookalike.methods.factory import make
from lookalike.search.fusion import NOT_NEEDED, certain, doubtful, fuse
from lookalike.search.labels import COPY, label
from lookalike.search.match import THROUGH
from lookalike.significance.combine import PROOF, fused, isolation, shares
from lookalike.significance.evidence import Evidence, Findings
from samples import HERE, draw, fill, photo


def saved(image, **options):
    """A picture as a file's bytes."""
    file = io.BytesIO()
    image.convert("RGB").save(file, "JPEG", **options)
    return file.getvalue()


def collection(path, pictures, *methods):
    made = Collection(path)
    made.index([pictures], methods=methods, options=HERE)
    return made


@pytest.fixture(scope="module")
def everything(pictures, tmp_path_factory):
    """A collection of the shared pictures by all methods that look."""
    with collection(tmp_path_factory.mktemp("all") / "album", pictures, "phash", "color", "local", "embedding") as made:
        yield made


# -- fusion


def traits(*methods):
    return {method: make(method.partition(":")[0]).traits for method in methods}


def answer(method, chances, distance=1.0):
    found = {id_: Evidence(method, distance, chance) for id_, chance in chances.items()}
    return Findings(method, traits(method)[method], found, 1, 1000, 0.0)


def combined(answers):
    return {id_: one.expected_false for id_, one in fused(answers).items()}


METHODS = ("phash", "color", "local", "embedding")


def test_one_method_alone_says_what_it_says():
    assert combined([answer("phash", {1: 0.01, 2: 3.0})]) == {1: 0.01, 2: 3.0}


def test_the_best_evidence_counts_and_every_method_asked_is_paid_for():
    share = shares(traits(*METHODS))
    assert sum(share.values()) == pytest.approx(1)
    asked = [answer(method, {}) for method in METHODS if method != "local"] + [answer("local", {1: 1e-6})]
    assert combined(asked) == {1: pytest.approx(1e-6 / share["local"])}


@pytest.mark.parametrize("methods", [["phash", "color"], ["color", "local", "embedding"], METHODS])
def test_no_method_becomes_surer_by_asking_others(methods):
    for method in methods:
        asked = [answer(other, {1: 1e-6} if other == method else {}) for other in methods]
        assert combined(asked)[1] > 1e-6


def test_a_method_that_was_not_asked_costs_nothing():
    skipped = Findings("local", traits("local")["local"], {}, 0, 0, 0.0, NOT_NEEDED)
    assert combined([answer("phash", {1: 0.5}), skipped]) == {1: 0.5}


def test_colours_and_embedding_that_agree_say_more_than_either():
    apart = combined([answer("color", {1: 0.02}), answer("embedding", {2: 0.02})])
    together = combined([answer("color", {1: 0.02}), answer("embedding", {1: 0.02})])
    assert together[1] < min(apart.values()) / 10


def test_beyond_proof_only_looks_rank():
    asked = [
        answer("phash", {1: 1e-3, 2: 1e-9, 3: 2.0}),
        answer("color", {1: 1e-2, 4: 1e-2}),
        answer("local", {}),
        answer("embedding", {1: 7.0, 3: 0.7, 4: 70.0}),
    ]
    order = sorted(combined(asked).items(), key=lambda one: one[1])
    assert [id_ for id_, _ in order] == [2, 3, 1, 4]
    assert order[0][1] <= PROOF < order[1][1]


def test_what_says_nothing_is_not_among_the_reasons():
    asked = [answer("phash", {1: 3.0, 2: 1e-9}), answer("color", {1: 1.0}), answer("embedding", {1: 5.0, 2: 9.0})]
    reasons = {id_: [one.method for one in said.evidence] for id_, said in fused(asked).items()}
    assert reasons == {1: ["embedding", "color"], 2: ["phash", "embedding"]}


def test_a_picture_that_only_a_hash_beyond_proof_has_found_is_not_listed():
    assert 1 not in fused([answer("phash", {1: 0.5}), answer("embedding", {2: 3.0})])
    assert fused([answer("phash", {1: 0.5}), answer("color", {2: 3.0})]).keys() == {2}


def test_without_a_way_to_compare_looks_every_distance_counts():
    assert combined([answer("phash", {1: 0.5}), answer("local", {})]) == {
        1: pytest.approx(0.5 / shares(traits("phash", "local"))["phash"])
    }


def test_evidence_without_a_null_model_is_no_evidence():
    assert combined([answer("embedding:own", {1: None})]) == {1: math.inf}
    mixed = combined([answer("embedding:own", {1: None}), answer("phash", {1: 1e-9})])
    assert mixed[1] < 1e-5


def test_a_query_unlike_everything_needs_less_to_stand_out():
    typical = answer("color", {rank: float(rank) for rank in range(1, 31)})
    remote = answer("color", {rank: 50.0 * rank for rank in range(1, 31)})
    assert isolation(typical) == 1
    assert isolation(remote) == 50
    assert isolation(answer("phash", {rank: 50.0 * rank for rank in range(1, 31)})) == 1


def test_a_group_of_copies_does_not_make_itself_look_ordinary():
    copies = answer("embedding", dict.fromkeys(range(1, 31), 1e-09))
    assert isolation(copies) == 1
    assert combined([copies, answer("phash", {})])[30] < 1e-6


HALF = dict.fromkeys(METHODS, 0.5)


def test_only_a_hash_that_chance_cannot_explain_ends_the_search():
    assert certain([answer("phash", {1: 1e-9, 2: 1e-3})], HALF) == [1]
    assert certain([answer("phash", {1: 9e-7})], HALF) == []
    assert certain([answer("color", {1: 0.0}), answer("embedding", {1: 0.0})], HALF) == []


def test_a_copy_with_something_on_top_of_it_does_not_end_the_search():
    assert certain([answer("phash", {1: 1e-9}, distance=40)], HALF) == []


def test_pictures_in_doubt_are_looked_at_best_first_and_hopeless_ones_never():
    asked = [answer("phash", {1: 1e-4, 2: 90.0}), answer("color", {3: 1e-4, 4: 2.0, 5: 900.0})]
    assert doubtful(asked) == [3, 1, 4]


def test_what_geometry_confirms_comes_before_looks_up_to_one_by_chance_and_a_hash_does_not():
    share = shares(traits("phash", "local", "embedding"))
    looks = answer("embedding", {1: 3.0, 2: 50.0, 3: 60.0, 4: 70.0})
    likely, unlikely = 0.9 * share["local"], 1.1 * share["local"]
    found = combined([answer("phash", {3: 0.9 * share["phash"]}), answer("local", {2: likely, 4: unlikely}), looks])
    assert found[2] == pytest.approx(0.9)
    assert min(found[3], found[4]) > found[1] > found[2]


def test_a_method_alone_is_listened_to_even_where_chance_is_not_known():
    assert [one.method for one in fused([answer("local", {1: None})])[1].evidence] == ["local"]


@pytest.mark.parametrize("method", ["local:size=640", "local:budget=100", "local:features=orb"])
def test_keypoints_prove_whatever_they_were_made_with(pictures, tmp_path, method):
    with Collection(tmp_path / "album") as made:
        made.index([pictures], methods=["phash", method], options=HERE)
        whole = photo("astronaut.png")
        piece = whole.crop((whole.width // 8, 0, whole.width * 3 // 4, whole.height * 3 // 4))
        for methods in ("auto", "local"):
            found = made.search(saved(piece), methods=methods)
            assert (found[0].path.endswith("astronaut.png"), found[0].label) == (True, "crop of")
            assert found[0].expected_false < PROOF


def test_the_relatives_of_a_copy_never_come_before_it():
    hash_ = answer("phash", {1: 1e-12}, distance=2.0)
    near = Findings(
        "embedding", answer("embedding", {}).traits, {2: Evidence("embedding", 0.1, 1e-14, THROUGH)}, 1, 1000, 0.0
    )
    record = Namespace(path="x")
    matches = fuse([hash_, near], [], lambda ids: dict.fromkeys(ids, record))
    assert [match.id for match in matches] == [1, 2]
    assert matches[0].expected_false <= matches[1].expected_false


# -- labels


def local(said, inliers=40, chance=1e-9):
    return Evidence("local", 1 / (1 + inliers), chance, detail={"label": said, "inliers": inliers})


ALL = shares(traits(*METHODS))


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        ([Evidence("file", 0.0, 0.0), Evidence("phash", 0, 1e-15)], "same file"),
        ([Evidence("phash", 4, 1e-12), Evidence("color", 0.05, 0.1)], "same picture"),
        ([Evidence("phash", 4, 1e-12), Evidence("color", 0.9, 100.0)], "edited copy"),
        ([Evidence("phash", 4, 1e-12)], "edited copy"),  # colours were asked and did not name it
        ([Evidence("phash", 4, 1e-12, "mirrored"), Evidence("color", 0.05, 0.1)], "edited copy"),
        ([Evidence("phash", 60, 1e-7), Evidence("color", 0.05, 0.1)], "edited copy"),
        ([local("crop of")], "crop of"),
        ([local("contains")], "contains"),
        ([local("same picture")], "edited copy"),
        ([local("same scene")], "same scene"),
        ([local("crop of", chance=0.5)], "similar"),
        ([Evidence("phash", 100, 3.0), Evidence("color", 0.0, 1e-9), Evidence("embedding", 0.0, 1e-9)], "similar"),
    ],
)
def test_a_hit_is_called(evidence, said):
    assert label(evidence, ALL, traits(*METHODS)) == said


def called(evidence, *methods):
    return label(evidence, shares(traits(*methods)), traits(*methods))


def test_a_collection_of_hashes_alone_can_tell_the_same_picture():
    assert called([Evidence("phash", 4, 1e-12)], "phash") == "same picture"


def test_copies_are_certain_even_after_paying_for_the_methods():
    weak = [Evidence("phash", 88, COPY / 2)]
    assert called(weak, "phash") == "edited copy"
    assert called(weak, "phash", "color") == "similar"


# -- auto


def best(matches):
    return matches[0].path.rsplit("/", 1)[1], matches[0].label


def test_the_file_itself_is_known_by_its_bytes(everything, pictures):
    matches = everything.search(pictures / "coffee.png")
    assert best(matches) == ("coffee.png", "same file")
    assert matches[0].expected_false == 0
    assert best(everything.search((pictures / "coffee.png").read_bytes())) == ("coffee.png", "same file")
    assert best(everything.search(id=matches[0].id)) == ("coffee.png", "same file")


def test_an_easy_copy_is_found_without_the_costly_methods(everything):
    matches = everything.search(saved(photo("coffee.png").resize((180, 120)), quality=60))
    assert best(matches) == ("coffee.png", "same picture")
    assert matches[0].expected_false < 1e-4
    reasons = {step.method: step.reason for step in matches.steps}
    assert reasons == {"phash": None, "color": None, "local": NOT_NEEDED, "embedding": None}


def test_what_looks_similar_follows_through_the_copy_that_was_found(everything):
    matches = everything.search(saved(photo("coffee.png"), quality=60), k=100)
    variants = {one.variant for match in matches[1:] for one in match.evidence if one.method == "embedding"}
    assert variants == {THROUGH}
    assert [match.label for match in matches[1:]] == ["similar"] * (len(matches) - 1)
    assert not [one for one in matches[0].evidence if one.method == "embedding"]


def test_a_mirrored_picture_is_an_edited_copy(everything):
    matches = everything.search(saved(PIL.ImageOps.mirror(photo("astronaut.png"))))
    assert best(matches) == ("astronaut.png", "edited copy")
    assert {one.variant for one in matches[0].evidence if one.method == "phash"} == {"mirrored"}


def test_a_crop_is_found_by_its_keypoints_and_named(everything):
    whole = photo("astronaut.png")
    width, height = whole.size
    matches = everything.search(saved(whole.crop((width // 5, 0, width * 4 // 5, height * 3 // 5)), quality=95))
    assert best(matches) == ("astronaut.png", "crop of")
    assert all(step.variants for step in matches.steps)


def test_the_scores_fall_with_the_list_and_expected_false_rises(everything):
    for query in (photo("chelsea.png"), photo("page.png").rotate(10), photo("rocket.jpg").crop((0, 0, 90, 90))):
        matches = everything.search(query, k=100)
        scores, chances = [m.score for m in matches], [m.expected_false for m in matches]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 1 for score in scores)
        assert chances == sorted(chances)


def test_max_expected_false_leaves_the_rest_of_the_list_as_it_is(everything):
    query = saved(photo("brick.png").rotate(3))
    whole = everything.search(query, k=100)
    for most in (1e-6, 0.01, 5.0):
        kept = everything.search(query, k=100, max_expected_false=most)
        assert [m.id for m in kept] == [m.id for m in whole if m.expected_false <= most]
        assert kept.steps


def test_a_method_named_is_the_only_one_asked(everything):
    matches = everything.search(photo("chelsea.png"), methods="color", k=3)
    assert [step.method for step in matches.steps] == ["color"]
    assert {one.method for match in matches for one in match.evidence} == {"color"}
    assert matches.steps[0].nearest == matches[0].evidence[0]


def test_colours_alone_never_claim_a_copy(pictures, tmp_path):
    with collection(tmp_path / "album", pictures, "color") as album:
        assert {match.label for match in album.search(photo("coffee.png"), k=100)} == {"similar"}


# -- odd collections


def test_an_empty_collection_answers_with_nothing(tmp_path):
    (tmp_path / "empty").mkdir()
    with collection(tmp_path / "album", tmp_path / "empty", "phash", "color") as album:
        assert album.search(photo("coffee.png")) == []


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_pictures_are_judged_by_the_photos_behind_the_package(tmp_path, count):
    fill(tmp_path / "few", count)
    with collection(tmp_path / "album", tmp_path / "few", "phash", "color") as album:
        matches = album.search(saved(PIL.Image.open(tmp_path / "few" / "000.png"), quality=70))
        assert matches[0].path.endswith("000.png")
        assert matches[0].expected_false < 1e-6
        assert all(match.expected_false > 0.01 for match in matches[1:])


def test_identical_pictures_are_all_certain_copies(tmp_path):
    for number in range(60):
        draw(tmp_path / "same" / f"{number:02}.png", seed=1)
    with collection(tmp_path / "album", tmp_path / "same", "phash", "color") as album:
        matches = album.search(saved(PIL.Image.open(tmp_path / "same" / "00.png"), quality=70), k=100)
        assert len(matches) == 60
        assert all(match.expected_false < 1e-6 for match in matches)


def test_a_black_picture_is_found_by_its_colours_or_its_bytes(tmp_path):
    folder = fill(tmp_path / "mixed", 8)
    PIL.Image.new("RGB", (64, 48)).save(folder / "black.png")
    with collection(tmp_path / "album", folder, "phash", "color") as album:
        assert best(album.search(np.zeros((30, 40, 3), np.uint8))) == ("black.png", "similar")
        assert best(album.search(folder / "black.png")) == ("black.png", "same file")
    with collection(tmp_path / "hashes", folder, "phash") as album:
        assert [best(album.search(folder / "black.png"))] == [("black.png", "same file")]
        with pytest.raises(QueryError, match="no hash"):
            album.search(np.zeros((30, 40, 3), np.uint8))


def test_a_filter_holds_for_the_same_file_too(everything, pictures):
    matches = everything.search(pictures / "coffee.png", where="width < 10")
    assert matches == []
