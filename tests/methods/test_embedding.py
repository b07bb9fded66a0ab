"""The `embedding` and `text` methods."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest
from PIL import ImageOps

from lookalike.errors import ModelError
from lookalike.index.whole import index_of
from lookalike.methods.embedding import Embedding
from lookalike.methods.text import ConceptText
from lookalike.methods.vector import Vector, weighted_sum
from lookalike.models.network import ImageNetwork
from lookalike.pictures.open import open_image
from samples import PHOTOS, drawing, photo


@pytest.fixture(scope="module", params=[Embedding, ConceptText])
def method(request):
    return request.param()


def test_descriptors_are_unit_vectors_kept_in_half_precision(method):
    vector = method.describe(open_image(photo("coffee.png")))
    assert np.linalg.norm(vector.values) == pytest.approx(1, abs=1e-5)
    row = method.pack(vector)
    assert row.shape == (1, method.layout.width) and row.dtype == np.dtype(method.layout.dtype)
    assert method.unpack(row) - vector == pytest.approx(0, abs=1e-5)


def test_both_methods_describe_a_picture_in_one_pass(monkeypatch):
    passes = []
    real = ImageNetwork.run_pixels
    monkeypatch.setattr(ImageNetwork, "run_pixels", lambda self, pixels: passes.append(1) or real(self, pixels))
    picture = open_image(drawing(77))
    Embedding().describe(picture)
    ConceptText().describe(picture)
    assert len(passes) == 1


def test_parameters_make_the_same_method_again(method):
    params = {field: getattr(method.params, field) for field in type(method.params).__dataclass_fields__}
    assert type(method)(**params).params == method.params


def test_the_distance_is_one_minus_the_cosine():
    a, b = Vector(np.array([1, 0], np.float32)), Vector(np.array([0.6, 0.8], np.float32))
    assert a - a == pytest.approx(0) and a - b == pytest.approx(0.4)
    with pytest.raises(ValueError, match="2 and 3"):
        a - Vector(np.zeros(3, np.float32))


def test_sums_have_unit_length_and_may_cancel():
    a, b = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    assert weighted_sum([a, b]).values == pytest.approx([0.5**0.5, 0.5**0.5])
    assert weighted_sum([a, b], [3, -4]).values == pytest.approx([0.6, -0.8])
    assert weighted_sum([a, a], [1, -1]).values == pytest.approx([0, 0])


def crop_half(picture):
    w, h = picture.size
    return picture.crop((w // 7, h // 7, w * 6 // 7, h * 6 // 7))


EDITS = {
    "mirrored": ImageOps.mirror,
    "grey": lambda picture: picture.convert("L").convert("RGB"),
    "framed": lambda picture: ImageOps.expand(picture, 12, (200, 30, 90)),
    "cropped": crop_half,
    "halved": lambda picture: picture.resize((picture.width // 2, picture.height // 2), PIL.Image.Resampling.BICUBIC),
}


@pytest.fixture(scope="module")
def stored():
    embedding = Embedding()
    return {name: embedding.describe(open_image(photo(name))) for name in PHOTOS}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
@pytest.mark.parametrize("name", PHOTOS)
def test_an_edited_copy_is_nearest_to_its_original(stored, name, edit):
    (variant,) = Embedding().describe_query(open_image(edit(photo(name))))
    assert min(stored, key=lambda other: variant.descriptor - stored[other]) == name


def test_the_index_finds_what_was_packed(stored):
    embedding = Embedding()
    index = index_of(embedding.index_kind(), np.concatenate([embedding.pack(v) for v in stored.values()]))
    found = index.search(embedding.pack(stored["coffee.png"]), 1)
    assert found.ids[0, 0] == list(stored).index("coffee.png")
    assert found.distances[0, 0] == pytest.approx(0, abs=1e-3)


def test_other_weights_are_refused_before_any_vector_is_made():
    with pytest.raises(ModelError, match="other weights"):
        Embedding(weights="0123456789abcdef", dimension=1280).describe(open_image(drawing(1)))
    with pytest.raises(ModelError, match="edition"):
        ConceptText(edition="older")


def test_an_unknown_or_missing_model_is_refused_with_its_name():
    with pytest.raises(ModelError, match="no-such-model"):
        Embedding("no-such-model")


def test_the_bundled_embedding_does_not_understand_text_and_says_who_does():
    assert not Embedding().traits.texts
    with pytest.raises(ModelError, match="clip-vit-b32"):
        Embedding().describe_text(["a cat"])


def test_text_finds_pictures_and_pictures_find_themselves():
    text = ConceptText()
    rows = {name: text.describe(open_image(photo(name))) for name in PHOTOS}
    asked = text.describe_text(["a cup of coffee"])
    assert asked.notes == () and asked.deviation is not None
    distances = {name: asked.vector - row for name, row in rows.items()}
    assert asked.relevance(distances["coffee.png"]) > 0.25 > asked.relevance(distances["brick.png"])
    assert min(rows, key=lambda name: asked.vector - rows[name]) == "coffee.png"
    (variant,) = text.describe_query(open_image(photo("chelsea.png")))
    assert min(rows, key=lambda name: variant.descriptor - rows[name]) == "chelsea.png"
    mixed = text.describe_text(["a cup of coffee"], [1.0, 2.0], [rows["chelsea.png"]])
    assert min(rows, key=lambda name: mixed.vector - rows[name]) == "chelsea.png"
