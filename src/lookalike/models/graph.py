"""The little of an ONNX file that onnxruntime does not tell: is it whole, and what does a classifier compute last.

An ONNX file is one protobuf message, ModelProto (onnx.proto, IR version 3 and later). Only the field numbers
named below are read; everything else is skipped without being parsed, so weights are never touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

MODEL_GRAPH = 7
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_OUTPUT = 1, 5, 12
NODE_INPUT, NODE_OUTPUT, NODE_OP = 1, 2, 4
TENSOR_NAME, VALUE_NAME = 8, 1

# What may stand between a classifier's last matrix product and its output.
AFTER_THE_PRODUCT = frozenset({"Softmax", "LogSoftmax", "Sigmoid", "Identity", "Cast", "Squeeze", "Reshape", "Add"})
PRODUCTS = frozenset({"Gemm", "MatMul"})


class BrokenGraph(ValueError):  # noqa: N818 - a condition of the file, reported as ModelError by the caller
    """The bytes are no protobuf message, or end before it does; the text says which."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operation: what it reads, what it writes (tensor names), and its kind ("Conv", "Gemm" ...)."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    op: str


@dataclass(frozen=True, slots=True)
class Graph:
    """Operations, names of stored weights, names of outputs."""

    nodes: tuple[Node, ...]
    weights: frozenset[str]
    outputs: tuple[str, ...]


def read_graph(data: memoryview) -> Graph:
    """The operations of an ONNX file's bytes. Raises BrokenGraph."""
    nodes: list[Node] = []
    weights: set[str] = set()
    outputs: list[str] = []
    for number, value in _messages(graph_bytes(data)):
        if number == GRAPH_NODE:
            nodes.append(_node(value))
        elif number == GRAPH_INITIALIZER:
            weights.update(_texts(value, TENSOR_NAME))
        elif number == GRAPH_OUTPUT:
            outputs.extend(_texts(value, VALUE_NAME))
    return Graph(tuple(nodes), frozenset(weights), tuple(outputs))


def graph_bytes(data: memoryview) -> memoryview:
    """The GraphProto inside a ModelProto: proves that the outermost message is whole. Raises BrokenGraph."""
    graphs = [value for number, value in _messages(data) if number == MODEL_GRAPH]
    if len(graphs) != 1:
        raise BrokenGraph("it has no graph of operations, so it is not an ONNX model")
    return graphs[0]


def before_classifier(graph: Graph, output: str) -> str | None:
    """The tensor that the last matrix product before `output` multiplies by its weights, or None if there is none.

    Follows the chain of single operations upwards from the output through softmax, bias and reshaping.
    """
    makers = {name: node for node in graph.nodes for name in node.outputs}
    constants = graph.weights | {name for node in graph.nodes if node.op == "Constant" for name in node.outputs}
    name = output
    for _ in range(len(graph.nodes)):
        node = makers.get(name)
        if node is None:
            return None
        data = [source for source in node.inputs if source and source not in constants]
        if len(data) != 1 or not node.inputs:
            return None
        if node.op in PRODUCTS:
            return data[0] if data[0] == node.inputs[0] else None
        if node.op not in AFTER_THE_PRODUCT:
            return None
        name = data[0]
    return None


def with_output(data: bytes, tensor: str) -> bytes:
    """The same model with one more output.

    A protobuf message that occurs twice in a non-repeated field is merged, its lists joined (protobuf encoding,
    "Last One Wins"): a second graph that holds nothing but an output, appended to the file, adds that output.
    The output carries no type: onnxruntime infers it.
    """
    value = _field(VALUE_NAME, tensor.encode())
    return data + _field(MODEL_GRAPH, _field(GRAPH_OUTPUT, value))


def _node(data: memoryview) -> Node:
    inputs: list[str] = []
    outputs: list[str] = []
    op = ""
    for number, value in _messages(data):
        if number == NODE_INPUT:
            inputs.append(_text(value))
        elif number == NODE_OUTPUT:
            outputs.append(_text(value))
        elif number == NODE_OP:
            op = _text(value)
    return Node(tuple(inputs), tuple(outputs), op)


def _texts(data: memoryview, number: int) -> list[str]:
    return [_text(value) for found, value in _messages(data) if found == number]


def _text(data: memoryview) -> str:
    return bytes(data).decode("utf-8", "backslashreplace")


def _messages(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The length-delimited fields of one message as (field number, bytes); others are stepped over."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise BrokenGraph("it is not an ONNX model")
        if wire == 0:
            _, at = _varint(data, at)
            continue
        if wire == 2:
            length, at = _varint(data, at)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise BrokenGraph("it is not an ONNX model")
        if at + length > len(data):
            raise BrokenGraph(
                f"it is cut short: {at + length - len(data):,} bytes or more are missing, or it is not ONNX"
            )
        if wire == 2:
            yield number, data[at : at + length]
        at += length


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if at >= len(data):
            raise BrokenGraph("it is cut short, or it is not ONNX")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise BrokenGraph("it is not an ONNX model")


def _field(number: int, value: bytes) -> bytes:
    return _as_varint(number << 3 | 2) + _as_varint(len(value)) + value


def _as_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
