"""The map as one page to walk in: complete in itself, nothing is loaded from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lookalike.atlas.shown import everyday
from lookalike.atlas.sprites import Sheets, along_curve, sprite_sheets
from lookalike.errors import CollectionError, printable

if TYPE_CHECKING:
    from lookalike.atlas.atlas import Atlas
    from lookalike.atlas.reduce import Places
    from lookalike.atlas.spread import Tiles

PARTS = Path(__file__).with_name("walk")
SCRIPTS = ("data.js", "camera.js", "sprites.js", "draw.js", "gestures.js", "panel.js", "main.js")
UNIT = 100_000  # coordinates are whole numbers of this part of the map


def write_page(file: str | os.PathLike[str], atlas: Atlas, progress: Callable[[int], None] | None = None) -> list[str]:
    """Write the page; the paths of pictures that could not be read, which are grey.

    CollectionError when the file cannot be written.
    """
    unread: list[str] = []
    text = page(atlas, unread, progress)
    temporary = Path(file).with_name(f"{Path(file).name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(file)
    except OSError as error:
        raise CollectionError(f"{printable(Path(file))} cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return unread


def page(atlas: Atlas, unread: list[str], progress: Callable[[int], None] | None = None) -> str:
    """The page as HTML; the paths of pictures that cannot be read are added to `unread`.

    What is needed for the first view stands before the script, the large thumbnails behind it.
    """
    data, small, large = walk_data(atlas, unread, progress)
    script = "\n".join(re.sub("^export ", "", _part(name), flags=re.MULTILINE) for name in SCRIPTS)
    style = _part("style.css")
    policy = (
        "default-src 'none'; img-src data:; "
        f"script-src '{_digest(script)}'; style-src '{_digest(style)}'; base-uri 'none'; form-action 'none'"
    )
    filled = {
        "POLICY": escape(policy),
        "TITLE": escape(f"{len(atlas):,} pictures - lookalike map"),
        "STYLE": style,
        "DATA": _json({**data, **_words(atlas, data["ids"])}),
        "SMALL": _blocks("small", small),
        "SCRIPT": script,
        "LARGE": _blocks("large", large),
    }
    pieces = _part("page.html").split("%%")  # text, name, text, name ... text
    return "".join(filled[piece] if number % 2 else piece for number, piece in enumerate(pieces))


def walk_data(
    atlas: Atlas, unread: list[str], progress: Callable[[int], None] | None = None
) -> tuple[dict[str, Any], Sheets, Sheets]:
    """What the script reads, and the small and the large thumbnails; see `page`."""
    tiles = atlas.tiles()
    order = along_curve(tiles.centres)
    ratios = tiles.sizes[order, 0] / tiles.sizes[order, 1]
    small, large = sprite_sheets([atlas.paths[place] for place in order], ratios, unread, progress)
    return _data(atlas, tiles, order, small, large), small, large


def relative_paths(paths: Sequence[str]) -> tuple[str, list[str]]:
    """The folder that all are in, and the paths within it; on one line of valid text each."""
    if not paths:
        return "", []
    root = os.path.commonpath([os.path.dirname(path) for path in paths])
    return printable(root), [printable(os.path.relpath(path, root)) for path in paths]


def _data(atlas: Atlas, tiles: Tiles, order: Places, small: Sheets, large: Sheets) -> dict[str, Any]:
    """What the script reads; pictures are numbered in the order of the sheets."""
    number = {int(id_): place for place, id_ in enumerate(atlas.ids[order])}
    layer = np.empty(len(order), np.int64)
    layer[tiles.order] = np.arange(len(order))
    root, names = relative_paths([atlas.paths[place] for place in order])
    regions = []
    for region in atlas.regions:
        members = [number[int(id_)] for id_ in region.ids]
        x, y = np.median(tiles.centres[order][members], axis=0)
        regions.append({"name": region.name, "x": round(float(x) * UNIT), "y": round(float(y) * UNIT), "of": members})
    return {
        "ids": atlas.ids[order].tolist(),
        "unit": UNIT,
        "size": [round(tiles.width * UNIT), round(tiles.height * UNIT)],
        "folder": os.path.basename(root),
        "names": names,
        "frames": np.rint(np.hstack([tiles.centres, tiles.sizes])[order] * UNIT).astype(int).ravel().tolist(),
        "layers": layer[order].tolist(),
        "near": [[number[int(id_)] for id_ in atlas.neighbours[place]] for place in order],
        "regions": regions,
        "small": {"side": small.side, "columns": small.columns, "sheets": len(small.files)},
        "large": {"side": large.side, "columns": large.columns, "sheets": len(large.files)},
    }


def _words(atlas: Atlas, ids: list[int]) -> dict[str, Any]:
    """The everyday words, and of each picture the numbers of those that fit it, each followed by how well, in per
    cent: a page alone in a file can ask nobody."""
    order = np.searchsorted(atlas.ids, ids)
    pairs = np.stack([atlas.shown.words[order].astype(int), atlas.shown.relevance[order].astype(int)], axis=2)
    return {"words": everyday(), "shown": [own[own[:, 0] >= 0].ravel().tolist() for own in pairs]}


def _json(value: Any) -> str:
    """JSON that no script element ends in, whatever the names of files."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _blocks(kind: str, sheets: Sheets) -> str:
    """The sheets as text that the browser keeps but does not read: they are decoded when they are needed."""
    return "\n".join(
        f'<script type="text/plain" id="{kind}-{number}">{base64.b64encode(file).decode()}</script>'
        for number, file in enumerate(sheets.files)
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _part(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")
