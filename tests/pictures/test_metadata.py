"""What pictures say of themselves is read where it makes sense, and never stands in the way."""

import io

import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL.TiffImagePlugin import IFDRational

from lookalike.pictures.metadata import Metadata
from lookalike.pictures.open import open_image

MAKE, MODEL, DESCRIPTION, TITLE = 0x010F, 0x0110, 0x010E, 0x9C9B
ORIGINAL, DIGITIZED = 0x9003, 0x9004


def jpeg(exif=None, **options):
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (8, 8)).save(buffer, "JPEG", **({"exif": exif} if exif else {}), **options)
    return buffer.getvalue()


def tagged(tags=(), camera=(), gps=()):
    exif = PIL.Image.Exif()
    exif.update(dict(tags))
    exif[0x8769], exif[0x8825] = dict(camera), dict(gps)
    return open_image(jpeg(exif)).metadata


def xmp(inside):
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/">{inside}</rdf:Description></rdf:RDF></x:xmpmeta>'
    )
    return packet.encode()


def iptc(*records):
    data = b"".join(b"\x1c" + bytes(key) + len(text).to_bytes(2, "big") + text for key, text in records)
    block = b"8BIM\x04\x04\0\0" + len(data).to_bytes(4, "big") + data + b"\0" * (len(data) % 2)
    body = b"Photoshop 3.0\0" + block
    picture = jpeg()
    return picture[:2] + b"\xff\xed" + (len(body) + 2).to_bytes(2, "big") + body + picture[2:]


def test_a_picture_without_metadata_says_nothing():
    assert open_image(jpeg()).metadata == Metadata()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2021:07:04 18:05:59", "2021-07-04T18:05:59"),
        ("2021-07-04T18:05:59", "2021-07-04T18:05:59"),
        ("0000:00:00 00:00:00", None),
        ("2021:13:04 18:05:59", None),
        ("2021:02:30 00:00:00", None),
        ("    :  :     :  :  ", None),
        ("yesterday", None),
    ],
)
def test_the_date_is_iso_or_nothing(written, read):
    assert tagged(camera={ORIGINAL: written}).taken == read


def test_the_date_of_digitizing_stands_in_for_a_broken_one():
    assert tagged(camera={ORIGINAL: "?", DIGITIZED: "1999:12:31 23:59:59"}).taken == "1999-12-31T23:59:59"


@pytest.mark.parametrize(
    ("make", "model", "read"),
    [
        ("Apple", "iPhone 12", "Apple iPhone 12"),
        ("NIKON CORPORATION", "NIKON D90", "NIKON D90"),
        ("Canon", "Canon EOS 5D", "Canon EOS 5D"),
        ("Canon", "", "Canon"),
        ("", "EOS 5D\0\0junk", "EOS 5D"),
        ("", "", None),
    ],
)
def test_the_camera_is_make_and_model_without_repetition(make, model, read):
    assert tagged({MAKE: make, MODEL: model}).camera == read


def place(latitude, north, longitude, east):
    found = tagged(gps={1: north, 2: latitude, 3: east, 4: longitude})
    return found.latitude, found.longitude


def test_the_place_is_in_signed_degrees():
    assert place((48.0, 51.0, 30.24), "N", (2.0, 17.0, 40.2), "E") == pytest.approx((48.8584, 2.2945))
    assert place((33.0, 51.0, 24.48), "S", (151.0, 12.0, 54.0), "W") == pytest.approx((-33.8568, -151.215))


@pytest.mark.parametrize(
    ("latitude", "north"),
    [
        ((91.0, 0.0, 0.0), "N"),
        ((IFDRational(0, 0),) * 3, "N"),
        ((IFDRational(1, 0), 0.0, 0.0), "N"),
        ((10.0, 0.0, 0.0), "?"),
        ((10.0, 0.0, 0.0), ""),
    ],
)
def test_an_impossible_place_is_none(latitude, north):
    assert place(latitude, north, (2.0, 0.0, 0.0), "E") == (None, None)


def test_a_place_of_one_coordinate_is_none():
    found = tagged(gps={1: "N", 2: (48.0, 51.0, 0.0)})
    assert (found.latitude, found.longitude) == (None, None)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("  A walk\tin the\nwoods\x07 ", "A walk in the woods"),
        ("OLYMPUS DIGITAL CAMERA         ", None),
        ("Created with GIMP", None),
        ("\x00\x00", None),
        ("x" * 9000, "x" * 2000),
    ],
)
def test_a_caption_is_clean_text_and_no_placeholder(written, read):
    assert tagged({DESCRIPTION: written}).caption == read


def test_utf8_in_an_exif_description_is_read_as_such():
    assert tagged({DESCRIPTION: "Zürich, été".encode()}).caption == "Zürich, été"
    assert tagged({DESCRIPTION: "Zürich".encode("latin-1")}).caption == "Zürich"


def test_captions_of_all_sources_are_joined_without_repetition():
    packet = xmp(
        '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Lake &amp; hill</rdf:li></rdf:Alt></dc:title>'
        "<dc:subject><rdf:Bag><rdf:li>lake</rdf:li><rdf:li>Summer</rdf:li></rdf:Bag></dc:subject>"
    )
    exif = PIL.Image.Exif()
    exif[DESCRIPTION] = "By the water"
    exif[TITLE] = "Holiday\0".encode("utf-16-le")
    found = open_image(jpeg(exif, xmp=packet)).metadata
    assert found.caption == "By the water; Holiday; Lake & hill; lake; Summer"


def test_iptc_caption_and_keywords_are_read():
    data = iptc(((2, 120), "Boat race, Cádiz".encode()), ((2, 25), b"boat"), ((2, 25), b"race"))
    assert open_image(data).metadata.caption == "Boat race, Cádiz; boat; race"


def test_xmp_with_entities_is_not_expanded():
    bomb = b'<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>' + xmp("<dc:title>&b;</dc:title>")
    assert open_image(jpeg(xmp=bomb)).metadata.caption is None


def test_an_oversized_xmp_packet_is_left_unread():
    picture = PIL.Image.new("RGB", (8, 8))
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", xmp=xmp("<dc:title>here</dc:title>" + " " * (1 << 20)))
    assert open_image(buffer.getvalue()).metadata.caption is None


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_exif_or_xmp_whatever_makes_a_picture_unreadable(noise):
    assert open_image(jpeg(b"Exif\0\0II*\0\x08\0\0\0" + noise, xmp=noise or b"x")).width == 8
