"""Every source becomes the same upright RGB picture."""

import io
import os

import numpy as np
import PIL.features
import PIL.Image
import pytest
from picture_files import BLUE, FILES, FORMATS, GREEN, GREY, RED, SUFFIXES, close, corners, quarters, saved

from lookalike.errors import ImageError
from lookalike.pictures.open import open_image


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
