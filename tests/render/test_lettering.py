"""Letters of other scripts come from the machine's fonts; what no font has is a box, and nothing fails for it."""

from __future__ import annotations

import os
import shutil
import stat

import PIL.Image
import pytest

from lookalike.render import lettering
from lookalike.render.lettering import Face, Hand, SystemFont, find_fonts, fontconfig_match, hands, lacking, own_font

needs_fontconfig = pytest.mark.skipif(shutil.which("fc-match") is None, reason="needs fontconfig")


def font_with(letters, file="any.ttf"):
    return SystemFont(file, 0, frozenset(letters))


@pytest.fixture
def font_file(tmp_path):
    """Pillow's own font as a file."""
    file = tmp_path / "own.ttf"
    file.write_bytes(own_font(13).path.getvalue())
    return str(file)


@pytest.fixture
def fc_match(tmp_path, monkeypatch):
    """A fc-match that answers as told."""

    def answer(script):
        program = tmp_path / "bin" / "fc-match"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(program.parent))

    return answer


def drawn(hand, text):
    page = PIL.Image.new("RGB", (300, 40), "white")
    hand.write(page, (4, 4), text, (0, 0, 0))
    return page.tobytes()


def test_only_what_the_own_font_lacks_is_looked_for():
    assert lacking(frozenset("a name… “Ж中”")) == {"Ж", "中"}


def test_fonts_are_taken_until_no_letter_is_missing(font_file):
    has = [font_with("ЖЩ", font_file), font_with("中", font_file)]
    found = find_fonts(frozenset("ЖЩ中"), lambda missing: max(has, key=lambda font: len(font.letters & missing)))
    assert found == has


def test_letters_that_no_font_has_end_the_search(font_file):
    asked = []

    def match(missing):
        asked.append(missing)
        return font_with("Ж" if "Ж" in missing else "", font_file)

    assert [font.letters for font in find_fonts(frozenset("Ж中"), match)] == [{"Ж"}]
    assert asked == [{"Ж", "中"}, {"中"}]


def test_a_font_that_does_not_open_is_left_out(tmp_path):
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    assert find_fonts(frozenset("Ж"), lambda _: font_with("Ж", str(broken))) == []


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
@pytest.mark.parametrize("script", ["exit 1", "echo nonsense", "printf 'a\\nb\\nc'", "printf '\\377'"])
def test_whatever_fontconfig_says_is_no_error(fc_match, script):
    fc_match(script)
    assert fontconfig_match(frozenset("Ж")) is None


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
def test_a_font_has_the_letters_that_fontconfig_lists(fc_match):
    fc_match("printf '/fonts/some.ttc\\n65538\\n20-7e 416 4e00-4e2d'")
    assert fontconfig_match(frozenset("ЖЩ中")) == SystemFont("/fonts/some.ttc", 2, frozenset("Ж中"))


def test_without_fontconfig_there_are_boxes(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    (hand,) = hands(["Ж"], [13])
    assert drawn(hand, "Ж") == drawn(hand, "中") != drawn(hand, "a")


def test_plain_names_start_no_program(monkeypatch):
    monkeypatch.setattr(lettering.subprocess, "run", lambda *_, **__: pytest.fail("a program was started"))
    hands(["IMG_0042.jpg", "12 · edited…"], [13])


def test_accents_and_spaces_stay_with_the_letters_around_them(font_file):
    other = own_font(20)
    hand = Hand(own_font(13), (Face(other, frozenset("אב")),))
    assert [run for _, run in hand._runs("x אב ב\u0301.jpg")] == ["x ", "אב ב\u0301", ".jpg"]
    assert hand.width("אב") == other.getlength("אב")


@needs_fontconfig
@pytest.mark.parametrize("text", ["ЖЩ", "ő–", "شم", "中文", "हि"])
def test_letters_of_the_systems_fonts_are_told_apart(text):
    (hand,) = hands([text], [13])
    if len(find_fonts(lacking(frozenset(text)))) == 1:
        assert drawn(hand, text[0]) != drawn(hand, text[1])
        assert drawn(hand, text[0]) != drawn(Hand(own_font(13)), text[0])
    else:  # no font of this script here, or not one for all of it
        assert hand.width(text) > 0


@needs_fontconfig
def test_emoji_are_drawn_in_colour_where_a_font_has_them_only_so():
    (hand,) = hands(["😀🐶"], [13])
    fonts = find_fonts(lacking(frozenset("😀")))
    if fonts and fonts[0].coloured:
        page = PIL.Image.new("RGB", (40, 30), "white")
        hand.write(page, (4, 4), "😀", (0, 0, 0))
        colours = {pixel for _, pixel in page.getcolors(1200)}
        assert any(max(pixel) - min(pixel) > 60 for pixel in colours)
        assert 8 <= hand.width("😀") <= 26
    else:  # no emoji on this machine, or such as letters are
        assert hand.width("😀") > 0


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
def test_coloured_fonts_are_asked_for_what_no_other_has(fc_match):
    fc_match("case $3 in *color=true*) printf '/f/emoji.ttf\\n0\\n1f600';; *) printf '/f/plain.ttf\\n0\\n416';; esac")
    assert fontconfig_match(frozenset("😀")) == SystemFont("/f/emoji.ttf", 0, frozenset("😀"), coloured=True)
    assert fontconfig_match(frozenset("😀Ж")) == SystemFont("/f/plain.ttf", 0, frozenset("Ж"))


def test_joiners_and_shades_stay_with_the_emoji_before_them():
    hand = Hand(own_font(13), (Face(own_font(20), frozenset("👩🚀👍")),))
    assert [run for _, run in hand._runs("a👩\u200d🚀👍\U0001f3fd.jpg")] == ["a", "👩\u200d🚀👍\U0001f3fd", ".jpg"]
