"""A thin layer over onnx.helper: nodes and weights are added one by one, names are counted, bytes are reproducible."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 20, 9  # the Gelu operator; onnxruntime >= 1.17


class Graph:
    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def weight(self, values: Any, dtype: Any = None) -> str:
        """A constant of the graph; the name of its tensor."""
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype), name))
        return name

    def half(self, values: NDArray[Any]) -> str:
        """A float32 constant kept in half the bytes: the runtime widens it once, when it loads the graph."""
        return self.op("Cast", self.weight(values, np.float16), to=TensorProto.FLOAT)

    def op(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """A node with one output; the name of that output."""
        output = output or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def ops(self, kind: str, *inputs: str, outputs: int) -> list[str]:
        """A node with several outputs; their names."""
        names = [f"n{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names))
        return names

    def model(self, inputs: dict[str, tuple[int, list[Any]]], outputs: dict[str, list[Any]]) -> bytes:
        """The checked model, serialised. inputs: name -> (element type, shape); outputs are float32."""
        graph = helper.make_graph(
            self.nodes,
            self.name,
            [helper.make_tensor_value_info(name, *info) for name, info in inputs.items()],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in outputs.items()],
            self.weights,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="lookalike"
        )
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString(deterministic=True))
