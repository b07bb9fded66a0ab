"""Image and text encoders from ONNX files: pictures and texts in, vectors of unit length out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import ModelError
from lookalike.models.hub import installed
from lookalike.models.onnx import Network, Port
from lookalike.models.pixels import Picture, Preprocess, normalised, square
from lookalike.models.registry import ModelRecord
from lookalike.models.session import Providers
from lookalike.models.tokens import Tokens, open_tokens

Floats = NDArray[np.float32]
PROMPT = "a photo of {}"


class ImageModel:
    """The image encoder of a model. dimension: length of its vectors.

    Works for CLIP-like encoders, and for classifiers by the values before their last layer; for inputs of float32,
    float16 (prepared by `preprocess`) or uint8 (the plain pixels), channels first or last, with any number of
    pictures at once or a fixed one.
    """

    def __init__(self, path: Path, preprocess: Preprocess, threads: int = 1, providers: Providers = ()) -> None:
        self._network = Network(path, threads, providers)
        self._output = self._network.vector_output()
        self._input = self._picture_input()
        self._channels_last = _is_channels_last(self._input)
        # What the file says is so; a folder's configuration may be another model's.
        side = _sides(self._input)[0] or preprocess.size
        fitting = side == preprocess.size
        self.preprocess = preprocess if fitting else replace(preprocess, size=side, short_side=None)
        self.dimension = self._output.shape[1] or self.encode(np.zeros((8, 8, 3), np.uint8)).size

    def encode(self, picture: Picture) -> Floats:
        """(dimension,) float32, unit length."""
        return np.asarray(self.encode_batch([picture])[0])

    def encode_batch(self, pictures: Sequence[Picture]) -> Floats:
        """(n, dimension) float32, unit length. The vector of a picture does not depend on its neighbours."""
        if not pictures:
            return np.zeros((0, self.dimension), np.float32)
        inputs = np.stack([self._prepared(picture) for picture in pictures])
        return _unit(_in_batches(self._network, {self._input: inputs}, self._output))

    def _prepared(self, picture: Picture) -> NDArray[np.generic]:
        pixels = square(picture, self.preprocess)
        if self._input.dtype == np.uint8:
            return pixels if self._channels_last else np.ascontiguousarray(pixels.transpose(2, 0, 1))
        values = normalised(pixels, self.preprocess).astype(self._input.dtype, copy=False)
        return np.ascontiguousarray(values.transpose(1, 2, 0)) if self._channels_last else values

    def _picture_input(self) -> Port:
        inputs = self._network.inputs
        if len(inputs) != 1:
            names = ", ".join(port.name for port in inputs) or "none"
            raise self._network.bad(f"an image encoder takes one input, not {len(inputs)} ({names})")
        port = inputs[0]
        if len(port.shape) != 4 or port.dtype not in (np.float32, np.float16, np.uint8):
            raise self._network.bad(f"its input {port.name} is no batch of pictures")
        if port.shape[3 if _is_channels_last(port) else 1] not in (3, None):
            raise self._network.bad(f"its input {port.name} is not of three colours")
        height, width = _sides(port)
        if height != width:
            raise self._network.bad(f"its input {port.name} is not square ({height} by {width})")
        return port


class TextModel:
    """The text encoder of a model; its vectors are compared with those of the image encoder by cosine.

    dimension: length of its vectors. Raises ModelError for a file with unexpected inputs.
    """

    def __init__(self, path: Path, tokenizer: Path, threads: int = 1, providers: Providers = ()) -> None:
        self._network = Network(path, threads, providers)
        self._output = self._network.vector_output()
        self._ids, self._mask, self._types = self._text_inputs()
        self._tokens: Tokens = open_tokens(tokenizer, self._ids.shape[1])
        self.dimension = self._output.shape[1] or self._encoded([""]).shape[1]

    def encode(self, texts: Sequence[str], prompts: bool = True) -> Floats:
        """(n, dimension) float32, unit length. With prompts, the mean of "a photo of {text}" and the bare text."""
        bare = self._encoded(list(texts))
        if not prompts:
            return bare
        return _unit(bare + self._encoded([PROMPT.format(text) for text in texts]))

    def _encoded(self, texts: list[str]) -> Floats:
        rows = self._tokens(texts)
        feeds = {self._ids: rows.astype(self._ids.dtype)}
        if self._mask is not None:
            feeds[self._mask] = self._tokens.mask(rows).astype(self._mask.dtype)
        if self._types is not None:
            feeds[self._types] = np.zeros(rows.shape, self._types.dtype)
        return _unit(_in_batches(self._network, feeds, self._output))

    def _text_inputs(self) -> tuple[Port, Port | None, Port | None]:
        ports = {port.name: port for port in self._network.inputs}
        mask, types = ports.pop("attention_mask", None), ports.pop("token_type_ids", None)
        wanted = [port for port in ports.values() if port.dtype in (np.int32, np.int64) and len(port.shape) == 2]
        if len(ports) != 1 or not wanted:
            names = ", ".join(port.name for port in self._network.inputs) or "none"
            raise self._network.bad(f"a text encoder takes token numbers, not {names}")
        return wanted[0], mask, types


def open_image_model(record: ModelRecord, threads: int = 1, providers: Providers = ()) -> ImageModel:
    """The image encoder of an installed model that is not the bundled one.

    ModelError when it is missing, damaged, or makes vectors of another length than its record says.
    """
    model = ImageModel(installed(record)["image"], record.preprocess, threads, providers)
    _check_dimension(record, model.dimension)
    return model


def open_text_model(record: ModelRecord, threads: int = 1, providers: Providers = ()) -> TextModel:
    """The text encoder of an installed model of the kind "image-text". ModelError as for `open_image_model`."""
    files = installed(record)
    if "text" not in files:
        raise ModelError(f"{record.name} knows pictures but no texts; clip-vit-b32 knows both")
    model = TextModel(files["text"], files["tokenizer"], threads, providers)
    _check_dimension(record, model.dimension)
    return model


def _check_dimension(record: ModelRecord, dimension: int) -> None:
    if record.dimension not in (None, dimension):
        raise ModelError(
            f"{record.name}: its file makes vectors of {dimension} numbers, not {record.dimension}: "
            f"another model's file is in its place; `lookalike models get {record.name}` fetches the right one"
        )


def _is_channels_last(port: Port) -> bool:
    return port.shape[3] == 3 and port.shape[1] != 3


def _sides(port: Port) -> tuple[int | None, ...]:
    """Height and width of a batch of pictures."""
    return port.shape[1:3] if _is_channels_last(port) else port.shape[2:]


def _in_batches(network: Network, feeds: dict[Port, NDArray[np.generic]], output: Port) -> Floats:
    """Rows of all inputs through the network, as many at a time as it takes: (n, d) float32."""
    total = len(next(iter(feeds.values())))
    step = next((port.shape[0] for port in feeds if port.shape[0] is not None), None) or max(total, 1)
    parts = []
    for start in range(0, total, step):
        rows = {port.name: _filled(values[start : start + step], step) for port, values in feeds.items()}
        part = network.run(rows, output.name)
        if part.shape[:1] != (step,) or part.size != step * part.shape[1]:
            raise network.bad(f"its output {output.name} is not one vector for each picture or text")
        parts.append(part.astype(np.float32).reshape(step, -1)[: total - start])
    return np.concatenate(parts) if parts else np.zeros((0, output.shape[1] or 0), np.float32)


def _filled(rows: NDArray[np.generic], count: int) -> NDArray[np.generic]:
    """Exactly `count` rows: the last one repeated where a fixed batch is not full."""
    return rows if len(rows) == count else np.concatenate([rows, np.repeat(rows[-1:], count - len(rows), axis=0)])


def _unit(vectors: Floats) -> Floats:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, np.float32(1e-12)), np.float32)
