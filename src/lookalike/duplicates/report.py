"""Groups of copies as a table for other programs (CSV), and as one page to look at and choose on: nothing is loaded."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import math
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path

from lookalike.duplicates.group import CROP, EDITED, EXACT, SAME, SCENE, Group, Member
from lookalike.duplicates.plan import ABOUT, FORMAT, VERSION, PlannedFile
from lookalike.errors import CollectionError, ImageError, printable
from lookalike.pictures.open import open_image

STYLE, SCRIPT = (Path(__file__).with_name(name) for name in ("report.css", "report.js"))
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{}'"
MOST_GROUPS, MOST_MEMBERS = 500, 24
THUMBNAIL, QUALITY = 320, 78
COLUMNS = ("group", "kind", "keep", "path", "variant", "width", "height", "bytes", "sha256", "expected_false", "reason")

MEANINGS = {
    EXACT: "the same file, byte for byte",
    SAME: "the same picture in another size, format or quality",
    EDITED: "the same picture with other colours, text on it, a frame, mirrored, turned ...",
    CROP: "a part of the picture that is kept",
    SCENE: "other photographs of the same thing, no copies: they are in no plan unless you choose them",
}
ORDER = (CROP, EDITED, SAME, EXACT, SCENE)
"""The kinds on the page: of copies the least sure first, as within each kind."""


def write_csv(groups: Sequence[Group], file: str | os.PathLike[str]) -> None:
    """A line for each member, the ones to keep marked. CollectionError when the file cannot be written."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for number, group in enumerate(groups, 1):
        for one in group.members:
            kept = one.id == group.keeper
            size = (one.width, one.height, one.bytes, one.sha256)
            told = (f"{group.expected_false:.3g}", group.reason if kept else "")
            row = (number, one.kind, "keep" if kept else "", printable(one.path), one.variant, *size, *told)
            writer.writerow(row)
    _write(file, out.getvalue())


def write_page(groups: Sequence[Group], file: str | os.PathLike[str]) -> None:
    """The gallery. CollectionError when the file cannot be written; pictures that cannot be read are grey."""
    _write(file, page(groups))


def page(groups: Sequence[Group]) -> str:
    """The gallery as HTML: the first MOST_GROUPS groups, with thumbnails inside it, and what a plan needs of each."""
    numbered = sorted(enumerate(groups, 1), key=lambda pair: (ORDER.index(pair[1].kind), _sureness(pair[1])))
    shown = numbered[:MOST_GROUPS]
    common = _common_folder([one.path for _, group in shown for one in group.members])
    sections = []
    for kind in ORDER:
        of_kind = [(number, group) for number, group in shown if group.kind == kind]
        if of_kind:
            count = sum(group.kind == kind for group in groups)
            cards = "".join(_group(number, group, common) for number, group in of_kind)
            sections.append(
                f'<h2 id="{kind.replace(" ", "-")}">{_headline(kind)} <span>{count:,}</span></h2>\n'
                f'<p class="soft">{escape(MEANINGS[kind])}</p>\n<div class="groups">{cards}</div>\n'
            )
    if len(groups) > len(shown):
        sections.append(f'<p class="soft">{len(groups) - len(shown):,} more groups are not shown.</p>\n')
    script = SCRIPT.read_text(encoding="utf-8")
    policy = POLICY.format(base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>lookalike: what is here twice</title>\n<style>\n{STYLE.read_text(encoding='utf-8')}</style>\n"
        f"</head>\n<body>\n<main>\n{_head(groups, common)}{''.join(sections)}</main>\n"
        f"{_chooser() if shown else ''}"
        f'<script type="application/json" id="plan">{_for_plan(shown)}</script>\n<script>{script}</script>\n'
        "</body>\n</html>\n"
    )


def _chooser() -> str:
    return (
        '<div class="bar" hidden><output id="chosen"></output>'
        '<button type="button" id="export">Export plan</button></div>\n'
        '<dialog id="flicker"><div class="stage"><img alt=""><img alt=""></div>'
        "<p><b></b> <span>space: hold &middot; arrows: next copy &middot; Esc: close</span></p></dialog>\n"
    )


def _for_plan(shown: Sequence[tuple[int, Group]]) -> str:
    """What the page writes into a plan, as texts: scripts round numbers as large as times in nanoseconds."""
    groups = {
        number: {
            "head": json.dumps({"kind": group.kind, "reason": group.reason, "expected_false": group.expected_false}),
            "files": {one.id: json.dumps(asdict(PlannedFile.of(one))) for one in group.members},
        }
        for number, group in shown
    }
    head = json.dumps({"format": FORMAT, "version": VERSION, "about": ABOUT})
    return json.dumps({"head": head, "groups": groups}).replace("<", "\\u003c")


def _sureness(group: Group) -> float:
    """The odds, for sorting; groups whose pixels were not looked at come first."""
    if group.kind == EXACT:
        return math.inf
    return -math.inf if group.doubt is None or group.unseen else group.doubt


def doubt(group: Group) -> str:
    """How sure a group is, in words."""
    if group.kind == EXACT:
        return "byte for byte"
    if group.doubt is None or group.unseen:
        return "told by hash and keypoints alone"
    if group.kind == SCENE:
        return "another photograph"
    return "surely" if group.doubt > 4 else "very likely" if group.doubt > 2 else "likely; look twice"


def size(count: float) -> str:
    """Bytes for people: "3.4 MB"."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:,.0f} {unit}" if unit == "bytes" or count >= 100 else f"{count:.1f} {unit}"


def _head(groups: Sequence[Group], common: str) -> str:
    if not groups:
        return '<h1>Nothing is here twice</h1>\n<p class="lede">No copies were found.</p>\n'
    copies = [one for group in groups if group.kind != SCENE for one in group.others]
    kinds = Counter(group.kind for group in groups)
    figures = [
        ("groups", f"{len(groups):,}"),
        ("copies besides the ones to keep", f"{len(copies):,}"),
        ("taken by copies", size(sum(one.bytes for one in copies))),
    ]
    boxes = "".join(f"<div><dd>{value}</dd><dt>{name}</dt></div>" for name, value in figures)
    links = " ".join(
        f'<a href="#{kind.replace(" ", "-")}">{_headline(kind)} <b>{kinds[kind]:,}</b></a>'
        for kind in ORDER
        if kinds[kind]
    )
    folder = f" Paths are below <code>{escape(printable(common))}</code>." if common else ""
    return (
        f'<h1>What is here twice</h1>\n<p class="lede">The picture to keep comes first in each group, with the reason '
        "above it. Tick what shall be moved away, choose another one to keep, press a picture to see it flicker with "
        f"the kept one, and export the plan.{folder}</p>\n"
        f'<dl class="figures">{boxes}</dl>\n<nav>{links}</nav>\n'
    )


def _headline(kind: str) -> str:
    return {EXACT: "Exact copies", SAME: "Same picture", EDITED: "Edited copies", CROP: "Crops", SCENE: "Other shots"}[
        kind
    ]


def _group(number: int, group: Group, common: str) -> str:
    members = group.members[:MOST_MEMBERS]
    figures = "".join(_figure(one, group, common) for one in members)
    more = len(group.members) - len(members)
    if more:
        figures += f'<p class="more">and {more:,} more</p>'
    chance = "" if group.kind == EXACT else f' <span title="{_CHANCE}">{_chance(group.expected_false)}</span>'
    header = (
        f'<header><b>{number}</b> <em>{escape(group.kind)}</em> <i class="{"look" if "look" in doubt(group) else ""}">'
        f"{escape(doubt(group))}</i><small>{escape(group.reason)}{chance}</small></header>"
    )
    wide = " class=wide" if len(members) > 2 else ""
    shots = " data-shots" if group.kind == SCENE else ""
    return f'<section{wide} data-group="{number}"{shots}>{header}<div class="row">{figures}</div></section>\n'


_CHANCE = "expected_false: how many pairs so close chance alone would bring in the whole collection"


def _chance(expected: float) -> str:
    return "by chance: practically never" if expected < 1e-9 else f"by chance: {expected:.1g} such pairs"


def _figure(one: Member, group: Group, common: str) -> str:
    kept = one.id == group.keeper
    kind = one.kind if one.variant == "as is" else f"{one.kind}, {one.variant}"
    name = printable(one.path[len(common) :] if common else one.path)
    checked = "" if kept or group.kind == SCENE else " checked"
    return (
        f'<figure{" class=keep" if kept else ""} data-id="{one.id}" data-bytes="{one.bytes}" '
        f'data-variant="{escape(one.variant)}"><div class="mat">{_thumbnail(one)}</div>'
        f'<figcaption><span class="tag">{"keep" if kept else escape(kind)}</span> '
        f"<span class=nb>{one.width:,} &times; {one.height:,}</span> &middot; <span class=nb>{size(one.bytes)}</span>"
        f"<small>{escape(name)}</small>"
        f"<span class=choice hidden><label><input type=checkbox{checked}> move away</label> "
        f"<button type=button>keep this one</button></span></figcaption></figure>"
    )


def _thumbnail(one: Member) -> str:
    try:
        picture = open_image(one.path, size=THUMBNAIL).picture
    except ImageError as error:
        return f'<i class="gap">{escape(error.reason)}</i>'
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=QUALITY)
    encoded = base64.b64encode(data.getvalue()).decode("ascii")
    alt = escape(os.path.basename(printable(one.path)))
    return f'<img src="data:image/jpeg;base64,{encoded}" alt="{alt}" width="{picture.width}" height="{picture.height}">'


def _common_folder(paths: Sequence[str]) -> str:
    """The folder that holds all of them, with its separator at the end; empty when there is none."""
    try:
        folder = os.path.commonpath([os.path.dirname(path) for path in paths]) if paths else ""
    except ValueError:
        return ""
    return os.path.join(folder, "") if len(folder) > 1 else ""


def _write(file: str | os.PathLike[str], text: str) -> None:
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CollectionError(f"{printable(Path(file))} cannot be written: {error.strerror or error}") from error
