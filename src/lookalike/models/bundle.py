"""Where the files that come with lookalike are; provenance.json among them tells where each is from."""

from pathlib import Path

BUNDLED_FILES = Path(__file__).parent / "data"
