"""Both networks once more in plain numpy and float64, straight from the published weights: what the ONNX files
must agree with. Slow, written to be read beside the papers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from bundle.efficientnet import EPSILON, POOLED, STAGES

State = dict[str, NDArray[Any]]
Floats = NDArray[np.float64]


def see(state: State, pixels: NDArray[np.uint8]) -> tuple[Floats, Floats, Floats]:
    """EfficientNet-lite0 of one picture (224, 224, 3): the pooled features (1280,), the class scores (1000,), and
    the pooled maps of the middle (624,)."""
    x = (pixels.astype(np.float64) - 127) / 128
    x = _relu6(_norm(state, "_bn0", _conv(x, state["_conv_stem.weight"], 2)))
    block, middle = 0, []
    for repeats, _, stride, expansion, width in STAGES:
        for i in range(repeats):
            prefix, y = f"_blocks.{block}.", x
            if expansion != 1:
                y = _relu6(_norm(state, prefix + "_bn0", _conv(y, state[prefix + "_expand_conv.weight"], 1)))
            y = _depthwise(y, state[prefix + "_depthwise_conv.weight"], stride if i == 0 else 1)
            y = _relu6(_norm(state, prefix + "_bn1", y))
            y = _norm(state, prefix + "_bn2", _conv(y, state[prefix + "_project_conv.weight"], 1))
            x = x + y if x.shape == y.shape else y
            block += 1
        if width in POOLED:
            middle.append(x.mean(axis=(0, 1)))
    x = _relu6(_norm(state, "_bn1", _conv(x, state["_conv_head.weight"], 1)))
    pooled = x.mean(axis=(0, 1))
    return pooled, state["_fc.weight"] @ pooled + state["_fc.bias"], np.concatenate(middle)


def read(state: State, ids: Sequence[int], layers: int, heads: int, epsilon: float) -> Floats:
    """MiniLM of one text given by its tokens: (384,), unit length."""
    x = state["embeddings.word_embeddings.weight"][list(ids)].astype(np.float64)
    x = x + state["embeddings.position_embeddings.weight"][: len(ids)]
    x = _layer_norm(state, "embeddings.LayerNorm", x + state["embeddings.token_type_embeddings.weight"][0], epsilon)
    for i in range(layers):
        prefix = f"encoder.layer.{i}."
        q, k, v = (_split(_linear(state, f"{prefix}attention.self.{n}", x), heads) for n in ("query", "key", "value"))
        scores = np.exp(q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[2]))
        seen = (scores / scores.sum(axis=2, keepdims=True) @ v).transpose(1, 0, 2).reshape(x.shape)
        seen = _linear(state, f"{prefix}attention.output.dense", seen)
        x = _layer_norm(state, f"{prefix}attention.output.LayerNorm", seen + x, epsilon)
        y = _linear(state, f"{prefix}intermediate.dense", x)
        y = _linear(state, f"{prefix}output.dense", y * (1 + erf(y / np.sqrt(2))) / 2)
        x = _layer_norm(state, f"{prefix}output.LayerNorm", y + x, epsilon)
    mean = x.mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean))


def _windows(x: Floats, kernel: int, stride: int) -> Floats:
    """Every place of a kernel, padded as TensorFlow does ("SAME", the odd pixel below): (h, w, channels, k, k)."""
    pads = []
    for size in x.shape[:2]:
        pad = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        pads.append((pad // 2, pad - pad // 2))
    padded = np.pad(x, [*pads, (0, 0)])
    return np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(0, 1))[::stride, ::stride]


def _conv(x: Floats, weight: NDArray[Any], stride: int) -> Floats:
    if weight.shape[2] == 1:
        return np.asarray(x @ weight[:, :, 0, 0].T)
    return np.einsum("hwcij,ocij->hwo", _windows(x, weight.shape[2], stride), weight, optimize=True)


def _depthwise(x: Floats, weight: NDArray[Any], stride: int) -> Floats:
    return np.einsum("hwcij,cij->hwc", _windows(x, weight.shape[2], stride), weight[:, 0])


def _norm(state: State, key: str, x: Floats) -> Floats:
    centred = (x - state[f"{key}.running_mean"]) / np.sqrt(state[f"{key}.running_var"].astype(np.float64) + EPSILON)
    return np.asarray(centred * state[f"{key}.weight"] + state[f"{key}.bias"])


def _relu6(x: Floats) -> Floats:
    return np.clip(x, 0, 6)


def _linear(state: State, key: str, x: Floats) -> Floats:
    return np.asarray(x @ state[f"{key}.weight"].T + state[f"{key}.bias"])


def _split(x: Floats, heads: int) -> Floats:
    return x.reshape(len(x), heads, -1).transpose(1, 0, 2)


def _layer_norm(state: State, key: str, x: Floats, epsilon: float) -> Floats:
    centred = x - x.mean(axis=1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + epsilon)
    return np.asarray(scaled * state[f"{key}.weight"] + state[f"{key}.bias"])
