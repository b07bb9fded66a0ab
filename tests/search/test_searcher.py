"""A Searcher answers from one state, is renewed by what is new only, and is asked by many threads at once."""

from __future__ import annotations

import threading
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from filled import NAMES, Filled, description

from lookalike import Collection, CollectionError
from lookalike.arrays import blocks
from lookalike.index import histograms, vectors
from lookalike.index.vectors import VectorKind
from lookalike.query.parse import make_query
from lookalike.search import segments
from lookalike.search.answer import answer
from lookalike.search.asker import Limits
from lookalike.search.searcher import Searcher
from lookalike.store.catalogue import Catalogue
from lookalike.store.changes import Moved
from lookalike.store.comparison import Seen


@pytest.fixture
def filled(tmp_path, monkeypatch):
    """Segments from 64 items on, so that small collections have several."""
    monkeypatch.setitem(vectors.TAILS, "codes", 64)
    monkeypatch.setitem(histograms.TAILS, "codes", 64)
    return Filled(tmp_path / "album")


def searcher(filled, before=None):
    return filled.store.reading(lambda view, held: Searcher(filled.store, view, before).holding(held))


def found(one, name, number, k=3, kind="auto"):
    method = one.method(name)
    row = description(number).rows[name]
    query = row if not method.layout.ragged else segments_of(row)
    return one.index(name, kind).search(query, k).ids[0].tolist()


def segments_of(row):
    from lookalike.arrays.rows import Ragged

    return Ragged.of([row], 2, np.uint16)


@pytest.mark.parametrize("name", NAMES)
def test_what_was_removed_and_restored_is_told_apart_from_what_was_removed(filled, name):
    """The stamp of old: as many removed, and the same one last."""
    filled.add(20)
    filled.remove([2, 5])
    with Collection(filled.store.directory) as album:
        before = album.searcher()
        assert 2 not in found(before, name, 1)
        with filled.store.writing():
            filled.store.apply([Moved(2, Seen("/pictures/1.png", 1001, 1))])
        filled.remove([3])
        after = album.searcher()
        assert found(after, name, 1)[0] == 2
        assert found(after, name, 2)[0] != 3
        assert found(before, name, 1)[0] != 2, "what was held stays as it was"


def test_after_a_commit_only_what_is_new_is_opened(filled, monkeypatch):
    filled.add(300)
    before = searcher(filled)
    for name in NAMES:
        found(before, name, 7)
    opened = []
    real = segments.open_arrays
    monkeypatch.setattr(segments, "open_arrays", lambda path, kind: opened.append(path.name) or real(path, kind))
    filled.add(70)
    opened.clear()
    after = searcher(filled, before)
    for name in NAMES:
        assert found(after, name, 365, 1) == [366]
    assert sorted(opened) == ["color.codes.0.300-370", "embedding.codes.0.300-370"]
    assert all(after.method(name) is before.method(name) for name in NAMES)


def test_an_unchanged_collection_is_not_opened_again(filled):
    filled.add(100)
    with Collection(filled.store.directory) as album:
        one, other = album.searcher(), album.searcher()
        assert all(one.index(name) is other.index(name) for name in NAMES)


@pytest.fixture
def checked(monkeypatch):
    """The bytes of every block of which the checksum is taken."""
    seen = []
    real = zlib.crc32
    monkeypatch.setattr(blocks.zlib, "crc32", lambda data, *start: seen.append(len(data)) or real(data, *start))
    return seen


def asked_all(one, number):
    """Every method's exact index, and so every row of it."""
    kinds = {"phash": "scan", "color": "exact", "embedding": "exact"}
    return [found(one, name, number, 1, kind) for name, kind in kinds.items()]


def test_after_a_commit_only_the_blocks_that_grew_are_verified(filled, checked):
    filled.add(1000)
    before = searcher(filled)
    checked.clear()
    asked_all(before, 7)
    assert len(checked) > 150, "2.5 MB of vectors"
    filled.add(1)
    after = searcher(filled, before)
    checked.clear()
    assert asked_all(after, 1000) == [[1001]] * 3
    assert 0 < len(checked) <= 8, "the last one of each of seven files, and the one that the new vector begins in"


def test_damage_is_found_after_a_commit_where_nobody_had_looked(filled, checked):
    filled.add(1000)
    before = searcher(filled)
    before.items("embedding").block(500, 1000)
    filled.add(1)
    path = filled.store.directory / "matrices" / "embedding.0.rows"
    with path.open("r+b") as file:
        file.seek(100 * 2560)
        file.write(b"\xff")
    after = searcher(filled, before)
    after.items("embedding").block(600, 1001)
    with pytest.raises(CollectionError, match="lookalike check"):
        asked_all(after, 7)


def test_after_a_compaction_all_is_verified_anew(filled, checked):
    filled.add(1000)
    before = searcher(filled)
    asked_all(before, 7)
    filled.remove([1000])
    with Collection(filled.store.directory) as album:
        album.compact()
    after = searcher(filled, before)
    checked.clear()
    asked_all(after, 7)
    assert len(checked) > 150


def test_one_more_picture_writes_little_and_touches_no_segment(filled):
    filled.add(1000)
    before = filled.files()
    filled.add(1)
    after = filled.files()
    segments_before = {name: file for name, file in before.items() if ".codes." in name}
    assert segments_before and segments_before == {name: file for name, file in after.items() if ".codes." in name}
    grown = sum(size for _, size in after.values()) - sum(size for _, size in before.values())
    assert 0 < grown < 10_000


def test_a_writer_that_was_killed_before_it_sealed_is_caught_up_with(filled):
    filled.add(200, seal=False)
    assert filled.runs("embedding") == []
    assert found(searcher(filled), "embedding", 7, 1) == [8]
    filled.add(1)
    assert filled.runs("embedding") == [(0, 201)]


def test_half_written_and_superseded_segments_do_no_harm(filled):
    """As a crash leaves them: between writing the merged one and deleting its parts, or while writing."""
    filled.add(100)
    folder = filled.store.directory / "segments"
    part = (folder / "embedding.codes.0.0-100").read_bytes()
    filled.add(100)
    assert filled.runs("embedding") == [(0, 200)]
    (folder / "embedding.codes.0.0-100").write_bytes(part)
    (folder / "embedding.codes.0.200-260.99.tmp").write_bytes(part[:50])
    assert found(searcher(filled), "embedding", 150, 1) == [151]
    filled.add(1)
    assert filled.runs("embedding") == [(0, 200)]
    assert not list(folder.glob("*.tmp"))


@pytest.mark.parametrize("damage", ["header", "body", "empty", "gone"])
def test_a_damaged_segment_is_done_without_and_made_anew_by_check(filled, damage):
    filled.add(300)
    path = filled.store.directory / "segments" / "embedding.codes.0.0-300"
    content = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
    else:
        content[30 if damage == "header" else -5] ^= 1
        path.write_bytes(content if damage != "empty" else b"")
    assert found(searcher(filled), "embedding", 57, 1) == [58]
    with Collection(filled.store.directory) as album:
        album.check()
    assert filled.runs("embedding") == [(0, 300)]
    assert len(searcher(filled)._hold("embedding").segments) == 1


def test_a_searcher_outlives_compaction_and_a_new_one_has_segments_at_once(filled):
    filled.add(300)
    held = searcher(filled)
    filled.remove(range(1, 101))
    with Collection(filled.store.directory) as album:
        album.compact()
    for name in NAMES:
        assert found(held, name, 57, 1) == [58], "opened only now, from files that are gone"
        assert found(searcher(filled), name, 257, 1) == [258]
    assert filled.runs("embedding") == [(0, 200)]


@pytest.mark.parametrize("killed", [False, True])
def test_a_compaction_takes_segments_over_and_seals_nothing(filled, monkeypatch, killed):
    filled.add(300)
    filled.remove(range(1, 101))
    sealed = []

    def counted(kind, rows, like=None):
        sealed.append(len(rows))
        return seal(kind, rows, like)

    seal = VectorKind.seal
    monkeypatch.setattr(VectorKind, "seal", counted)
    with Collection(filled.store.directory) as album, monkeypatch.context() as patch:
        if killed:
            patch.setattr("lookalike.search.derived.seal", lambda store: None)
        album.compact()
    assert filled.runs("embedding") == [(0, 200)]
    assert found(searcher(filled), "embedding", 257, 1) == [258]
    filled.add(1)
    assert sealed == []


def test_segments_of_a_compaction_that_never_counted_are_swept(filled, monkeypatch):
    filled.add(300)
    filled.remove(range(1, 101))
    monkeypatch.setattr(Catalogue, "commit_extent", None)
    with Collection(filled.store.directory) as album, pytest.raises(TypeError):
        album.compact()
    monkeypatch.undo()
    assert len(list((filled.store.directory / "segments").glob("embedding.codes.1.*"))) == 1
    filled.add(1)
    assert not list((filled.store.directory / "segments").glob("embedding.codes.1.*"))
    assert found(searcher(filled), "embedding", 257, 1) == [258]


@pytest.mark.parametrize("words", ["id >= 1", "path like '%.png'", "not has caption"])
def test_a_filter_holds_for_the_pictures_that_there_were(filled, words):
    filled.add(20)
    held = searcher(filled)
    filled.remove([3, 20])
    filled.add(5)
    for one, expected in (
        (held, set(range(1, 21))),
        (searcher(filled), set(range(1, 26)) - {3, 20}),
    ):
        query = make_query(id=7, where=words, methods=["embedding"])
        assert {match.id for match in answer(one, query, Limits(k=50))} == expected
        pictures = {step.method: step.pictures for step in answer(one, query, Limits(k=50)).steps}
        assert pictures == {"embedding": len(expected)}


def test_many_threads_open_and_ask_one_searcher_as_one_thread_does(filled):
    """Where four threads once made 95,424 codes for 30,000 rows: segments are missing, everyone asks at once."""
    filled.add(700, seal=False)
    alone = searcher(filled)
    expected = {(name, number): found(alone, name, number, 10) for name in NAMES for number in range(0, 700, 37)}
    shared, barrier = searcher(filled), threading.Barrier(8)

    def ask(worker):
        barrier.wait()
        questions = np.random.default_rng(worker).permutation(list(expected))
        return {(name, int(number)): found(shared, name, int(number), 10) for name, number in questions}

    with ThreadPoolExecutor(8) as pool:
        for answers in pool.map(ask, range(8)):
            assert answers == expected
    parts = shared._in_memory(shared._hold("embedding"), shared.method("embedding").index_kind())
    assert [(run.first, run.last) for run in parts] == [(0, 700)], "sealed once"


@pytest.mark.parametrize(("name", "kind"), [("phash", "vptree"), ("embedding", "hnsw"), ("color", "hnsw")])
def test_kinds_without_files_are_sealed_in_memory_once_and_shared(filled, monkeypatch, name, kind):
    monkeypatch.setitem(vectors.TAILS, "hnsw", 16)
    monkeypatch.setitem(histograms.TAILS, "hnsw", 16)
    filled.add(5000 if kind == "vptree" else 300)
    monkeypatch.setattr("lookalike.search.searcher._PATIENCE", 1)
    before = searcher(filled)
    assert found(before, name, 57, 1, kind) == [58]
    filled.add(5)
    after = searcher(filled, before)
    assert found(after, name, filled.added - 1, 1, kind) == [filled.added]
    held = after._hold(name)
    assert len(after._in_memory(held, after.method(name).index_kind(kind))) == 1
