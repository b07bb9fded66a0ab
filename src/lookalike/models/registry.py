"""The networks that lookalike knows by name, as data: what a model is, not how it runs.

Where the numbers come from: `revision` is a commit of the repository, where one is known to hold the files;
`sha256` and `size` are what the hub itself and other projects that pin the same files publish. None of them could
be fetched where this list was written. A file without a digest here is checked against the digest that the hub
announces when it is downloaded, and that one is kept from then on (see hub.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lookalike.errors import ModelError
from lookalike.models.pixels import IMAGENET_MEAN, IMAGENET_STD, Preprocess

Kind = Literal["image", "image-text"]
Role = Literal["image", "text", "tokenizer"]

BUNDLED = "efficientnet-lite0"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model: its place inside the repository or folder, digest and size in bytes where known."""

    role: Role
    path: str
    sha256: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A model. dimension: length of its vectors, None until the file is opened. source: repository on the hub, ""
    for one that is bundled or in a folder. folder: where the files are, for a model named by its path."""

    name: str
    kind: Kind
    dimension: int | None
    preprocess: Preprocess
    licence: str
    files: tuple[ModelFile, ...] = ()
    source: str = ""
    revision: str = "main"
    folder: Path | None = None

    def file(self, role: Role) -> ModelFile | None:
        """The file of a role, or None when the model has none, as an image model has no text encoder."""
        return next((file for file in self.files if file.role == role), None)

    @property
    def size(self) -> int | None:
        """Bytes of all files together, None when one of them is unknown."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size or 0 for size in sizes)


_SIGLIP_PREPROCESS = Preprocess(224, "squash", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_MOBILECLIP_PREPROCESS = Preprocess(256, "crop", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "bilinear")
_RESNET_PREPROCESS = Preprocess(224, "crop", IMAGENET_MEAN, IMAGENET_STD, short_side=256)
# (x - 127) / 128 of values in 0..255.
_LITE_PREPROCESS = Preprocess(224, "squash", (127 / 255,) * 3, (128 / 255,) * 3)

_RECORDS = (
    ModelRecord(BUNDLED, "image", 1280, _LITE_PREPROCESS, "Apache-2.0"),
    ModelRecord(
        name="resnet50",
        kind="image",
        dimension=2048,
        preprocess=_RESNET_PREPROCESS,
        licence="Apache-2.0",
        files=(ModelFile("image", "onnx/model.onnx"),),
        source="Xenova/resnet-50",
        revision="6791d258f4afcf677b8fb933a4f571b10c8bf725",
    ),
    ModelRecord(
        name="clip-vit-b32",
        kind="image-text",
        dimension=512,
        preprocess=Preprocess(),
        licence="MIT",
        files=(
            ModelFile(
                "image",
                "onnx/vision_model.onnx",
                "fd6e1402a588279d1723c7534d4bcba5bc0b14b47dfab0e46f8c47b8270d7d40",
                351_685_709,
            ),
            ModelFile(
                "text",
                "onnx/text_model.onnx",
                "3f6571f5bad13a97c469c1622e1cfc4d9aef78b79fdbfcff804ca357bfada8cc",
                254_058_553,
            ),
            ModelFile(
                "tokenizer",
                "tokenizer.json",
                "f7f3b7af117d467b58374797691a6438d3e6b9e9cef800dfd5dced7f697a90cd",
                2_224_119,
            ),
        ),
        source="Xenova/clip-vit-base-patch32",
        revision="d15189d7028b43f1d3e65039190477f6af591c2a",
    ),
    ModelRecord(
        name="clip-vit-b16",
        kind="image-text",
        dimension=512,
        preprocess=Preprocess(),
        licence="MIT",
        files=(
            ModelFile("image", "visual/model.onnx"),
            ModelFile("text", "textual/model.onnx"),
            ModelFile("tokenizer", "textual/tokenizer.json"),
        ),
        source="immich-app/ViT-B-16__openai",
        revision="ea6f6256bd7894860f0e491e6000d5e8e9ff8028",
    ),
    ModelRecord(
        name="siglip-base",
        kind="image-text",
        dimension=768,
        preprocess=_SIGLIP_PREPROCESS,
        licence="Apache-2.0",
        files=(
            ModelFile(
                "image",
                "onnx/vision_model.onnx",
                "f89d41bac7f4d4b87e010a467d93f98689d708916ed22f5a07f96fdfa26f475f",
                371_819_850,
            ),
            ModelFile(
                "text",
                "onnx/text_model.onnx",
                "3aa7fdbd20eaa8740cce17bf82913de641fcb632a768fed59f661cdcd0c32553",
                441_332_132,
            ),
            ModelFile(
                "tokenizer",
                "tokenizer.json",
                "4a17c975210be5ab4c36b47d8dae4eefb866dbfb1e676e394aad85dc30a3ae08",
                2_398_744,
            ),
        ),
        source="Xenova/siglip-base-patch16-224",
        revision="4649052661e53c7000355844105f8a1792088239",
    ),
    ModelRecord(
        name="mobileclip-s2",
        kind="image-text",
        dimension=512,
        preprocess=_MOBILECLIP_PREPROCESS,
        licence="Apple AMLR (research only)",
        files=(
            ModelFile(
                "image",
                "onnx/vision_model.onnx",
                "d28b92d7a3a6ba99bd000cce5c91678c0e279dc934c887a3785908a811872a6c",
                143_020_962,
            ),
            ModelFile(
                "text",
                "onnx/text_model.onnx",
                "ff82e945c6c652c51df687e10f102a8e43c87d37c9108ff692468be3732f3710",
            ),
            ModelFile(
                "tokenizer",
                "tokenizer.json",
                "72ed5c96db5729294468543e4bc75fce14ca63f58e37300290189ba1c1e52b85",
            ),
        ),
        source="Xenova/mobileclip_s2",
    ),
)


def names() -> tuple[str, ...]:
    """The names of all known models, the bundled one first."""
    return tuple(record.name for record in _RECORDS)


def get(name: str) -> ModelRecord:
    """The record of a name, or of "path:FOLDER" or "path:FILE.onnx". ModelError for any other text."""
    if name.startswith("path:"):
        from lookalike.models.folders import record_of

        return record_of(name)
    for record in _RECORDS:
        if record.name == name:
            return record
    raise ModelError(f"no model {name!r}; there are {', '.join(names())}, and path:FOLDER or path:FILE.onnx")
