"""all-MiniLM-L6-v2 (Wang et al. 2020; Reimers & Gurevych 2019) as an ONNX graph with 8-bit weights.

Weights take 7 of the 8 bits: the 8-bit dot product of CPUs without VNNI saturates beyond that, and a text must
give the same vector on every machine.
"""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from bundle.graph import Graph

State = dict[str, NDArray[Any]]
WEIGHT_LIMIT = 63
TABLE_LIMIT = 127  # the embedding table is only looked up, never multiplied


def read_safetensors(data: bytes) -> State:
    """Name -> float32 tensor: an 8-byte header length, a JSON header with byte offsets, the values."""
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    state: State = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            start, stop = entry["data_offsets"]
            raw = data[8 + length + start : 8 + length + stop]
            state[name] = np.frombuffer(raw, "<f4").reshape(entry["shape"])
    return state


def quantise(values: NDArray[Any], axis: int, limit: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Symmetric 8-bit values and the scale of each row or column (the one that is not `axis`)."""
    scale = np.maximum(np.abs(values).max(axis=axis, keepdims=True), 1e-12) / limit
    return np.rint(values / scale).astype(np.int8), scale.astype(np.float32)


class _Encoder(Graph):
    def __init__(self, state: State, heads: int, epsilon: float) -> None:
        super().__init__("all-MiniLM-L6-v2")
        self.state, self.epsilon = state, epsilon
        width = state["embeddings.word_embeddings.weight"].shape[1]
        self.zero = self.weight(np.int8(0))
        self.split = self.weight([0, 0, heads, width // heads], np.int64)
        self.join = self.weight([0, 0, width], np.int64)
        self.scale = self.weight(np.float32((width // heads) ** -0.5))

    def quantised(self, x: str) -> list[str]:
        return self.ops("DynamicQuantizeLinear", x, outputs=3)

    def linear(self, quantised: list[str], key: str) -> str:
        """x W^T + b with 8-bit x and W: integers are summed exactly, then scaled."""
        values, x_scale, x_zero = quantised
        weight, scale = quantise(self.state[f"{key}.weight"].T, 0, WEIGHT_LIMIT)
        total = self.op("MatMulInteger", values, self.weight(weight), x_zero, self.zero)
        scales = self.op("Mul", x_scale, self.weight(scale[0]))
        product = self.op("Mul", self.op("Cast", total, to=TensorProto.FLOAT), scales)
        return self.op("Add", product, self.weight(self.state[f"{key}.bias"]))

    def norm(self, x: str, key: str) -> str:
        gain, bias = (self.weight(self.state[f"{key}.{part}"]) for part in ("weight", "bias"))
        return self.op("LayerNormalization", x, gain, bias, axis=-1, epsilon=self.epsilon)

    def embeddings(self, ids: str) -> str:
        table, scale = quantise(self.state["embeddings.word_embeddings.weight"], 1, TABLE_LIMIT)
        words = self.op("Cast", self.op("Gather", self.weight(table), ids), to=TensorProto.FLOAT)
        words = self.op("Mul", words, self.op("Gather", self.weight(scale), ids))
        kind = self.state["embeddings.token_type_embeddings.weight"][0]
        places = self.half(self.state["embeddings.position_embeddings.weight"] + kind)
        first, axis = self.weight([0], np.int64), self.weight([0], np.int64)
        length = self.op("Shape", ids, start=1, end=2)
        return self.norm(self.op("Add", words, self.op("Slice", places, first, length, axis)), "embeddings.LayerNorm")

    def layer(self, x: str, prefix: str) -> str:
        """Self-attention and feed-forward, each with a residual and a normalisation after it."""
        quantised = self.quantised(x)
        q, k, v = (
            self.op(
                "Transpose",
                self.op("Reshape", self.linear(quantised, f"{prefix}attention.self.{name}"), self.split),
                perm=perm,
            )
            for name, perm in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3]))
        )
        scores = self.op("Mul", self.op("MatMul", q, k), self.scale)
        seen = self.op("MatMul", self.op("Softmax", scores, axis=-1), v)
        seen = self.op("Reshape", self.op("Transpose", seen, perm=[0, 2, 1, 3]), self.join)
        seen = self.linear(self.quantised(seen), f"{prefix}attention.output.dense")
        x = self.norm(self.op("Add", seen, x), f"{prefix}attention.output.LayerNorm")
        y = self.op("Gelu", self.linear(self.quantised(x), f"{prefix}intermediate.dense"))
        y = self.linear(self.quantised(y), f"{prefix}output.dense")
        return self.norm(self.op("Add", y, x), f"{prefix}output.LayerNorm")


def build(state: State, layers: int, heads: int, epsilon: float) -> bytes:
    """Serialised ONNX of one text at a time. Input `ids` (1, t) int64; output `embedding` (1, 384), unit length.

    No batches, no padding: the 8-bit scale of an activation spans the whole input, so in a batch the vector of a
    text would depend on its neighbours.
    """
    g = _Encoder(state, heads, epsilon)
    x = g.embeddings("ids")
    for i in range(layers):
        x = g.layer(x, f"encoder.layer.{i}.")
    mean = g.op("ReduceMean", x, g.weight([1], np.int64), keepdims=0)
    g.op("LpNormalization", mean, output="embedding", axis=-1, p=2)
    return g.model({"ids": (TensorProto.INT64, [1, "t"])}, {"embedding": [1, 384]})
