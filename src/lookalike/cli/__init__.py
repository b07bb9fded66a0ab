"""The command line. One file per command; this one only starts it."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; exit codes: 0 done, 1 could not be done, 2 asked wrongly, 130 interrupted."""
    from lookalike.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        # A file name that the terminal's encoding lacks is no reason to stop.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="lookalike")
