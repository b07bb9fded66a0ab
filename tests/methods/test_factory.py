"""One notation for methods and their parameters, the same on the command line and in Python."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lookalike import Collection, CollectionError, QueryError
from lookalike.methods.factory import KINDS, NAMES, make, parse
from samples import HERE, fill


@pytest.mark.parametrize(
    ("text", "name", "given"),
    [
        ("phash", "phash", {}),
        ("phash:hash_size=32", "phash", {"hash_size": 32}),
        ("local:features=orb,budget=500", "local", {"features": "orb", "budget": 500}),
        ("embedding", "embedding", {}),
        ("embedding:efficientnet-lite0", "embedding", {"model": "efficientnet-lite0"}),
        ("embedding:clip-vit-b32", "embedding:clip-vit-b32", {"model": "clip-vit-b32"}),
        ("embedding:model=clip-vit-b32", "embedding:clip-vit-b32", {"model": "clip-vit-b32"}),
        ("embedding:resnet50,providers=cuda", "embedding:resnet50", {"model": "resnet50", "providers": "cuda"}),
        ("embedding:path:/a, b/c:d", "embedding:path:/a, b/c:d", {"model": "path:/a, b/c:d"}),
    ],
)
def test_a_method_is_named_with_its_parameters(text, name, given):
    choice = parse(text)
    assert (choice.name, choice.given) == (name, given)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sift", "no method 'sift'; there are phash, color, local, embedding, text"),
        ("", "no method ''; there are phash"),
        ("phash:size=3", "phash has no parameter 'size'; it takes hash_size (8 to 32; default 16)"),
        ("phash:hash_size=big", "hash_size is 'big': a whole number, 8 to 32, is needed"),
        ("phash:hash_size=99", "phash:hash_size=99: hash_size is 99: a whole number from 8 to 32 is needed"),
        ("phash:hash_size=9,hash_size=9", "hash_size is given twice"),
        ("phash:32", "'32' is no parameter, as in NAME=VALUE; of phash, it takes hash_size"),
        ("color:bins=9", "bins is 9: 8 or 16 is needed"),
        ("local:features=akaze", "features is 'akaze': one of rootsift, orb, surf is needed"),
        ("local:budget=5", "budget is 5: a whole number from 16"),
        ("text:bins=3", "text has no parameter 'bins'; it takes none"),
        ("text:clip", "'clip' is no parameter, as in NAME=VALUE; of text, it takes none"),
        ("embedding:providers=cuda", "providers is for other models"),
    ],
)
def test_what_does_not_apply_is_refused_in_one_line_with_what_does(text, says):
    with pytest.raises(QueryError) as error:
        make(text)
    assert says in str(error.value) and "\n" not in str(error.value)


def test_the_parameters_reach_the_method():
    assert make("phash:hash_size=8").layout.width == 8
    assert make("color:bins=8").params.bins == 8
    method = make("local:features=orb,size=320,budget=100")
    assert (method.params.features, method.params.size, method.params.budget) == ("orb", 320, 100)


def test_kept_parameters_hold_unless_others_are_named():
    kept = {"features": "orb", "size": 320, "budget": 100}
    assert make("local", kept).params.size == 320
    assert make("local:size=480", kept).params.size == 480


@pytest.mark.parametrize("name", NAMES)
def test_the_defaults_that_are_told_are_the_true_ones(name):
    method = make(name)
    for parameter in KINDS[name].parameters:
        assert parameter.meaning and parameter.values
        if parameter.stored:
            assert getattr(method.params, parameter.name) == parameter.default


def test_a_collection_is_made_by_parameters_and_keeps_to_them(tmp_path):
    folder = fill(tmp_path / "pictures", 3)
    with Collection(tmp_path / "album") as album:
        album.index([folder], methods=["phash:hash_size=8", "color:bins=8"], options=HERE)
        assert [(one.name, one.params) for one in album.info().methods] == [
            ("phash", {"hash_size": 8}),
            ("color", {"bins": 8}),
        ]
        assert album.index([folder], methods=["phash", "phash:hash_size=8"], options=HERE).unchanged == 3
        with pytest.raises(CollectionError, match=r"keeps phash with .*8.*not .*16.*another --collection"):
            album.index([folder], methods=["phash:hash_size=16"], options=HERE)
        with pytest.raises(QueryError, match="color has no parameter 'size'"):
            album.index([folder], methods=["local", "color:size=3"], options=HERE)
        assert album.methods == ["phash", "color"]
        assert album.search(folder / "001.png", k=1)[0].path == str(folder / "001.png")


def test_workers_describe_by_the_parameters_too(tmp_path):
    folder = fill(tmp_path / "pictures", 3)
    with Collection(tmp_path / "album") as album:
        assert album.index([folder], methods=["phash:hash_size=8"]).added == 3
        assert album.search(folder / "001.png", k=1, methods="phash")[0].evidence[0].distance == 0


def test_every_parameter_is_documented_with_its_default():
    page = (Path(__file__).parents[2] / "docs" / "methods.md").read_text()
    for kind in KINDS.values():
        section = page.partition(f"\n## {kind.name}\n")[2].partition("\n## ")[0]
        documented = re.findall(r"\n\| `(\w+)` \| `(.+?)` \|", section)
        assert documented == [(one.name, str(one.default)) for one in kind.parameters]
