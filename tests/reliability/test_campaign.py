"""A short campaign: nothing is lost, nothing crashes, nothing differs in silence."""

from __future__ import annotations

import sys
from collections import Counter
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
    counts, faults = Counter(), []
    kills.run(made, 10, 1, counts, faults)
    assert faults == []
    assert sum(counts[name] for name in counts if name.endswith(("killed", "faster"))) == 10


def test_collections_are_damaged_and_nothing_differs_in_silence(made):
    counts, faults = Counter(), []
    damages.run(made, 12, 1, counts, faults)
    assert faults == [] and counts["damaged"] == 12
