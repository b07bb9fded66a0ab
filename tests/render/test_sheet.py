"""Contact sheets: every picture whole, readable captions, nothing that a file or a name can break."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.render.lettering import Hand, own_font
from lookalike.render.sheet import MAT, MAX_TILES, OUTLINE, TILE, Tile, _fitted, contact_sheet

RED, BLUE = (200, 0, 0), (0, 0, 200)


def plain(color, width=80, height=40):
    return PIL.Image.new("RGB", (width, height), color)


def count(page, color):
    """How many pixels have exactly this colour."""
    return int((np.asarray(page) == color).all(axis=2).sum())


def place(page, color):
    """The box (left, top, right, bottom) around all pixels of this colour."""
    rows, columns = np.nonzero((np.asarray(page) == color).all(axis=2))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_the_query_stands_left_of_the_hits_and_larger():
    page = contact_sheet(Tile(plain(RED, 900, 900)), "title", [Tile(plain(BLUE, 900, 900))])
    query, hit = place(page, RED), place(page, BLUE)
    assert query[2] < hit[0]
    assert query[2] - query[0] > hit[2] - hit[0] == TILE


def test_pictures_keep_their_shape_in_the_middle_of_their_tile():
    page = contact_sheet(None, "title", [Tile(plain(RED, 1000, 500))])
    left, top, right, bottom = place(page, RED)
    assert (right - left, bottom - top) == (TILE, TILE // 2)
    mat = place(page, MAT)
    assert top - mat[1] == mat[3] - bottom == TILE // 4


def test_hits_fill_rows_of_the_given_number_of_columns():
    tiles = [Tile(plain(RED)) for _ in range(5)]
    two, five = (contact_sheet(None, "title", tiles, columns=n) for n in (2, 5))
    assert two.width < five.width
    assert two.height > five.height
    assert contact_sheet(None, "title", tiles, columns=50).size == five.size


def test_small_pictures_are_enlarged_but_not_to_a_blur():
    left, _, right, _ = place(contact_sheet(None, "", [Tile(plain(RED, 10, 10))]), RED)
    assert right - left == 25


def test_captions_lie_below_their_picture():
    bare = contact_sheet(None, "", [Tile(plain(RED))])
    captioned = contact_sheet(None, "", [Tile(plain(RED), ("1  0.97  crop of", "name.jpg"))])
    added = np.asarray(captioned)[bare.height - 36 :]
    assert captioned.height > bare.height
    assert len(np.unique(added.reshape(-1, 3), axis=0)) > 2


def test_an_outline_is_given_in_pixels_of_the_original():
    outline = ((500, 250), (1000, 250), (1000, 500), (500, 500))
    page = contact_sheet(None, "", [Tile(plain(BLUE, 1000, 500), outline=outline)])
    mat, line = place(page, MAT), place(page, OUTLINE)
    assert abs(line[0] - (mat[0] + TILE // 2)) <= 2
    assert abs(line[1] - (mat[1] + TILE // 2)) <= 2
    assert count(contact_sheet(None, "", [Tile(plain(BLUE, 1000, 500))]), OUTLINE) == 0


def test_an_outline_never_leaves_its_picture():
    outline = ((-300, -300), (1300, 250), (1300, 900), (500, 250))
    page = contact_sheet(None, "", [Tile(plain(BLUE, 1000, 500), outline=outline)])
    bare = contact_sheet(None, "", [Tile(plain(BLUE, 1000, 500))])
    assert count(page, OUTLINE) > 0
    assert count(page, MAT) == count(bare, MAT)


@pytest.mark.parametrize("wild", [float("nan"), float("inf"), 1e30])
def test_a_senseless_outline_is_left_out(wild):
    page = contact_sheet(None, "", [Tile(plain(BLUE), outline=((0, 0), (wild, 0), (9, 9), (0, 9)))])
    assert count(page, OUTLINE) == 0


def test_an_unreadable_picture_is_a_grey_tile_that_says_why(tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"not a picture at all")
    page = contact_sheet(
        None, "", [Tile(broken, ("1",)), Tile(tmp_path / "gone.jpg", ("2",)), Tile(plain(RED), ("3",))]
    )
    tiles = [page.crop((36 + i * 260, 90, 36 + i * 260 + TILE, 90 + TILE)) for i in range(3)]
    for tile in tiles[:2]:
        assert TILE * TILE * 0.9 < count(tile, MAT) < TILE * TILE
    assert count(tiles[0], MAT) != count(tiles[1], MAT)  # other reasons, other letters
    assert count(tiles[2], RED) > 0


def test_an_answer_without_hits_is_a_page_too():
    page = contact_sheet(Tile(plain(RED)), "title", [])
    assert place(page, RED)[2] < page.width


def test_a_long_answer_stops_at_a_bounded_page():
    source = plain(RED, 4, 4)
    most = contact_sheet(None, "title", [Tile(source)] * MAX_TILES, columns=20)
    over = contact_sheet(None, "title", [Tile(source)] * (MAX_TILES + 300), columns=20)
    assert over.size == most.size
    assert over.tobytes() != most.tobytes()  # the title tells


def test_no_columns_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="columns"):
        contact_sheet(None, "title", [], columns=0)


@pytest.mark.parametrize(
    "text", ["日本語 ファイル.jpg", "مرحبا", "🏖️👩‍👩‍👧", "two\nlines\x00", "bad\udcff.jpg", "x" * 100_000, ""]
)
def test_any_text_can_be_a_title_or_a_caption(text):
    page = contact_sheet(Tile(plain(RED), (text,)), text, [Tile(plain(BLUE), (text, text))])
    assert page.size == contact_sheet(Tile(plain(RED), ("a",)), "a", [Tile(plain(BLUE), ("a", "b"))]).size


def test_a_name_from_macos_looks_as_any_other():
    apart, joined = (contact_sheet(None, text, [Tile(plain(RED), (text,))]) for text in ("e\u0301te\u0301", "été"))
    assert apart.tobytes() == joined.tobytes()


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x24F), max_size=300), st.integers(40, 400))
def test_a_text_too_wide_keeps_both_ends_and_as_much_as_fits(text, width):
    hand = Hand(own_font(13))
    fitted = _fitted(text, hand, width)
    assert hand.width(fitted) <= width
    if fitted != text:
        start, end = fitted.split("…") if fitted.count("…") == 1 else ("", "")
        assert text.startswith(start)
        assert text.endswith(end)
        assert 0 <= len(start) - len(end) <= 1
