"""Models that a user put into a folder: which files are there, and how pictures are prepared for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from lookalike.errors import ModelError, printable
from lookalike.models.pixels import IMAGENET_MEAN, IMAGENET_STD, Interpolation, Preprocess, Triple
from lookalike.models.registry import ModelFile, ModelRecord

VARIANTS = ("", "_fp16", "_quantized", "_int8", "_uint8")
"""Endings of ONNX files in the order of preference: full precision, half, 8 bits."""

IMAGE_FILES = ("visual/model.onnx", *(f"onnx/vision_model{ending}.onnx" for ending in VARIANTS))
TEXT_FILES = ("textual/model.onnx", *(f"onnx/text_model{ending}.onnx" for ending in VARIANTS))
IMAGE_ONLY_FILES = (*(f"onnx/model{ending}.onnx" for ending in VARIANTS), "model.onnx")
TOKENIZER_FILES = ("textual/tokenizer.json", "tokenizer.json")
OPEN_CLIP_CONFIG = "visual/preprocess_cfg.json"
TRANSFORMERS_CONFIG = "preprocessor_config.json"

_FITS = {"shortest": "crop", "longest": "letterbox", "squash": "squash"}
_RESAMPLING = {2: "bilinear", 3: "bicubic"}


def record_of(name: str) -> ModelRecord:
    """The record of "path:FOLDER" (either of the two common layouts) or "path:FILE.onnx". Raises ModelError.

    Layouts: visual/model.onnx, textual/model.onnx, textual/tokenizer.json, visual/preprocess_cfg.json; or
    onnx/vision_model*.onnx, onnx/text_model*.onnx, tokenizer.json, preprocessor_config.json. A folder or file
    without a text encoder is an image model; without a configuration, ImageNet's preprocessing is assumed for it,
    and CLIP's for a pair.
    """
    path = Path(name.removeprefix("path:")).expanduser()
    if path.is_file():
        files: tuple[ModelFile, ...] = (ModelFile("image", path.name),)
        path = path.parent
    elif path.is_dir():
        files = _files_in(path)
    else:
        raise ModelError(f"{printable(path)}: no such model folder or file")
    pair = len(files) > 1
    default = Preprocess() if pair else Preprocess(mean=IMAGENET_MEAN, std=IMAGENET_STD)
    return ModelRecord(
        name=name,
        kind="image-text" if pair else "image",
        dimension=None,
        preprocess=_preprocess(path) or default,
        licence="unknown",
        files=files,
        folder=path,
    )


def _files_in(folder: Path) -> tuple[ModelFile, ...]:
    image, text, tokenizer = (_first(folder, paths) for paths in (IMAGE_FILES, TEXT_FILES, TOKENIZER_FILES))
    if image and text and tokenizer:
        return ModelFile("image", image), ModelFile("text", text), ModelFile("tokenizer", tokenizer)
    if image and text:
        raise ModelError(f"{printable(folder)}: has encoders but no tokenizer; put the model's tokenizer.json there")
    image = image or _first(folder, IMAGE_ONLY_FILES)
    if image is None:
        raise ModelError(
            f"{printable(folder)}: no image encoder there; visual/model.onnx or onnx/vision_model.onnx is needed"
        )
    return (ModelFile("image", image),)


def _first(folder: Path, paths: tuple[str, ...]) -> str | None:
    return next((path for path in paths if (folder / path).is_file()), None)


def _preprocess(folder: Path) -> Preprocess | None:
    for name, read in ((OPEN_CLIP_CONFIG, _from_open_clip), (TRANSFORMERS_CONFIG, _from_transformers)):
        path = folder / name
        try:
            if path.is_file():
                return read(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, ArithmeticError, KeyError, TypeError, AttributeError) as problem:
            raise ModelError(f"{printable(path)}: not a readable preprocessing configuration ({problem})") from problem
    return None


def _from_open_clip(config: dict[str, Any]) -> Preprocess:
    fit = _FITS[config.get("resize_mode", "shortest")]
    return _checked(
        size=config["size"],
        fit=fit,
        mean=config["mean"],
        std=config["std"],
        interpolation=config.get("interpolation", "bicubic"),
    )


def _from_transformers(config: dict[str, Any]) -> Preprocess:
    size = config.get("size", 224)
    crops = config.get("do_center_crop", "crop_pct" in config)
    normalises = config.get("do_normalize", True)
    side = config.get("crop_size", size) if crops else size
    short_side = size.get("shortest_edge") if isinstance(size, dict) else None
    if "crop_pct" in config:
        short_side = int(_side(side) / config["crop_pct"])
    return _checked(
        size=side,
        fit="crop" if crops or short_side else "squash",
        mean=config.get("image_mean", [0.0] * 3) if normalises else [0.0] * 3,
        std=config.get("image_std", [1.0] * 3) if normalises else [1.0] * 3,
        interpolation=_RESAMPLING.get(config.get("resample", 3), f"resample {config.get('resample')}"),
        short_side=short_side,
    )


def _side(size: Any) -> int:
    """One number out of 224, [224, 224], {"height": 224, "width": 224} or {"shortest_edge": 224}."""
    values = list(size.values()) if isinstance(size, dict) else size if isinstance(size, list) else [size]
    if not values or len(set(values)) != 1 or not isinstance(values[0], int) or not 1 <= values[0] <= 4096:
        raise ValueError(f"a square of whole pixels is needed, not {size!r}")
    return int(values[0])


def _checked(size: Any, fit: str, mean: Any, std: Any, interpolation: str, short_side: int | None = None) -> Preprocess:
    if interpolation not in ("bicubic", "bilinear"):
        raise ValueError(f"interpolation {interpolation!r} is not known")
    side = _side(size)
    if min(_triple(std)) <= 0:
        raise ValueError(f"deviations above 0 are needed, not {std!r}")
    return Preprocess(
        size=side,
        fit=cast(Any, fit),
        mean=_triple(mean),
        std=_triple(std),
        interpolation=cast(Interpolation, interpolation),
        short_side=short_side if short_side and short_side != side else None,
    )


def _triple(values: Any) -> Triple:
    numbers = [float(value) for value in values]
    if len(numbers) != 3:
        raise ValueError(f"three numbers are needed, not {values!r}")
    return numbers[0], numbers[1], numbers[2]
