"""Filters as expressions of Milvus: they find exactly what SQL finds, whatever is asked of whatever is known."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from lookalike.milvus.address import parse_address
from lookalike.milvus.catalogue import STATE, MilvusCatalogue, fact_rows
from lookalike.milvus.expressions import expression_of
from lookalike.milvus.publish import data_types
from lookalike.milvus.records import Entry, Keys
from lookalike.milvus.server import Server, Table
from lookalike.milvus.tables import LONGEST, NO_INDEX, fact_fields, record_fields
from lookalike.query.conditions import FIELDS
from lookalike.query.filters import compile_filter
from lookalike.store.catalogue import Record

FOLDERS = ("/home/ann/Bilder", "/home/ann/Bilder/Ärzte", "/x", "", '/a "b"\\c', "/фото/Лето")
NAMES = ("a.jpg", "IMG_0001.JPG", "Straße.png", "100%.gif", "it's.webp", "КОТ.jpg")
CAMERAS = (None, "Canon EOS", "canon eos", "Ｎikon", 'o\'Ne "x"')
DATES = (None, "2019-05-01", "2020-02-29T23:59:59", "2020-03-01T00:00:00", "2021")
CAPTIONS = (None, "A dog running", "dogs", "ein Hund", "a t-shirt; red")


def records(count, seed=0):
    rng = random.Random(seed)
    for id_ in range(1, count + 1):
        known = rng.random() < 0.8
        yield Record(
            *(
                id_,
                f"{rng.choice(FOLDERS)}/{id_}{rng.choice(NAMES)}",
                f"{id_:064x}",
                rng.choice((0, 10, 10**6, 5 * 10**9)),
            ),
            *(rng.randrange(10**18, 2 * 10**18), rng.choice((None, "jpeg", "png"))),
            *((rng.choice((1, 640, 4000)), rng.choice((1, 480, 3000))) if known else (None, None)),
            *(rng.choice(DATES), rng.choice(CAMERAS)),
            *((rng.uniform(-90, 90), rng.choice((-179.99, 0.0, 13.4, 179.99))) if known else (None, None)),
            *(rng.choice(CAPTIONS), "ok", None),
        )


@pytest.fixture(scope="module")
def catalogue(milvus):
    """Records of everything that filters know, with much of it unknown."""
    server = Server(parse_address(milvus.address("filters")))
    made = MilvusCatalogue(server)
    server.create(
        [
            Table(made.tables.records, record_fields(data_types()), NO_INDEX),
            Table(made.tables.facts, fact_fields(data_types()), NO_INDEX),
        ]
    )
    server.upsert(made.tables.records, Keys().rows([Entry(one, {}) for one in records(600)]))
    failed = replace(next(records(1)), id=601, status="failed")
    server.upsert(made.tables.records, Keys().rows([Entry(failed, {})]))
    state = {"format": 1, "revision": 1, "methods": [], "pictures": 600, "newest": 601}
    server.upsert(made.tables.facts, fact_rows(STATE, state, LONGEST))
    return made


def conditions(rng, depth=0):
    """A filter by chance, in words."""
    kind = rng.randrange(8 if depth < 3 else 5)
    if kind >= 5:
        inner = [conditions(rng, depth + 1) for _ in range(rng.randint(1, 3))]
        joined = rng.choice((" and ", " or ")).join(f"({one})" for one in inner)
        return f"not ({joined})" if kind == 7 else joined
    name = rng.choice(sorted(FIELDS))
    field = FIELDS[name]
    if kind == 4:
        return rng.choice((f"has {name}", f"{name} is null", f"not has {name}", f"{name} is not null", _near(rng)))
    if field.kind == "text":
        value = _quoted(_text(rng, name))
        return rng.choice(
            (
                f"{name} {_operator(rng)} {value}",
                f"{name} like {_quoted(_pattern(rng, name))}",
                f"{name} not like {_quoted(_pattern(rng, name))}",
                f"{name} in ({value}, 'png')",
            )
        )
    low, high = _value(rng, field.kind), _value(rng, field.kind)
    return rng.choice(
        (f"{name} {_operator(rng)} {low}", f"{name} between {low} and {high}", f"{name} in ({low}, {high})")
    )


def _operator(rng):
    return rng.choice(("=", "!=", "<", "<=", ">", ">="))


def _quoted(text):
    return "'" + text.replace("'", "''") + "'"


def _text(rng, name):
    known = {
        "camera": [one for one in CAMERAS if one],
        "caption": [one for one in CAPTIONS if one],
        "format": ["jpeg", "PNG", ""],
        "orientation": ["Landscape", "portrait", "square"],
        "folder": FOLDERS,
    }
    text = rng.choice(known.get(name, [f"{rng.choice(FOLDERS)}/{rng.randrange(600)}{rng.choice(NAMES)}", *NAMES]))
    return rng.choice((text, text.upper(), text.lower()))


def _pattern(rng, name):
    text = _text(rng, name)
    at = rng.randrange(len(text) + 1)
    return rng.choice((text[:at] + "%", "%" + text[at:], text.replace("a", "_"), "%" + text[at : at + 3] + "%"))


def _value(rng, kind):
    if kind in ("taken", "modified"):
        return rng.choice(
            ("2019", "2020-02", "2020-02-29", "2020-03-01", "'2020-02-29 23:59'", "2040-01-01", "2003-05-01")
        )
    if kind == "bytes":
        return rng.choice(("0", "10", "1 mb", "5000000000", "1.5 gib", "-1"))
    return rng.choice(("0", "1", "640", "639.5", "-33.25", "13.4", "300", "1e3"[:1], "99999999999999999999", "0.75"))


def _near(rng):
    return f"near({rng.uniform(-90, 90):.3f}, {rng.choice((-179.9, 0.1, 13.5, 179.95))}, {rng.uniform(0, 100):.1f})"


def by_sql(compiled, known):
    return sorted(known.matching(list(records(600)), compiled.sql, compiled.params))


@pytest.mark.parametrize("seed", range(8))
def test_thousands_of_filters_find_what_sql_finds(catalogue, seed):
    rng, keys, exact = random.Random(seed), Keys(), 0
    for _ in range(150):
        where = conditions(rng)
        compiled = compile_filter(where)
        assert catalogue.ids_where(compiled).tolist() == by_sql(compiled, keys), where
        exact += expression_of(compiled.condition).exact
    assert exact > 15  # else the engine would have answered nothing by itself


def test_numbers_and_dates_are_left_to_the_engine():
    for where in ("width > 640", "taken >= 2020 and taken < 2021", "bytes > 1 mb or not has camera", "ratio >= 1.5"):
        assert expression_of(compile_filter(where).condition).exact, where
    for where in ("name like '%a%'", "camera = 'x'", "near(1, 2, 3)", "width > 1 and name = 'x'"):
        assert not expression_of(compile_filter(where).condition).exact, where


def test_what_is_typed_stays_data(catalogue):
    for text in ('" or id > 0 or name_key == "', "\\", '\\"', "a\\\\b", "'' ) or (id > 0", "\N{SNOWMAN}" * 300):
        for operator in ("=", "like", "!="):
            compiled = compile_filter(f"name {operator} {_quoted(text)}")
            expected = by_sql(compiled, Keys())
            assert catalogue.ids_where(compiled).tolist() == expected, text


@pytest.mark.parametrize(
    ("word", "column", "found"),
    [
        ("dog", "caption", {"A dog running", "dogs"}),
        ("run", "caption", {"A dog running"}),
        ("t-shirt", "caption", {"a t-shirt; red"}),
        ("shirt", "caption", {"a t-shirt; red"}),
        ("katze", "caption", set()),
        ('"', "caption", set()),
    ],
)
def test_words_are_those_of_a_directory(catalogue, word, column, found):
    ids = catalogue.ids_with_word(word, column, catalogue.view()).tolist()
    assert ids == [one.id for one in records(600) if one.caption in found]


def test_names_and_folders_are_words_too(catalogue):
    ids = catalogue.ids_with_word("лето", "path_text", catalogue.view()).tolist()
    assert ids == [one.id for one in records(600) if "Лето" in one.path]


def test_a_damaged_record_is_an_error(catalogue):
    from lookalike import CollectionError

    (row,) = Keys().rows([Entry(next(records(1)), {})])
    catalogue.server.upsert(catalogue.tables.records, [row | {"record": row["record"].replace("0", "1")}])
    with pytest.raises(CollectionError, match="not as it was written"):
        catalogue.records([1])
    catalogue.server.upsert(catalogue.tables.records, [row])
    assert np.array_equal(catalogue.records([1])[1].id, 1)
