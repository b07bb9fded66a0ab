"""Mirrored and turned pictures: what one is to another."""

from __future__ import annotations

import PIL.Image

from lookalike.duplicates.group import AS_IS

VARIANTS = ("mirrored", "turned 90", "turned 180")
"""The ways in which pairs are looked for, besides as they are: "turned 270" is "turned 90" the other way round."""
_WAYS = {
    AS_IS: (0, 0),
    "turned 90": (0, 1),
    "turned 180": (0, 2),
    "turned 270": (0, 3),
    "mirrored": (1, 0),
    "mirrored, turned 90": (1, 1),
    "mirrored, turned 180": (1, 2),
    "mirrored, turned 270": (1, 3),
}
"""Mirrored or not, then quarter turns clockwise."""


def between(variant: str, reference: str) -> str:
    """What makes the first out of the second, when it is known what makes each of them out of a third picture."""
    mirrored, turns = _WAYS[variant]
    undone, back = _WAYS[reference]
    # mirroring before a turn is turning the other way before mirroring
    turns = turns - back if mirrored == undone else turns + back
    way = mirrored ^ undone, turns % 4
    return next(name for name, known in _WAYS.items() if known == way)


def undone(picture: PIL.Image.Image, variant: str) -> PIL.Image.Image:
    """The picture that a variant was made of."""
    mirrored, turns = _WAYS[variant]
    back = (None, PIL.Image.Transpose.ROTATE_90, PIL.Image.Transpose.ROTATE_180, PIL.Image.Transpose.ROTATE_270)[turns]
    upright = picture if back is None else picture.transpose(back)
    return upright.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else upright
