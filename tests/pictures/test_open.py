"""Every source becomes the same upright RGB picture, or one ImageError with a reason a person understands."""

import io
import os
import re
import sys
import threading
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import PIL.features
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.errors import ImageError
from lookalike.extras import how_to_install
from lookalike.pictures.formats import decoding
from lookalike.pictures.open import describe_source, open_image
from samples import photo

RED, GREEN, BLUE, GREY = (200, 30, 40), (40, 180, 50), (30, 50, 190), (128, 128, 128)
WHITE = (255, 255, 255)


def quarters(width=64, height=48):
    """Red and green above, blue and grey below."""
    picture = PIL.Image.new("RGB", (width, height))
    half, middle = width // 2, height // 2
    for colour, place in ((RED, (0, 0)), (GREEN, (half, 0)), (BLUE, (0, middle)), (GREY, (half, middle))):
        picture.paste(colour, (*place, place[0] + half, place[1] + middle))
    return picture


def saved(picture, form, **options):
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def heif(picture):
    from pillow_heif import from_pillow

    buffer = io.BytesIO()
    from_pillow(picture).save(buffer, quality=90)
    return buffer.getvalue()


def corners(image):
    """The colours in the middle of the four quarters, row by row."""
    height, width = image.rgb.shape[:2]
    spots = [(y, x) for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)]
    return [tuple(image.rgb[spot].tolist()) for spot in spots]


def close(found, expected, tolerance):
    return all(abs(a - b) <= tolerance for f, e in zip(found, expected, strict=True) for a, b in zip(f, e, strict=True))


FORMATS = {
    "JPEG": {"quality": 95},
    "PNG": {},
    "GIF": {},
    "BMP": {},
    "TIFF": {"compression": "tiff_lzw"},
    "WEBP": {"quality": 95},
    "AVIF": {"quality": 95},
    "JPEG2000": {},
    "PPM": {},
    "TGA": {},
    "PCX": {},
    "SGI": {},
    "DDS": {},
    "QOI": {},
    "ICO": {"sizes": [(64, 48)]},
}
FILES = {form: saved(quarters(), form, **options) for form, options in FORMATS.items()} | {"HEIF": heif(quarters())}
SUFFIXES = {"TGA": ".tga"}  # no signature


@pytest.mark.parametrize("form", FILES)
def test_every_format_shows_the_same_colours(form, tmp_path):
    path = tmp_path / f"picture{SUFFIXES.get(form, '.jpg')}"  # recognised by content, whatever the name says
    path.write_bytes(FILES[form])
    image = open_image(path)
    assert (image.width, image.height, image.format) == (64, 48, form)
    assert image.rgb.shape == (48, 64, 3)
    assert image.rgb.dtype == np.uint8
    assert close(corners(image), (RED, GREEN, BLUE, GREY), 12)


@pytest.mark.parametrize("wrap", [lambda b, p: p, lambda b, p: str(p), lambda b, p: b, lambda b, p: io.BytesIO(b)])
def test_paths_bytes_and_files_read_alike(wrap, tmp_path):
    path = tmp_path / "a b\n写真.png"
    path.write_bytes(FILES["PNG"])
    source = wrap(FILES["PNG"], path)
    assert np.array_equal(open_image(source).rgb, np.asarray(quarters()))


def test_a_file_object_is_read_from_its_start_and_left_open():
    file = io.BytesIO(FILES["PNG"])
    file.seek(30)
    assert open_image(file).width == 64
    assert not file.closed


def test_a_file_that_cannot_seek_is_read_too():
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as pipe:
        pipe.write(FILES["PNG"])
    with os.fdopen(reader, "rb") as pipe:
        assert open_image(pipe).format == "PNG"


def test_a_pil_picture_is_not_changed():
    picture = PIL.Image.open(io.BytesIO(saved(quarters(2000, 1500), "JPEG")))
    assert open_image(picture, size=100).rgb.shape == (75, 100, 3)
    assert picture.size == (2000, 1500)


# Sizes


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [(1300, 700, (345, 640)), (700, 1300, (640, 345)), (641, 10, (10, 640)), (640, 640, (640, 640)), (9, 5, (5, 9))],
)
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_the_longest_side_is_at_most_the_working_size_and_never_enlarged(width, height, expected, form):
    image = open_image(saved(quarters(width, height), form))
    assert image.rgb.shape[:2] == expected
    assert (image.width, image.height) == (width, height)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (20000, 3), (7, 1)])
@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "CMYK", "I;16"])
def test_the_thinnest_pictures_keep_at_least_one_pixel_a_side(size, mode):
    image = open_image(PIL.Image.new(mode, size))
    assert (image.width, image.height) == size
    assert min(image.rgb.shape[:2]) >= 1
    assert max(image.rgb.shape[:2]) == min(640, max(size))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "CMYK", "I;16"])
@pytest.mark.parametrize("size", [(2999, 2001), (1283, 4500)])
def test_a_large_picture_keeps_its_proportions_in_every_mode(mode, size):
    ramp = np.linspace(0, 65535 if mode == "I;16" else 255, size[0]).astype(np.uint16)
    grey = PIL.Image.fromarray(
        np.broadcast_to(ramp, (size[1], size[0])).astype(np.uint16 if mode == "I;16" else np.uint8)
    )
    image = open_image(grey if mode == "I;16" else grey.convert(mode))
    width = image.rgb.shape[1]
    expected = (np.arange(width) + 0.5) / width * 255
    assert np.abs(image.rgb[image.rgb.shape[0] // 2, :, 1] - expected).max() < 3


# Upright


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_exactly_once(form, orientation):
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the PIL.Image.Transpose that undoes each orientation
    stored = quarters() if orientation == 1 else quarters().transpose(PIL.Image.Transpose(back[orientation]))
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    image = open_image(saved(stored, form, exif=exif, **FORMATS[form]))
    assert (image.width, image.height) == (64, 48)
    assert image.rgb.shape == (48, 64, 3)
    assert close(corners(image), (RED, GREEN, BLUE, GREY), 12)


@pytest.mark.parametrize("orientation", [0, 9, 99, 65535])
def test_an_invalid_orientation_is_ignored(orientation):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    assert close(corners(open_image(saved(quarters(), "JPEG", exif=exif))), (RED, GREEN, BLUE, GREY), 12)


def test_a_turned_large_jpeg_has_its_original_upright_size():
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    image = open_image(saved(quarters(2000, 1000), "JPEG", exif=exif))
    assert (image.width, image.height) == (1000, 2000)
    assert image.rgb.shape == (640, 320, 3)


# Colours


@pytest.mark.parametrize("mode", ["RGBA", "RGBa", "LA", "La", "PA"])
def test_transparent_parts_are_white(mode):
    picture = PIL.Image.new("RGBA", (40, 20), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), (20, 0, 40, 20))
    if mode == "La":
        picture = picture.convert("LA")
    rgb = open_image(picture.convert(mode)).rgb
    assert (rgb[:, :20] == 255).all()
    assert (rgb[:, 20:] == 0).all()


def test_half_transparent_red_is_pink():
    rgb = open_image(PIL.Image.new("RGBA", (4, 4), (255, 0, 0, 128))).rgb
    assert rgb[0, 0].tolist() == [255, 127, 127]


def test_transparent_colour_does_not_bleed_when_reduced():
    picture = PIL.Image.new("RGBA", (2000, 1000), (0, 0, 0, 0))
    picture.paste((255, 255, 255, 255), (0, 0, 1000, 1000))
    assert (open_image(picture).rgb == 255).all()


@pytest.mark.parametrize(
    ("mode", "key", "colour"),
    [("P", 1, 1), ("L", 90, 90), ("RGB", (1, 2, 3), (1, 2, 3)), ("I;16", 300, 300), ("1", 0, 0)],
)
def test_a_png_transparency_key_is_white(mode, key, colour):
    picture = PIL.Image.new(mode, (8, 8), colour)
    if mode == "P":
        picture.putpalette([9, 9, 9, 20, 20, 20])
    assert (open_image(saved(picture, "PNG", transparency=key)).rgb == 255).all()


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (257 * 100, 100), (65535, 255)])
@pytest.mark.parametrize(
    ("mode", "form"), [("I;16", "PNG"), ("I;16", "TIFF"), ("I;16B", "TIFF"), ("I", "TIFF"), ("I", "PPM")]
)
def test_sixteen_bits_are_scaled_not_clipped(value, expected, mode, form):
    picture = PIL.Image.new(mode, (8, 8), value)
    picture.putpixel((7, 7), 65535)
    assert open_image(saved(picture, form)).rgb[0, 0].tolist() == [expected] * 3


@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0])
def test_floating_point_is_scaled_by_its_usual_white(white):
    picture = PIL.Image.new("F", (8, 8), white / 2)
    picture.putpixel((7, 7), white)
    assert open_image(saved(picture, "TIFF")).rgb[0, 0, 0] in (127, 128)


def test_other_floating_point_ranges_are_stretched_and_nan_is_black():
    values = np.linspace(-1000, 3e6, 64, dtype=np.float32).reshape(8, 8)
    values[0, 1] = np.nan
    rgb = open_image(saved(PIL.Image.fromarray(values), "TIFF")).rgb
    assert (rgb[0, 0, 0], rgb[0, 1, 0], rgb[7, 7, 0]) == (0, 0, 255)


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_has_its_right_colours(form):
    found = corners(open_image(saved(quarters().convert("CMYK"), form)))
    assert close(found, (RED, GREEN, BLUE, GREY), 12)


def test_ycbcr_and_lab_have_their_right_colours():
    assert close(corners(open_image(quarters().convert("YCbCr"))), (RED, GREEN, BLUE, GREY), 3)
    lab = PIL.Image.new("LAB", (8, 8), (138, 128 + 81, 128 + 70))  # L 54, a 81, b 70: red
    assert close([open_image(lab).rgb[0, 0].tolist()], [(255, 0, 0)], 12)


def test_one_bit_is_black_and_white_and_grey_when_reduced():
    checked = PIL.Image.fromarray(np.indices((2000, 2000)).sum(0) % 2 == 1)
    assert checked.mode == "1"
    assert np.unique(open_image(checked.crop((0, 0, 50, 50))).rgb).tolist() == [0, 255]
    assert abs(float(open_image(checked, size=100).rgb.mean()) - 127.5) < 3


def test_an_animation_gives_its_first_frame():
    frames = [PIL.Image.new("RGB", (16, 16), colour) for colour in (RED, GREEN, BLUE)]
    for form in ("GIF", "WEBP", "PNG", "TIFF"):
        data = saved(frames[0], form, save_all=True, append_images=frames[1:])
        assert close([open_image(data).rgb[8, 8].tolist()], [RED], 12), form


# Arrays


@pytest.mark.parametrize(
    "array",
    [
        np.full((4, 6), 51, np.uint8),
        np.full((4, 6, 1), 51, np.uint8),
        np.full((4, 6, 3), 51, np.uint8),
        np.full((4, 6, 3), 51 * 257, np.uint16),
        np.full((4, 6), 0.2, np.float32),
        np.full((4, 6, 3), 0.2, np.float64)[:, ::-1],
        np.dstack([np.full((4, 6, 3), 51, np.uint8), np.full((4, 6), 255, np.uint8)]),
    ],
)
def test_arrays_of_every_supported_type_read_alike(array):
    image = open_image(array)
    assert (image.width, image.height, image.format) == (6, 4, "array")
    assert (image.rgb == 51).all()


def test_a_boolean_array_is_black_and_white():
    assert np.unique(open_image(np.eye(5, dtype=bool)).rgb).tolist() == [0, 255]


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((0, 4), np.uint8), "no pixels"),
        (np.zeros((2, 2, 2), np.uint8), "shape"),
        (np.zeros(7, np.uint8), "shape"),
        (np.full((2, 2), 200.0), "outside 0..1"),
        (np.zeros((2, 2), np.int64), "int64"),
        (np.zeros((2, 2), object), "object"),
    ],
)
def test_other_arrays_are_refused_with_a_reason(array, reason):
    with pytest.raises(ImageError, match=reason):
        open_image(array)


# Refusals


def reason_of(source, **options):
    with pytest.raises(ImageError) as caught:
        open_image(source, **options)
    assert "\n" not in str(caught.value)
    return caught.value.reason


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


# Good behaviour towards the rest of the process


def test_pillow_state_and_warning_filters_are_left_alone():
    filters = list(warnings.filters)
    limit = PIL.Image.MAX_IMAGE_PIXELS
    threads = [threading.Thread(target=open_image, args=(data,)) for data in FILES.values() if data[:2] != b"\0\0"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == filters
    assert limit == PIL.Image.MAX_IMAGE_PIXELS


def icon(picture):
    return saved(picture, "ICO", sizes=[picture.size])


@pytest.mark.parametrize("form", ["TIFF", "WEBP", "ICO", "PNG", "GIF", "ICNS", "MPO"])
def test_only_our_own_limit_of_pixels_counts_whatever_pillows_is(form, monkeypatch):
    picture = photo("coffee.png").resize((128, 128))
    tiled = {"tile": (128, 128), "compression": "tiff_lzw"} if form == "TIFF" else {}
    data = icon(picture) if form == "ICO" else saved(picture, form, **tiled)
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 1000)  # all are far over it, as 200 megapixels are by default
    assert open_image(data).width >= 128
    assert "over the limit" in reason_of(data, max_pixels=10_000)
    assert PIL.Image.MAX_IMAGE_PIXELS == 1000


def test_an_icon_with_a_larger_picture_inside_than_it_says_is_refused():
    data = bytearray(icon(photo("coffee.png").resize((128, 128))))
    data[6:8] = 16, 16  # the directory's entry: width and height
    assert "over the limit" in reason_of(bytes(data), max_pixels=10_000)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_webp_too_large_for_pillow_is_decoded_with_less_memory(mode, monkeypatch):
    picture = photo("coffee.png").resize((900, 600)).convert(mode)
    if mode == "RGBA":
        picture.paste((0, 0, 0, 0), (0, 0, 300, 600))
    exif = PIL.Image.Exif()
    exif[274] = 6
    data = saved(picture, "WEBP", lossless=True, exif=exif)
    expected = open_image(data, size=200)
    monkeypatch.setattr("lookalike.pictures.open.MAX_DECODE_BYTES", 900 * 600 * 5)
    found = open_image(data, size=200)
    assert (found.width, found.height, found.rgb.shape) == (600, 900, expected.rgb.shape)
    assert np.abs(found.rgb.astype(int) - expected.rgb).mean() < 3
    assert "damaged WEBP" in reason_of(data[:-2000]) or "cut short" in reason_of(data[:-2000])
    monkeypatch.setattr("lookalike.pictures.open.MAX_DECODE_BYTES", 900 * 600 * 3)
    assert "of memory, over the limit" in reason_of(data)


def test_threads_with_other_limits_leave_pillows_as_it_was(monkeypatch):
    large, small = saved(quarters(400, 300), "TIFF"), saved(quarters(40, 30), "TIFF")
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 1000)

    def read(number):
        open_image(small, max_pixels=2000 + number)
        return open_image(large, max_pixels=200_000 + number).width

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(read, range(60))) == {400}
    assert PIL.Image.MAX_IMAGE_PIXELS == 1000


def test_a_limit_set_by_someone_else_meanwhile_is_kept(monkeypatch):
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 1000)
    with decoding(max_pixels=5000):
        PIL.Image.MAX_IMAGE_PIXELS = 77
    assert PIL.Image.MAX_IMAGE_PIXELS == 77


def test_damaged_exif_neither_warns_nor_fails():
    data = saved(quarters(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(range(200)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_image(data).width == 64
