"""Learn the bundled part of text search from captioned photographs, for learned.npz and words.txt.xz:

    python tools/learn_words.py CAPTIONED --packages DOWNLOADS [--free-only] [--out src/lookalike/models/data]

CAPTIONED holds captions.jsonl (file, captions, licence a line) and a folder `photos`. What is written are coefficients
and words; no picture and no caption can be told from them. --free-only learns from the freely licensed photographs
alone. DOWNLOADS as for tools/build_models.py. Run tools/measure_population.py afterwards.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # sums in one order, before numpy is imported

import numpy as np
from bundle import captions, odds, wordnet
from bundle.sources import COCO, IMAGENET, WORDNET, fetch, from_debian

from lookalike.models import learned
from lookalike.models.bundle import BUNDLED_FILES
from lookalike.models.lexicon import FILE as WORDS
from lookalike.models.sentences import Sentences

AXES = 192
PARTS = ("noun", "verb", "adj", "adv")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="CAPTIONED")
    parser.add_argument("--packages", type=Path, required=True, help="folder of the downloaded packages")
    parser.add_argument("--free-only", action="store_true", help="only photographs that may be used freely")
    parser.add_argument("--out", type=Path, default=BUNDLED_FILES)
    options = parser.parse_args()
    sentences = Sentences()
    with np.load(BUNDLED_FILES / "concepts.npz") as bundle:
        classes, names = bundle["classes"].astype(np.float64), [str(name) for name in bundle["names"]]
    photos = captions.read(options.folder, options.free_only)
    found = learned.learn(photos.features, [sentences.encode(texts) for texts in photos.captions], AXES)
    weights, check = odds.fit(photos, sentences, classes)
    found.save(options.out / learned.FILE)
    with np.load(options.out / learned.FILE) as kept:
        parts = dict(kept)
    with (options.out / learned.FILE).open("wb") as file:
        np.savez(file, **parts, odds=weights)

    package = fetch(WORDNET, options.packages)
    data = [from_debian(package, f"usr/share/wordnet/data.{part}").decode() for part in PARTS]
    pictured = list(dict.fromkeys([*captions.common_words(photos.captions), *_words(names)]))
    irregular = [from_debian(package, f"usr/share/wordnet/{part}.exc").decode() for part in PARTS]
    # names count where the encoder has met them often enough to keep them whole
    others = {word.lower() for word in wordnet.read_words(data) if word.islower() or sentences.has_word(word.lower())}
    others |= set(wordnet.read_irregular(irregular))
    text = "\n\n".join(["\n".join(pictured), "\n".join(sorted(others - set(pictured)))])
    (options.out / WORDS).write_bytes(lzma.compress(text.encode("ascii"), preset=9 | lzma.PRESET_EXTREME))
    record(options.out, photos, options.free_only)
    print(f"{len(photos.captions)} photographs, {len(pictured):,} and {len(others):,} words, odds {weights.round(2)}")
    print("\n".join(f"{count:8,} pairs: said {said:.3f}, seen {seen:.3f}" for count, said, seen in check))


def _words(names: list[str]) -> list[str]:
    """The words of class names, in lower case."""
    words = (word for name in names for word in name.lower().replace("-", " ").split())
    return [word for word in words if word.isascii() and word.isalpha()]


def record(out: Path, photos: captions.Captioned, free_only: bool) -> None:
    """Add the two files to provenance.json."""
    path = out / "provenance.json"
    provenance = json.loads((path if path.exists() else BUNDLED_FILES / path.name).read_text("utf-8"))
    provenance["sources"] |= {COCO.package: vars(COCO)}
    command = "tools/learn_words.py" + " --free-only" * free_only
    for name, sources in ((learned.FILE, (COCO,)), (WORDS, (COCO, WORDNET, IMAGENET))):
        content = (out / name).read_bytes()
        provenance["files"][name] = {
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
            "made_from": [source.package for source in sources],
            "made_by": f"{command}, {len(photos.captions)} photographs",
        }
    path.write_text(json.dumps(provenance, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
