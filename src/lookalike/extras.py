"""How the optional parts of lookalike are installed: the one place that says it."""

from __future__ import annotations


def how_to_install(extra: str) -> str:
    """The command that adds an extra such as "map". The package is in no registry yet: it is installed from a clone."""
    return f"pip install '.[{extra}]' in a clone of lookalike"
