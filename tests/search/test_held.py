"""A Searcher that is held answers as of its generation, whatever came, went, was edited or compacted since."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from filled import Filled, description

from lookalike import Collection
from lookalike.duplicates.find import Wanted, find_duplicates
from lookalike.duplicates.group import EXACT
from lookalike.query.parse import make_query
from lookalike.search.answer import answer
from lookalike.search.asker import Limits
from lookalike.search.newest import Newest
from lookalike.search.searcher import Searcher
from lookalike.store.changes import Added, Moved
from lookalike.store.comparison import Seen

COMPACT = "import sys; from lookalike import Collection; Collection(sys.argv[1]).compact()"
WHERE = (None, "id >= 1", "path like '%/1%'", "not has caption")


@pytest.fixture
def filled(tmp_path):
    made = Filled(tmp_path / "album")
    made.add(20)
    return made


@pytest.fixture
def album(filled):
    with Collection(filled.store.directory) as opened:
        yield opened


def answers(searcher):
    """All that is found, with the names of the files, by filters and by the very file."""
    found = [answer(searcher, make_query(id=7, where=where), Limits(k=50)) for where in WHERE]
    words = searcher.catalogue.ids_with_word("pictures", "path_text", searcher.view)
    return [[(match.id, match.path, match.score) for match in one] for one in found], words.tolist()


def move(filled, id_, path):
    with filled.store.writing():
        filled.store.apply([Moved(id_, Seen(path, 1, 1))])


def compact_here(filled):
    with Collection(filled.store.directory) as other:
        other.compact()


def compact_elsewhere(filled):
    subprocess.run([sys.executable, "-c", COMPACT, str(filled.store.directory)], check=True, timeout=120)


@pytest.mark.parametrize("compact", [compact_here, compact_elsewhere])
def test_pictures_removed_since_stay_in_its_answers_when_their_records_are_gone(filled, album, compact):
    held = album.searcher()
    before = answers(held)
    filled.remove([3, 7, 20])
    compact(filled)
    filled.add(3)
    compact(filled)
    assert answers(held) == before
    assert {id_ for id_, *_ in before[0][1]} == set(range(1, 21))
    assert {match.id for match in album.search(id=8, k=50, methods="embedding")} == set(range(1, 24)) - {3, 7, 20}


def test_pictures_edited_since_are_as_they_were(filled, album):
    held = album.searcher()
    before = answers(held)
    move(filled, 8, "/elsewhere/one.png")
    assert answers(held) == before
    assert album.search(id=8, k=1)[0].path == "/elsewhere/one.png"
    assert not {id_ for id_, *_ in answers(album.searcher())[0][0]} - set(range(1, 21))


def test_each_of_several_answers_as_of_its_own_generation(filled, album):
    states = []
    for number in range(1, 6):
        held = album.searcher()
        states.append((held, answers(held)))
        filled.remove([number])
        compact_here(filled)
    for held, before in states:
        assert answers(held) == before
    assert len({held.view.generation for held, _ in states}) == 5


def test_duplicates_that_are_removed_and_compacted_away_during_the_run_are_told_as_they_were(filled, album):
    with filled.store.writing():
        filled.store.apply([Added(Seen(f"/pictures/twin{n}.png", 1, 1), description(99)) for n in range(2)])
    held = album.searcher()
    filled.remove([22])
    compact_here(filled)
    told = [find_duplicates(filled.store, one, wanted=Wanted(kinds=[EXACT])) for one in (held, album.searcher())]
    assert [[member.id for member in group.members] for group in told[0]] == [[21, 22]]
    assert told[1] == []


def test_it_outlives_the_collection_being_closed(filled, album):
    held = album.searcher()
    before = answers(held)
    album.close()
    filled.remove([3, 7])
    compact_here(filled)
    assert answers(held) == before


def test_threads_share_one_that_is_held(filled, album):
    held = album.searcher()
    before = answers(held)
    filled.remove([3, 7])
    compact_here(filled)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: answers(held), range(12))) == [before] * 12


def test_where_nothing_can_be_written_an_open_log_is_read_as_it_was(filled, album, monkeypatch):
    """Beside its owner, who goes on writing."""
    monkeypatch.setattr("lookalike.store.connection.Connections._writable", lambda self: False)
    with filled.store.writing():
        filled.store.apply([Moved(8, Seen("/elsewhere/one.png", 1, 1))])
        held = album.searcher()
        before = answers(held)
        filled.store.apply([Moved(8, Seen("/elsewhere/two.png", 1, 1))])
        assert answers(held) == before
        assert album.record(8).path == "/elsewhere/two.png"


def test_a_file_that_cannot_change_and_does_is_read_as_it_is_now(filled, tmp_path, monkeypatch):
    """A medium that was mounted read-only here, and written to by another way."""
    medium = tmp_path / "medium"
    shutil.copytree(filled.store.directory, medium)
    monkeypatch.setattr("lookalike.store.connection.Connections._writable", lambda self: False)
    with Collection(medium) as there:
        held = there.searcher()
        before = answers(held)
        assert before == answers(held)
        filled.remove([3])
        compact_here(filled)
        shutil.copyfile(filled.store.directory / "catalogue.sqlite", medium / "catalogue.sqlite")
        after = answers(held)
    names = [{id_: path for id_, path, _ in one[0][1]} for one in (before, after)]
    assert names[0].pop(3) and names[0] == names[1], "late, but whole"


def test_nobody_holding_one_keeps_the_log(filled, album):
    """A collection that was searched and is open still is in nobody's way."""
    log = filled.store.directory / "catalogue.sqlite-wal"
    held = album.searcher()
    album.search(id=7)
    filled.add(5)
    assert log.stat().st_size > 0, "needed by the one that is held"
    del held
    gc.collect()
    filled.add(5)
    assert not log.exists() or log.stat().st_size == 0


def test_who_asks_during_a_renewal_gets_the_state_before_or_waits(filled, monkeypatch):
    newest = Newest(filled.store)
    held = newest.searcher()
    filled.add(1)
    begun, go_on = threading.Event(), threading.Event()
    made = Searcher.__init__

    def slow(*args):
        begun.set()
        assert go_on.wait(60)
        made(*args)

    monkeypatch.setattr(Searcher, "__init__", slow)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(newest.searcher)
        assert begun.wait(60)
        assert newest.searcher() is held, "nobody waits while an answer from it is under way"
        newest.wrote(held.view.generation + 1)
        second = pool.submit(newest.searcher)
        go_on.set()
        assert {first.result().view.generation, second.result().view.generation} == {held.view.generation + 1}
