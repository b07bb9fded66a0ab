"""What rebuilds the bundled models: it must be safe with its inputs and give the same bytes each time."""

from __future__ import annotations

import io
import pickle
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from bundle import efficientnet, minilm, reference, torch_weights, wordnet

NOUN = '02084071 05 n 03 dog 0 domestic_dog 0 Canis_familiaris 0 002 @ 02083346 n 0000 ~ 01322604 n 0000 | a member of the genus Canis; "the dog barked"  '  # noqa: E501
PARENT = "02083346 05 n 01 canine 0 001 @ 00001740 n 0000 | a fissiped mammal  "
ROOT = "00001740 03 n 01 entity 0 000 | that which is  "


class Named:
    """A stand-in for a name of torch in a pickle."""

    def __init__(self, name):
        self.name = name


def legacy(tensors, evil=None):
    """A state dict in PyTorch's legacy stream, as torch.save wrote it before 1.6."""

    class Pickler(pickle._Pickler):
        def persistent_id(self, value):
            return value if isinstance(value, tuple) and value and value[0] == "storage" else None

        def save_global(self, value, name=None):
            module, _, attribute = value.__name__.rpartition(".")
            self.write(f"c{module}\n{attribute}\n".encode())

        def save(self, value, save_persistent_id=True):
            if isinstance(value, Named):
                module, _, attribute = value.name.rpartition(".")
                self.write(f"c{module}\n{attribute}\n".encode())
            elif isinstance(value, np.ndarray):
                strides = tuple(s // value.itemsize for s in value.strides)
                key = str(id(value))
                arguments = (("storage", Named("torch.FloatStorage"), key, "cpu", value.size, None), 0, value.shape)
                self.save(Named("torch._utils._rebuild_tensor_v2"))
                self.save((*arguments, strides, False, None))
                self.write(pickle.REDUCE)
            else:
                super().save(value, save_persistent_id)

    file = io.BytesIO()
    for head in (torch_weights.MAGIC, torch_weights.PROTOCOL, {"little_endian": True}):
        pickle.dump(head, file, protocol=2)
    Pickler(file, 2).dump(dict(tensors) if evil is None else evil)
    keys = [str(id(values)) for values in tensors.values()]
    pickle.dump(keys, file, protocol=2)
    for values in tensors.values():
        file.write(struct.pack("<q", values.size) + values.astype("<f4").tobytes())
    return file.getvalue()


def test_tensors_come_out_of_a_state_dict_as_they_went_in():
    tensors = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.float32([1.5, -2])}
    read = torch_weights.read_state_dict(legacy(tensors))
    assert read.keys() == tensors.keys()
    assert all(np.array_equal(read[name], tensors[name]) for name in tensors)


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "torch.load", "collections.deque"])
def test_a_pickle_that_names_anything_else_is_refused(name):
    with pytest.raises(pickle.UnpicklingError, match=name.rpartition(".")[2]):
        torch_weights.read_state_dict(legacy({}, evil=Named(name)))


def test_a_state_dict_cut_short_is_refused():
    data = legacy({"a": np.zeros(100, np.float32)})
    with pytest.raises((ValueError, struct.error, EOFError, pickle.UnpicklingError)):
        torch_weights.read_state_dict(data[:-1])


def small_encoder():
    random = np.random.default_rng(0)
    state = {"embeddings.word_embeddings.weight": random.normal(size=(30, 384))}
    state["embeddings.position_embeddings.weight"] = random.normal(size=(16, 384))
    state["embeddings.token_type_embeddings.weight"] = random.normal(size=(2, 384))
    prefix = "encoder.layer.0."
    shapes = {f"{prefix}attention.self.{n}": (384, 384) for n in ("query", "key", "value")}
    shapes |= {f"{prefix}attention.output.dense": (384, 384)}
    shapes |= {f"{prefix}intermediate.dense": (64, 384), f"{prefix}output.dense": (384, 64)}
    for key, shape in shapes.items():
        state[f"{key}.weight"], state[f"{key}.bias"] = random.normal(0, 0.1, shape), random.normal(0, 0.1, shape[0])
    for key in ("embeddings.LayerNorm", f"{prefix}attention.output.LayerNorm", f"{prefix}output.LayerNorm"):
        state[f"{key}.weight"], state[f"{key}.bias"] = random.uniform(0.5, 1.5, 384), random.normal(size=384)
    return {name: values.astype(np.float32) for name, values in state.items()}


def test_a_text_encoder_of_any_weights_agrees_with_the_plain_one_and_is_built_alike_twice():
    import onnxruntime

    state = small_encoder()
    built = minilm.build(state, layers=1, heads=12, epsilon=1e-12)
    assert built == minilm.build(state, layers=1, heads=12, epsilon=1e-12)
    session = onnxruntime.InferenceSession(built, providers=["CPUExecutionProvider"])
    ids = [3, 7, 7, 29, 0]
    (vector,) = session.run(None, {"ids": np.array([ids], np.int64)})[0]
    assert vector @ reference.read(state, ids, 1, 12, 1e-12) > 0.99


def small_eyes():
    """EfficientNet-lite0 with random weights of the real shapes."""
    random = np.random.default_rng(0)
    state = {}

    def conv(name, norm, out, inside, kernel):
        state[f"{name}.weight"] = random.normal(0, (2 / (inside * kernel**2)) ** 0.5, (out, inside, kernel, kernel))
        state[f"{norm}.weight"], state[f"{norm}.bias"] = random.uniform(0.5, 1.5, out), random.normal(0, 0.2, out)
        state[f"{norm}.running_mean"], state[f"{norm}.running_var"] = np.zeros(out), np.ones(out)

    conv("_conv_stem", "_bn0", 32, 3, 3)
    channels, block = 32, 0
    for repeats, kernel, _, expansion, width in efficientnet.STAGES:
        for _ in range(repeats):
            prefix, middle = f"_blocks.{block}.", channels * expansion
            if expansion != 1:
                conv(prefix + "_expand_conv", prefix + "_bn0", middle, channels, 1)
            conv(prefix + "_depthwise_conv", prefix + "_bn1", middle, 1, kernel)
            conv(prefix + "_project_conv", prefix + "_bn2", width, middle, 1)
            channels, block = width, block + 1
    conv("_conv_head", "_bn1", 1280, channels, 1)
    state["_fc.weight"], state["_fc.bias"] = random.normal(0, 0.03, (1000, 1280)), random.normal(size=1000)
    return {name: values.astype(np.float32) for name, values in state.items()}


def test_an_image_network_of_any_weights_agrees_with_the_plain_one():
    import onnxruntime

    state = small_eyes()
    session = onnxruntime.InferenceSession(efficientnet.build(state), providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(1).integers(0, 256, (224, 224, 3), np.uint8)
    embed, logits, middle = session.run(["embed", "logits", "middle"], {"pixels": pixels[None]})
    plain_embed, plain_logits, plain_middle = reference.see(state, pixels)
    # weights are kept in half precision
    assert np.corrcoef(embed[0], plain_embed)[0, 1] > 0.9999
    assert np.corrcoef(logits[0], plain_logits)[0, 1] > 0.9999
    assert middle.shape == (1, 624) and np.corrcoef(middle[0], plain_middle)[0, 1] > 0.9999


def test_weights_fit_the_eight_bit_sums_of_any_processor():
    values, scale = minilm.quantise(np.random.default_rng(0).normal(size=(50, 20)), 0, minilm.WEIGHT_LIMIT)
    assert values.dtype == np.int8 and scale.shape == (1, 20)
    assert 2 * 255 * int(np.abs(values.astype(int)).max()) < 2**15


def test_nouns_have_words_glosses_and_kinds():
    nouns = wordnet.read_nouns("\n".join(["  1 This software and database", NOUN, PARENT, ROOT]))
    dog = nouns["02084071"]
    assert dog.words == ["dog", "domestic dog", "Canis familiaris"]
    assert dog.gloss == "a member of the genus Canis" and dog.parents == ["02083346"]
    assert wordnet.kinds(nouns, "02084071") == ["canine"]


def test_safetensors_are_read_by_their_offsets():
    header = b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "__metadata__": {}}'
    data = struct.pack("<Q", len(header)) + header + np.float32([1, 2]).tobytes()
    assert minilm.read_safetensors(data)["a"].tolist() == [1, 2]
    assert list(minilm.read_safetensors(data)) == ["a"]
