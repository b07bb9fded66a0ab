"""Writing in any script: letters that Pillow's own font lacks come from the system's fonts, by fontconfig."""

from __future__ import annotations

import subprocess
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import cast

import PIL.Image
from PIL import ImageDraw, ImageFont
from PIL.ImageFont import FreeTypeFont

MOST_FONTS = 16  # a page in more scripts than this shows boxes
MOST_LETTERS = 4000  # what fits into an argument of a program
TIMEOUT = 10  # seconds; the first run after fonts were installed reads them all
NO_CHARACTER = "\uffff"
STRIKE = 109  # pixels; the one size in which fonts of coloured letters have them as pictures
_STAYING = ("Mn", "Me", "Cf", "Sk")  # accents, joiners and shades belong to the letter before them


@dataclass(frozen=True, slots=True)
class SystemFont:
    """A font file, the face in it, and which of the letters asked for it has. coloured: they are pictures."""

    file: str
    face: int
    letters: frozenset[str]
    coloured: bool = False


@dataclass(frozen=True, slots=True)
class Face:
    """A font and which letters it is for. coloured: they are pictures of one size; zoom: pixels for each of theirs."""

    font: FreeTypeFont
    letters: frozenset[str] = frozenset()
    coloured: bool = False
    zoom: float = 1.0

    def width(self, text: str) -> float:
        """How wide a text is drawn, in pixels."""
        return self.font.getlength(text) * self.zoom

    def write(self, page: PIL.Image.Image, at: tuple[float, float], text: str, color: tuple[int, int, int]) -> None:
        """A text that begins there, on that line."""
        if not self.coloured:
            ImageDraw.Draw(page).text(at, text, color, self.font, anchor="ls")
            return
        left, top, right, bottom = self.font.getbbox(text, anchor="ls")
        drawn = PIL.Image.new("RGBA", (max(1, round(right - left)), max(1, round(bottom - top))))
        ImageDraw.Draw(drawn).text((-left, -top), text, color, self.font, anchor="ls", embedded_color=True)
        small = drawn.resize([max(1, round(side * self.zoom)) for side in drawn.size], PIL.Image.Resampling.BOX)
        page.paste(small, (round(at[0] + left * self.zoom), round(at[1] + top * self.zoom)), small)


@dataclass(frozen=True, slots=True)
class Hand:
    """Fonts of one size; a letter is drawn by the first that has it, else as the box of Pillow's own font."""

    own: FreeTypeFont
    others: tuple[Face, ...] = ()

    def width(self, text: str) -> float:
        """How wide the text is drawn, in pixels."""
        return sum(face.width(run) for face, run in self._runs(text))

    def write(self, page: PIL.Image.Image, at: tuple[float, float], text: str, color: tuple[int, int, int]) -> None:
        """The text with its upper left corner there; all fonts stand on one line."""
        x, y = at
        if not self.others:
            ImageDraw.Draw(page).text(at, text, color, self.own)
            return
        y += self.own.getmetrics()[0]
        for face, run in self._runs(text):
            face.write(page, (x, y), run, color)
            x += face.width(run)

    def _runs(self, text: str) -> list[tuple[Face, str]]:
        """Stretches of one font each. Accents stay with their letter, and a space between two words of one script
        with both: right-to-left words would come in the wrong order otherwise.
        """
        if not self.others:
            return [(Face(self.own), text)]
        fonts: list[int] = []  # 0: own
        for letter in text:
            found = next((n for n, face in enumerate(self.others, 1) if letter in face.letters), 0)
            fonts.append(fonts[-1] if fonts and unicodedata.category(letter) in _STAYING else found)
        for place in range(1, len(text) - 1):
            if text[place] == " " and fonts[place - 1] == fonts[place + 1]:
                fonts[place] = fonts[place - 1]
        runs = groupby(zip(fonts, text, strict=True), key=lambda pair: pair[0])
        faces = [Face(self.own), *self.others]
        return [(faces[n], "".join(letter for _, letter in pairs)) for n, pairs in runs]


def hands(texts: Iterable[str], sizes: Iterable[int]) -> list[Hand]:
    """A Hand of each size (pixels) that writes these texts, as far as the fonts of this machine have their letters."""
    fonts = find_fonts(lacking(frozenset("".join(texts))))
    return [Hand(own_font(size), tuple(_face(font, size) for font in fonts)) for size in sizes]


def _face(font: SystemFont, size: int) -> Face:
    if not font.coloured:
        return Face(ImageFont.truetype(font.file, size, font.face), font.letters)
    return Face(ImageFont.truetype(font.file, STRIKE, font.face), font.letters, True, size / STRIKE)


def own_font(size: int) -> FreeTypeFont:
    """Pillow's own font, found on every machine."""
    return cast(FreeTypeFont, ImageFont.load_default(size))  # the other kind comes without a size


def lacking(letters: frozenset[str]) -> frozenset[str]:
    """Those that Pillow's own font draws as the box for a missing one."""
    font = own_font(32)
    box = _drawn(font, NO_CHARACTER)
    return frozenset(letter for letter in letters if not letter.isascii() and _drawn(font, letter) == box)


def find_fonts(
    letters: frozenset[str], match: Callable[[frozenset[str]], SystemFont | None] | None = None
) -> list[SystemFont]:
    """As few fonts as have these letters, the one with most of them first. What no font has is left out.

    match: the font with most of some letters (fontconfig's choice by default).
    """
    match, found = match or fontconfig_match, list[SystemFont]()
    missing = frozenset(sorted(letters)[:MOST_LETTERS])
    while missing and len(found) < MOST_FONTS:
        font = match(missing)
        if font is None or not font.letters & missing:
            break
        missing -= font.letters
        if _opens(font):
            found.append(font)
    return found


def fontconfig_match(letters: frozenset[str]) -> SystemFont | None:
    """What fontconfig calls the best font for these letters, a coloured one where no other has any of them; None where
    there is no fontconfig."""
    plain = _fontconfig_match(letters, "sans-serif:scalable=true:color=false", coloured=False)
    if plain is None or plain.letters:
        return plain
    return _fontconfig_match(letters, "emoji:color=true", coloured=True) or plain


def _fontconfig_match(letters: frozenset[str], kind: str, coloured: bool) -> SystemFont | None:
    wanted = " ".join(f"{ord(letter):x}" for letter in sorted(letters))
    try:
        told = subprocess.run(
            ["fc-match", "-f", "%{file}\n%{index}\n%{charset}", f"{kind}:charset={wanted}"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=TIMEOUT,
            check=True,
        )
        file, face, charset = told.stdout.decode().split("\n")
        ranges = [[int(end, 16) for end in part.split("-")] for part in charset.split()]
        return SystemFont(
            file,
            int(face) & 0xFFFF,  # above: an instance of a variable font
            frozenset(letter for letter in letters if any(r[0] <= ord(letter) <= r[-1] for r in ranges)),
            coloured,
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def _opens(font: SystemFont) -> bool:
    try:
        _face(font, 15)
    except OSError:
        return False
    return True


def _drawn(font: FreeTypeFont, letter: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(letter)
    return mask.size, bytes(mask)
