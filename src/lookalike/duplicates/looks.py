"""What the pixels say of links, found out once for each two contents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields, replace
from typing import Any

from lookalike.duplicates.group import KINDS
from lookalike.duplicates.links import Link
from lookalike.duplicates.pixels import Eye, Geometry, Seen
from lookalike.duplicates.proof import Known
from lookalike.duplicates.verdicts import Verdict, Verdicts, key_of

_FIELDS = [field.name for field in fields(Seen)]
_ENDS = ("cropped", "framed", "marked", "softer", "noisier")


class Looks:
    """Looks at links that nobody has looked at yet. Safe for threads.

    geometry: see `pixels.Geometry`; it says what to look for. unchanged: whether the files of a picture are what the
    collection knows of them: what others show is not kept.
    """

    def __init__(
        self, eye: Eye, geometry: Geometry, known: Known, verdicts: Verdicts, unchanged: Callable[[int], bool]
    ) -> None:
        self._eye, self._geometry, self._contents, self._verdicts = eye, geometry, known.contents, verdicts
        self._unchanged = unchanged
        self.all_kept = True

    def look(self, link: Link) -> Link | None:
        """See `pixels.Eye.look`. `all_kept` is false from then on when this cannot be remembered."""
        proof = self._geometry(link)
        maps = (link.start, None if proof is None else proof.map)
        starts = [map_.tolist() for map_ in maps if map_ is not None]
        key = key_of(
            *("look", self._contents[link.first], self._contents[link.second]),
            *(link.kind, link.variant, _end(link, link.whole), link.bits, starts),
        )
        verdict = self._verdicts.recall(key)
        if verdict is not None and _is_look(verdict):
            return _as_told(link, verdict) if verdict else None
        found = self._eye.look(link)
        if self._eye.sees(link) and self._unchanged(link.first) and self._unchanged(link.second):
            self._verdicts.keep(key, [] if found is None else _told(found))
        else:
            self.all_kept = False
        return found


def _end(link: Link, id_: int | None) -> int | None:
    return None if id_ is None else (link.first, link.second).index(id_)


def _told(link: Link) -> Verdict:
    """The verdict that a link which was looked at is, with ends instead of ids."""
    told = None if link.seen is None else asdict(link.seen)
    values = told and [_end(link, value) if name in _ENDS else value for name, value in told.items()]
    return [link.kind, _end(link, link.whole), values]


def _as_told(link: Link, verdict: Verdict) -> Link:
    ids: dict[int | None, int | None] = {None: None, 0: link.first, 1: link.second}
    kind, whole, values = verdict
    if values is None:
        return replace(link, kind=kind, whole=ids[whole])
    told: dict[str, Any] = dict(zip(_FIELDS, values, strict=True))
    seen = Seen(**{**told, **{name: ids[told[name]] for name in _ENDS}})
    return replace(link, kind=kind, whole=ids[whole], seen=seen)


def _is_look(verdict: Verdict) -> bool:
    """Whether a verdict that was read is one of these: a file can be made by anybody."""
    if not verdict:
        return True
    if len(verdict) != 3 or verdict[0] not in KINDS or verdict[1] not in (None, 0, 1):
        return False
    values = verdict[2]
    if values is None:
        return True
    if not isinstance(values, list) or len(values) != len(_FIELDS):
        return False
    told = dict(zip(_FIELDS, values, strict=True))
    return (
        type(told["odds"]) is float
        and type(told["density"]) is float
        and type(told["both_more"]) is bool
        and all(told[name] in (None, 0, 1) for name in _ENDS)
    )
