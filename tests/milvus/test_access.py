"""A server that speaks TLS only and wants a password, as companies run it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from engine import Engine

from browsing import missing
from samples import photo

SECRET = "Milvus"  # of root, in a server that is new
TRUSTED = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """Its port, and its certificate. A machine can have one server: this file comes before those that share one."""
    if shutil.which("openssl") is None:
        missing("openssl is not here: it makes the certificate")
    folder = tmp_path_factory.mktemp("guarded")
    certificate, key = folder / "server.pem", folder / "server.key"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    more = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate]
    subprocess.run([*made, *more], check=True, capture_output=True)
    paths = {"server_pem_path": str(certificate), "server_key_path": str(key), "ca_pem_path": str(certificate)}
    engine = Engine(folder / "engine", authorization_enabled=True, tls_mode=1, **paths)
    engine.start()
    yield engine.port, certificate
    engine.stop()


@pytest.fixture
def run(guarded, tmp_path):
    """`lookalike` against that server: (arguments, token in the environment, certificate that is trusted)."""

    def run_(*arguments, token=None, trusted=guarded[1]):
        kept = {name: value for name, value in os.environ.items() if name not in (TRUSTED, "LOOKALIKE_MILVUS_TOKEN")}
        given = {"LOOKALIKE_MILVUS_TOKEN": token, TRUSTED: str(trusted) if trusted else None}
        env = {**kept, **{name: value for name, value in given.items() if value}, "XDG_CACHE_HOME": str(tmp_path)}
        command = [sys.executable, "-m", "lookalike", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=env, timeout=300, check=False)

    return run_


def test_with_its_password_and_its_certificate_it_is_searched(guarded, run, whole, tmp_path):
    address = f"milvus://localhost:{guarded[0]}/guarded?tls=yes"
    copied = run("migrate", "--from", whole, "--to", address, token=f"root:{SECRET}")
    assert copied.returncode == 0, copied.stderr
    photo("coffee.png").crop((20, 20, 200, 150)).save(tmp_path / "part.png")
    written = f"milvus://root:{SECRET}@localhost:{guarded[0]}/guarded?tls=yes"
    found = run("--store", written, "search", tmp_path / "part.png", "-k", 1, "--paths")
    assert found.stdout.strip().endswith("coffee.png"), found.stderr
    assert SECRET not in copied.stdout + copied.stderr + found.stderr


@pytest.mark.parametrize(
    ("token", "trusts", "tls", "said"),
    [
        (f"root:{SECRET}-not", True, "yes", "auth"),
        (None, True, "yes", "auth"),
        (f"root:{SECRET}", False, "yes", "does not answer"),
        (f"root:{SECRET}", True, "no", "does not answer"),
    ],
    ids=["wrong password", "no password", "unknown certificate", "no TLS"],
)
def test_who_does_not_get_in_is_told_in_one_line(guarded, run, token, trusts, tls, said):
    address = f"milvus://localhost:{guarded[0]}/guarded?tls={tls}"
    refused = run("--store", address, "search", "a cat", token=token, trusted=guarded[1] if trusts else None)
    assert refused.returncode == 1 and len(refused.stderr.splitlines()) == 1, refused.stderr
    assert said in refused.stderr and SECRET not in refused.stderr
