"""What holds for every method: it packs what it describes, is searched by its own kinds, and says what it is."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest

import lookalike
from lookalike.arrays.rows import Ragged
from lookalike.errors import QueryError
from lookalike.index.whole import index_of
from lookalike.methods.factory import NAMES, make
from lookalike.pictures.open import open_image
from lookalike.search.ask import queries_of
from samples import drawing, photo

PLACES = ("search", "significance", "duplicates", "evaluate")


@pytest.fixture(scope="module", params=NAMES)
def method(request):
    return make(request.param)


@pytest.fixture(scope="module")
def described(method):
    return [method.describe(open_image(photo(name))) for name in ("astronaut.png", "coffee.png", "rocket.jpg")]


def test_what_is_packed_is_unpacked_as_it_was(method, described):
    for descriptor in described:
        rows = method.pack(descriptor)
        assert rows.dtype == method.layout.dtype and rows.shape[1] == method.layout.width
        assert np.array_equal(method.pack(method.unpack(rows)), rows)


def test_a_stored_descriptor_asks_when_the_picture_is_away(method, described):
    for descriptor in described:
        assert method.query_of(descriptor)[0].name == "as is"


def test_each_of_its_indexes_finds_what_was_described(method, described):
    packed = [method.pack(descriptor) for descriptor in described]
    width, dtype = method.layout.width, method.layout.dtype
    rows = Ragged.of(packed, width, dtype) if method.layout.ragged else np.concatenate(packed)
    for kind in ("auto", *filter(None, (method.traits.exact, *method.traits.faster))):
        index = index_of(method.index_kind(kind), rows, np.array([3, 5, 9]))
        asked = queries_of(method, [variant for one in described for variant in method.query_of(one)[:1]])
        assert index.search(asked, 1).ids[:, 0].tolist() == [3, 5, 9]
    with pytest.raises(ValueError):
        method.index_kind("no such index")


def test_a_method_names_its_traits(method):
    traits = method.traits
    assert traits.weight > 0 and traits.farthest > 0
    assert bool(traits.exact) == bool(traits.faster)
    assert make(method.name, {}).traits.role == traits.role


def test_what_is_flat_is_described_or_says_why_not(method):
    flat = open_image(drawing(0).resize((40, 40)).point(lambda value: 128))
    assert method.describe(flat) is not None or method.nothing


def test_nothing_that_searches_judges_or_compares_goes_by_a_methods_name():
    """A new method is one file and a line in the factory."""
    root = Path(inspect.getfile(lookalike)).parent
    found = []
    for place in PLACES:
        for path in sorted((root / place).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            compared = [node for node in ast.walk(tree) if isinstance(node, ast.Compare | ast.Dict | ast.Subscript)]
            names = [
                leaf.value
                for node in compared
                for leaf in ast.walk(node)
                if isinstance(leaf, ast.Constant) and leaf.value in ("phash", "local", "embedding")
            ]
            found += [f"{path.relative_to(root)}: {name}" for name in names]
    assert found == []


def test_an_unknown_method_is_refused_in_one_line():
    with pytest.raises(QueryError, match="no method 'sift'; there are phash"):
        make("sift")
