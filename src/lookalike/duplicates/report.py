"""Groups of copies as a table for other programs (CSV), and as one page to look at: no script, nothing loaded."""

from __future__ import annotations

import base64
import csv
import io
import os
from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path

from lookalike.duplicates.group import CROP, EDITED, EXACT, KINDS, SAME, Group, Member
from lookalike.errors import CollectionError, ImageError, printable
from lookalike.pictures.open import open_image

STYLE = Path(__file__).with_name("report.css")
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
MOST_GROUPS, MOST_MEMBERS = 500, 24
THUMBNAIL, QUALITY = 320, 78
COLUMNS = ("group", "kind", "keep", "path", "variant", "width", "height", "bytes", "sha256", "expected_false", "reason")

MEANINGS = {
    EXACT: "the same file, byte for byte",
    SAME: "the same picture in another size, format or quality",
    EDITED: "the same picture with other colours, text on it, a frame, mirrored, turned ...",
    CROP: "a part of the picture that is kept",
}


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
    """The gallery as HTML: the first MOST_GROUPS groups, with thumbnails inside it."""
    shown = groups[:MOST_GROUPS]
    common = _common_folder([one.path for group in shown for one in group.members])
    sections = []
    for kind in KINDS:
        numbered = [(number, group) for number, group in enumerate(shown, 1) if group.kind == kind]
        if numbered:
            of_kind = sum(group.kind == kind for group in groups)
            cards = "".join(_group(number, group, common) for number, group in numbered)
            sections.append(
                f'<h2 id="{kind.replace(" ", "-")}">{_headline(kind)} <span>{of_kind:,}</span></h2>\n'
                f'<p class="soft">{escape(MEANINGS[kind])}</p>\n<div class="groups">{cards}</div>\n'
            )
    if len(groups) > len(shown):
        sections.append(f'<p class="soft">{len(groups) - len(shown):,} more groups are not shown.</p>\n')
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>lookalike: what is here twice</title>\n<style>\n{STYLE.read_text(encoding='utf-8')}</style>\n"
        f"</head>\n<body>\n<main>\n{_head(groups, common)}{''.join(sections)}</main>\n</body>\n</html>\n"
    )


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
    copies = [one for group in groups for one in group.others]
    kinds = Counter(group.kind for group in groups)
    figures = [
        ("groups", f"{len(groups):,}"),
        ("copies besides the ones to keep", f"{len(copies):,}"),
        ("taken by copies", size(sum(one.bytes for one in copies))),
    ]
    boxes = "".join(f"<div><dd>{value}</dd><dt>{name}</dt></div>" for name, value in figures)
    links = " ".join(
        f'<a href="#{kind.replace(" ", "-")}">{_headline(kind)} <b>{kinds[kind]:,}</b></a>'
        for kind in KINDS
        if kinds[kind]
    )
    folder = f" Paths are below <code>{escape(printable(common))}</code>." if common else ""
    return (
        f'<h1>What is here twice</h1>\n<p class="lede">The picture to keep comes first in each group, with the reason '
        f"under it.{folder}</p>\n"
        f'<dl class="figures">{boxes}</dl>\n<nav>{links}</nav>\n'
    )


def _headline(kind: str) -> str:
    return {EXACT: "Exact copies", SAME: "Same picture", EDITED: "Edited copies", CROP: "Crops"}[kind]


def _group(number: int, group: Group, common: str) -> str:
    members = group.members[:MOST_MEMBERS]
    figures = "".join(_figure(one, one.id == group.keeper, common) for one in members)
    more = len(group.members) - len(members)
    if more:
        figures += f'<p class="more">and {more:,} more</p>'
    chance = "" if group.kind == EXACT else f' <span title="{_CHANCE}">{_chance(group.expected_false)}</span>'
    header = f"<header><b>{number}</b> {escape(group.reason)}{chance}</header>"
    wide = " class=wide" if len(members) > 2 else ""
    return f'<section{wide}>{header}<div class="row">{figures}</div></section>\n'


_CHANCE = "expected_false: how many pairs so close chance alone would bring in the whole collection"


def _chance(expected: float) -> str:
    return "by chance: practically never" if expected < 1e-9 else f"by chance: {expected:.1g} such pairs"


def _figure(one: Member, kept: bool, common: str) -> str:
    kind = "keep" if kept else one.kind if one.variant == "as is" else f"{one.kind}, {one.variant}"
    name = printable(one.path[len(common) :] if common else one.path)
    return (
        f'<figure{" class=keep" if kept else ""}><div class="mat">{_thumbnail(one)}</div>'
        f'<figcaption><span class="tag">{escape(kind)}</span> {one.width:,} &times; {one.height:,} '
        f"&middot; {size(one.bytes)}<small>{escape(name)}</small></figcaption></figure>"
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
