"""Every command and option is explained, in its help and in docs/cli.md."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.main import get_command

from lookalike.cli.app import app

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()


def commands(command=None, name="lookalike"):
    command = command or get_command(app)
    yield name, command
    for word, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, f"{name} {word}")


ALL = dict(commands())
OPTIONS = [(name, parameter) for name, command in ALL.items() for parameter in command.params]


def section(name):
    """The part of the page under the command's heading."""
    _, _, rest = PAGE.partition(f"\n## {name}\n" if name != "lookalike" else "\n## Everywhere\n")
    return rest.partition("\n## ")[0]


@pytest.mark.parametrize("name", ALL)
def test_every_command_has_help_and_a_section(name):
    assert ALL[name].help
    assert section(name)


@pytest.mark.parametrize(("name", "parameter"), OPTIONS, ids=lambda value: getattr(value, "name", value))
def test_every_option_and_argument_has_help_and_is_documented(name, parameter):
    assert parameter.help, f"{name}: {parameter.name} has no help text"
    word = parameter.metavar if parameter.param_type_name == "argument" else parameter.opts[0]
    place = PAGE if word == "--collection" else section(name)
    assert f"`{word}" in place, f"docs/cli.md, {name}: {word} is missing"


def test_the_page_documents_no_option_that_is_not_there():
    known = {word for _, parameter in OPTIONS for word in parameter.opts} | {"--help", "-h"}
    documented = {word.split()[0] for word in PAGE.split("`")[1::2] if word.startswith("-") and len(word) > 1}
    assert documented - known == set()
