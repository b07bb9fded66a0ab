"""An ONNX file opened with onnxruntime: its inputs and outputs read from the file, never assumed."""

from __future__ import annotations

import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import ModelError, printable
from lookalike.models.graph import BrokenGraph, before_classifier, graph_bytes, read_graph, with_output
from lookalike.models.session import Providers, failures, open_session, reason

_DTYPES: Mapping[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}
# Outputs that hold one vector a picture or text, by the names that exporters give them, best first.
_VECTOR_NAMES = ("image_embeds", "text_embeds", "embedding", "embeddings", "pooler_output", "output")
_CLASSIFIER_WORDS = ("logits", "prob", "softmax", "score", "class", "dense")
# ImageNet in its usual editions; a vector to compare by is never of these lengths.
_CLASS_COUNTS = frozenset({1000, 1001, 10450, 11221, 11821, 21841, 21843})


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output: its name, numpy type (None for a type not used here) and shape, None where it may vary."""

    name: str
    dtype: type[np.generic] | None
    shape: tuple[int | None, ...]


class Network:
    """An ONNX file, open. Safe to share between threads.

    inputs, outputs: what the file declares. Raises ModelError for a file that is missing, cut short, not ONNX, or
    of a kind that onnxruntime cannot run, and for providers that are not available. One thread is the default
    because pictures are described by one process a core.
    """

    def __init__(self, path: Path, threads: int = 1, providers: Providers = ()) -> None:
        self.path = path
        self._threads, self._providers = threads, providers
        _check_whole(path)
        self._session = open_session(path, threads, providers)
        self._read_ports()

    def _read_ports(self) -> None:
        self.inputs = tuple(_port(node) for node in self._session.get_inputs())
        self.outputs = tuple(_port(node) for node in self._session.get_outputs())

    def vector_output(self) -> Port:
        """The output that holds one vector for each picture or text.

        Of a classifier, that is the tensor before its last layer, which becomes an output of this network by
        editing the graph in memory. ModelError when there is neither.
        """
        candidates = [port for port in self.outputs if _is_vector(port)]
        candidates.sort(key=_preference)
        if candidates and not _is_classifier(candidates[0]):
            return candidates[0]
        if not candidates:
            found = ", ".join(f"{port.name} {_shape_text(port)}" for port in self.outputs)
            raise self.bad(f"has no output with one vector a picture or text ({found})")
        return self._expose_before(candidates[0])

    def run(self, feeds: Mapping[str, NDArray[Any]], output: str) -> NDArray[Any]:
        """One output for the given inputs. ModelError when the network fails on them."""
        return self.run_all(feeds, [output])[0]

    def run_all(self, feeds: Mapping[str, NDArray[Any]], outputs: Sequence[str]) -> list[NDArray[Any]]:
        """Several outputs of one pass, in the order asked for."""
        try:
            return [np.asarray(values) for values in self._session.run(list(outputs), dict(feeds))]
        except failures() as problem:
            raise self.bad(f"the network failed ({reason(problem)})") from problem

    def bad(self, what: str) -> ModelError:
        """A ModelError about this file."""
        return ModelError(f"{printable(self.path)}: {what}")

    def _expose_before(self, classifier: Port) -> Port:
        data = self.path.read_bytes()
        tensor = before_classifier(read_graph(memoryview(data)), classifier.name)
        if tensor is None:
            raise self.bad("is a classifier whose last layer is not recognised; use an export without it")
        self._session = open_session(self.path, self._threads, self._providers, with_output(data, tensor))
        self._read_ports()
        port = next((port for port in self.outputs if port.name == tensor), None)
        if port is None or not _is_vector(port):
            raise self.bad("is a classifier without a vector before its last layer; use an export without it")
        return port


def _check_whole(path: Path) -> None:
    """A look at the outermost message: what onnxruntime says of a broken file helps nobody."""
    try:
        if path.stat().st_size == 0:
            raise BrokenGraph("it is empty")
        with path.open("rb") as file:
            # Not closed by hand: a failure's traceback may still hold slices of it.
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if mapped[:23] == b"version https://git-lfs":
            raise BrokenGraph("it is a pointer to a model, not the model")
        graph_bytes(memoryview(mapped))
    except BrokenGraph as problem:
        raise ModelError(f"{printable(path)}: {problem}; fetch the model again") from None
    except OSError as problem:
        why = problem.strerror or problem
        raise ModelError(f"{printable(path)}: cannot be read ({why}); fetch the model again") from problem


def _port(node: Any) -> Port:
    shape = tuple(size if isinstance(size, int) and size > 0 else None for size in node.shape or ())
    return Port(node.name, _DTYPES.get(node.type), shape)


def _is_vector(port: Port) -> bool:
    """(n, d), or (n, d, 1, 1) as pooling layers leave it; open sizes count as 1."""
    spatial = port.shape[2:]
    if port.dtype not in (np.float32, np.float16) or len(port.shape) not in (2, 4):
        return False
    return all(size in (1, None) for size in spatial)


def _preference(port: Port) -> tuple[bool, int]:
    """Embeddings by name first, in the order of the list; then others; classifiers last."""
    known = _VECTOR_NAMES.index(port.name) if port.name in _VECTOR_NAMES else len(_VECTOR_NAMES)
    return _is_classifier(port), known


def _is_classifier(port: Port) -> bool:
    if port.name in _VECTOR_NAMES[:-1]:
        return False
    return port.shape[1] in _CLASS_COUNTS or any(word in port.name.lower() for word in _CLASSIFIER_WORDS)


def _shape_text(port: Port) -> str:
    return "x".join("?" if size is None else str(size) for size in port.shape)
