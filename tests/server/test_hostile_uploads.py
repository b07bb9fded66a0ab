"""Files that strangers upload: each is searched with or refused with a reason, and the server lives on."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
from PIL import Image

from samples import photo
from visits import jpeg

CUP = jpeg(photo("coffee.png"))


def png(width, height, data=b"", kind=2):
    """A PNG that says it has so many pixels."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def saved(picture, form, **options):
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def zipped():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("cup.jpg", CUP)
    return buffer.getvalue()


REFUSED = {
    "nothing": b"",
    "one byte": b"\xff",
    "text": b"a picture of a cat",
    "html": b"<html><script>alert(1)</script></html>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "svg that reads a file": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><svg>&e;</svg>',
    "an archive": zipped(),
    "a program": b"\x7fELF" + bytes(2000),
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
    "a header alone": CUP[:20],
    "a bomb of pixels": png(60_000, 60_000, bytes(1000)),
    "a bomb in a small file": png(20_000, 20_000, bytes(40_000_000)),
    "no width": png(0, 5),
    "a bitmap larger than its file": b"BM"
    + struct.pack("<IHHIIiiHHIIiiII", 100, 0, 0, 54, 40, 9000, 9000, 1, 24, 0, 0, 0, 0, 0, 0),
}
TAKEN = {
    "javascript behind a picture": saved(photo("coffee.png"), "GIF") + b"/*</script><script>alert(1)*/",
    "an archive behind a picture": CUP + zipped(),
    "a name in its comment": saved(photo("coffee.png"), "JPEG", comment=b"<script>alert(1)</script>"),
    "many frames": saved(photo("coffee.png"), "GIF", save_all=True, append_images=[Image.new("RGB", (256, 170))] * 300),
    "one column": saved(Image.new("L", (1, 3000), 9), "PNG"),
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("route", ["search", "compare", "pictures"])
def test_what_is_no_picture_is_refused_with_a_reason(server, what, route):
    given = {"other": "1"} if route == "compare" else {}
    answer = server.post(f"/api/v1/{route}", files={"image": ("x.jpg", REFUSED[what])}, data=given)
    assert answer.status_code == 422, answer.text
    told = answer.json()
    assert told["error"] in ("ImageError", "InvalidRequest") and len(told["message"]) > 10
    assert "\n" not in told["message"] and "Traceback" not in told["message"] and "/tmp" not in told["message"]
    assert server.get("/readyz").status_code == 200


@pytest.mark.parametrize("what", TAKEN)
def test_an_odd_picture_is_searched_with_and_nothing_of_it_is_sent_back_as_it_is(server, what):
    answer = server.post("/api/v1/search", files={"image": ("x.jpg", TAKEN[what])}, data={"preview": "true"})
    assert answer.status_code == 200, answer.text
    assert "alert" not in answer.text
    assert answer.json()["asked"][0]["preview"].startswith("data:image/webp;base64,")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "x\x00.jpg", "<b>.jpg", "con", "a" * 5000, "снимок.jpg"]
)
def test_the_name_of_an_upload_opens_nothing(server, name):
    answer = server.post("/api/v1/search", files={"image": (name, CUP)}, data={"k": "1"})
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        assert answer.json()["matches"][0]["path"].endswith("coffee.png")
