"""EfficientNet-lite0 (Tan & Le 2019; the "lite" variant of 2020: no squeeze-and-excitation, ReLU6) as an ONNX graph."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from bundle.graph import Graph

SIZE = 224
EPSILON = 1e-3  # of every batch normalisation
# repeats, kernel, stride of the first, expansion, output channels
STAGES = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
]
POOLED = (112, 192, 320)  # the stages, by their width, that `middle` shows

State = dict[str, NDArray[Any]]


class _Network(Graph):
    def __init__(self, state: State) -> None:
        super().__init__("efficientnet-lite0")
        self.state = state
        self.low, self.high = self.weight(np.float32(0)), self.weight(np.float32(6))

    def conv(self, x: str, conv: str, norm: str, stride: int = 1, relu: bool = True) -> str:
        """Convolution with its batch normalisation folded in (in float64), then ReLU6."""
        weight = self.state[f"{conv}.weight"].astype(np.float64)
        gain = self.state[f"{norm}.weight"] / np.sqrt(self.state[f"{norm}.running_var"].astype(np.float64) + EPSILON)
        bias = self.state[f"{norm}.bias"] - self.state[f"{norm}.running_mean"] * gain
        channels, per_group, kernel, _ = weight.shape
        y = self.op(
            "Conv",
            x,
            self.half(weight * gain[:, None, None, None]),
            self.weight(bias, np.float32),
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            group=channels if per_group == 1 and "depthwise" in conv else 1,
            auto_pad="SAME_UPPER",
        )
        return self.op("Clip", y, self.low, self.high) if relu else y


def build(state: State) -> bytes:
    """Serialised ONNX. Input `pixels` (n, 224, 224, 3) uint8; outputs `embed` (n, 1280), the global average of
    the last feature map, `logits` (n, 1000) of ImageNet-1k, and `middle` (n, 624), those of the maps that the
    stages of POOLED end with, side by side."""
    g = _Network(state)
    x = g.op("Transpose", g.op("Cast", "pixels", to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
    x = g.op("Div", g.op("Sub", x, g.weight(np.float32(127))), g.weight(np.float32(128)))
    x = g.conv(x, "_conv_stem", "_bn0", stride=2)
    channels, block, pooled = 32, 0, []
    for repeats, _, stride, expansion, width in STAGES:
        for i in range(repeats):
            prefix, y = f"_blocks.{block}.", x
            if expansion != 1:
                y = g.conv(y, prefix + "_expand_conv", prefix + "_bn0")
            y = g.conv(y, prefix + "_depthwise_conv", prefix + "_bn1", stride=stride if i == 0 else 1)
            y = g.conv(y, prefix + "_project_conv", prefix + "_bn2", relu=False)
            x = g.op("Add", y, x) if i or (stride == 1 and channels == width) else y
            channels, block = width, block + 1
        if width in POOLED:
            pooled.append(g.op("Flatten", g.op("GlobalAveragePool", x), axis=1))
    x = g.conv(x, "_conv_head", "_bn1")
    g.op("Flatten", g.op("GlobalAveragePool", x), output="embed", axis=1)
    g.op(
        "Gemm", "embed", g.half(state["_fc.weight"]), g.weight(state["_fc.bias"], np.float32), output="logits", transB=1
    )
    g.op("Concat", *pooled, output="middle", axis=1)
    outputs = {"embed": ["n", 1280], "logits": ["n", 1000], "middle": ["n", sum(POOLED)]}
    return g.model({"pixels": (TensorProto.UINT8, ["n", SIZE, SIZE, 3])}, outputs)
