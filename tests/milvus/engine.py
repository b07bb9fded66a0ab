"""A Milvus server of its own for the tests, from the package `milvus`."""

from __future__ import annotations

import os
import socket
import time
import urllib.error
import urllib.request

import pytest

PATIENCE = 180  # seconds until it is up, on a busy machine
ETCD = (2379, 2380)  # ports that every server takes


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def is_free(port):
    with socket.socket() as found:
        return found.connect_ex(("127.0.0.1", port)) != 0


class Engine:
    """A server in a directory of its own, of which a machine can have one. `kill` gives it no time to write."""

    def __init__(self, folder, **settings):
        from milvus import MilvusServer

        self.folder, self.port = folder, free_port()
        self._server = MilvusServer(wait_for_started=False)
        self._server.set_base_dir(str(folder))
        for name, value in settings.items():
            self._server.config.set(name, value)
        self._server.listen_port = self.port

    def start(self):
        last = time.monotonic() + PATIENCE
        while not all(map(is_free, ETCD)) and time.monotonic() < last:  # of one that is just ending
            time.sleep(0.2)
        self._server.start()
        while not self._is_up():
            if self._server.server_proc.poll() is not None or time.monotonic() > last:
                pytest.fail(f"Milvus did not start, is there another one? See {self.folder}/logs/milvus-stderr.log")
            time.sleep(0.2)

    def kill(self):
        self._server.server_proc.kill()
        self._server.server_proc.wait()

    def stop(self):
        self._server.stop()

    def address(self, name):
        return f"milvus://127.0.0.1:{self.port}/{name}"

    def _is_up(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._server.webservice_port}/healthz", timeout=5) as said:
                return b"OK" in said.read()
        except (urllib.error.URLError, OSError):
            return False


def started(folder):
    """A running server; where there can be none the test is skipped, but in CI it fails."""
    try:
        engine = Engine(folder)
    except ImportError:
        if os.environ.get("CI") == "true":
            pytest.fail("the package milvus is not installed")
        pytest.skip("the package milvus has no wheel for this machine")
    engine.start()
    return engine
