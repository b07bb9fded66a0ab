"""What is no picture, or none that can be read, is one ImageError with a reason that a person understands."""

import os
import re
import sys
import zlib

import numpy as np
import PIL.features
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_files import FILES, FORMATS, heif, quarters, reason_of, saved

from lookalike.errors import ImageError
from lookalike.extras import how_to_install
from lookalike.pictures.open import describe_source, open_image
from samples import photo


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"just a note about pictures", "looks like a text file"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
        (b"\xd7\xcd\xc6\x9a" + bytes(40), "metafile"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"PK\3\4" + bytes(40), "ZIP"),
        (b"\0\0\0\x20ftypisom" + bytes(40), "film"),
        (bytes(300), "zero bytes"),
        (b"\xff\xd8\xff\xe0", "cut short"),
    ],
)
def test_what_is_no_picture_is_called_by_its_name(data, reason):
    assert reason in reason_of(data)


def test_a_file_that_cannot_be_opened_says_why(tmp_path):
    assert reason_of(tmp_path / "missing.jpg") == "no such file"
    assert reason_of(tmp_path) == "a folder, not a picture"
    assert reason_of("a\0b") == "not a valid path"
    os.mkfifo(tmp_path / "pipe")
    assert reason_of(tmp_path / "pipe") == "not a regular file"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "symbolic link" in reason_of(tmp_path / "loop")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_says_so(tmp_path):
    (tmp_path / "secret.png").write_bytes(FILES["PNG"])
    (tmp_path / "secret.png").chmod(0)
    assert reason_of(tmp_path / "secret.png") == "no permission to read it"


@pytest.mark.parametrize("percent", [10, 50, 95])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIF", "TIFF", "BMP"])
def test_a_truncated_picture_is_refused(form, percent):
    noise = PIL.Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    data = heif(noise) if form == "HEIF" else saved(noise, form, **FORMATS[form])
    reason = reason_of(data[: len(data) * percent // 100], strict=True)
    assert "cut short" in reason or "damaged" in reason


def test_a_truncated_jpeg_says_how_much_of_it_there_is():
    data = saved(quarters(400, 300), "JPEG")
    reason = reason_of(data[:-100], strict=True)
    assert reason == f"cut short: {len(data) - 100} bytes are not the whole of a JPEG picture of 400 x 300"


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize(("percent", "there"), [(95, (85, 99)), (85, (76, 95)), (10, None), (0.2, None)])
def test_of_a_truncated_jpeg_the_rows_that_are_there_keep_their_place(mode, percent, there):
    picture = photo("coffee.png").resize((1600, 1200))
    data = saved(picture.convert(mode), "JPEG", quality=90)
    part = data[: int(len(data) * percent / 100)]
    if there is None:
        assert "cut short" in reason_of(part) or "damaged" in reason_of(part)
        return
    image, whole = open_image(part), open_image(data)
    assert whole.damage is None
    found = re.fullmatch(r"cut short: (\d+) % of it is there", image.damage)
    assert there[0] <= int(found[1]) <= there[1]
    assert (image.width, image.height, image.rgb.shape) == (1600, 1200, whole.rgb.shape)
    rows = int(len(whole.rgb) * int(found[1]) / 100) - 2
    np.testing.assert_array_equal(image.rgb[: rows - 6], whole.rgb[: rows - 6])
    assert np.ptp(image.rgb[rows + 16 :], axis=0).max(initial=0) == 0  # the last row, repeated


def png_header(width, height):
    """A PNG that claims a size and holds one row."""

    def chunk(kind, body):
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(999))) + chunk(b"IEND", b"")


def test_the_pixel_limit_is_checked_before_decoding():
    assert reason_of(png_header(20000, 20000)) == "20000 x 20000 pixels is over the limit of 250 megapixels"
    assert "over the limit of 0.003 megapixels" in reason_of(FILES["PNG"], max_pixels=3000)
    assert "over the limit" in reason_of(quarters(), max_pixels=3000)
    assert open_image(FILES["PNG"], max_pixels=64 * 48).width == 64


@pytest.mark.parametrize(
    "data",
    [
        png_header(15000, 15000),
        b"qoif" + (15000).to_bytes(4, "big") * 2 + b"\3\0" + bytes(99),
        saved(PIL.Image.new("P", (8, 8)), "BMP").replace(
            (8).to_bytes(4, "little") * 2, (15000).to_bytes(4, "little") * 2
        ),
        b"P1\n15000 15000\n1 0 1",
        b"P3\n15000 15000\n255\n1 0 1",
    ],
)
def test_a_header_that_promises_more_than_the_bytes_can_hold_is_refused_unread(data):
    assert "15000 x 15000 pixels, but the file has only" in reason_of(data)


def test_what_would_not_fit_into_memory_is_refused_unread():
    data = bytearray(saved(PIL.Image.new("RGB", (16, 16)), "JPEG2000"))
    at = data.index(b"\xff\x51") + 6  # image and tile sizes of the SIZ marker
    for offset in (0, 4, 16, 20):
        data[at + offset : at + offset + 4] = (15000).to_bytes(4, "big")
    at = data.index(b"ihdr") + 4
    data[at : at + 8] = (15000).to_bytes(4, "big") * 2
    assert "GiB of memory" in reason_of(bytes(data))


def dng(width=64, height=48):
    """A camera raw file of one grey level: a TIFF with a mosaic of red, green and blue."""
    pixels = np.full((height, width), 12000, "<u2").tobytes()
    ascii_, byte, short, long = (2, 1), (1, 1), (3, 2), (4, 4)
    tags = [
        (254, long, [0]), (256, long, [width]), (257, long, [height]), (258, short, [16]), (259, short, [1]),
        (262, short, [32803]), (271, ascii_, b"Maker\0"), (272, ascii_, b"Model\0"), (273, long, [None]),
        (277, short, [1]), (278, long, [height]), (279, long, [len(pixels)]), (33421, short, [2, 2]),
        (33422, byte, b"\0\1\1\2"), (50706, byte, b"\1\4\0\0"), (50708, ascii_, b"Maker Model\0"),
    ]  # fmt: skip
    extra_at = 8 + 2 + 12 * len(tags) + 4
    strip_at = extra_at + 64
    entries, extra = b"", b""
    for tag, (kind, size), values in tags:
        data = (
            bytes(values)
            if size == 1
            else b"".join((strip_at if v is None else v).to_bytes(size, "little") for v in values)
        )
        count = len(data) // size
        if len(data) > 4:
            data, extra = (extra_at + len(extra)).to_bytes(4, "little"), extra + data
        entries += (
            tag.to_bytes(2, "little") + kind.to_bytes(2, "little") + count.to_bytes(4, "little") + data.ljust(4, b"\0")
        )
    directory = len(tags).to_bytes(2, "little") + entries + bytes(4)
    return b"II*\0\x08\0\0\0" + directory + extra.ljust(64, b"\0") + pixels


def test_a_camera_raw_file_is_read_by_its_content():
    image = open_image(dng())
    assert (image.width, image.height, image.format) == (64, 48, "RAW")
    assert image.rgb.shape == (48, 64, 3)
    assert image.rgb.std() < 3
    assert image.metadata.camera == "Maker Model"


def test_a_cut_raw_file_is_refused():
    assert "camera raw file" in reason_of(dng()[:400])


def test_a_missing_raw_reader_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "rawpy", None)
    assert reason_of(dng()) == f"a camera raw file, to be read after: {how_to_install('raw')}"


def test_the_error_names_its_source():
    with pytest.raises(ImageError, match=r"^<4 bytes>: not a picture"):
        open_image(b"abcd")
    assert describe_source(np.zeros((2, 3), np.uint8)) == "<array 2x3 uint8>"


def test_a_source_of_another_kind_is_refused():
    assert "not a path" in reason_of(42)


# Whatever the bytes


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_give_a_picture_or_an_image_error(data):
    only_image_error(data)


SIGNATURES = [data[:length] for data in FILES.values() for length in (4, 12, 24)] + [b"P3 ", b"SIMPLE  =", b"/* XPM */"]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SIGNATURES), st.binary(max_size=200))
def test_random_bytes_behind_a_signature_give_a_picture_or_an_image_error(signature, data):
    only_image_error(signature + data)


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(sorted(FILES)),
    st.floats(0.05, 1),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=4)), max_size=4),
)
def test_cut_and_mutated_files_give_a_picture_or_an_image_error(form, part, changes):
    data = bytearray(FILES[form])
    for place, value in changes:
        # Most accidents worth having are in the header.
        at = int(place * min(len(data), 400))
        data[at : at + len(value)] = value
    only_image_error(bytes(data[: max(1, int(part * len(data)))]))


def only_image_error(data):
    try:
        image = open_image(data, max_pixels=4_000_000)
    except ImageError as error:
        assert error.reason
    else:
        assert image.rgb.ndim == 3
