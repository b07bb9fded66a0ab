"""What processes of the server's own get to know of their surroundings."""

from __future__ import annotations

import os
from pathlib import Path


def environment(**more: str) -> dict[str, str]:
    """This process' environment without the server's secrets; the package is found where this process found it."""
    here = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH", "")]))
    kept = {name: value for name, value in os.environ.items() if name != "LOOKALIKE_TOKEN"}
    return {**kept, "PYTHONPATH": path, **more}
