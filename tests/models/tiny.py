"""The committed test models, unpacked on demand, and what open_clip makes of texts and pictures."""

from __future__ import annotations

import importlib.util
import json
import lzma
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
CLIP_CONFIG = {
    "size": [64, 64],
    "mean": [0.48145466, 0.4578275, 0.40821073],
    "std": [0.26862954, 0.26130258, 0.27577711],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}
TRANSFORMERS_CONFIG = {
    "crop_size": {"height": 64, "width": 64},
    "do_center_crop": True,
    "image_mean": CLIP_CONFIG["mean"],
    "image_std": CLIP_CONFIG["std"],
    "resample": 3,
    "size": {"shortest_edge": 64},
}


@cache
def unpacked(path: str) -> bytes:
    """A compressed file of tests/models, such as "data/resnet.onnx" or "golden/golden.json"."""
    return lzma.decompress((HERE / f"{path}.xz").read_bytes())


@cache
def golden() -> Any:
    return json.loads(unpacked("golden/golden.json"))


@cache
def vectors() -> Any:
    return json.loads(unpacked("data/vectors.json"))


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def open_clip_folder(folder: Path) -> Path:
    """A tiny CLIP in the layout of open_clip exports: a batch of one, int32 tokens."""
    write(folder / "visual/model.onnx", unpacked("data/vision_fixed.onnx"))
    write(folder / "textual/model.onnx", unpacked("data/text_fixed.onnx"))
    write(folder / "textual/tokenizer.json", unpacked("golden/clip_tokenizer.json"))
    write(folder / "visual/preprocess_cfg.json", json.dumps(CLIP_CONFIG).encode())
    return folder


def transformers_folder(folder: Path, ending: str = "") -> Path:
    """The same CLIP in the layout of transformers.js: any batch, int64 tokens."""
    vision = "data/vision_fp16.onnx" if ending == "_fp16" else "data/vision_dynamic.onnx"
    write(folder / f"onnx/vision_model{ending}.onnx", unpacked(vision))
    write(folder / f"onnx/text_model{ending}.onnx", unpacked("data/text_dynamic.onnx"))
    write(folder / "tokenizer.json", unpacked("golden/clip_tokenizer.json"))
    write(folder / "preprocessor_config.json", json.dumps(TRANSFORMERS_CONFIG).encode())
    return folder


@cache
def _golden_tool() -> Any:
    spec = importlib.util.spec_from_file_location("make_clip_golden", HERE.parents[1] / "tools/make_clip_golden.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def made_picture(height: int, width: int) -> np.ndarray:
    """The picture that the golden values were made of."""
    return _golden_tool().made_picture(height, width)
