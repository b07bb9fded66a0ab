"""A short campaign: nothing is lost, nothing crashes, nothing differs in silence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import damages
import kills
import scene


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return scene.make(tmp_path_factory.mktemp("campaign"), ("phash", "color"))


def test_commands_are_killed_and_nothing_is_lost(made):
    faults = []
    counts = kills.run(made, 10, 1, faults)
    assert faults == []
    assert sum(counts[name] for name in counts if name.endswith(("killed", "faster"))) == 10


def test_collections_are_damaged_and_nothing_differs_in_silence(made):
    faults = []
    counts = damages.run(made, 12, 1, faults)
    assert faults == [] and counts["damaged"] == 12
