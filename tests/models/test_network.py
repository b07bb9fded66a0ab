"""The bundled image network."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from lookalike.errors import ModelError
from lookalike.models import network
from lookalike.models.bundle import BUNDLED_FILES
from lookalike.models.network import ImageNetwork, squash
from lookalike.pictures.open import open_image
from samples import photo

GOLDEN = json.loads((Path(__file__).parent / "golden/bundled.json").read_text("utf-8"))["waves"]


def waves():
    """The synthetic picture of tools/make_golden.py."""
    y, x = np.mgrid[0:224, 0:224]
    planes = [x + y, x * y // 50, (x - 112) ** 2 // 60 + 2 * y]
    return np.stack([plane % 256 for plane in planes], axis=2).astype(np.uint8)


@pytest.fixture(scope="module")
def net():
    return ImageNetwork()


def test_it_computes_what_a_plain_implementation_of_the_paper_computes(net):
    roots, middle, logits = net.run_pixels(waves()[None])
    embeddings = net.embeddings(roots)
    assert middle[0] / np.linalg.norm(middle[0]) @ np.array(GOLDEN["middle"]) > 0.9999
    assert roots[0] @ np.array(GOLDEN["embedding"]) > 0.9999
    mean = np.load(BUNDLED_FILES / "embedding-mean.npy")
    assert embeddings[0] == pytest.approx((roots[0] - mean) / np.linalg.norm(roots[0] - mean), abs=1e-6)
    assert np.argsort(-logits[0])[:5].tolist() == GOLDEN["classes"]
    assert np.sort(logits[0])[::-1][:5] == pytest.approx(GOLDEN["logits"], abs=0.05)


@pytest.mark.parametrize(("name", "classes"), [("coffee.png", {504, 967, 968}), ("chelsea.png", {281, 282, 285})])
def test_it_recognises_what_is_in_a_photo(net, name, classes):
    sight = net.run(open_image(photo(name)))
    assert set(np.argsort(-sight.logits)[:3].tolist()) & classes


def test_embeddings_have_unit_length_and_do_not_depend_on_the_batch(net):
    two = np.stack([waves(), 255 - waves()])
    together, alone = (net.embeddings(net.run_pixels(pixels)[0]) for pixels in (two, two[1:]))
    assert together.shape == (2, network.DIMENSION) and together.dtype == np.float32
    assert np.linalg.norm(together, axis=1) == pytest.approx([1, 1], abs=1e-5)
    assert together[1] == pytest.approx(alone[0], abs=1e-5)


def test_a_picture_passes_through_once_however_often_it_is_asked_for(net, monkeypatch):
    passes = []
    real = ImageNetwork.run_pixels
    monkeypatch.setattr(ImageNetwork, "run_pixels", lambda self, pixels: passes.append(1) or real(self, pixels))
    first, second = open_image(waves()), open_image(255 - waves())
    assert net.run(first) is net.run(first)
    assert net.run(second).logits is not net.run(first).logits
    assert len(passes) == 3


@pytest.mark.parametrize("shape", [(1, 1), (1, 640), (640, 1), (3, 2), (224, 224)])
def test_any_shape_of_picture_fits(net, shape):
    pixels = squash(PIL.Image.fromarray(np.full((*shape, 3), 77, np.uint8)))
    assert pixels.shape == (224, 224, 3) and (pixels == 77).all()
    assert np.isfinite(net.run_pixels(pixels[None])[0]).all()


def test_a_missing_or_broken_file_is_one_clear_error(tmp_path):
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    for name in ("missing.onnx", "broken.onnx"):
        with pytest.raises(ModelError, match=name):
            ImageNetwork(tmp_path / name).run_pixels(waves()[None])


def test_the_weights_that_collections_remember_are_those_of_the_files():
    digest = hashlib.sha256()
    for name in ("efficientnet-lite0.onnx", "embedding-mean.npy"):
        digest.update((BUNDLED_FILES / name).read_bytes())
    assert digest.hexdigest().startswith(network.WEIGHTS)


def test_provenance_tells_the_truth_about_every_file():
    record = json.loads((BUNDLED_FILES / "provenance.json").read_text("utf-8"))
    for name, entry in record["files"].items():
        assert hashlib.sha256((BUNDLED_FILES / name).read_bytes()).hexdigest() == entry["sha256"], name
        assert set(entry["made_from"]) <= set(record["sources"])
    notice = (BUNDLED_FILES / "NOTICE").read_text("utf-8")
    assert all(source in notice for source in record["sources"])
