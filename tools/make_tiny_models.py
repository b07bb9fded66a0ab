"""Write a tiny CLIP with random weights and a tiny ResNet-shaped classifier as ONNX files. Maintainers only.

    golden/bin/pip install onnx onnxscript onnxruntime     # beside what make_clip_golden.py needs
    golden/bin/python tools/make_tiny_models.py tests/models/data

The CLIP is open_clip's own (vision transformer, text transformer with CLIP's vocabulary), a few numbers wide, exported
by torch in the ways found in the wild: any batch with int64 tokens, a fixed batch of one with int32 tokens, float16.
vectors.json.xz holds open_clip's own vectors of some texts and pictures. Weights are rounded, to compress well.
"""

from __future__ import annotations

import argparse
import json
import lzma
import sys
import types
from pathlib import Path

import numpy as np
import PIL.Image

SIZE, WIDTH, DIMENSION = 64, 16, 12
TEXTS = ["a sunset near the sea", "a photo of a dog", "", "\U0001f600 caf\u00e9", "very " * 100 + "long"]
PICTURES = [(48, 64), (100, 64), (64, 64), (30, 200)]


def tiny_clip():
    import torch
    from open_clip.model import CLIP

    torch.manual_seed(1)
    model = CLIP(
        embed_dim=DIMENSION,
        vision_cfg={"layers": 1, "width": WIDTH, "head_width": 8, "patch_size": 16, "image_size": SIZE},
        text_cfg={"context_length": 77, "vocab_size": 49408, "width": WIDTH, "heads": 2, "layers": 1},
        quick_gelu=True,
    ).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_((torch.randn(parameter.shape) * 0.3 * 32).round() / 32)
        # Tokens share 997 rows: the file repeats itself and compresses to almost nothing.
        table = model.token_embedding.weight
        table.copy_(table[torch.arange(len(table)) % 997])
    return model


def export(part, example, names: tuple[str, str], dynamic: dict[int, str]) -> bytes:
    import io

    import torch

    out = io.BytesIO()
    torch.onnx.export(
        part,
        (example,),
        out,
        input_names=[names[0]],
        output_names=[names[1]],
        dynamic_axes={names[0]: dynamic, names[1]: {0: "batch"}} if dynamic else None,
        opset_version=17,
        dynamo=False,
    )
    return out.getvalue()


def halved(model: bytes) -> bytes:
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    return convert_float_to_float16(onnx.load_from_string(model)).SerializeToString()


def tiny_resnet() -> bytes:
    """Convolution, one residual block, pooling, flattening, a layer of 1,000 classes, softmax."""
    from onnx import TensorProto, helper, numpy_helper

    chance = np.random.default_rng(3)

    def weight(name: str, *shape: int):
        return numpy_helper.from_array((np.round(chance.normal(0, 8, shape)) / 32).astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["pixel_values", "w1"], ["c1"], strides=[4, 4]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["c2", "r1"], ["s"]),
        helper.make_node("Relu", ["s"], ["r2"]),
        helper.make_node("GlobalAveragePool", ["r2"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["features"]),
        helper.make_node("Gemm", ["features", "w3", "b3"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny_resnet",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 1000])],
        [weight("w1", 8, 3, 4, 4), weight("w2", 8, 8, 3, 3), weight("w3", 8, 1000), weight("b3", 1000)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    sys.modules["torchvision._meta_registrations"] = types.ModuleType("torchvision._meta_registrations")
    import torch
    from make_clip_golden import made_picture
    from open_clip.tokenizer import SimpleTokenizer
    from open_clip.transform import image_transform

    torch.backends.mha.set_fastpath_enabled(False)  # the fast path is one operation that ONNX does not have
    model = tiny_clip()
    ids = SimpleTokenizer()(TEXTS)
    transform = image_transform(SIZE, False)
    pictures = torch.stack([transform(PIL.Image.fromarray(made_picture(*size))) for size in PICTURES])

    class Text(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids):
            return self.model.encode_text(ids)

    with torch.no_grad():
        vectors = {
            "texts": TEXTS,
            "pictures": PICTURES,
            "text_vectors": model.encode_text(ids, normalize=True).tolist(),
            "picture_vectors": model.encode_image(pictures, normalize=True).tolist(),
        }
        vision = export(model.visual, pictures, ("pixel_values", "image_embeds"), {0: "batch"})
        files = {
            "vision_dynamic.onnx": vision,
            "vision_fp16.onnx": halved(vision),
            "vision_fixed.onnx": export(model.visual, pictures[:1], ("image", "embedding"), {}),
            "text_dynamic.onnx": export(Text(), ids, ("input_ids", "text_embeds"), {0: "batch"}),
            "text_fixed.onnx": export(Text(), ids[:1].int(), ("text", "embedding"), {}),
            "resnet.onnx": tiny_resnet(),
            "vectors.json": json.dumps(vectors).encode(),
        }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / f"{name}.xz"
        path.write_bytes(lzma.compress(content, preset=9 | lzma.PRESET_EXTREME))
        print(path.name, len(content), "->", path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
