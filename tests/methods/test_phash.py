"""The perceptual hash is the written-out formula, survives ordinary edits, and refuses pictures without features."""

import io
from math import cos, pi, sqrt

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from lookalike.index.whole import index_of
from lookalike.methods import PHash
from lookalike.methods.phash import Hash
from lookalike.pictures.open import Image, open_image

PHOTOS = ("astronaut", "cat", "coffee", "rocket")
TURNS = {
    "mirrored": PIL.Image.Transpose.FLIP_LEFT_RIGHT,
    "turned 90": PIL.Image.Transpose.ROTATE_270,  # PIL turns counter-clockwise
    "turned 180": PIL.Image.Transpose.ROTATE_180,
    "turned 270": PIL.Image.Transpose.ROTATE_90,
}


def photo(name: str) -> Image:
    return open_image(getattr(data, name)())


def jpeg(picture: PIL.Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def hash_by_the_formula(image: Image, size: int) -> list[int]:
    """DCT-II as in the textbook, one coefficient at a time."""
    n = 4 * size
    grey = PIL.Image.fromarray(image.rgb).convert("L")
    grey = grey.resize((n, n), PIL.Image.Resampling.LANCZOS, reducing_gap=2.0)
    pixels = np.asarray(grey, np.float64)
    wave = [[cos(pi * u * (2 * x + 1) / (2 * n)) for x in range(n)] for u in range(size)]
    scale = [sqrt((1 if u == 0 else 2) / n) for u in range(size)]
    spectrum = [
        [scale[u] * scale[v] * float(np.sum(pixels * np.outer(wave[u], wave[v]))) for v in range(size)]
        for u in range(size)
    ]
    middle = np.median(spectrum)
    return [int(value > middle) for row in spectrum for value in row]


@pytest.mark.parametrize("size", [8, 9, 16, 32])
@pytest.mark.parametrize("name", PHOTOS[:2])
def test_bits_are_those_of_the_written_out_dct(name, size):
    image = photo(name)
    found = PHash(hash_size=size).describe(image)
    assert np.unpackbits(found.bits)[: size * size].tolist() == hash_by_the_formula(image, size)


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("turn", TURNS)
def test_a_mirrored_or_turned_copy_is_found_by_the_variant_of_that_name(name, turn):
    original = photo(name)
    copy = open_image(PIL.Image.fromarray(original.rgb).transpose(TURNS[turn]))
    stored = PHash().describe(copy)
    distances = {way.name: way.descriptor - stored for way in PHash().describe_query(original)}
    assert min(distances, key=distances.get) == turn
    assert distances[turn] <= 12


@pytest.mark.parametrize("size", [9, 16])
@pytest.mark.parametrize("name", PHOTOS)
def test_a_hash_alone_is_asked_in_the_same_ways_as_its_picture(name, size):
    method = PHash(size)
    ways = method.describe_query(photo(name))
    from_bits = method.query_of(ways[0].descriptor)
    assert [way.name for way in from_bits] == [way.name for way in ways]
    assert from_bits[0].descriptor == ways[0].descriptor
    for way, other in zip(from_bits, ways, strict=True):
        assert way.descriptor - other.descriptor <= 0.1 * size**2, "unrelated hashes differ in half their bits"


def test_the_first_variant_is_the_picture_as_it_is():
    ways = PHash().describe_query(photo("cat"))
    assert [way.name for way in ways] == ["as is", "mirrored", "turned 90", "turned 180", "turned 270"]
    assert ways[0].descriptor == PHash().describe(photo("cat"))


EDITS = {
    "a quarter of the size": lambda p: p.resize((p.width // 4, p.height // 4)),
    "JPEG at quality 8": lambda p: jpeg(p, 8),
    "stretched": lambda p: p.resize((p.width * 3 // 2, p.height)),
    "grey": lambda p: p.convert("L"),
    "half as bright": lambda p: p.point(lambda v: v // 2),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_copy_is_much_nearer_than_any_other_picture(edit):
    hashes = {name: PHash().describe(photo(name)) for name in PHOTOS}
    for name, own in hashes.items():
        copy = PHash().describe(open_image(EDITS[edit](PIL.Image.fromarray(getattr(data, name)()))))
        others = [copy - other for key, other in hashes.items() if key != name]
        assert copy - own <= 40 < 80 <= min(others)


def flat(value: int) -> np.ndarray:
    return np.full((300, 400, 3), value, np.uint8)


FEATURELESS = {
    "white": flat(255),
    "black": flat(0),
    "a white page after JPEG": jpeg(PIL.Image.fromarray(flat(255)), 10),
    "scanned paper": jpeg(
        PIL.Image.fromarray(np.random.default_rng(0).normal(245, 4, (600, 800)).clip(0, 255).astype(np.uint8)), 50
    ),
    "a gradient": np.broadcast_to(np.linspace(0, 1, 400), (300, 400)),
    "one pixel": np.zeros((1, 1, 3), np.uint8),
}


@pytest.mark.parametrize("picture", FEATURELESS)
def test_a_featureless_picture_has_no_hash(picture):
    image = open_image(FEATURELESS[picture])
    assert PHash().describe(image) is None
    assert PHash().describe_query(image) == []


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_the_difference_of_two_hashes_is_the_number_of_differing_bits(a, b):
    left, right = (Hash(np.frombuffer(bits, np.uint8)) for bits in (a, b))
    assert left - right == right - left == (int.from_bytes(a) ^ int.from_bytes(b)).bit_count()
    assert (left - right == 0) == (left == right) == (str(left) == str(right))


@given(st.integers(8, 32), st.data())
def test_a_hash_survives_packing_and_hexadecimal(size, draw):
    method = PHash(size)
    own = Hash(
        np.frombuffer(draw.draw(st.binary(min_size=method.layout.width, max_size=method.layout.width)), np.uint8)
    )
    assert method.pack(own).shape == (1, method.layout.width)
    assert method.unpack(method.pack(own)) == own == Hash.from_hex(str(own))
    assert hash(own) == hash(Hash.from_hex(str(own)))


def test_hashes_of_different_sizes_do_not_compare():
    with pytest.raises(ValueError, match="256 and 64 bits"):
        Hash(np.zeros(32, np.uint8)) - Hash(np.zeros(8, np.uint8))


@pytest.mark.parametrize("size", [7, 33, 16.0, "16", -1])
def test_a_hash_size_out_of_range_is_refused(size):
    with pytest.raises(ValueError, match="8 to 32"):
        PHash(size)


@pytest.mark.parametrize("kind", ["auto", "scan", "vptree"])
def test_each_documented_index_finds_the_picture_itself(kind):
    method = PHash()
    rows = np.concatenate([method.pack(method.describe(photo(name))) for name in PHOTOS])
    index = index_of(method.index_kind(kind), rows, np.arange(10, 14))
    found = index.search(rows, 1)
    assert found.ids[:, 0].tolist() == [10, 11, 12, 13]
    assert not found.distances.any()


def test_an_unknown_index_is_refused():
    with pytest.raises(ValueError, match="no index"):
        PHash().index_kind("hnsw")
