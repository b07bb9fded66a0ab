"""What colours tell of a picture: seventeen numbers for colour words ("red"), moods that are colours
("sunset") and black-and-white photographs."""

from __future__ import annotations

import math
import re

import numpy as np
import PIL.Image
from numpy.typing import NDArray

COLOURS = ("black", "white", "grey", "red", "orange", "brown", "yellow", "green", "blue", "purple", "pink")
MOODS = ("sunset", "fog", "night", "snow", "autumn")
PHOTOGRAPHIC = "monochrome"
CUES = (*COLOURS, *MOODS, PHOTOGRAPHIC)

SIDE = 48
HORIZON = 30  # rows above it are more likely sky
COLOUR_ENOUGH = 0.35  # a red flower is a picture with red in it, not an all-red picture
GREY_ENOUGH = 6.0  # of 255; colours of a dull day differ by more

WORDS = {
    **{name: name for name in CUES},
    **dict.fromkeys(("gray", "silver"), "grey"),
    **dict.fromkeys(("golden", "amber"), "orange"),
    **dict.fromkeys(("violet", "lilac", "lavender"), "purple"),
    **dict.fromkeys(("crimson", "scarlet"), "red"),
    **dict.fromkeys(("turquoise", "azure"), "blue"),
    **dict.fromkeys(("sunsets", "sunrise", "dusk", "dawn", "twilight", "afterglow"), "sunset"),
    **dict.fromkeys(("foggy", "mist", "misty", "haze", "hazy"), "fog"),
    **dict.fromkeys(("nighttime", "midnight", "dark", "darkness"), "night"),
    **dict.fromkeys(("snowy", "snowfall", "blizzard"), "snow"),
    "autumnal": "autumn",
}


_MONOCHROME = re.compile(
    r"\b(?:monochrome|gr[ae]yscale|(?:black (?:and|&) white|black-and-white|b&w|b/w)"
    r"(?=\W*$|\W+(?:photos?|photographs?|photography|pictures?|images?|portraits?|shots?|film)\b))"
)


def cues_in(text: str) -> list[str]:
    """The cues that a text names, each once, in the order of CUES: "a misty dawn" -> ["sunset", "fog"].

    "A black and white photo" is monochrome, "a black and white cat" is black and white.
    """
    plain, photographic = _MONOCHROME.subn(" ", text.lower())
    named = {WORDS[word] for word in re.findall(r"[a-z]+", plain) if word in WORDS}
    if photographic:
        named.add(PHOTOGRAPHIC)
    return [cue for cue in CUES if cue in named]


def measure_cues(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The seventeen cues of a picture (h, w, 3) uint8, in the order of CUES, each roughly 0..1: (17,) float32.

    Colours are shares of the area, taken on a 48 x 48 thumbnail in HSV.
    """
    thumbnail = PIL.Image.fromarray(rgb).resize((SIDE, SIDE), PIL.Image.Resampling.BOX)
    hsv = np.asarray(thumbnail.convert("HSV"), np.float32) / np.float32(255)
    hue, saturation, value = 360 * hsv[..., 0], hsv[..., 1], hsv[..., 2]
    masks = _colours(hue, saturation, value)
    shares = {name: _share(mask) for name, mask in masks.items()}
    warm = masks["orange"] | masks["red"] | masks["yellow"]
    moods = {
        "sunset": _share((warm | masks["pink"])[:HORIZON]) * (1 - min(3 * shares["green"], 1))
        + 0.3 * _share(value[HORIZON:] < 0.35),
        "fog": _share((value > 0.15) & (value < 0.97)) * (1 - float(saturation.mean())) * _softness(value),
        "night": _share(value < 0.25),
        "snow": _share(((value > 0.65) & (saturation < 0.22))[SIDE // 3 :]),
        "autumn": _share(warm | masks["brown"]),
    }
    colours = [min(shares[name], COLOUR_ENOUGH) for name in COLOURS]
    return np.array([*colours, *(moods[name] for name in MOODS), _greyness(np.asarray(thumbnail))], np.float32)


def _greyness(rgb: NDArray[np.uint8]) -> float:
    """1 for a picture without any colour, falling to 0 when channels differ by `GREY_ENOUGH` on average."""
    spread = rgb.max(axis=2).astype(np.int16) - rgb.min(axis=2)
    return max(0.0, 1.0 - float(spread.mean()) / GREY_ENOUGH)


def _softness(value: NDArray[np.float32]) -> float:
    """1 for a picture without any edges, falling to 0 with the mean step between neighbours."""
    step = (float(np.abs(np.diff(value, axis=0)).mean()) + float(np.abs(np.diff(value, axis=1)).mean())) / 2
    return math.exp(-step / 0.02)


def _share(mask: NDArray[np.bool_]) -> float:
    return np.count_nonzero(mask) / mask.size


def _colours(
    hue: NDArray[np.float32], saturation: NDArray[np.float32], value: NDArray[np.float32]
) -> dict[str, NDArray[np.bool_]]:
    """Where each colour is: hue in degrees, saturation and value 0..1, all (48, 48)."""
    vivid = (saturation > 0.25) & (value > 0.2)
    return {
        "black": value < 0.18,
        "white": (value > 0.8) & (saturation < 0.15),
        "grey": (saturation < 0.15) & (value >= 0.18) & (value <= 0.8),
        "red": vivid & ((hue < 12) | (hue > 340)) & (saturation > 0.45),
        "orange": vivid & (hue >= 12) & (hue < 40) & (saturation > 0.5) & (value > 0.5),
        "brown": vivid & (hue >= 8) & (hue < 45) & (value <= 0.6),
        "yellow": vivid & (hue >= 40) & (hue < 68) & (value > 0.4),
        "green": vivid & (hue >= 68) & (hue < 165),
        "blue": vivid & (hue >= 165) & (hue < 260),
        "purple": vivid & (hue >= 260) & (hue < 300),
        "pink": (saturation > 0.2) & (value > 0.6) & (hue >= 300) & (hue <= 345),
    }
