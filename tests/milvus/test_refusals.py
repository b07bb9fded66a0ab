"""Servers that are slow, full or busy: what is waited for, and what is said at once. None of these needs a real one."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager

import pytest
from pymilvus.exceptions import MilvusException

from lookalike import Collection, CollectionError
from lookalike.milvus import server
from lookalike.milvus.address import parse_address
from lookalike.milvus.server import Server

FULL = "quota exceeded[reason=disk quota exceeded, please allocate more resources]"
BUSY = "request is rejected by grpc RateLimiter middleware, please retry later: rate limit exceeded[rate=1]"


class Refusing:
    """A client whose server refuses so many requests before it takes one."""

    def __init__(self, message, times):
        self.message, self.times, self.asked = message, times, 0

    def upsert(self, table, batch, timeout):
        self.asked += 1
        if self.asked <= self.times:
            raise MilvusException(message=self.message)


def asking(client):
    made = Server(parse_address("milvus://nowhere:19530/album"))
    made._client = client
    return made


@contextmanager
def silent():
    """The port of something that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        held = []
        thread = threading.Thread(target=lambda: [held.append(listening.accept()) for _ in range(99)], daemon=True)
        thread.start()
        yield listening.getsockname()[1]


def test_a_full_server_is_said_at_once_and_in_its_own_words():
    client = Refusing(FULL, 99)
    with pytest.raises(CollectionError, match=r"milvus://nowhere:19530/album: .*disk quota exceeded, please allocate"):
        asking(client).upsert("records", [{"id": 1}])
    assert client.asked == 1


def test_a_server_that_is_only_busy_is_asked_again(monkeypatch):
    monkeypatch.setattr(server, "_FIRST_WAIT", 0.001)
    client = Refusing(BUSY, 3)
    asking(client).upsert("records", [{"id": 1}])
    assert client.asked == 4


def test_a_server_that_never_answers_ends_in_an_error(monkeypatch):
    monkeypatch.setattr(server, "ASKING", 1.0)
    with silent() as port, Collection(f"milvus://127.0.0.1:{port}/album") as album:
        with pytest.raises(CollectionError, match=f"milvus://127.0.0.1:{port}/album does not answer") as error:
            album.search(text="a cat")
        assert "\n" not in str(error.value)
