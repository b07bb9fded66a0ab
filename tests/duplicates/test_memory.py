"""What was compared once is not compared again, and nothing is found otherwise than by comparing all anew."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ImageOps

from lookalike import Collection
from lookalike.duplicates import find, pixels
from samples import HERE, METHODS, draw, fill, photo

FILE = ("caches", "duplicates")


@pytest.fixture
def counted(monkeypatch):
    """How often pairs were searched for, and which were looked at."""
    counts = {"searched": 0, "looked": []}
    real_find, real_look = find.find_links, pixels.Eye.look

    def searching(*arguments):
        counts["searched"] += 1
        return real_find(*arguments)

    def looking(eye, link):
        counts["looked"].append((link.first, link.second))
        return real_look(eye, link)

    monkeypatch.setattr(find, "find_links", searching)
    monkeypatch.setattr(pixels.Eye, "look", looking)
    return counts


@pytest.fixture
def copies(tmp_path):
    """A folder of three photos, each also small and mirrored, and some drawings."""
    folder = fill(tmp_path / "pictures", 4)
    for name in ("coffee.png", "chelsea.png", "rocket.jpg"):
        whole, stem = photo(name), name.partition(".")[0]
        whole.save(folder / f"{stem}.png")
        whole.reduce(2).save(folder / f"{stem}-small.jpg", quality=80)
        ImageOps.mirror(whole).save(folder / f"{stem}-mirrored.png")
    return folder


@pytest.fixture
def album(copies, tmp_path):
    with Collection(tmp_path / "album") as made:
        made.index([copies], methods=["phash", "local"], options=HERE)
        yield made


def plain(groups):
    return [group.to_json() for group in groups]


def anew(album):
    album.path.joinpath(*FILE).unlink(missing_ok=True)
    return plain(album.duplicates())


def test_a_second_time_nothing_is_searched_for_nor_looked_at(album, counted):
    first = plain(album.duplicates())
    assert len(first) == 3 and counted["searched"] == 1 and len(counted["looked"]) >= 6
    counted["looked"].clear()
    assert plain(album.duplicates()) == first
    assert plain(album.duplicates(keep="smallest")) != first, "what to keep is chosen anew"
    assert counted == {"searched": 1, "looked": []}


def test_only_what_is_new_is_looked_at(album, copies, counted):
    album.duplicates()
    photo("coffee.png").convert("L").save(copies / "coffee-grey.png")
    album.index([copies], options=HERE)
    (new,) = album.ids("name = 'coffee-grey.png'").tolist()
    counted["looked"].clear()
    found = plain(album.duplicates())
    assert counted["looked"] and all(new in pair for pair in counted["looked"])
    assert found == anew(album)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_happens_the_groups_are_those_of_a_search_from_nothing(data, tmp_path_factory):
    folder = fill(tmp_path_factory.mktemp("pictures"), 3)
    with Collection(tmp_path_factory.mktemp("albums") / "album") as album:
        album.index([folder], methods=METHODS, options=HERE)
        for number in range(data.draw(st.integers(1, 4), "steps")):
            names = sorted(os.listdir(folder))
            match data.draw(st.sampled_from(["add", "copy", "edit", "delete", "remove"]), "what"):
                case "add":
                    draw(folder / f"new-{number}.png", data.draw(st.integers(0, 5), "drawing"))
                case "copy":
                    photo("coffee.png").reduce(1 + number % 2).save(folder / f"coffee-{number}.png")
                case "edit":
                    draw(folder / data.draw(st.sampled_from(names), "edited"), 90 + number)
                case "delete" if len(names) > 1:
                    (folder / data.draw(st.sampled_from(names), "deleted")).unlink()
                case "remove":
                    album.remove([folder / data.draw(st.sampled_from(names), "removed")])
            album.index([folder], options=HERE)
            remembered = plain(album.duplicates())
            assert remembered == plain(album.duplicates()) == anew(album)


def test_pictures_that_were_away_are_looked_at_when_they_are_back(album, copies, counted):
    whole = anew(album)
    album.path.joinpath(*FILE).unlink()
    copies.rename(copies.with_name("away"))
    away = plain(album.duplicates())
    assert any(group["unseen"] for group in away)
    copies.with_name("away").rename(copies)
    assert plain(album.duplicates()) == whole
    counted["looked"].clear()
    assert plain(album.duplicates()) == whole and counted["looked"] == []


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_memory_is_forgotten(album, damage):
    expected = plain(album.duplicates())
    file = album.path.joinpath(*FILE)
    content = bytearray(file.read_bytes())
    if damage is None:
        content[-9] ^= 4
    file.write_bytes(content if damage is None else damage)
    assert plain(album.duplicates()) == expected == plain(album.duplicates())


def test_other_limits_and_scenes_are_asked_for_anew(album):
    usual = plain(album.duplicates())
    others = [{"max_expected_false": 1e-300}, {"shots": True}, {"kinds": ["same picture"]}]
    expected = []
    for one in others:
        album.path.joinpath(*FILE).unlink(missing_ok=True)
        expected.append(plain(album.duplicates(**one)))
    assert expected[0] != usual
    for _ in range(2):
        assert plain(album.duplicates()) == usual
        assert [plain(album.duplicates(**one)) for one in others] == expected


def test_where_nothing_can_be_written_the_answer_is_the_same(album):
    expected = plain(album.duplicates())
    album.path.joinpath(*FILE).unlink()
    with Collection(album.path) as other, other._store.writing():
        assert plain(album.duplicates()) == expected
    assert not album.path.joinpath(*FILE).exists()
