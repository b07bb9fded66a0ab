"""The query language: weighted sums of texts, pictures and ids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.errors import QueryError
from lookalike.query.parse import MAX_LENGTH, MAX_TERMS, Query, Term, format_query, make_query, parse_query

REPEATABLE = settings(deadline=None, derandomize=True)


def nothing_exists(path: Path) -> bool:
    return False


def everything_exists(path: Path) -> bool:
    return True


@pytest.mark.parametrize(
    "text",
    [
        "a sunset near the sea",
        "a black-and-white cat",
        "C++ code on a screen",
        "rock 'n' roll",
        "T-shirt",
        "10:30 train",
        "16:9",
        "a 3+1 seater",
        "it's 5\" wide",
        "dog -fruit",
        "dog, cat; bird: 2:3",
        "https://example.org/a",
        "🏖️ 👩‍👩‍👧",
        "غروب قرب البحر",
        "and/or",
        "title: dog",
    ],
)
def test_natural_text_is_one_term_of_text(text):
    assert parse_query(text, nothing_exists) == (Term("text", text),)


def test_a_weighted_sum_of_text_picture_and_negative_text():
    assert parse_query('2:"golden retriever" + ./pool.jpg - fruit', nothing_exists) == (
        Term("text", "golden retriever", 2.0),
        Term("image", "./pool.jpg", 1.0),
        Term("text", "fruit", -1.0),
    )


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("T-shirt - red", [Term("text", "T-shirt"), Term("text", "red", -1)]),
        ("- fruit + dog", [Term("text", "fruit", -1), Term("text", "dog")]),
        ("+ dog", [Term("text", "dog")]),
        ("-2:fruit + dog", [Term("text", "fruit", -2), Term("text", "dog")]),
        ("dog -0.5:fruit", [Term("text", "dog"), Term("text", "fruit", -0.5)]),
        ('dog -"red car" +"sea"', [Term("text", "dog"), Term("text", "red car", -1), Term("text", "sea")]),
        (".5:dog", [Term("text", "dog", 0.5)]),
        ("2: dog", [Term("text", "dog", 2)]),
        ("2:text:2:dog", [Term("text", "2:dog", 2)]),
        ("id:123 + 3:id:4", [Term("id", 123), Term("id", 4, 3)]),
        ('"./pool.jpg"', [Term("text", "./pool.jpg")]),
        ('text:"a ""quoted"" - word"', [Term("text", 'a "quoted" - word')]),
        ('image:"path with - spaces.jpg" + x', [Term("image", "path with - spaces.jpg"), Term("text", "x")]),
        ("image:dog", [Term("image", "dog")]),
        ("/a/b + ../c.png", [Term("image", "/a/b"), Term("image", "../c.png")]),
        ("  a\n dog\t", [Term("text", "a dog")]),
        ("a\x00dog\udcff", [Term("text", "a dog")]),
    ],
)
def test_terms_weights_and_kinds(text, terms):
    assert parse_query(text, nothing_exists) == tuple(terms)


@pytest.mark.parametrize("name", ["pool.jpg", "My Pool.JPEG", "holiday/pool", "a.heic"])
def test_a_bare_name_of_an_existing_file_is_a_picture(name):
    assert parse_query(name, everything_exists) == (Term("image", name),)


def test_a_word_that_happens_to_name_a_file_stays_text():
    assert parse_query("dog", everything_exists) == (Term("text", "dog"),)


def test_a_file_on_disk_is_found_without_a_marked_path(tmp_path, monkeypatch):
    (tmp_path / "pool party.jpg").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert parse_query("pool party.jpg - fruit")[0] == Term("image", "pool party.jpg")


def test_a_mistyped_file_name_is_an_error_and_not_a_text():
    with pytest.raises(QueryError, match=r"no such file: pol\.jpg"):
        parse_query("dog + pol.jpg", nothing_exists)


def test_the_home_folder_is_expanded(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setenv("USERPROFILE", "/home/ann")
    assert parse_query("~/a.jpg") == (Term("image", str(Path("/home/ann/a.jpg"))),)


@pytest.mark.parametrize(
    ("text", "caret_under", "says"),
    [
        ('"dog" cat', "cat", "join terms with"),
        ("dog + ", "", "a term is missing"),
        ("dog + - cat", "- cat", "a term is missing"),
        ('dog - "cat', '"cat', "never closed"),
        ("dog + 0:cat", "0:cat", "a weight is"),
        ("99999:cat", "99999", "a weight is"),
        ("sea + id:cat", "cat", "id: takes the number"),
        ("- dog - cat", "- dog", "only minus"),
        ('image:"a\0b"', '"a', "NUL"),
        ('日本語 + ""', '""', "a term is missing"),
        ("x" * 200 + " + 0:y", "0:y", "a weight is"),
    ],
)
def test_mistakes_are_pointed_at(text, caret_under, says):
    with pytest.raises(QueryError) as error:
        parse_query(text, nothing_exists)
    problem, shown, caret = str(error.value).split("\n")
    assert says in problem
    assert caret.strip() == "^"
    wide = sum(c > "\u3000" for c in shown[: len(caret)])  # these take two columns
    assert shown[caret.index("^") - wide :].startswith(caret_under.replace("\0", "\N{WHITE SQUARE}"))


@pytest.mark.parametrize(
    "text", ["", "   ", "\t\n", "x" * (MAX_LENGTH + 1), " + ".join(["x"] * (MAX_TERMS + 1)), "\x01"]
)
def test_empty_and_boundless_queries_are_refused(text):
    with pytest.raises(QueryError):
        parse_query(text)


def test_the_longest_allowed_text_is_one_term():
    assert parse_query("x" * MAX_LENGTH) == (Term("text", "x" * MAX_LENGTH),)


PIECES = st.sampled_from(
    ["2:", "0.5:", "+", "-", " + ", " - ", '"', " ", "image:", "id:", "text:", "./", "~/", "7", "dog", "é"]
)


@REPEATABLE
@given(st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=20).map("".join)))
def test_any_text_is_a_query_that_survives_formatting_or_a_query_error(text):
    try:
        terms = parse_query(text, everything_exists)
    except QueryError:
        return
    assert parse_query(format_query(terms), nothing_exists) == terms


WEIGHTS = st.floats(0.001, 1000).flatmap(lambda w: st.sampled_from([w, -w]))
TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1)
PATHS = st.text(min_size=1).filter(lambda p: "\0" not in p and p.strip() and not p.startswith("~"))


@REPEATABLE
@given(
    st.lists(
        st.one_of(
            st.builds(Term, st.just("text"), TEXTS, WEIGHTS),
            st.builds(Term, st.just("image"), PATHS, WEIGHTS),
            st.builds(Term, st.just("id"), st.integers(0, 10**18 - 1), WEIGHTS),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_terms_survive_formatting_and_parsing(terms):
    terms = [Term("text", "dog"), *terms]
    assert parse_query(format_query(terms), nothing_exists) == tuple(terms)


@pytest.mark.parametrize(
    "hostile", ["+ " * 5000, '"' * 9999, " " * 9999 + "-", "2:" * 5000, "1" * 9999 + ":", "image:" * 1600]
)
def test_hostile_repetition_is_read_in_one_pass(hostile):
    with pytest.raises(QueryError):
        parse_query(hostile + " + ", nothing_exists)


def test_arguments_of_a_search_become_one_sum():
    array = np.zeros((4, 4, 3), np.uint8)
    query = make_query(image=array, text=" a - b ", query="2:sea", id=7, methods=["local", "phash"])
    assert [term.kind for term in query.terms] == ["text", "image", "id", "text"]
    assert query.terms[1].value is array
    assert query.terms[3] == Term("text", "a - b")
    assert query.methods == ("local", "phash")


def test_a_filter_is_compiled_along():
    query = make_query(text="sea", where="width > 1000")
    assert query.where is not None
    assert query.where.params == (1000,)


def test_a_region_belongs_to_one_picture():
    assert make_query(image="a.jpg", region=(1.2, 2, 30, 40)) == Query((Term("image", "a.jpg"),), (1, 2, 30, 40))
    with pytest.raises(QueryError, match="exactly one picture"):
        make_query(text="sea", region=(0, 0, 9, 9))
    with pytest.raises(QueryError, match="exactly one picture"):
        make_query(image="a.jpg", id=3, region=(0, 0, 9, 9))


@pytest.mark.parametrize(
    "region", [(0, 0, 0, 5), (0, 0, 5), (-1, 0, 5, 5), (0, 0, float("nan"), 5), (0, 0, float("inf"), 5)]
)
def test_impossible_regions_are_refused(region):
    with pytest.raises(QueryError, match="region"):
        make_query(image="a.jpg", region=region)


@pytest.mark.parametrize("arguments", [{}, {"text": " "}, {"text": "x" * (MAX_LENGTH + 1)}, {"where": "width > 1"}])
def test_a_search_for_nothing_is_refused(arguments):
    with pytest.raises(QueryError):
        make_query(**arguments)


def test_a_picture_in_memory_cannot_be_written_as_a_query():
    with pytest.raises(TypeError, match="bytes"):
        format_query([Term("image", b"...")])
