"""A Collection shared: by threads, with another process that writes, and with few questions to SQLite."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import PIL.Image
import pytest

from lookalike import Collection
from lookalike.store import connection
from samples import HERE, METHODS, drawing, fill

WRITER = """
import os, sys
from lookalike import Collection
sys.path.insert(0, sys.argv[3])
from samples import HERE, draw
with Collection(sys.argv[1]) as album:
    for seed in range(500, 512):
        draw(os.path.join(sys.argv[2], f"{seed}.png"), seed)
        album.index([sys.argv[2]], options=HERE)
        if seed % 3 == 0:
            os.remove(os.path.join(sys.argv[2], f"{seed}.png"))
            assert album.index([sys.argv[2]], options=HERE).removed == 1
            album.compact()
"""


def test_one_warm_search_asks_sqlite_a_handful_of_times(album, pictures, monkeypatch):
    asked = []
    real = connection.connect

    def connect(uri):
        sql = real(uri)
        sql.set_trace_callback(asked.append)
        return sql

    monkeypatch.setattr(connection, "connect", connect)
    with Collection(album) as opened:
        for image in (pictures / "coffee.png", drawing(700)):
            opened.search(image)
            asked.clear()
            opened.search(image)
            queries = [query for query in asked if not query.startswith(("PRAGMA", "BEGIN", "ROLLBACK"))]
            assert len(queries) <= 4, queries


def test_who_asks_a_large_collection_twice_gets_the_fast_scans(album, pictures, monkeypatch):
    loaded = []
    monkeypatch.setattr("lookalike.index.simd.load_faiss", lambda: loaded.append(1))
    monkeypatch.setattr("lookalike.collection.MANY", 1)
    monkeypatch.setattr("lookalike.index.hamming._with_faiss", lambda queries, codes, kernel: False)
    with Collection(album) as opened:
        opened.search(pictures / "coffee.png")
        assert loaded == []
        opened.search(pictures / "coffee.png")
        assert loaded == [1]


@pytest.mark.parametrize("methods", ["auto", "phash", "color"])
def test_a_stored_picture_is_asked_with_when_its_file_is_away(tmp_path, methods):
    folder = fill(tmp_path / "pictures", 12)
    with Collection(tmp_path / "album") as opened:
        opened.index([folder], methods=METHODS, options=HERE)
        there = opened.search(id=3, methods=methods)
        os.rename(folder, tmp_path / "elsewhere")
        away = opened.search(id=3, methods=methods)
        assert away[0].id == there[0].id == 3
        assert {match.id for match in away[:3]} <= {match.id for match in there}


@pytest.mark.parametrize("turn", ["mirrored", "turned 90", "turned 180", "turned 270"])
def test_a_stored_picture_whose_file_is_away_finds_what_is_mirrored_or_turned(tmp_path, turn):
    folder = fill(tmp_path / "pictures", 12)
    transpose = {"mirrored": "FLIP_LEFT_RIGHT", "turned 90": "ROTATE_270", "turned 180": "ROTATE_180"}
    with PIL.Image.open(folder / "002.png") as picture:
        turned = picture.transpose(PIL.Image.Transpose[transpose.get(turn, "ROTATE_90")])
        turned.save(folder / "turned.png")
    with Collection(tmp_path / "album") as opened:
        opened.index([folder], methods=["phash"], options=HERE)
        ids = {match.path: match.id for match in opened.search(folder / "turned.png", methods="phash", k=12)}
        os.rename(folder, tmp_path / "elsewhere")
        away = opened.search(id=ids[str(folder / "002.png")], methods="phash", k=2)
        assert [match.id for match in away] == [ids[str(folder / name)] for name in ("002.png", "turned.png")]
        assert [match.evidence[0].variant for match in away] == ["as is", turn]


def test_threads_find_what_one_finds_while_another_process_indexes_and_compacts(tmp_path):
    """Far from everything that comes and goes, each picture's copies stay the same: whatever the moment, the answers
    are those of one thread before it all began."""
    folder = fill(tmp_path / "pictures", 40)
    with Collection(tmp_path / "album") as shared:
        shared.index([folder], methods=METHODS, options=HERE)
        questions = [(folder / f"{number:03}.png", method) for number in range(40) for method in (*METHODS, "auto")]

        def ask(question):
            path, method = question
            found = shared.search(path, methods=method, k=1, where="id <= 40")
            return [(match.id, match.label, [(one.method, one.distance) for one in match.evidence]) for match in found]

        alone = {question: ask(question) for question in questions}
        generations = {shared.searcher().view.generation}
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, tmp_path / "album", folder, os.path.dirname(os.path.dirname(__file__))]
        )
        done = threading.Event()

        def worker(number):
            rounds = 0
            while not done.is_set() or not rounds:
                for question in questions[number::8]:
                    assert ask(question) == alone[question]
                    generations.add(shared.searcher().view.generation)
                rounds += 1

        with ThreadPoolExecutor(8) as pool:
            running = [pool.submit(worker, number) for number in range(8)]
            writer.wait(120)
            done.set()
            for one in running:
                one.result()
        assert writer.returncode == 0
        assert len(generations) > 1
        assert len(shared) == 40 + 12 - 4
