from __future__ import annotations

import contextlib

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tiny import unpacked, write

from lookalike.errors import ModelError
from lookalike.models.clip import ImageModel
from lookalike.models.graph import BrokenGraph, before_classifier, graph_bytes, read_graph, with_output
from lookalike.models.onnx import Network
from lookalike.models.pixels import Preprocess
from lookalike.models.session import open_session, provider_names

FLOAT, HALF, BYTE = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.UINT8


def model(nodes, inputs, outputs, **weights) -> bytes:
    """An ONNX file of nodes (op, inputs, outputs, attributes), inputs and outputs (name, type, shape)."""
    helper = onnx.helper
    graph = helper.make_graph(
        [helper.make_node(op, reads, writes, **attributes) for op, reads, writes, attributes in nodes],
        "test",
        [helper.make_tensor_value_info(*port) for port in inputs],
        [helper.make_tensor_value_info(*port) for port in outputs],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return made.SerializeToString()


def means(shape, dtype=FLOAT, name="mean", axes=(2, 3), out=("n", 3)) -> bytes:
    """An encoder whose vector is the mean colour."""
    nodes = [
        ("Cast", ["pixels"], ["values"], {"to": FLOAT}),
        ("ReduceMean", ["values"], [name], {"axes": list(axes), "keepdims": 0}),
    ]
    return model(nodes, [("pixels", dtype, shape)], [(name, FLOAT, out)])


RED = np.tile(np.uint8([[[200, 20, 20]]]), (32, 32, 1))


@pytest.mark.parametrize(
    ("shape", "dtype", "axes"),
    [
        (("n", 3, 32, 32), FLOAT, (2, 3)),
        (("n", 3, "h", "w"), FLOAT, (2, 3)),
        ((1, 3, 32, 32), HALF, (2, 3)),
        ((4, 3, 32, 32), FLOAT, (2, 3)),
        (("n", 32, 32, 3), FLOAT, (1, 2)),
        (("n", "h", "w", 3), FLOAT, (1, 2)),
        (("n", 3, 32, 32), BYTE, (2, 3)),
        ((1, 32, 32, 3), BYTE, (1, 2)),
    ],
)
def test_sizes_types_batches_and_channel_order_are_read_from_the_file(tmp_path, shape, dtype, axes):
    path = write(tmp_path / "mean.onnx", means(shape, dtype, axes=axes))
    encoder = ImageModel(path, Preprocess(32, mean=(0, 0, 0), std=(1, 1, 1)))
    expected = np.float32([200, 20, 20]) / np.linalg.norm([200, 20, 20])
    np.testing.assert_allclose(encoder.encode_batch([RED] * 3), [expected] * 3, atol=2e-3)


def test_the_size_in_the_file_wins_over_a_wrong_configuration(tmp_path):
    path = write(tmp_path / "mean.onnx", means(("n", 3, 32, 32)))
    assert ImageModel(path, Preprocess(224)).preprocess.size == 32


def test_a_dimension_that_the_file_leaves_open_is_found_by_running_it(tmp_path):
    path = write(tmp_path / "mean.onnx", means(("n", 3, 32, 32), out=("n", "d")))
    assert ImageModel(path, Preprocess(32)).dimension == 3


def test_a_pooled_map_of_one_pixel_is_a_vector(tmp_path):
    content = model(
        [("GlobalAveragePool", ["pixels"], ["features"], {})],
        [("pixels", FLOAT, ("n", 3, 32, 32))],
        [("features", FLOAT, ("n", 3, 1, 1))],
    )
    encoder = ImageModel(write(tmp_path / "map.onnx", content), Preprocess(32, mean=(0, 0, 0), std=(1, 1, 1)))
    np.testing.assert_allclose(encoder.encode(RED)[0], 200 / np.linalg.norm([200, 20, 20]), atol=1e-4)


def test_a_map_of_undeclared_size_is_no_vector(tmp_path):
    content = model(
        [("Relu", ["pixels"], ["features"], {})],
        [("pixels", FLOAT, ("n", 3, "h", "w"))],
        [("features", FLOAT, ("n", 3, "h", "w"))],
    )
    encoder = ImageModel(write(tmp_path / "map.onnx", content), Preprocess(32))
    with pytest.raises(ModelError, match="not one vector"):
        encoder.encode(RED)


def test_the_pooled_output_is_preferred_to_the_sequence_and_the_classes(tmp_path):
    content = model(
        [
            ("ReduceMean", ["pixels"], ["pooler_output"], {"axes": [2, 3], "keepdims": 0}),
            ("MatMul", ["pooler_output", "w"], ["logits"], {}),
            ("Reshape", ["pixels", "s"], ["last_hidden_state"], {}),
        ],
        [("pixels", FLOAT, ("n", 3, 32, 32))],
        [
            ("last_hidden_state", FLOAT, ("n", 3, 1024)),
            ("logits", FLOAT, ("n", 1000)),
            ("pooler_output", FLOAT, ("n", 3)),
        ],
        w=np.zeros((3, 1000), np.float32),
        s=np.int64([0, 3, 1024]),
    )
    assert Network(write(tmp_path / "vit.onnx", content)).vector_output().name == "pooler_output"


# Classifiers


def classifier(*tail, outputs=(("logits", FLOAT, ("n", 1000)),)) -> bytes:
    nodes = [("ReduceMean", ["pixels"], ["features"], {"axes": [2, 3], "keepdims": 0}), *tail]
    weights = {"w": np.ones((3, 1000), np.float32), "b": np.ones(1000, np.float32), "s": np.int64([-1, 1000])}
    return model(nodes, [("pixels", FLOAT, ("n", 3, 8, 8))], outputs, **weights)


@pytest.mark.parametrize(
    "tail",
    [
        [("Gemm", ["features", "w", "b"], ["logits"], {})],
        [("Gemm", ["features", "w"], ["y"], {}), ("Softmax", ["y"], ["logits"], {})],
        [("MatMul", ["features", "w"], ["y"], {}), ("Add", ["y", "b"], ["logits"], {})],
        [("MatMul", ["features", "w"], ["y"], {}), ("Add", ["b", "y"], ["z"], {}), ("Softmax", ["z"], ["logits"], {})],
        [("Gemm", ["features", "w"], ["y"], {}), ("Reshape", ["y", "s"], ["logits"], {})],
    ],
)
def test_the_tensor_before_the_last_product_becomes_the_vector(tmp_path, tail):
    network = Network(write(tmp_path / "classes.onnx", classifier(*tail)))
    port = network.vector_output()
    assert (port.name, port.shape[1]) == ("features", 3)
    pixels = np.random.default_rng(1).random((2, 3, 8, 8), np.float32)
    np.testing.assert_allclose(network.run({"pixels": pixels}, port.name), pixels.mean(axis=(2, 3)), atol=1e-6)


def test_a_classifier_without_a_last_product_is_refused(tmp_path):
    content = model(
        [("ReduceMean", ["pixels"], ["y"], {"axes": [2, 3], "keepdims": 0}), ("Softmax", ["y"], ["probs"], {})],
        [("pixels", FLOAT, ("n", 3, 8, 8))],
        [("probs", FLOAT, ("n", 3))],
    )
    with pytest.raises(ModelError, match="last layer is not recognised"):
        Network(write(tmp_path / "classes.onnx", content)).vector_output()


def test_the_product_of_two_computed_tensors_is_no_classifier_layer():
    content = classifier(
        ("Transpose", ["features"], ["turned"], {}), ("MatMul", ["features", "turned"], ["logits"], {})
    )
    assert before_classifier(read_graph(memoryview(content)), "logits") is None


def test_a_graph_that_leads_in_a_circle_is_left_alone():
    content = model([("Identity", ["a"], ["b"], {}), ("Identity", ["b"], ["a"], {})], [], [("a", FLOAT, ("n", 1000))])
    assert before_classifier(read_graph(memoryview(content)), "a") is None


def test_an_appended_output_leaves_the_rest_of_the_model_as_it_was():
    before = onnx.load_from_string(unpacked("data/resnet.onnx"))
    after = onnx.load_from_string(with_output(unpacked("data/resnet.onnx"), "features"))
    assert [output.name for output in after.graph.output] == ["logits", "features"]
    after.graph.output.pop()
    assert after == before


def test_the_graph_is_read_as_the_onnx_package_reads_it():
    for name in ("resnet", "vision_dynamic", "text_fixed", "vision_fp16"):
        content = unpacked(f"data/{name}.onnx")
        expected = onnx.load_from_string(content).graph
        found = read_graph(memoryview(content))
        assert [(n.op, list(n.inputs), list(n.outputs)) for n in found.nodes] == [
            (n.op_type, list(n.input), list(n.output)) for n in expected.node
        ]
        assert found.weights == {w.name for w in expected.initializer}
        assert list(found.outputs) == [o.name for o in expected.output]


@given(st.binary(max_size=300))
@example(b"\x3a\x00")
@example(b"\xff" * 20)
@example(b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f")
def test_any_bytes_are_a_graph_or_broken(data):
    try:
        before_classifier(read_graph(memoryview(data)), "logits")
    except BrokenGraph as problem:
        assert "ONNX" in str(problem) or "cut short" in str(problem)


@settings(max_examples=200)
@given(at=st.integers(0), flip=st.integers(1, 255))
def test_a_changed_byte_never_breaks_the_reader(at, flip):
    data = bytearray(unpacked("data/resnet.onnx"))
    data[at % len(data)] ^= flip
    with contextlib.suppress(BrokenGraph):
        before_classifier(read_graph(memoryview(data)), "logits")


def test_a_file_cut_anywhere_is_recognised():
    data = unpacked("data/resnet.onnx")
    for end in range(0, len(data) - 20, 997):
        with pytest.raises(BrokenGraph):
            graph_bytes(memoryview(data)[:end])


# What is not a model


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (unpacked("data/resnet.onnx")[:20_000], "cut short"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "pointer to a model"),
        (b"<!DOCTYPE html><html>404</html>", "ONNX"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "ONNX"),
        (b"\x3a\x00", "onnxruntime cannot run it"),
    ],
)
def test_a_file_that_is_no_model_is_named_with_the_remedy(tmp_path, content, words):
    path = write(tmp_path / "vision_model.onnx", content)
    with pytest.raises(ModelError, match=words) as caught:
        Network(path)
    assert str(path) in str(caught.value) and "fetch" in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    for path in (tmp_path / "missing.onnx", tmp_path):
        with pytest.raises(ModelError, match="cannot be read"):
            Network(path)


def test_unknown_operations_are_reported_in_one_line(tmp_path):
    content = model([("Telepathy", ["pixels"], ["out"], {})], [("pixels", FLOAT, (1,))], [("out", FLOAT, (1,))])
    with pytest.raises(ModelError, match="Telepathy") as caught:
        Network(write(tmp_path / "odd.onnx", content))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([("pixels", FLOAT, ("n", 3, 8, 8)), ("ids", onnx.TensorProto.INT64, ("n", 77))], "one input, not 2"),
        ([("pixels", FLOAT, ("n", 3, 8, 16))], "not square"),
        ([("pixels", FLOAT, ("n", 4, 8, 8))], "not of three colours"),
        ([("pixels", FLOAT, ("n", 192))], "no batch of pictures"),
        ([("pixels", onnx.TensorProto.DOUBLE, ("n", 3, 8, 8))], "no batch of pictures"),
    ],
)
def test_unexpected_inputs_are_refused(tmp_path, inputs, words):
    nodes = [
        ("Cast", ["pixels"], ["values"], {"to": FLOAT}),
        ("Flatten", ["values"], ["flat"], {}),
        ("MatMul", ["flat", "w"], ["vector"], {}),
    ]
    width = int(np.prod(inputs[0][2][1:]))
    content = model(nodes, inputs, [("vector", FLOAT, ("n", 3))], w=np.ones((width, 3), np.float32))
    with pytest.raises(ModelError, match=words) as caught:
        ImageModel(write(tmp_path / "odd.onnx", content), Preprocess(8))
    assert "odd.onnx" in str(caught.value)


def test_a_network_without_one_vector_a_picture_is_refused(tmp_path):
    content = model(
        [("Identity", ["pixels"], ["same"], {})],
        [("pixels", FLOAT, ("n", 3, 8, 8))],
        [("same", FLOAT, ("n", 3, 8, 8))],
    )
    with pytest.raises(ModelError, match=r"no output with one vector .*same \?x3x8x8"):
        ImageModel(write(tmp_path / "same.onnx", content), Preprocess(8))


def test_a_network_that_fails_while_running_is_named(tmp_path):
    network = Network(write(tmp_path / "mean.onnx", means(("n", 3, 32, 32))))
    with pytest.raises(ModelError, match=r"mean\.onnx: the network failed"):
        network.run({"pixels": np.zeros((1, 3, 5, 5), np.float32)}, "mean")


# Providers


def test_the_cpu_is_used_unless_something_else_is_asked_for():
    assert provider_names() == ["CPUExecutionProvider"]
    assert provider_names("cpu") == ["CPUExecutionProvider"]


@pytest.fixture
def _with_gpu(monkeypatch):
    there = ["CUDAExecutionProvider", "AzureExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: there)


@pytest.mark.usefixtures("_with_gpu")
@pytest.mark.parametrize("asked", ["auto", "cuda", ["CUDAExecutionProvider"], ["cuda", "cpu"]])
def test_an_accelerator_comes_first_and_the_cpu_last(asked):
    assert provider_names(asked) == ["CUDAExecutionProvider", "CPUExecutionProvider"]


@pytest.mark.usefixtures("_with_gpu")
@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_provider_that_cannot_be_started_is_an_error_when_named_and_not_when_automatic(tmp_path):
    path = write(tmp_path / "mean.onnx", means(("n", 3, 32, 32)))
    with pytest.raises(ModelError, match=r"CUDAExecutionProvider|cannot run it"):
        Network(path, providers="cuda")
    assert Network(path, providers="auto").vector_output().name == "mean"


def test_a_provider_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(ModelError, match=r"no provider 'coreml'; it has cpu"):
        provider_names(["coreml"])


def test_a_session_of_a_broken_file_is_a_model_error_too(tmp_path):
    with pytest.raises(ModelError, match=r"bad\.onnx: onnxruntime cannot run it"):
        open_session(write(tmp_path / "bad.onnx", bytes(100)))
