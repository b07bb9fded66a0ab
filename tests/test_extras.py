"""How extras are installed is said in one place, truly: the package is in no registry yet."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from lookalike.extras import how_to_install

TOP = Path(__file__).parents[1]
EXTRAS = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["optional-dependencies"]
TEXTS = [
    path
    for pattern in ("src/lookalike/**/*.py", "docs/**/*.md", "README.md", "CHANGELOG.md", "script/*", "benchmarks/*.py")
    for path in TOP.glob(pattern)
    if path.is_file()
]


def test_the_command_is_that_of_a_clone():
    assert how_to_install("map") == "pip install '.[map]' in a clone of lookalike"


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(TOP)))
def test_no_text_names_a_package_that_is_not_in_a_registry_or_an_extra_that_is_not_there(path):
    text = path.read_text()
    assert not re.search(r"lookalike\[\w+\]|pip install '?\"?lookalike", text)
    told = re.findall(r"'\.\[(\w+)\]'", text) + re.findall(r"how_to_install\(['\"](\w+)", text)
    assert set(told) <= set(EXTRAS)
    if path.suffix == ".py" and path.parts[-2:] != ("lookalike", "extras.py") and "src" in path.parts:
        # a docstring that is a command's help is the one other place, since it cannot be put together
        assert all(f"{line} in a clone of lookalike" in text for line in re.findall(r"pip install '.*?'", text))
