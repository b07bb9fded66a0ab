"""What tests in a browser need besides the browser itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

AXE = Path(sys.prefix, "share", "axe-core", "axe.min.js")
"""Where script/test puts axe-core, which looks for barriers in a page."""


def missing(what):
    """Skip a test for want of something that script/test installs; in CI that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)
