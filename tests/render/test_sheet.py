"""Contact sheets: every picture whole, readable captions, nothing that a file or a name can break."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.render.lettering import Hand, own_font
from lookalike.render.sheet import (
    MAT,
    OUTLINE,
    PER_PAGE,
    RULE,
    STRENGTH,
    TILE,
    Tile,
    _fitted,
    contact_sheets,
    fitting_columns,
    page_count,
)

RED, BLUE = (200, 0, 0), (0, 0, 200)


def contact_sheet(query, title, tiles):
    """The only page of a question with one picture or none."""
    (page,) = contact_sheets(title, "", [query] if query else [], tiles)
    return page


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


def test_a_page_is_as_wide_as_its_hits_ask_for_and_wider_than_high():
    sizes = [contact_sheet(None, "title", [Tile(plain(RED))] * count).size for count in (1, 2, 3, 12, 60)]
    assert [width for width, _ in sizes] == sorted({width for width, _ in sizes})
    assert all(width > height for width, height in sizes[1:])


def test_rows_are_filled_where_that_is_possible():
    assert [fitting_columns(count) for count in (0, 1, 2, 3, 4, 8, 10, 12, 20, 200)] == [1, 1, 2, 3, 2, 4, 5, 4, 5, 10]
    assert all(1 <= fitting_columns(count) <= max(1, min(count, 10)) for count in range(1000))


def test_the_strength_is_a_bar_below_the_picture():
    for strength, filled in ((0, 0), (0.25, TILE / 4), (1, TILE), (7, TILE)):
        page = contact_sheet(None, "", [Tile(plain(RED, 100, 100), strength=strength)])
        bars = page.crop((36, place(page, RED)[3], 36 + TILE, page.height))
        assert count(bars, STRENGTH) == filled * 4
        assert count(bars, RULE) == (TILE - filled) * 4
    assert count(contact_sheet(None, "", [Tile(plain(RED))]), STRENGTH) == 0


def test_all_pictures_of_a_sum_stand_left_of_the_hits():
    queries = [Tile(plain(RED, 900, 900), ("+ red",)), Tile(plain(BLUE, 900, 900), ("− blue",))]
    (page,) = contact_sheets("title", "", queries, [Tile(plain((0, 200, 0), 900, 900))])
    red, blue, green = place(page, RED), place(page, BLUE), place(page, (0, 200, 0))
    assert red[3] < blue[1]
    assert max(red[2], blue[2]) < green[0]
    assert blue[3] < page.height


def test_the_note_stands_below_the_title():
    bare, noted = (next(contact_sheets("", note, [], [Tile(plain(RED))])) for note in ("", "3 pictures in here"))
    assert len(noted.crop((0, 0, 200, place(noted, MAT)[1])).getcolors()) > 1
    assert len(bare.crop((0, 0, 200, place(bare, MAT)[1])).getcolors()) == 1


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


def test_a_long_answer_takes_several_pages_of_one_width_and_shows_every_hit():
    tiles = [Tile(plain(RED, 4, 4))] * (2 * PER_PAGE) + [Tile(plain(BLUE, 4, 4))]
    pages = list(contact_sheets("title", "", [], tiles))
    assert len(pages) == page_count(len(tiles)) == 3
    assert pages[0].width == pages[1].width == pages[2].width
    assert [count(page, RED) for page in pages] == [PER_PAGE * 100, PER_PAGE * 100, 0]
    assert count(pages[2], BLUE) == 100
    assert pages[0].tobytes() != pages[1].tobytes()  # the title tells which page it is


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
