"""Opening pictures leaves Pillow and the rest of the process as they were."""

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import PIL.features
import PIL.Image
import pytest
from picture_files import FILES, quarters, reason_of, saved

from lookalike.pictures.formats import decoding
from lookalike.pictures.open import open_image
from samples import photo


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
