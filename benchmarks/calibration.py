"""Are the numbers honest? Hits by chance against those announced, on pictures that were not used for fitting.

    python benchmarks/calibration.py FOLDER [--skip NAME ...] [--queries N] [--svg docs/calibration.svg]

Half of the pictures below FOLDER are indexed; pictures of the other half, which have no counterpart there, ask. Of a
method whose numbers are honest, a query gets on average e pictures with expected_false <= e. --skip leaves out
subfolders with copies or series: their hits are not false.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from lookalike import Collection, LookalikeError

LIMITS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
GRID = 10.0 ** np.arange(-3.0, 2.01, 0.125)
COLOURS = {"phash": "#1b6ca8", "color": "#d1495b", "local": "#8d5a97", "embedding": "#2e8b57", "auto": "#222222"}


def chances(album: Collection, queries: list[Path], method: str) -> tuple[list[float], int]:
    """expected_false of every picture found by a method for any query, and how many queries could be asked."""
    found: list[float] = []
    asked = 0
    for query in track(queries, method):
        try:
            matches = album.search(query, methods=method, k=len(album))
        except LookalikeError:
            continue  # no picture, or one with nothing to describe
        asked += 1
        found += [match.expected_false for match in matches if match.expected_false is not None]
    return found, asked


def hits_per_query(found: list[float], asked: int, limits: np.ndarray) -> np.ndarray:
    """How many pictures with expected_false <= each limit a query gets on average."""
    return np.searchsorted(np.sort(found), limits, side="right") / max(asked, 1)


def show(curves: dict[str, np.ndarray], asked: dict[str, int], pictures: int) -> None:
    """The table: hits per query, and in brackets how many times as many as announced."""
    table = Table("method", "queries", *(f"e <= {limit:g}" for limit in LIMITS), title=f"{pictures} pictures indexed")
    for method, hits in curves.items():
        cells = [f"{count:.4g} ({count / limit:.2f}x)" for count, limit in zip(hits, LIMITS, strict=True)]
        table.add_row(method, str(asked[method]), *cells)
    Console(width=140).print(table)


def drawing(curves: dict[str, np.ndarray]) -> str:
    """An SVG: hits per query over expected_false, both logarithmic, with the ideal and the factor-of-3 band."""
    size, margin, low, high = 440, 56, -3.0, 2.0
    scale = (size - 2 * margin) / (high - low)

    def at(expected: float, hits: float) -> str:
        x, y = (np.clip(np.log10(max(value, 1e-9)), low, high + 0.3) for value in (expected, hits))
        return f"{margin + (x - low) * scale:.1f},{size - margin - (y - low) * scale:.1f}"

    band = " ".join([at(1e-3, 3e-3), at(100 / 3, 100), at(100, 100), at(100, 100 / 3), at(3e-3, 1e-3), at(1e-3, 1e-3)])
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size + 90}" height="{size}" font-family="sans-serif" '
        'font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<polygon points="{band}" fill="#eeeeee"/>',
        f'<polyline points="{at(1e-3, 1e-3)} {at(100, 100)}" stroke="#999" stroke-dasharray="5 4" fill="none"/>',
    ]
    for power in range(int(low), int(high) + 1):
        x, y = at(10.0**power, 1e-3).split(",")[0], at(1e-3, 10.0**power).split(",")[1]
        lines += [
            f'<line x1="{x}" y1="{margin}" x2="{x}" y2="{size - margin}" stroke="#ddd"/>',
            f'<line x1="{margin}" y1="{y}" x2="{size - margin}" y2="{y}" stroke="#ddd"/>',
            f'<text x="{x}" y="{size - margin + 18}" text-anchor="middle">{10.0**power:g}</text>',
            f'<text x="{margin - 8}" y="{float(y) + 4}" text-anchor="end">{10.0**power:g}</text>',
        ]
    for place, (method, hits) in enumerate(curves.items()):
        points = " ".join(at(e, h) for e, h in zip(GRID, hits, strict=True) if h >= 1e-3)
        lines.append(f'<polyline points="{points}" stroke="{COLOURS[method]}" stroke-width="2" fill="none"/>')
        lines.append(
            f'<text x="{size - margin + 14}" y="{margin + 18 * place}" fill="{COLOURS[method]}">{method}</text>'
        )
    lines += [
        f'<text x="{size / 2}" y="{size - 14}" text-anchor="middle">expected_false</text>',
        f'<text x="16" y="{size / 2}" text-anchor="middle" transform="rotate(-90 16 {size / 2})">'
        "pictures found per query</text>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--skip", nargs="*", default=[])
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--methods", nargs="*", default=list(COLOURS))
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    files = [path for path in sorted(arguments.folder.rglob("*")) if path.is_file()]
    files = [path for path in files if not set(arguments.skip) & set(path.parts)]
    order = np.random.default_rng(arguments.seed).permutation(len(files))
    kept, asking = (sorted(files[i] for i in part) for part in np.array_split(order, 2))
    queries = [asking[i] for i in np.random.default_rng(1).permutation(len(asking))[: arguments.queries]]
    found: dict[str, tuple[list[float], int]] = {}
    with tempfile.TemporaryDirectory() as folder, Collection(folder) as album:
        album.index(kept, methods=[method for method in arguments.methods if method != "auto"])
        pictures = len(album)
        for method in arguments.methods:
            found[method] = chances(album, queries, method)
    asked = {method: count for method, (_, count) in found.items()}
    table = {method: hits_per_query(*one, np.array(LIMITS)) for method, one in found.items()}
    show(table, asked, pictures)
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    rows = {method: dict(zip(map(str, LIMITS), hits.tolist(), strict=True)) for method, hits in table.items()}
    (results / "calibration.json").write_text(json.dumps({"pictures": pictures, "asked": asked, "hits": rows}))
    if arguments.svg:
        arguments.svg.write_text(drawing({method: hits_per_query(*one, GRID) for method, one in found.items()}))


if __name__ == "__main__":
    main()
