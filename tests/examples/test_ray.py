"""The recipe for Ray, with real Ray: a shard whose process is lost is described again, and nothing is missing."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from lookalike import Collection
from samples import fill

SCRIPT = Path(__file__).parents[2] / "examples" / "ray" / "describe.py"
PATIENCE = 240  # seconds, for Ray to start on a busy machine


@pytest.fixture(autouse=True)
def installed():
    if find_spec("ray") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("ray is not installed")
        pytest.skip("ray is not installed")


def test_a_lost_shard_is_described_again(tmp_path):
    folder = fill(tmp_path / "pictures", 160)
    command = [sys.executable, SCRIPT, folder, "--shards", "2", "--out", tmp_path / "parts"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    with subprocess.Popen(
        [*command, "--collection", tmp_path / "album"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        os.kill(_writer(tmp_path / "parts" / "part-1-of-2", run), signal.SIGKILL)
        said, _ = run.communicate(timeout=PATIENCE)
    assert run.returncode == 0, said
    assert "retried" in said
    assert "shard 1/2: " in said and "160 pictures can be found now" in said
    with Collection(tmp_path / "album") as album:
        assert len(album) == 160
        assert album.search(folder / "007.png", k=1)[0].path == str(folder / "007.png")


def _writer(part: Path, run: subprocess.Popen[str]) -> int:
    """The process that has begun to describe a part, once there is one."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and run.poll() is None:
        with contextlib.suppress(OSError, ValueError):
            if (part / "catalogue.sqlite").exists():
                return int((part / "writer").read_text())
        time.sleep(0.02)
    raise AssertionError(f"no shard was begun: {run.communicate()[0]}")
