from __future__ import annotations

import json
import re

import pytest
from tiny import open_clip_folder, transformers_folder, unpacked, write

from lookalike.errors import ModelError
from lookalike.models import registry
from lookalike.models.pixels import CLIP_MEAN, IMAGENET_MEAN, Preprocess


def test_the_bundled_model_comes_first_and_needs_no_files():
    assert registry.names()[0] == "efficientnet-lite0"
    record = registry.get("efficientnet-lite0")
    assert (record.kind, record.dimension, record.files, record.source) == ("image", 1280, (), "")


def test_the_promised_models_are_there():
    promised = {"resnet50", "clip-vit-b32", "clip-vit-b16", "siglip-base", "mobileclip-s2"}
    assert promised < set(registry.names())


@pytest.mark.parametrize("name", registry.names()[1:])
def test_a_record_can_be_fetched_and_checked(name):
    record = registry.get(name)
    roles = [file.role for file in record.files]
    assert roles == (["image"] if record.kind == "image" else ["image", "text", "tokenizer"])
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", record.source) and record.licence and record.dimension
    # What is neither pinned by digest nor by commit could be replaced by anyone who owns the repository.
    by_commit = re.fullmatch(r"[0-9a-f]{40}", record.revision)
    for file in record.files:
        assert by_commit or (file.sha256 and re.fullmatch(r"[0-9a-f]{64}", file.sha256)), file.path


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ModelError, match=r"no model 'clip-vit-l14'; there are efficientnet-lite0, resnet50"):
        registry.get("clip-vit-l14")


def test_the_size_is_known_only_when_that_of_every_file_is():
    assert registry.get("clip-vit-b32").size == 351_685_709 + 254_058_553 + 2_224_119
    assert registry.get("clip-vit-b16").size is None


def test_a_folder_of_open_clip_exports_is_recognised(tmp_path):
    record = registry.get(f"path:{open_clip_folder(tmp_path)}")
    assert [file.path for file in record.files] == [
        "visual/model.onnx",
        "textual/model.onnx",
        "textual/tokenizer.json",
    ]
    assert (record.kind, record.folder, record.dimension) == ("image-text", tmp_path, None)
    assert record.preprocess == Preprocess(64)


@pytest.mark.parametrize("ending", ["", "_fp16", "_quantized"])
def test_a_folder_of_transformers_exports_is_recognised(tmp_path, ending):
    record = registry.get(f"path:{transformers_folder(tmp_path, ending)}")
    assert record.files[0].path == f"onnx/vision_model{ending}.onnx"
    assert record.preprocess == Preprocess(64)


def test_full_precision_is_preferred_to_the_smaller_variants(tmp_path):
    transformers_folder(tmp_path, "_quantized")
    transformers_folder(tmp_path)
    assert registry.get(f"path:{tmp_path}").files[0].path == "onnx/vision_model.onnx"


def test_a_single_file_is_an_image_model_prepared_as_for_imagenet(tmp_path):
    path = write(tmp_path / "net.onnx", unpacked("data/resnet.onnx"))
    record = registry.get(f"path:{path}")
    assert (record.kind, record.preprocess.mean, record.preprocess.fit) == ("image", IMAGENET_MEAN, "crop")


def test_an_image_encoder_without_a_text_encoder_is_an_image_model(tmp_path):
    write(tmp_path / "visual/model.onnx", b"")
    assert registry.get(f"path:{tmp_path}").kind == "image"


CLIP = {"crop_size": 224, "do_center_crop": True, "size": {"shortest_edge": 224}, "image_mean": CLIP_MEAN}
HALF = [0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (CLIP | {"image_std": Preprocess().std, "resample": 3}, Preprocess()),
        (
            {"size": {"height": 224, "width": 224}, "image_mean": HALF, "image_std": HALF, "resample": 3},
            Preprocess(224, "squash", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        ),
        (
            {"size": {"shortest_edge": 224}, "crop_pct": 0.875, "image_mean": HALF, "image_std": HALF},
            Preprocess(224, "crop", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), short_side=256),
        ),
        (
            CLIP | {"crop_size": {"height": 256, "width": 256}, "size": 256, "do_normalize": False, "resample": 2},
            Preprocess(256, "crop", (0, 0, 0), (1, 1, 1), "bilinear"),
        ),
    ],
)
def test_transformers_configurations_are_read_as_they_are_meant(tmp_path, config, expected):
    write(tmp_path / "net.onnx", b"x")
    write(tmp_path / "preprocessor_config.json", json.dumps(config).encode())
    assert registry.get(f"path:{tmp_path / 'net.onnx'}").preprocess == expected


@pytest.mark.parametrize(("mode", "fit"), [("shortest", "crop"), ("longest", "letterbox"), ("squash", "squash")])
def test_open_clip_configurations_name_the_fit(tmp_path, mode, fit):
    write(tmp_path / "visual/model.onnx", b"x")
    config = {"size": [224, 224], "mean": HALF, "std": HALF, "resize_mode": mode}
    write(tmp_path / "visual/preprocess_cfg.json", json.dumps(config).encode())
    assert registry.get(f"path:{tmp_path}").preprocess.fit == fit


@pytest.mark.parametrize(
    "config",
    [
        b"",
        b"[]",
        b'{"size": 0}',
        b'{"size": [224, 336]}',
        b'{"size": "big"}',
        b'{"resample": 0}',
        b'{"image_mean": [1, 2]}',
        b'{"image_std": ["a", "b", "c"]}',
        b'{"crop_pct": 0}',
        b'{"image_std": [0, 0, 0]}',
    ],
)
def test_a_configuration_that_makes_no_sense_is_named(tmp_path, config):
    write(tmp_path / "net.onnx", b"x")
    path = write(tmp_path / "preprocessor_config.json", config)
    with pytest.raises(ModelError, match="not a readable preprocessing configuration") as caught:
        registry.get(f"path:{tmp_path / 'net.onnx'}")
    assert str(path) in str(caught.value)


def test_folders_without_what_is_needed_are_named(tmp_path):
    with pytest.raises(ModelError, match="no such model folder or file"):
        registry.get(f"path:{tmp_path / 'missing'}")
    with pytest.raises(ModelError, match="no image encoder there"):
        registry.get(f"path:{tmp_path}")
    open_clip_folder(tmp_path)
    (tmp_path / "textual/tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"no tokenizer; put the model's tokenizer\.json there"):
        registry.get(f"path:{tmp_path}")
