"""What is written to Milvus: all of it, once, whatever happens on the way; and only by one copy."""

from __future__ import annotations

import shutil
import threading

import numpy as np
import pytest

from lookalike import Collection, CollectionError, QueryError, migrate
from lookalike.index.hamming import HammingKind
from lookalike.milvus import fetch, publish, server, tables
from lookalike.milvus.address import TOKEN_VARIABLE, parse_address, working_copy
from lookalike.milvus.catalogue import MilvusCatalogue
from lookalike.milvus.server import Server
from samples import HERE, METHODS, draw, fill


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg-cache"))


@pytest.fixture
def album(tmp_path):
    """The path of a small collection of its own."""
    fill(tmp_path / "photos", 6)
    with Collection(tmp_path / "album") as made:
        made.index([tmp_path / "photos"], methods=METHODS, options=HERE)
    return tmp_path / "album"


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(publish, "_PICTURES", 2)


def held(path):
    """Everything that a collection knows of its pictures, by id."""
    with Collection(path) as album:
        searcher = album._own_searcher()
        records = {one.id: one for one in album.records(album.ids())}
        rows = {
            (name, int(id_)): searcher.method(name).pack(searcher.descriptor(name, int(id_))).tobytes()
            for name in album.methods
            for id_ in np.setdiff1d(searcher.items(name).ids, searcher.view.tombstones)
        }
        return records, rows, album.roots, album.failures()


def counted(address):
    """How many rows each table has."""
    asked, name = Server(parse_address(address)), parse_address(address).name
    tables = asked._tried(lambda client: client.list_collections(), 10)
    kept = [table for table in tables if table.startswith(f"{name}_") and not table.endswith("_facts")]
    return {table: len(asked.query(table, "id >= 0", ["id"], strong=True)) for table in kept}


def test_there_and_back_again_is_the_same(milvus, whole, served, tmp_path):
    report = migrate(served, tmp_path / "back")
    assert held(tmp_path / "back") == held(whole)
    assert report.compared == sum(len(one) for one in held(whole)[:2]) + len(held(whole)[3]) + 1  # and notes.txt
    with Collection(tmp_path / "back") as back:
        assert back.check().problems == []
    again = migrate(served, tmp_path / "back")
    assert not again.changed


def test_an_older_copy_is_not_taken_for_a_newer_one(milvus, album, tmp_path):
    """It would pass for one that knows all, and undo in Milvus what it does not know of."""
    address = milvus.address("older")
    migrate(album, address)
    migrate(address, tmp_path / "back")
    with Collection(tmp_path / "back") as back:
        back.remove([tmp_path / "photos" / "001.png"])
    for _ in range(2):
        with pytest.raises(CollectionError, match="is an older copy, or one that was changed itself"):
            migrate(address, tmp_path / "back")
    migrate(address, tmp_path / "older")
    draw(tmp_path / "photos" / "new.png", 51)
    (tmp_path / "photos" / "000.png").unlink()
    with Collection(album) as here:
        here.index(options=HERE)
    migrate(album, address)
    before = held(tmp_path / "older")
    with pytest.raises(CollectionError, match="is an older copy, or one that was changed itself"):
        migrate(address, tmp_path / "older")
    assert held(tmp_path / "older") == before
    with pytest.raises(CollectionError, match="was written from another copy"):
        migrate(tmp_path / "older", address)


def test_interrupted_on_the_way_back_it_goes_on_and_counts_as_a_copy_only_then(milvus, album, tmp_path, monkeypatch):
    address = milvus.address("back")
    migrate(album, address)
    monkeypatch.setattr(fetch, "_PICTURES", 3)
    real, calls = fetch._take, []

    def failing(*taken):
        calls.append(taken)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(*taken)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(fetch, "_take", failing)
        migrate(address, tmp_path / "back")
    with pytest.raises(CollectionError, match="was written from another copy"):
        migrate(tmp_path / "back", address)
    assert migrate(address, tmp_path / "back").compared == 18
    assert held(tmp_path / "back") == held(album)


def test_what_could_not_begin_leaves_nothing_behind(milvus, tmp_path):
    address = milvus.address("nothing")
    (tmp_path / "empty").mkdir()
    with Collection(address) as there:
        there.index([tmp_path / "empty"], methods=METHODS, options=HERE)
        assert counted(address) == {} and len(there) == 0


def test_descriptors_that_do_not_fit_are_one_line(monkeypatch):
    monkeypatch.setattr(tables, "LONGEST", 10)
    with pytest.raises(CollectionError, match="descriptors of 44 letters do not fit into Milvus"):
        tables.descriptor_rows(HammingKind(32), np.arange(2), np.zeros((2, 32), np.uint8))


def test_tables_of_something_else_are_refused(milvus, album):
    address = milvus.address("foreign")
    catalogue = MilvusCatalogue(Server(parse_address(address)))
    kinds = publish.data_types()
    fields = [("id", kinds.INT64, {"is_primary": True}), ("vector", kinds.FLOAT_VECTOR, {"dim": 2})]
    catalogue.server.create([server.Table(catalogue.tables.records, fields, tables.NO_INDEX)])
    with pytest.raises(CollectionError, match=r"milvus://.*foreign") as told:
        migrate(album, address)
    assert "\n" not in str(told.value)


def test_only_what_is_different_is_written(milvus, album, tmp_path):
    address = milvus.address("different")
    first = migrate(album, address)
    assert (first.records, first.descriptors) == (6, {"phash": 6, "color": 6})
    assert not migrate(album, address).changed
    (tmp_path / "photos" / "000.png").unlink()
    (tmp_path / "photos" / "001.png").rename(tmp_path / "photos" / "moved.png")
    draw(tmp_path / "photos" / "new.png", 77)
    with Collection(album) as here, Collection(address) as there:
        there.search(id=2)
        here.index(options=HERE)
        report = migrate(album, address)
        assert (report.records, report.deleted) == (2, 1)
        assert report.descriptors == {"phash": 1, "color": 1}
        there.close()
        assert there.ids().tolist() == here.ids().tolist()
        assert there.record(2).path.endswith("moved.png")
        assert [one.id for one in there.search(tmp_path / "photos" / "new.png", k=1)] == [here.ids()[-1]]


def test_a_picture_that_is_gone_is_not_found(milvus, album):
    address = milvus.address("gone")
    migrate(album, address)
    with Collection(album) as here:
        path = here.record(3).path
        here.remove([path])
    migrate(album, address)
    with Collection(address) as there:
        assert 3 not in [one.id for one in there.search(path, k=10, methods="color")]
        assert there.record(3) is None and len(there) == 5


@pytest.mark.parametrize("after", [1, 4, 8])
def test_interrupted_it_goes_on(milvus, album, small_batches, monkeypatch, after):
    address = milvus.address(f"interrupted{after}")
    real, calls = Server.upsert, []

    def failing(self, table, rows):
        if rows:
            calls.append(table)
        if len(calls) == after:
            raise KeyboardInterrupt
        real(self, table, rows)

    monkeypatch.setattr(Server, "upsert", failing)
    with pytest.raises(KeyboardInterrupt):
        migrate(album, address)
    monkeypatch.setattr(Server, "upsert", real)
    assert migrate(album, address).compared == 18
    assert set(counted(address).values()) == {6}


def test_another_collection_does_not_take_its_place(milvus, album, tmp_path):
    address = milvus.address("taken")
    migrate(album, address)
    with Collection(tmp_path / "other") as other:
        other.index([draw(tmp_path / "x" / "x.png", 5)], methods=METHODS, options=HERE)
    with pytest.raises(CollectionError, match="holds another collection"):
        migrate(tmp_path / "other", address)
    with pytest.raises(CollectionError, match="holds another collection"):
        migrate(address, tmp_path / "other")
    assert len(held(tmp_path / "other")[0]) == 1


def test_of_two_copies_only_the_one_that_wrote_last_may_write(milvus, album, tmp_path):
    address = milvus.address("copies")
    migrate(album, address)
    shutil.copytree(album, tmp_path / "copy")
    draw(tmp_path / "photos" / "new.png", 50)
    with Collection(album) as here:
        here.index(options=HERE)
    migrate(album, address)
    with pytest.raises(CollectionError, match="was written from another copy"):
        migrate(tmp_path / "copy", address)
    with Collection(address) as there:
        assert len(there) == 7


def test_indexing_removing_and_merging_write_to_milvus_itself(milvus, album, tmp_path):
    address = milvus.address("direct")
    with Collection(address) as there:
        report = there.index([tmp_path / "photos"], methods=METHODS, options=HERE)
        assert report.added == 6 and len(there) == 6
        draw(tmp_path / "more" / "a.png", 60)
        there.index([tmp_path / "more"], options=HERE)
        assert there.search(tmp_path / "more" / "a.png", k=1)[0].label == "same file"
        assert there.remove([tmp_path / "photos" / "000.png"]) == 1
        assert len(there) == 6
        draw(tmp_path / "part-photos" / "b.png", 61)
        with Collection(tmp_path / "part") as part:
            part.index([tmp_path / "part-photos"], methods=METHODS, options=HERE)
        there.merge([tmp_path / "part"])
        assert len(there) == 7 and len(there.roots) == 3


def test_a_machine_that_has_never_written_takes_over_what_is_there(milvus, album, tmp_path, monkeypatch):
    address = milvus.address("machines")
    with Collection(address) as there:
        there.index([tmp_path / "photos"], methods=METHODS, options=HERE)
    draw(tmp_path / "photos" / "new.png", 90)
    with monkeypatch.context() as another, Collection(address) as there:
        another.setenv("XDG_CACHE_HOME", str(tmp_path / "another-machine"))
        report = there.index(options=HERE)
        assert (report.added, report.unchanged) == (1, 6) and len(there) == 7
    with Collection(address) as there:
        with pytest.raises(CollectionError, match=r"was written by another machine .* delete this one's copy"):
            there.index([draw(tmp_path / "more" / "x.png", 91)], options=HERE)
        shutil.rmtree(working_copy(there._milvus.address))
        assert there.index([tmp_path / "more" / "x.png"], options=HERE).added == 1
        assert len(there) == 8


def test_a_server_that_is_away_is_one_line(milvus, monkeypatch):
    monkeypatch.setattr(server, "ASKING", 0.5)
    away = "milvus://127.0.0.1:1/album"
    with pytest.raises(CollectionError, match=rf"{away} does not answer .*start the server"), Collection(away) as there:
        there.search(id=1)
    with pytest.raises(CollectionError, match="no collection at milvus://"), Collection(milvus.address("no")) as there:
        there.search(id=1)


def test_another_format_is_refused(milvus, album):
    address = milvus.address("strange")
    catalogue = MilvusCatalogue(Server(parse_address(address)))
    migrate(album, address)
    (row,) = catalogue.server.query(catalogue.tables.facts, 'name == "state"', ["key", "name", "part", "value"])
    newer = {**row, "value": row["value"].replace('"format": 1', '"format": 9'), "vector": [0.0, 0.0]}
    catalogue.server.upsert(catalogue.tables.facts, [newer])
    with pytest.raises(CollectionError, match="was written by another lookalike"), Collection(address) as there:
        there.search(id=1)
    with pytest.raises(CollectionError, match="was written by another lookalike"):
        migrate(album, address)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("milvus://", "without a host"),
        ("milvus://host", "no name of a collection"),
        ("milvus://host:port/x", "makes no sense"),
        ("milvus://host/a-b", "no name of a collection"),
        ("milvus://host/x?shards=3", "has no 'shards'"),
        ("milvus://host/x?tls=perhaps", "yes or no"),
    ],
)
def test_addresses_that_make_no_sense(text, said):
    with pytest.raises(CollectionError, match=said):
        Collection(text)


def test_a_token_is_never_shown(monkeypatch):
    monkeypatch.setenv(TOKEN_VARIABLE, "from:environment")
    assert parse_address("milvus://host/x").token == "from:environment"
    address = parse_address("milvus://root:se%40cret@host:1/x?database=d&tls=yes")
    assert (address.token, address.uri) == ("root:se@cret", "https://host:1")
    assert "cret" not in str(address) and str(parse_address(str(address))) == str(address)


def test_both_ends_in_the_same_kind_of_place_is_an_error(album, tmp_path):
    for source, target in ((album, tmp_path / "b"), ("milvus://h/a", "milvus://h/b")):
        with pytest.raises(QueryError, match="migrate goes from a directory"):
            migrate(source, target)


def test_what_was_learned_stays_in_its_directory(album):
    with Collection(album) as here, here._store.writing(), here._store.catalogue.transaction() as sql:
        sql.execute('UPDATE methods SET params = \'{"hash_size": 16, "learned": "x"}\' WHERE name = \'phash\'')
    with pytest.raises(CollectionError, match="has learned from captions"):
        migrate(album, "milvus://127.0.0.1:1/x")


def test_killed_while_it_is_written_to_and_searched_nothing_is_lost_and_nothing_twice(milvus, tmp_path, small_batches):
    """The last test: afterwards the server is another one."""
    fill(tmp_path / "photos", 30)
    with Collection(tmp_path / "album") as made:
        made.index([tmp_path / "photos"], methods=METHODS, options=HERE)
    address, written = milvus.address("killed"), threading.Event()
    real = Server.upsert

    def told(self, table, rows):
        real(self, table, rows)
        if "color" in table:
            written.set()

    Server.upsert = told
    done = []
    try:
        writer = threading.Thread(target=lambda: done.append(migrate(tmp_path / "album", address)))
        writer.start()
        assert written.wait(120)
        milvus.kill()
        with pytest.MonkeyPatch.context() as patched, Collection(address) as there:
            patched.setattr(server, "ASKING", 0.5)
            with pytest.raises(CollectionError, match=r"does not answer|no collection"):
                there.search(id=1)
        milvus.start()
        writer.join(300)
    finally:
        Server.upsert = real
    if not done:  # it waited for as long as it does: the same command again
        done.append(migrate(tmp_path / "album", address))
    assert migrate(tmp_path / "album", address).compared == 90
    assert set(counted(address).values()) == {30}
    with Collection(address) as there, Collection(tmp_path / "album") as here:
        for id_ in (1, 15, 30):
            assert [one.id for one in there.search(id=id_)] == [one.id for one in here.search(id=id_)]
