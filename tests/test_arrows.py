"""What may import what: arrows between the rooms go down only."""

import ast
from pathlib import Path

import pytest

import lookalike

HOUSE = Path(lookalike.__file__).parent
FLOORS = [
    {"arrays", "pictures"},
    {"index", "store"},
    {"methods", "models", "significance", "query"},
    {"duplicates", "atlas", "search", "ingest", "render", "milvus"},
    {"collection", "contents"},
    {"evaluate"},
    {"cli", "server"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def imports(path):
    """The rooms that a file imports from, also where it does so late or for type checking only."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [node.module] if isinstance(node, ast.ImportFrom) else []
        names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
        yield from (name.split(".")[1] for name in names if name and name.startswith("lookalike."))


@pytest.mark.parametrize("room", sorted(set(FLOOR) - {"collection", "contents"}))
def test_a_room_imports_nothing_from_above(room):
    above = {
        (path.name, other)
        for path in (HOUSE / room).rglob("*.py")
        for other in imports(path)
        if FLOOR.get(other, -1) > FLOOR[room]
    }
    assert above == set()
